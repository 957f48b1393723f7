-- Letters that came in, the requests that they opened, what was asked and answered, and the letters that go out.
-- No personal data stands here in clear: addresses are HMACs under the installation key, facts are sealed blobs.

-- How far each folder was read. The cursor moves in the transaction that stores the letters.
CREATE TABLE cursors (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    BIGINT NOT NULL,          -- 1, and one more whenever the folder's UIDs began to mean other letters
  uid_validity BIGINT NOT NULL,
  uid_start    BIGINT NOT NULL,          -- the first UID that is read; those below have the disposition before_start
  uid_last     BIGINT NOT NULL,          -- every UID of this numbering up to it has its disposition
  old_last     BIGINT NOT NULL,          -- UIDs up to it were there when this numbering was first seen
  started_at   TIMESTAMPTZ,                -- the first run: letters up to old_last that came earlier are not judged; NULL: all are
  PRIMARY KEY (mailbox, folder)
);

-- When a mailbox was last read to its end, whichever daemon did it, so that silence is noticed across restarts.
CREATE TABLE polls (
  mailbox      TEXT PRIMARY KEY,
  watched_at   TIMESTAMPTZ NOT NULL,          -- when a daemon first tried
  polled_at    TIMESTAMPTZ,                -- NULL before the first success
  alarmed_at   TIMESTAMPTZ                 -- when the team was told of the silence that lasts; NULL while there is none
);

-- UIDs that have no letter of their own below (invariant 1): what was there before the first run, and what was gone
-- before we looked. One row per run of UIDs.
CREATE TABLE uid_ranges (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    BIGINT NOT NULL,
  uid_first    BIGINT NOT NULL,
  uid_last     BIGINT NOT NULL,
  disposition  TEXT NOT NULL CHECK (disposition IN ('before_start','vanished')),
  noted_at     TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (mailbox, folder, numbering, uid_first),
  CHECK (uid_first <= uid_last)
);

-- One row per letter of the mailbox (invariant 1: every UID has exactly one recorded disposition).
CREATE TABLE deliveries (
  id           UUID PRIMARY KEY,
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    BIGINT NOT NULL,          -- of the cursor: rows of an earlier one name no letter of the folder any more
  uid_validity BIGINT NOT NULL,
  uid          BIGINT NOT NULL,
  received_at  TIMESTAMPTZ NOT NULL,          -- INTERNALDATE
  stored_at    TIMESTAMPTZ NOT NULL,
  size_bytes   BIGINT NOT NULL,
  content_mac  BYTEA,                   -- HMAC of the letter without its trace headers; NULL where the bytes were not fetched
  key_id       UUID,                   -- the delivery's key while it is being judged, then NULL
  disposition  TEXT NOT NULL CHECK (disposition IN ('stored','opened','joined','answer','bounce','automatic','newsletter',
                 'spam','ordinary','probe','handed_on','too_large','unreadable','vanished','duplicate','quarantined')),
  reasons      JSONB,                   -- rule names only
  request_id   UUID,
  judged_at    TIMESTAMPTZ,
  marked_at    TIMESTAMPTZ,                   -- keyword set on the server
  moved_to     TEXT,                   -- the folder that it was moved to; NULL where it stayed
  expunged_at  TIMESTAMPTZ,                   -- our own forgetting took it out of the mailbox
  parked_at    TIMESTAMPTZ,        -- its judging waits for the directory, and lets others go first
  UNIQUE (mailbox, folder, numbering, uid)
);
CREATE INDEX deliveries_by_content ON deliveries (content_mac) WHERE content_mac IS NOT NULL;
CREATE INDEX deliveries_by_request ON deliveries (request_id) WHERE request_id IS NOT NULL;
-- What is stored and not judged, in the order in which it is heard.
CREATE INDEX deliveries_unheard ON deliveries (mailbox, received_at, numbering, uid) WHERE disposition = 'stored' AND parked_at IS NULL;
CREATE INDEX deliveries_unjudged ON deliveries (received_at) WHERE disposition = 'stored';
-- What belongs to no request loses its digest after a while; few rows still have one.
CREATE INDEX deliveries_to_forget ON deliveries (judged_at) WHERE request_id IS NULL AND content_mac IS NOT NULL;

