-- Keys, what is sealed under them, and the trail. Nothing personal stands here in clear.

-- Which key-encryption key wraps the keys below: a word that tells keys apart and nothing about them.
CREATE TABLE vault (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  check_word  BLOB NOT NULL CHECK (length(check_word) = 16),
  bound_at    INTEGER NOT NULL
) STRICT;

-- The keys of deliveries and cases. A destroyed one leaves its row without its bytes: the proof that it is gone.
CREATE TABLE vault_keys (
  id            BLOB PRIMARY KEY CHECK (length(id) = 16),
  owner         BLOB NOT NULL CHECK (length(owner) = 16),   -- a delivery's id, or a case's number
  purpose       TEXT NOT NULL CHECK (purpose IN ('delivery', 'letter', 'contact', 'replay', 'record', 'kept', 'notice')),
  wrapped       BLOB,
  created_at    INTEGER NOT NULL,
  destroyed_at  INTEGER,
  CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX vault_keys_living ON vault_keys (owner, purpose) WHERE wrapped IS NOT NULL;

CREATE TRIGGER vault_keys_stay_destroyed BEFORE UPDATE ON vault_keys
WHEN OLD.destroyed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'gate: a destroyed key stays destroyed');
END;

-- Its row may be taken by no other key: not by a changed number, not by INSERT OR REPLACE, not after a DELETE.
CREATE TRIGGER vault_keys_stay_themselves BEFORE UPDATE ON vault_keys
WHEN NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.purpose <> OLD.purpose OR NEW.created_at <> OLD.created_at
BEGIN
  SELECT RAISE(ABORT, 'gate: a key stays what it is');
END;

CREATE TRIGGER vault_keys_no_replace BEFORE INSERT ON vault_keys
WHEN EXISTS (SELECT 1 FROM vault_keys k
  WHERE k.id = NEW.id OR (k.owner = NEW.owner AND k.purpose = NEW.purpose AND k.wrapped IS NOT NULL))
BEGIN
  SELECT RAISE(ABORT, 'gate: a key is made once');
END;

CREATE TRIGGER vault_keys_keep BEFORE DELETE ON vault_keys
BEGIN
  SELECT RAISE(ABORT, 'gate: a key is destroyed and its row stays');
END;

-- Personal data, each blob under one key.
CREATE TABLE sealed (
  id          BLOB PRIMARY KEY CHECK (length(id) = 16),
  key_id      BLOB NOT NULL REFERENCES vault_keys (id),
  kind        TEXT NOT NULL CHECK (kind <> ''),
  bytes       BLOB NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX sealed_of_key ON sealed (key_id, kind, id);

-- One leaf per step of a case. Written once; only its place in the log is filled in afterwards, once.
CREATE TABLE trail (
  position      INTEGER PRIMARY KEY AUTOINCREMENT,
  case_id       BLOB NOT NULL CHECK (length(case_id) = 16),
  number        INTEGER NOT NULL CHECK (number >= 1),
  event         TEXT NOT NULL CHECK (event IN (
    'letter_judged', 'letter_quarantined', 'request_opened', 'identified', 'not_found', 'challenge_made',
    'reminded', 'answer_judged', 'code_asked', 'confirmed', 'approval_asked', 'approved', 'denied',
    'authority_issued', 'scheduled', 'forwarded', 'review_asked', 'held', 'released', 'extended', 'withdrawn',
    'expired', 'refused', 'intent', 'outcome', 'step_failed', 'awaited', 'recipient_told', 'recipient_answered',
    'completed', 'reopened', 'letter_sending', 'letter_sent', 'letter_bounced', 'letters_expunging',
    'letters_expunged', 'key_destroyed', 'revealed', 'put_right', 'plan_agreed', 'noted', 'evidence_recorded',
    'evidence_approved', 'job_retried', 'mx_probing', 'mx_probed')),
  time          INTEGER NOT NULL,
  leaf          TEXT NOT NULL CHECK (length(CAST(leaf AS BLOB)) <= 8192),   -- RFC 8785
  hash          BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),             -- RFC 6962 leaf hash
  private_blob  BLOB CHECK (length(private_blob) = 16),                     -- in sealed, until the record key ends
  log_index     INTEGER UNIQUE CHECK (log_index >= 0),
  UNIQUE (case_id, number)
) STRICT;

CREATE INDEX trail_unsequenced ON trail (position) WHERE log_index IS NULL;

CREATE TRIGGER trail_set_index_once BEFORE UPDATE ON trail
WHEN NOT (
  OLD.log_index IS NULL AND NEW.log_index IS NOT NULL
  AND NEW.position = OLD.position AND NEW.case_id = OLD.case_id AND NEW.number = OLD.number
  AND NEW.event = OLD.event AND NEW.time = OLD.time AND NEW.leaf = OLD.leaf AND NEW.hash = OLD.hash
  AND NEW.private_blob IS OLD.private_blob)
  -- UPDATE OR REPLACE would delete the leaf that has this place, without firing the trigger below.
  OR EXISTS (SELECT 1 FROM trail WHERE log_index = NEW.log_index)
BEGIN
  SELECT RAISE(ABORT, 'gate: the trail is written once');
END;

CREATE TRIGGER trail_keep BEFORE DELETE ON trail
BEGIN
  SELECT RAISE(ABORT, 'gate: the trail is written once');
END;

-- INSERT OR REPLACE would delete without firing the trigger above.
CREATE TRIGGER trail_no_replace BEFORE INSERT ON trail
WHEN NEW.log_index IS NOT NULL OR EXISTS (
  SELECT 1 FROM trail
  WHERE (case_id = NEW.case_id AND number = NEW.number) OR hash = NEW.hash OR position = NEW.position)
BEGIN
  SELECT RAISE(ABORT, 'gate: the trail is written once');
END;

-- The rows of a case that permit or prove something leave with its record, when that key was destroyed by its term.
CREATE TRIGGER requests_leave_with_the_record BEFORE DELETE ON requests
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

CREATE TRIGGER authorities_leave_with_the_record BEFORE DELETE ON authorities
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

CREATE TRIGGER beginnings_leave_with_the_record BEFORE DELETE ON beginnings
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

CREATE TRIGGER steps_leave_with_the_record BEFORE DELETE ON steps
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

-- That this database may have come back from a backup. While one is not accepted nothing is erased, and nothing sent but alarms.
CREATE TABLE ledger_doubts (
  id           BLOB PRIMARY KEY CHECK (length(id) = 16),
  cause        TEXT NOT NULL CHECK (cause IN ('watermark','canary')),
  store        TEXT,                      -- whose canary
  epoch        INTEGER,                   -- what stands in it
  leaf_position INTEGER,                  -- the leaf that a watermark names and the trail lacks: an accepted one is no doubt again
  leaf_hash    BLOB CHECK (length(leaf_hash) = 32),
  noticed_at   INTEGER NOT NULL,  -- the database's own time, as is the next
  accepted_at  INTEGER,
  CHECK ((leaf_position IS NULL) = (leaf_hash IS NULL))
) STRICT;
