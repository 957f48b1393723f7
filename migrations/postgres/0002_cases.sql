-- Letters that came in, the requests that they opened, what was asked and answered, and the letters that go out.
-- No personal data stands here in clear: addresses are HMACs under the installation key, facts are sealed blobs.

-- How far each folder was read. The cursor moves in the transaction that stores the letters.
CREATE TABLE cursors (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  uid_validity BIGINT NOT NULL,
  uid_start    BIGINT NOT NULL,          -- letters below it were there before the first run (disposition before_start)
  uid_last     BIGINT NOT NULL,          -- the highest UID that has a row in deliveries, or uid_start - 1
  polled_at    TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (mailbox, folder)
);

-- One row per letter of the mailbox (invariant 1: every UID has exactly one recorded disposition).
CREATE TABLE deliveries (
  id           UUID PRIMARY KEY,
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  uid_validity BIGINT NOT NULL,
  uid          BIGINT NOT NULL,
  received_at  TIMESTAMPTZ NOT NULL,          -- INTERNALDATE
  stored_at    TIMESTAMPTZ NOT NULL,
  size_bytes   BIGINT NOT NULL,
  content_mac  BYTEA,                   -- HMAC of the letter without its trace headers; NULL where the bytes were not fetched
  key_id       UUID,                   -- the delivery's key while it is being judged, then NULL
  disposition  TEXT NOT NULL CHECK (disposition IN ('stored','opened','joined','answer','bounce','automatic','newsletter',
                 'spam','ordinary','handed_on','stranger','too_large','vanished','duplicate','quarantined')),
  reasons      JSONB,                   -- rule names only
  request_id   UUID,
  judged_at    TIMESTAMPTZ,
  marked_at    TIMESTAMPTZ,                   -- keyword set and moved on the server
  expunged_at  TIMESTAMPTZ,                   -- our own forgetting took it out of the mailbox
  UNIQUE (mailbox, folder, uid_validity, uid)
);
CREATE INDEX deliveries_by_content ON deliveries (content_mac) WHERE content_mac IS NOT NULL;
CREATE INDEX deliveries_by_request ON deliveries (request_id) WHERE request_id IS NOT NULL;

-- The facts of a request; moved by domain::request::apply and by nothing else.
CREATE TABLE requests (
  id            UUID PRIMARY KEY,
  reference     TEXT NOT NULL UNIQUE,
  case_id       BYTEA NOT NULL UNIQUE,
  state         TEXT NOT NULL CHECK (state IN ('received','awaiting_confirmation','awaiting_approval','scheduled','erasing',
                  'waiting_on_recipients','completed','needs_review','forwarded','not_found','refused','withdrawn','expired',
                  'on_hold','reopened')),
  held_from     TEXT,
  held_by       TEXT CHECK (held_by IN ('unproven_stop','operator')),
  review_reason TEXT,
  origin        TEXT NOT NULL CHECK (origin IN ('letter','termination')),
  scope         TEXT CHECK (scope IN ('account','user','end_user','data')),
  asker_role    TEXT CHECK (asker_role IN ('owner','user','end_user')),
  offered       JSONB NOT NULL,
  approval      BOOLEAN NOT NULL,
  language      TEXT NOT NULL,
  received_at   TIMESTAMPTZ NOT NULL,
  acknowledge_due TEXT,
  base_due      TEXT NOT NULL,       -- a calendar day, ISO 8601
  legal_due     TEXT NOT NULL,
  extended      BOOLEAN NOT NULL,
  round         BIGINT NOT NULL,
  reminded      BOOLEAN NOT NULL,
  code_asked    BOOLEAN NOT NULL,
  erase_at      TIMESTAMPTZ,
  authority_id         UUID,
  authority_expires_at TIMESTAMPTZ,
  account_mac   BYTEA,
  plan_digest   BYTEA,
  asker_mac     BYTEA,                  -- HMAC of the claimed address: one open request per address and scope
  moves         BIGINT NOT NULL,
  opened_at     TIMESTAMPTZ NOT NULL,
  updated_at    TIMESTAMPTZ NOT NULL,
  ended_at      TIMESTAMPTZ,
  letters_due_at TIMESTAMPTZ,          -- its letters are to leave the mailbox
  CHECK ((state = 'on_hold') = (held_from IS NOT NULL))
);
CREATE INDEX requests_open ON requests (base_due) WHERE ended_at IS NULL;
CREATE INDEX requests_letters_due ON requests (letters_due_at) WHERE letters_due_at IS NOT NULL;
CREATE INDEX requests_by_asker ON requests (asker_mac) WHERE asker_mac IS NOT NULL;

-- What a round asked, as hashes; the address that was asked stands as an HMAC.
CREATE TABLE challenges (
  request_id   UUID NOT NULL REFERENCES requests (id),
  round        BIGINT NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  account_mac  BYTEA NOT NULL,
  token_hash   BYTEA NOT NULL UNIQUE,
  offers       JSONB NOT NULL,          -- per choice: scope, plan digest, hash of its code
  code_required BOOLEAN NOT NULL,
  address_mac  BYTEA NOT NULL,
  attempts     BIGINT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,          -- over all of it but the attempts, under the gate key
  PRIMARY KEY (request_id, round)
);
CREATE INDEX challenges_by_address ON challenges (address_mac, created_at);

