-- Whoever can write rows writes no answer of a recipient.

-- HMAC over request, recipient, state and time under a key outside of this database: what plain SQL calls settled is not.
ALTER TABLE recipients ADD COLUMN mark BYTEA CHECK (length(mark) = 32);

CREATE FUNCTION recipients_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.request_id <> OLD.request_id OR NEW.store <> OLD.store OR NEW.token_hash <> OLD.token_hash THEN
    RAISE EXCEPTION 'gate: a recipient stays itself';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER recipients_gate BEFORE UPDATE ON recipients FOR EACH ROW EXECUTE FUNCTION recipients_gate();

CREATE TRIGGER recipients_leave_with_the_record BEFORE DELETE ON recipients
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER recipients_keep_all BEFORE TRUNCATE ON recipients
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
