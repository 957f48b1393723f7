-- Whoever can write rows calls no erasure done.

-- That an erasure was read back, and that nobody else is waited for. A state in the request's row anybody can write who can write
-- rows; before the person is told, a worker looks for a row here, whose HMAC is under a key outside of this database.
CREATE TABLE completions (
  authority_id  BLOB NOT NULL,
  covers        TEXT NOT NULL CHECK (covers IN ('stores','all')),   -- our own stores, or also whoever else was asked
  request_id    BLOB NOT NULL,
  account_mac   BLOB NOT NULL,
  plan_digest   BLOB NOT NULL,
  held_anything INTEGER NOT NULL,         -- which letter tells the end
  completed_at  INTEGER NOT NULL,
  mark          BLOB NOT NULL CHECK (length(mark) = 32),   -- over all of the above and what the letter tells
  PRIMARY KEY (authority_id, covers),
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER completions_gate_insert BEFORE INSERT ON completions
WHEN NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state IN ('erasing','waiting_on_recipients')
  AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: only what is being erased is completed'); END;

CREATE TRIGGER completions_gate_replace BEFORE INSERT ON completions
WHEN EXISTS (SELECT 1 FROM completions c WHERE c.authority_id = NEW.authority_id AND c.covers = NEW.covers)
BEGIN SELECT RAISE(ABORT, 'gate: an erasure is completed once'); END;

CREATE TRIGGER completions_gate_update BEFORE UPDATE ON completions
BEGIN SELECT RAISE(ABORT, 'gate: a completion is never changed'); END;

CREATE TRIGGER completions_leave_with_the_record BEFORE DELETE ON completions
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

-- Every step was read back and nothing was left, and a row says what was completed. What is open again goes back under what
-- it was completed under before.
CREATE TRIGGER requests_gate_completed BEFORE UPDATE ON requests
WHEN NEW.state <> OLD.state AND NEW.state IN ('waiting_on_recipients','completed') AND (
  NOT EXISTS (SELECT 1 FROM completions c WHERE c.authority_id = NEW.authority_id AND c.request_id = NEW.id
    AND (c.covers = 'all' OR NEW.state = 'waiting_on_recipients'))
  OR NOT EXISTS (SELECT 1 FROM steps s WHERE s.request_id = NEW.id AND s.authority_id = NEW.authority_id)
  OR EXISTS (SELECT 1 FROM steps s WHERE s.request_id = NEW.id
    AND (s.state <> 'read_back' OR COALESCE(json_extract(s.counts, '$.residue'), 1) <> 0)))
BEGIN SELECT RAISE(ABORT, 'gate: what was not read back is not completed'); END;