-- The facts of a request; moved by domain::request::apply and by nothing else.
CREATE TABLE requests (
  id            UUID PRIMARY KEY,
  reference     TEXT NOT NULL UNIQUE,
  case_id       BYTEA NOT NULL UNIQUE,
  state         TEXT NOT NULL CHECK (state IN ('received','awaiting_confirmation','awaiting_approval','scheduled','erasing',
                  'waiting_on_recipients','completed','needs_review','forwarded','not_found','refused','withdrawn','expired',
                  'on_hold','reopened')),
  held_from     TEXT CHECK (held_from IN ('received','awaiting_confirmation','awaiting_approval','scheduled','erasing',
                  'waiting_on_recipients','completed','needs_review','forwarded','not_found','refused','withdrawn','expired',
                  'on_hold','reopened')),
  held_by       TEXT CHECK (held_by IN ('unproven_stop','operator','ledger')),
  review_reason TEXT CHECK (review_reason IN ('unclear_letter','too_large','poison','several_accounts','unclear_target',
                  'policy','no_address_on_file','too_many_attempts','owner_silent','hold_lapsed','end_unsteady','facts_changed',
                  'plan_drifted','authority_expired','challenge_bounced','not_told','other_right','changed_lately','asked_often',
                  'many_addresses','limited','attached_only','suspected','map_defects','category_unknown','too_many_rows','retention_unclear','kept_stuck','subject_missing','store_failed','ledger_back')),
  origin        TEXT NOT NULL CHECK (origin IN ('letter','termination','retention')),
  scope         TEXT CHECK (scope IN ('account','user','end_user','data')),
  asker_role    TEXT CHECK (asker_role IN ('owner','user','end_user')),
  offered       JSONB NOT NULL,
  approval      BOOLEAN NOT NULL,
  reachable     BOOLEAN NOT NULL,      -- whether the asker has an address on file that can be written to
  language      TEXT NOT NULL,
  -- The language of the letter that opened it: more are understood than written.
  spoken        TEXT,
  received_at   TIMESTAMPTZ NOT NULL,
  acknowledge_due TEXT,
  base_due      TEXT NOT NULL,       -- a calendar day, ISO 8601
  legal_due     TEXT NOT NULL,
  extended      BOOLEAN NOT NULL,
  round         BIGINT NOT NULL,
  reminded      BOOLEAN NOT NULL,
  code_asked    BOOLEAN NOT NULL,
  due_told      BOOLEAN NOT NULL,      -- whether the team was told that the due date comes near
  erased        BOOLEAN NOT NULL DEFAULT FALSE,      -- whether rows were erased for it: its saved keys live as long as the backups
  erase_at      TIMESTAMPTZ,
  authority_id         UUID,
  authority_expires_at TIMESTAMPTZ,
  account_mac   BYTEA,
  plan_digest   BYTEA,
  asker_mac     BYTEA,                  -- HMAC of the claimed address
  contact_mac   BYTEA,                  -- HMAC of the address on file, once it is known
  owner_mac     BYTEA,                  -- HMAC of the owner's address on file, who may stop it
  wish_mac      BYTEA UNIQUE,           -- HMAC of who asks for what about whom, while it is open: the same wish opens once
  moves         BIGINT NOT NULL,
  opened_at     TIMESTAMPTZ NOT NULL,
  updated_at    TIMESTAMPTZ NOT NULL,
  ended_at      TIMESTAMPTZ,
  letters_due_at TIMESTAMPTZ,          -- from when on its letters are to leave the mailbox
  letters_failures BIGINT NOT NULL DEFAULT 0,   -- how often in a row they could not be expunged
  CHECK ((state = 'on_hold') = (held_from IS NOT NULL))
);
CREATE INDEX requests_open ON requests (legal_due, opened_at, id) WHERE ended_at IS NULL;   -- what is due next first
CREATE INDEX requests_letters_due ON requests (letters_due_at) WHERE letters_due_at IS NOT NULL;
CREATE INDEX requests_by_asker ON requests (asker_mac) WHERE asker_mac IS NOT NULL;
CREATE INDEX requests_by_contact ON requests (contact_mac) WHERE contact_mac IS NOT NULL;
CREATE INDEX requests_by_owner ON requests (owner_mac) WHERE owner_mac IS NOT NULL;

