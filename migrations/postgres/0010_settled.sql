-- Whoever can write rows writes no answer of a recipient.

CREATE FUNCTION recipients_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.request_id <> OLD.request_id OR NEW.store <> OLD.store OR NEW.token_hash <> OLD.token_hash
     OR NEW.partial <> OLD.partial THEN
    RAISE EXCEPTION 'gate: a recipient stays itself';
  END IF;
  -- A word that was taken back cannot be put back: the mark is over the number of the answer.
  IF NEW.answers < OLD.answers
     OR (NEW.answers = OLD.answers AND (NEW.state <> OLD.state OR NEW.mark IS DISTINCT FROM OLD.mark)) THEN
    RAISE EXCEPTION 'gate: an answer is never an earlier one';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER recipients_gate BEFORE UPDATE ON recipients FOR EACH ROW EXECUTE FUNCTION recipients_gate();

CREATE TRIGGER recipients_leave_with_the_record BEFORE DELETE ON recipients
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER recipients_keep_all BEFORE TRUNCATE ON recipients
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