-- What permits a plan. Written by verify, never changed; the HMAC is under a key outside this database.
CREATE TABLE authorities (
  id           UUID PRIMARY KEY,
  request_id   UUID NOT NULL REFERENCES requests (id),
  kind         TEXT NOT NULL CHECK (kind IN ('verified','termination','continuation')),
  method       TEXT NOT NULL,
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  issued_at    TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  UNIQUE (id, request_id, account_mac, plan_digest)
);

-- What an operator wrote down who verified a person by other means; a second operator must approve it.
CREATE TABLE evidence (
  request_id   UUID PRIMARY KEY REFERENCES requests (id),
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  proof        TEXT NOT NULL,
  note_digest  BYTEA NOT NULL,
  recorder     BYTEA NOT NULL,        -- pseudonym
  recorded_at  TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  sealed_id    UUID NOT NULL         -- the words, under the case's record key
);

-- What was found before the first write of an erasure. Written once all keys are saved.
CREATE TABLE discoveries (
  request_id   UUID NOT NULL REFERENCES requests (id),
  plan_digest  BYTEA NOT NULL,
  sealed_id    UUID NOT NULL,         -- the steps, counts and days, under the case's replay key
  PRIMARY KEY (request_id, plan_digest)
);

-- The saved keys of an erasure, sealed under the case's replay key: one blob per set of rows and chunk.
CREATE TABLE saved_keys (
  request_id   UUID NOT NULL REFERENCES requests (id),
  plan_digest  BYTEA NOT NULL,
  key_set      TEXT NOT NULL,        -- store, table and link
  chunk        BIGINT NOT NULL,
  sealed_id    UUID NOT NULL,
  PRIMARY KEY (request_id, plan_digest, key_set, chunk)
);

-- The steps of a plan in order, and what came of each. The composite key binds them to one authority, account and plan.
CREATE TABLE steps (
  request_id   UUID NOT NULL,
  sequence     BIGINT NOT NULL,
  store        TEXT NOT NULL,
  table_name   TEXT NOT NULL,
  action       TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('intended','read_back')),
  counts       JSONB,                  -- what came of it, read back
  authority_id UUID NOT NULL,
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  intended_at  TIMESTAMPTZ NOT NULL,
  read_back_at TIMESTAMPTZ,
  PRIMARY KEY (request_id, plan_digest, sequence),
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
);

-- How far the chunks of a step are: begun with the rows that were there, done with what came of them.
CREATE TABLE step_chunks (
  request_id   UUID NOT NULL,
  plan_digest  BYTEA NOT NULL,
  sequence     BIGINT NOT NULL,
  chunk        BIGINT NOT NULL,
  present      BIGINT NOT NULL,
  counts       JSONB,
  PRIMARY KEY (request_id, plan_digest, sequence, chunk),
  FOREIGN KEY (request_id, plan_digest, sequence) REFERENCES steps (request_id, plan_digest, sequence)
);

-- The letters that we write, an outbox: one of each kind per request, addressee and occasion (invariant 4).
CREATE TABLE letters (
  id           UUID PRIMARY KEY,
  request_id   UUID REFERENCES requests (id),
  kind         TEXT NOT NULL,
  audience     TEXT NOT NULL CHECK (audience IN ('asker','owner','team')),
  occasion     BIGINT NOT NULL,
  round        BIGINT NOT NULL,
  message_id   TEXT NOT NULL UNIQUE,
  state        TEXT NOT NULL CHECK (state IN ('queued','sending','sent','failed','bounced','held')),
  sends        BIGINT NOT NULL,          -- times that DATA was begun
  created_at   TIMESTAMPTZ NOT NULL,
  sent_at      TIMESTAMPTZ,
  UNIQUE (request_id, kind, audience, occasion)
);

-- The gate (DESIGN §3): whoever writes plain SQL meets it too.
CREATE FUNCTION requests_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state IN ('erasing','waiting_on_recipients','completed') THEN
    IF TG_OP = 'INSERT' THEN
      RAISE EXCEPTION 'gate: a request is not born erasing';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM authorities a WHERE a.id = NEW.authority_id AND a.request_id = NEW.id
        AND a.account_mac = NEW.account_mac AND a.plan_digest = NEW.plan_digest) THEN
      RAISE EXCEPTION 'gate: no authority is bound to this account and plan';
    END IF;
    IF (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened'))
       OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients'))
       OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed')) THEN
      RAISE EXCEPTION 'gate: this state cannot be reached from there';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER requests_gate BEFORE INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_gate();

CREATE FUNCTION steps_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.request_id <> OLD.request_id OR NEW.authority_id <> OLD.authority_id
      OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest) THEN
    RAISE EXCEPTION 'gate: a step cannot change what it is bound to';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state = 'erasing'
      AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest) THEN
    RAISE EXCEPTION 'gate: a step needs a request that is erasing under this authority and plan';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER steps_gate BEFORE INSERT OR UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION steps_gate();

CREATE FUNCTION authorities_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'gate: an authority is never changed';
END $$;
CREATE TRIGGER authorities_gate BEFORE UPDATE ON authorities FOR EACH ROW EXECUTE FUNCTION authorities_gate();