-- The requests that a letter belongs to beside that of its row: each address that it names as its writer's has one of its own. It
-- leaves the mailbox with the last of them.
CREATE TABLE shared_letters (
  delivery_id  UUID NOT NULL REFERENCES deliveries (id),
  request_id   UUID NOT NULL REFERENCES requests (id),
  PRIMARY KEY (delivery_id, request_id)
);
CREATE INDEX shared_letters_by_request ON shared_letters (request_id);

-- What a round asked, as hashes; the address that was asked stands as an HMAC.
CREATE TABLE challenges (
  request_id   UUID NOT NULL REFERENCES requests (id),
  round        BIGINT NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  account_mac  BYTEA NOT NULL,
  token_hash   BYTEA NOT NULL UNIQUE,
  page_hash    BYTEA NOT NULL UNIQUE,   -- of the token of the page on which it can be answered
  offers       JSONB NOT NULL,          -- per choice: scope, plan digest, hash of its code
  code_required BOOLEAN NOT NULL,
  grace_days   BIGINT NOT NULL CHECK (grace_days >= 0),  -- what the letter says is waited after the answer
  address_mac  BYTEA NOT NULL,
  attempts     BIGINT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,          -- over all of it but the attempts, under the gate key
  PRIMARY KEY (request_id, round)
);
CREATE INDEX challenges_by_address ON challenges (address_mac, created_at);

-- What permits a plan. Written by verify; the HMAC is under a key outside this database. Nothing of it changes but
-- that it ends: when its request ends, or goes another way.
CREATE TABLE authorities (
  id           UUID PRIMARY KEY,
  request_id   UUID NOT NULL REFERENCES requests (id),
  kind         TEXT NOT NULL CHECK (kind IN ('verified','termination','continuation')),
  method       TEXT NOT NULL CHECK (method IN ('reply','code','page','owner_approval','operators','service_ended','completed_plan','keeping_ended')),
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  issued_at    TIMESTAMPTZ NOT NULL,
  expires_at   TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  ended_at     TIMESTAMPTZ,
  UNIQUE (id, request_id, account_mac, plan_digest)
);

-- That an authority's grace period was over and what was proven still true, when its request began to be erased. A
-- worker erases under nothing else; the HMAC is under a key outside this database.
CREATE TABLE beginnings (
  authority_id UUID PRIMARY KEY,
  request_id   UUID NOT NULL,
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  begun_at     TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
);

