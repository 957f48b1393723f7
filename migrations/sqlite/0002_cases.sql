-- Letters that came in, the requests that they opened, what was asked and answered, and the letters that go out.
-- No personal data stands here in clear: addresses are HMACs under the installation key, facts are sealed blobs.

-- How far each folder was read. The cursor moves in the transaction that stores the letters.
CREATE TABLE cursors (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid_start    INTEGER NOT NULL,          -- letters below it were there before the first run (disposition before_start)
  uid_last     INTEGER NOT NULL,          -- the highest UID that has a row in deliveries, or uid_start - 1
  polled_at    INTEGER NOT NULL,
  PRIMARY KEY (mailbox, folder)
) STRICT;

-- One row per letter of the mailbox (invariant 1: every UID has exactly one recorded disposition).
CREATE TABLE deliveries (
  id           BLOB PRIMARY KEY,
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  received_at  INTEGER NOT NULL,          -- INTERNALDATE
  stored_at    INTEGER NOT NULL,
  size_bytes   INTEGER NOT NULL,
  content_mac  BLOB,                   -- HMAC of the letter without its trace headers; NULL where the bytes were not fetched
  key_id       BLOB,                   -- the delivery's key while it is being judged, then NULL
  disposition  TEXT NOT NULL CHECK (disposition IN ('stored','opened','joined','answer','bounce','automatic','newsletter',
                 'spam','ordinary','handed_on','stranger','too_large','vanished','duplicate','quarantined')),
  reasons      TEXT,                   -- rule names only
  request_id   BLOB,
  judged_at    INTEGER,
  marked_at    INTEGER,                   -- keyword set and moved on the server
  expunged_at  INTEGER,                   -- our own forgetting took it out of the mailbox
  UNIQUE (mailbox, folder, uid_validity, uid)
) STRICT;
CREATE INDEX deliveries_by_content ON deliveries (content_mac) WHERE content_mac IS NOT NULL;
CREATE INDEX deliveries_by_request ON deliveries (request_id) WHERE request_id IS NOT NULL;

-- The facts of a request; moved by domain::request::apply and by nothing else.
CREATE TABLE requests (
  id            BLOB PRIMARY KEY,
  reference     TEXT NOT NULL UNIQUE,
  case_id       BLOB NOT NULL UNIQUE,
  state         TEXT NOT NULL CHECK (state IN ('received','awaiting_confirmation','awaiting_approval','scheduled','erasing',
                  'waiting_on_recipients','completed','needs_review','forwarded','not_found','refused','withdrawn','expired',
                  'on_hold','reopened')),
  held_from     TEXT,
  held_by       TEXT CHECK (held_by IN ('unproven_stop','operator')),
  review_reason TEXT,
  origin        TEXT NOT NULL CHECK (origin IN ('letter','termination')),
  scope         TEXT CHECK (scope IN ('account','user','end_user','data')),
  asker_role    TEXT CHECK (asker_role IN ('owner','user','end_user')),
  offered       TEXT NOT NULL,
  approval      INTEGER NOT NULL,
  language      TEXT NOT NULL,
  received_at   INTEGER NOT NULL,
  acknowledge_due TEXT,
  base_due      TEXT NOT NULL,       -- a calendar day, ISO 8601
  legal_due     TEXT NOT NULL,
  extended      INTEGER NOT NULL,
  round         INTEGER NOT NULL,
  reminded      INTEGER NOT NULL,
  code_asked    INTEGER NOT NULL,
  erase_at      INTEGER,
  authority_id         BLOB,
  authority_expires_at INTEGER,
  account_mac   BLOB,
  plan_digest   BLOB,
  asker_mac     BLOB,                  -- HMAC of the claimed address: one open request per address and scope
  moves         INTEGER NOT NULL,
  opened_at     INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  ended_at      INTEGER,
  letters_due_at INTEGER,          -- its letters are to leave the mailbox
  CHECK ((state = 'on_hold') = (held_from IS NOT NULL))
) STRICT;
CREATE INDEX requests_open ON requests (base_due) WHERE ended_at IS NULL;
CREATE INDEX requests_letters_due ON requests (letters_due_at) WHERE letters_due_at IS NOT NULL;
CREATE INDEX requests_by_asker ON requests (asker_mac) WHERE asker_mac IS NOT NULL;

-- What a round asked, as hashes; the address that was asked stands as an HMAC.
CREATE TABLE challenges (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  round        INTEGER NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  account_mac  BLOB NOT NULL,
  token_hash   BLOB NOT NULL UNIQUE,
  offers       TEXT NOT NULL,          -- per choice: scope, plan digest, hash of its code
  code_required INTEGER NOT NULL,
  address_mac  BLOB NOT NULL,
  attempts     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  hmac         BLOB NOT NULL,          -- over all of it but the attempts, under the gate key
  PRIMARY KEY (request_id, round)
) STRICT;
CREATE INDEX challenges_by_address ON challenges (address_mac, created_at);

