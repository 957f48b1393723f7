-- Whoever can write rows calls no erasure done.

-- That an erasure was read back, and that nobody else is waited for. A state in the request's row anybody can write who can write
-- rows; before the person is told, a worker looks for a row here, whose HMAC is under a key outside of this database.
CREATE TABLE completions (
  authority_id  UUID NOT NULL,
  covers        TEXT NOT NULL CHECK (covers IN ('stores','all')),   -- our own stores, or also whoever else was asked
  request_id    UUID NOT NULL,
  account_mac   BYTEA NOT NULL,
  plan_digest   BYTEA NOT NULL,
  held_anything BOOLEAN NOT NULL,         -- which letter tells the end
  completed_at  TIMESTAMPTZ NOT NULL,
  mark          BYTEA NOT NULL CHECK (length(mark) = 32),   -- over all of the above and what the letter tells
  PRIMARY KEY (authority_id, covers),
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
);

CREATE FUNCTION completions_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    RAISE EXCEPTION 'gate: a completion is never changed';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state IN ('erasing','waiting_on_recipients')
      AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest) THEN
    RAISE EXCEPTION 'gate: only what is being erased is completed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER completions_gate BEFORE INSERT OR UPDATE ON completions FOR EACH ROW EXECUTE FUNCTION completions_gate();

CREATE TRIGGER completions_leave_with_the_record BEFORE DELETE ON completions
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER completions_keep_all BEFORE TRUNCATE ON completions
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();

-- Every step was read back and nothing was left, and a row says what was completed. What is open again goes back under what
-- it was completed under before.
CREATE FUNCTION requests_gate_completed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NEW.state IN ('waiting_on_recipients','completed') AND (
      NOT EXISTS (SELECT 1 FROM completions c WHERE c.authority_id = NEW.authority_id AND c.request_id = NEW.id
        AND (c.covers = 'all' OR NEW.state = 'waiting_on_recipients'))
      OR NOT EXISTS (SELECT 1 FROM steps s WHERE s.request_id = NEW.id AND s.authority_id = NEW.authority_id)
      OR EXISTS (SELECT 1 FROM steps s WHERE s.request_id = NEW.id
        AND (s.state <> 'read_back' OR COALESCE((s.counts ->> 'residue')::BIGINT, 1) <> 0))) THEN
    RAISE EXCEPTION 'gate: what was not read back is not completed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER requests_gate_completed BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_gate_completed();
