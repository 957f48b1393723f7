-- That a request was held, and that its hold was lifted. A state in the request's row anybody can write who can write rows;
-- a hold stands here until it is lifted, and both carry an HMAC under a key outside this database. Nothing of a hold
-- changes but its release.
CREATE TABLE holds (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  number       INTEGER NOT NULL CHECK (number >= 1),    -- 1, and one more with each hold of the request
  held_by      TEXT NOT NULL CHECK (held_by IN ('unproven_stop','operator','ledger')),
  held_at      INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  released_at  INTEGER,
  release_hmac BLOB,          -- over all of the above; a worker checks it before anything begins
  PRIMARY KEY (request_id, number),
  CHECK ((released_at IS NULL) = (release_hmac IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER requests_gate_hold BEFORE UPDATE ON requests
WHEN NEW.state <> OLD.state AND (OLD.state = 'on_hold' OR NEW.state = 'erasing')
  AND EXISTS (SELECT 1 FROM holds h WHERE h.request_id = OLD.id AND h.released_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'gate: a hold stands'); END;

CREATE TRIGGER holds_gate_update BEFORE UPDATE ON holds
WHEN NEW.request_id <> OLD.request_id OR NEW.number <> OLD.number OR NEW.held_by <> OLD.held_by
  OR NEW.held_at <> OLD.held_at OR NEW.hmac <> OLD.hmac
BEGIN SELECT RAISE(ABORT, 'gate: a hold is never changed'); END;

CREATE TRIGGER holds_gate_replace BEFORE INSERT ON holds
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.request_id = NEW.request_id AND h.number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'gate: a hold is placed once'); END;

CREATE TRIGGER holds_leave_with_the_record BEFORE DELETE ON holds
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;