-- What permits a plan. Written by verify, never changed; the HMAC is under a key outside this database.
CREATE TABLE authorities (
  id           BLOB PRIMARY KEY,
  request_id   BLOB NOT NULL REFERENCES requests (id),
  kind         TEXT NOT NULL CHECK (kind IN ('verified','termination','continuation')),
  method       TEXT NOT NULL,
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  issued_at    INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  UNIQUE (id, request_id, account_mac, plan_digest)
) STRICT;

-- What an operator wrote down who verified a person by other means; a second operator must approve it.
CREATE TABLE evidence (
  request_id   BLOB PRIMARY KEY REFERENCES requests (id),
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  proof        TEXT NOT NULL,
  note_digest  BLOB NOT NULL,
  recorder     BLOB NOT NULL,        -- pseudonym
  recorded_at  INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  sealed_id    BLOB NOT NULL         -- the words, under the case's record key
) STRICT;

-- What was found before the first write of an erasure. Written once all keys are saved.
CREATE TABLE discoveries (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  plan_digest  BLOB NOT NULL,
  sealed_id    BLOB NOT NULL,         -- the steps, counts and days, under the case's replay key
  PRIMARY KEY (request_id, plan_digest)
) STRICT;

-- The saved keys of an erasure, sealed under the case's replay key: one blob per set of rows and chunk.
CREATE TABLE saved_keys (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  plan_digest  BLOB NOT NULL,
  key_set      TEXT NOT NULL,        -- store, table and link
  chunk        INTEGER NOT NULL,
  sealed_id    BLOB NOT NULL,
  PRIMARY KEY (request_id, plan_digest, key_set, chunk)
) STRICT;

-- The steps of a plan in order, and what came of each. The composite key binds them to one authority, account and plan.
CREATE TABLE steps (
  request_id   BLOB NOT NULL,
  sequence     INTEGER NOT NULL,
  store        TEXT NOT NULL,
  table_name   TEXT NOT NULL,
  action       TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('intended','read_back')),
  counts       TEXT,                  -- what came of it, read back
  authority_id BLOB NOT NULL,
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  intended_at  INTEGER NOT NULL,
  read_back_at INTEGER,
  PRIMARY KEY (request_id, plan_digest, sequence),
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
) STRICT;

-- How far the chunks of a step are: begun with the rows that were there, done with what came of them.
CREATE TABLE step_chunks (
  request_id   BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  sequence     INTEGER NOT NULL,
  chunk        INTEGER NOT NULL,
  present      INTEGER NOT NULL,
  counts       TEXT,
  PRIMARY KEY (request_id, plan_digest, sequence, chunk),
  FOREIGN KEY (request_id, plan_digest, sequence) REFERENCES steps (request_id, plan_digest, sequence)
) STRICT;

-- The letters that we write, an outbox: one of each kind per request, addressee and occasion (invariant 4).
CREATE TABLE letters (
  id           BLOB PRIMARY KEY,
  request_id   BLOB REFERENCES requests (id),
  kind         TEXT NOT NULL,
  audience     TEXT NOT NULL CHECK (audience IN ('asker','owner','team')),
  occasion     INTEGER NOT NULL,
  round        INTEGER NOT NULL,
  message_id   TEXT NOT NULL UNIQUE,
  state        TEXT NOT NULL CHECK (state IN ('queued','sending','sent','failed','bounced','held')),
  sends        INTEGER NOT NULL,          -- times that DATA was begun
  created_at   INTEGER NOT NULL,
  sent_at      INTEGER,
  UNIQUE (request_id, kind, audience, occasion)
) STRICT;

-- The gate (DESIGN §3): whoever writes plain SQL meets it too.
CREATE TRIGGER requests_gate_insert BEFORE INSERT ON requests
WHEN NEW.state IN ('erasing','waiting_on_recipients','completed')
BEGIN SELECT RAISE(ABORT, 'gate: a request is not born erasing'); END;

CREATE TRIGGER requests_gate_update BEFORE UPDATE ON requests
WHEN NEW.state IN ('erasing','waiting_on_recipients','completed') AND NOT EXISTS (
  SELECT 1 FROM authorities a WHERE a.id = NEW.authority_id AND a.request_id = NEW.id
    AND a.account_mac = NEW.account_mac AND a.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: no authority is bound to this account and plan'); END;

CREATE TRIGGER requests_gate_order BEFORE UPDATE ON requests
WHEN (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened'))
  OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients'))
  OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed'))
BEGIN SELECT RAISE(ABORT, 'gate: this state cannot be reached from there'); END;

CREATE TRIGGER steps_gate_insert BEFORE INSERT ON steps
WHEN NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state = 'erasing'
  AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: a step needs a request that is erasing under this authority and plan'); END;

CREATE TRIGGER steps_gate_update BEFORE UPDATE ON steps
WHEN NEW.request_id <> OLD.request_id OR NEW.authority_id <> OLD.authority_id
  OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest
  OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state = 'erasing'
    AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: a step cannot change what it is bound to'); END;

CREATE TRIGGER authorities_gate_update BEFORE UPDATE ON authorities
BEGIN SELECT RAISE(ABORT, 'gate: an authority is never changed'); END;