-- What an operator wrote down who verified a person by other means; a second operator must approve it.
CREATE TABLE evidence (
  request_id   UUID PRIMARY KEY REFERENCES requests (id),
  account_mac  BYTEA NOT NULL,
  plan_digest  BYTEA NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  round        BIGINT NOT NULL,      -- the step of the request that it is for
  proof        TEXT NOT NULL CHECK (proof IN ('called_back','signed_in','postal_letter','representation')),
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
  action       TEXT NOT NULL CHECK (action IN ('open','detach','delete','mask','keep')),
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

-- The letters that we write, an outbox: one of each kind per request, addressee and occasion (invariant 4), and one
-- alarm of each kind per letter that did not reach its reader.
CREATE TABLE letters (
  id           UUID PRIMARY KEY,
  request_id   UUID REFERENCES requests (id),
  about_id     UUID REFERENCES letters (id),  -- of an alarm: the letter that has not reached its reader
  kind         TEXT NOT NULL CHECK (kind IN ('challenge','code_asked','reminder','scheduled','approval_asked','forwarded',
                 'passed_on','service_ended','second_notice','in_review','on_hold','paused','completed','kept_erased','nothing_held','refused','extension',
                 'withdrawn','expired','recipient_asked','recipient_reminded','alarm_review','alarm_step_failed','alarm_bounced','alarm_delayed','alarm_due_soon',
                 'alarm_mailbox','alarm_ledger','alarm_termination','alarm_capped','alarm_recipient','alarm_gathered')),
  audience     TEXT NOT NULL CHECK (audience IN ('asker','owner','team','recipient')),
  store        TEXT,          -- to a recipient: which of them, by the name of the store that they are
  addressee    BYTEA CHECK (length(addressee) = 32),     -- to the team: HMAC of which of its addresses; each has a letter of its own
  occasion     BIGINT NOT NULL,
  round        BIGINT NOT NULL,
  message_id   TEXT NOT NULL UNIQUE,
  state        TEXT NOT NULL CHECK (state IN ('queued','sending','sent','failed','bounced','held')),
  sends        BIGINT NOT NULL,          -- times that DATA was begun
  created_at   TIMESTAMPTZ NOT NULL,
  begun_at     TIMESTAMPTZ,          -- when its turn last came: DATA was begun, or an alarm began to speak for others
  address_mac  BYTEA,          -- HMACs of where it went then, and of the domain: how many go there in an hour is limited
  domain_mac   BYTEA,
  told_in      UUID REFERENCES letters (id) ON DELETE SET NULL,     -- the alarm of its kind that speaks for it
  put_off_at   TIMESTAMPTZ,          -- when the mail server first said "not now"
  sent_at      TIMESTAMPTZ,
  obstacle     TEXT                       -- what last stood in the way: a word of the program, never the server's
);
CREATE INDEX letters_by_request ON letters (request_id, created_at);
CREATE INDEX letters_begun ON letters (begun_at) WHERE begun_at IS NOT NULL;
CREATE INDEX letters_told_in ON letters (told_in) WHERE told_in IS NOT NULL;
CREATE INDEX letters_to_team ON letters (addressee, kind) WHERE addressee IS NOT NULL;
CREATE UNIQUE INDEX letters_once ON letters (request_id, kind, audience, occasion, COALESCE(addressee, ''::bytea), COALESCE(store, ''))
  WHERE about_id IS NULL;
CREATE UNIQUE INDEX letters_once_about ON letters (about_id, kind, COALESCE(addressee, ''::bytea))
  WHERE about_id IS NOT NULL;

-- The gate (DESIGN §3): whoever writes plain SQL meets it too.
CREATE FUNCTION requests_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- Its wish is let go when it ends, and is never another one's.
    IF NEW.id <> OLD.id OR NEW.reference <> OLD.reference OR NEW.case_id <> OLD.case_id OR NEW.origin <> OLD.origin
       OR (NEW.wish_mac IS NOT NULL AND NEW.wish_mac IS DISTINCT FROM OLD.wish_mac) THEN
      RAISE EXCEPTION 'gate: a request stays itself';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state IN ('forwarded','not_found','refused','withdrawn','expired')
        OR (OLD.state = 'completed' AND NEW.state <> 'reopened')) THEN
      RAISE EXCEPTION 'gate: what has ended does not open again';
    END IF;
    IF NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened') THEN
      RAISE EXCEPTION 'gate: this state cannot be reached from there';
    END IF;
  END IF;
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
    -- By the row's own time, which is the program's: whether it is true, the mark tells that a worker checks.
    IF NEW.state = 'erasing' AND OLD.state <> 'erasing' AND NOT EXISTS (
        SELECT 1 FROM authorities a JOIN beginnings b ON b.authority_id = a.id AND b.request_id = a.request_id
        WHERE a.id = NEW.authority_id AND a.request_id = NEW.id AND a.ended_at IS NULL
          AND a.expires_at > NEW.updated_at) THEN
      RAISE EXCEPTION 'gate: no live authority has begun it';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER requests_gate BEFORE INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_gate();

CREATE FUNCTION steps_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.request_id <> OLD.request_id OR NEW.sequence <> OLD.sequence
      OR NEW.authority_id <> OLD.authority_id OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest) THEN
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
  IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
     AND to_jsonb(NEW) - 'ended_at' = to_jsonb(OLD) - 'ended_at' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'gate: an authority is never changed';
END $$;
CREATE TRIGGER authorities_gate BEFORE UPDATE ON authorities FOR EACH ROW EXECUTE FUNCTION authorities_gate();

CREATE FUNCTION beginnings_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'gate: a beginning is never changed';
END $$;
CREATE TRIGGER beginnings_gate BEFORE UPDATE ON beginnings FOR EACH ROW EXECUTE FUNCTION beginnings_gate();
