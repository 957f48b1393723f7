-- Keys, what is sealed under them, and the trail. Nothing personal stands here in clear.

-- Which key-encryption key wraps the keys below: a word that tells keys apart and nothing about them.
CREATE TABLE vault (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  check_word  BYTEA NOT NULL CHECK (octet_length(check_word) = 16),
  bound_at    TIMESTAMPTZ NOT NULL
);

-- The keys of deliveries and cases. A destroyed one leaves its row without its bytes: the proof that it is gone.
CREATE TABLE vault_keys (
  id            UUID PRIMARY KEY,
  owner         BYTEA NOT NULL CHECK (octet_length(owner) = 16),   -- a delivery's id, or a case's number
  purpose       TEXT NOT NULL CHECK (purpose IN ('delivery', 'letter', 'contact', 'replay', 'record', 'kept', 'notice')),
  wrapped       BYTEA,
  created_at    TIMESTAMPTZ NOT NULL,
  destroyed_at  TIMESTAMPTZ,
  CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) WITH (
  -- What is destroyed must not live on as an old row version: clean up after a single row.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1
);

CREATE UNIQUE INDEX vault_keys_living ON vault_keys (owner, purpose) WHERE wrapped IS NOT NULL;

CREATE FUNCTION vault_keys_stay_destroyed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION 'gate: a key is destroyed and its row stays';
  END IF;
  IF NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.purpose <> OLD.purpose OR NEW.created_at <> OLD.created_at THEN
    RAISE EXCEPTION 'gate: a key stays what it is';
  END IF;
  IF OLD.destroyed_at IS NOT NULL THEN
    RAISE EXCEPTION 'gate: a destroyed key stays destroyed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER vault_keys_stay_destroyed BEFORE UPDATE OR DELETE ON vault_keys
  FOR EACH ROW EXECUTE FUNCTION vault_keys_stay_destroyed();
CREATE TRIGGER vault_keys_keep_all BEFORE TRUNCATE ON vault_keys
  FOR EACH STATEMENT EXECUTE FUNCTION vault_keys_stay_destroyed();

-- Personal data, each blob under one key.
CREATE TABLE sealed (
  id          UUID PRIMARY KEY,
  key_id      UUID NOT NULL REFERENCES vault_keys (id),
  kind        TEXT NOT NULL CHECK (kind <> ''),
  bytes       BYTEA NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1
);
-- Ciphertext does not compress.
ALTER TABLE sealed ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE INDEX sealed_of_key ON sealed (key_id, kind, id);

-- One leaf per step of a case. Written once; only its place in the log is filled in afterwards, once.
CREATE TABLE trail (
  position      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id       BYTEA NOT NULL CHECK (octet_length(case_id) = 16),
  number        BIGINT NOT NULL CHECK (number >= 1),
  event         TEXT NOT NULL CHECK (event IN (
    'letter_judged', 'letter_quarantined', 'request_opened', 'identified', 'not_found', 'challenge_made',
    'reminded', 'answer_judged', 'code_asked', 'confirmed', 'approval_asked', 'approved', 'denied',
    'authority_issued', 'scheduled', 'forwarded', 'review_asked', 'held', 'released', 'extended', 'withdrawn',
    'expired', 'refused', 'intent', 'outcome', 'step_failed', 'awaited', 'recipient_told', 'recipient_answered',
    'completed', 'reopened', 'letter_sending', 'letter_sent', 'letter_bounced', 'letters_expunging',
    'letters_expunged', 'key_destroyed', 'revealed', 'put_right', 'plan_agreed', 'noted', 'evidence_recorded',
    'evidence_approved', 'job_retried', 'mx_probing', 'mx_probed')),
  time          TIMESTAMPTZ NOT NULL,
  leaf          TEXT NOT NULL CHECK (octet_length(leaf) <= 8192),           -- RFC 8785
  hash          BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),      -- RFC 6962 leaf hash
  private_blob  UUID,                                                       -- in sealed, until the record key ends
  log_index     BIGINT UNIQUE CHECK (log_index >= 0),
  UNIQUE (case_id, number)
);

CREATE INDEX trail_unsequenced ON trail (position) WHERE log_index IS NULL;

CREATE FUNCTION trail_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.log_index IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.log_index IS NULL AND NEW.log_index IS NOT NULL
     AND to_jsonb(NEW) - 'log_index' = to_jsonb(OLD) - 'log_index' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'gate: the trail is written once';
END $$;
CREATE TRIGGER trail_keep BEFORE INSERT OR UPDATE OR DELETE ON trail FOR EACH ROW EXECUTE FUNCTION trail_keep();
CREATE TRIGGER trail_keep_all BEFORE TRUNCATE ON trail FOR EACH STATEMENT EXECUTE FUNCTION trail_keep();

-- The rows of a case that permit or prove something leave with its record, when that key was destroyed by its term.
CREATE FUNCTION leaves_with_the_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  request UUID;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION 'gate: it leaves with the record of its case';
  END IF;
  request := CASE WHEN TG_TABLE_NAME = 'requests' THEN to_jsonb(OLD) ->> 'id' ELSE to_jsonb(OLD) ->> 'request_id' END;
  IF NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
      WHERE r.id = request GROUP BY r.id HAVING COUNT(k.wrapped) = 0) THEN
    RAISE EXCEPTION 'gate: it leaves with the record of its case';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER requests_leave_with_the_record BEFORE DELETE ON requests
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER requests_keep_all BEFORE TRUNCATE ON requests
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER authorities_leave_with_the_record BEFORE DELETE ON authorities
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER authorities_keep_all BEFORE TRUNCATE ON authorities
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER beginnings_leave_with_the_record BEFORE DELETE ON beginnings
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER beginnings_keep_all BEFORE TRUNCATE ON beginnings
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER steps_leave_with_the_record BEFORE DELETE ON steps
  FOR EACH ROW EXECUTE FUNCTION leaves_with_the_record();
CREATE TRIGGER steps_keep_all BEFORE TRUNCATE ON steps
  FOR EACH STATEMENT EXECUTE FUNCTION leaves_with_the_record();

-- That this database may have come back from a backup. While one is not accepted nothing is erased, and nothing sent but alarms.
CREATE TABLE ledger_doubts (
  id           UUID PRIMARY KEY,
  cause        TEXT NOT NULL CHECK (cause IN ('watermark','canary')),
  store        TEXT,                      -- whose canary
  epoch        TIMESTAMPTZ,               -- what stands in it
  leaf_position BIGINT,                   -- the leaf that a watermark names and the trail lacks: an accepted one is no doubt again
  leaf_hash    BYTEA CHECK (length(leaf_hash) = 32),
  noticed_at   TIMESTAMPTZ NOT NULL,  -- the database's own time, as is the next
  accepted_at  TIMESTAMPTZ,
  CHECK ((leaf_position IS NULL) = (leaf_hash IS NULL))
);
