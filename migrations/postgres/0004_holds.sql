-- That a request was held, and that its hold was lifted. A state in the request's row anybody can write who can write rows;
-- a hold stands here until it is lifted, and both carry an HMAC under a key outside this database. Nothing of a hold
-- changes but its release.
CREATE TABLE holds (
  request_id   UUID NOT NULL REFERENCES requests (id),
  number       BIGINT NOT NULL CHECK (number >= 1),    -- 1, and one more with each hold of the request
  held_by      TEXT NOT NULL CHECK (held_by IN ('unproven_stop','operator','ledger')),
  held_at      TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  released_at  TIMESTAMPTZ,
  release_hmac BYTEA,          -- over all of the above; a worker checks it before anything begins
  PRIMARY KEY (request_id, number),
  CHECK ((released_at IS NULL) = (release_hmac IS NULL))
);

CREATE FUNCTION requests_gate_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND (OLD.state = 'on_hold' OR NEW.state = 'erasing')
     AND EXISTS (SELECT 1 FROM holds h WHERE h.request_id = OLD.id AND h.released_at IS NULL) THEN
    RAISE EXCEPTION 'gate: a hold stands';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER requests_gate_hold BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_gate_hold();

CREATE FUNCTION holds_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'released_at' - 'release_hmac' <> to_jsonb(OLD) - 'released_at' - 'release_hmac' THEN
    RAISE EXCEPTION 'gate: a hold is never changed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER holds_gate BEFORE UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION holds_gate();

CREATE TRIGGER holds_leave_with_the_record BEFORE DELETE ON holds
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER holds_keep_all BEFORE TRUNCATE ON holds
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
