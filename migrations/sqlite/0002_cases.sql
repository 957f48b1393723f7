-- Letters that came in, the requests that they opened, what was asked and answered, and the letters that go out.
-- No personal data stands here in clear: addresses are HMACs under the installation key, facts are sealed blobs.

-- How far each folder was read. The cursor moves in the transaction that stores the letters.
CREATE TABLE cursors (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    INTEGER NOT NULL,          -- 1, and one more whenever the folder's UIDs began to mean other letters
  uid_validity INTEGER NOT NULL,
  uid_start    INTEGER NOT NULL,          -- the first UID that is read; those below have the disposition before_start
  uid_last     INTEGER NOT NULL,          -- every UID of this numbering up to it has its disposition
  old_last     INTEGER NOT NULL,          -- UIDs up to it were there when this numbering was first seen
  started_at   INTEGER,                -- the first run: letters up to old_last that came earlier are not judged; NULL: all are
  PRIMARY KEY (mailbox, folder)
) STRICT;

-- When a mailbox was last read to its end, whichever daemon did it, so that silence is noticed across restarts.
CREATE TABLE polls (
  mailbox      TEXT PRIMARY KEY,
  watched_at   INTEGER NOT NULL,          -- when a daemon first tried
  polled_at    INTEGER,                -- NULL before the first success
  alarmed_at   INTEGER                 -- when the team was told of the silence that lasts; NULL while there is none
) STRICT;

-- UIDs that have no letter of their own below (invariant 1): what was there before the first run, and what was gone
-- before we looked. One row per run of UIDs.
CREATE TABLE uid_ranges (
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    INTEGER NOT NULL,
  uid_first    INTEGER NOT NULL,
  uid_last     INTEGER NOT NULL,
  disposition  TEXT NOT NULL CHECK (disposition IN ('before_start','vanished')),
  noted_at     INTEGER NOT NULL,
  PRIMARY KEY (mailbox, folder, numbering, uid_first),
  CHECK (uid_first <= uid_last)
) STRICT;

-- One row per letter of the mailbox (invariant 1: every UID has exactly one recorded disposition).
CREATE TABLE deliveries (
  id           BLOB PRIMARY KEY,
  mailbox      TEXT NOT NULL,
  folder       TEXT NOT NULL,
  numbering    INTEGER NOT NULL,          -- of the cursor: rows of an earlier one name no letter of the folder any more
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  received_at  INTEGER NOT NULL,          -- INTERNALDATE
  stored_at    INTEGER NOT NULL,
  size_bytes   INTEGER NOT NULL,
  content_mac  BLOB,                   -- HMAC of the letter without its trace headers; NULL where the bytes were not fetched
  key_id       BLOB,                   -- the delivery's key while it is being judged, then NULL
  disposition  TEXT NOT NULL CHECK (disposition IN ('stored','opened','joined','answer','bounce','automatic','newsletter',
                 'spam','ordinary','probe','handed_on','too_large','unreadable','vanished','duplicate','quarantined')),
  reasons      TEXT,                   -- rule names only
  request_id   BLOB,
  judged_at    INTEGER,
  marked_at    INTEGER,                   -- keyword set on the server
  moved_to     TEXT,                   -- the folder that it was moved to; NULL where it stayed
  expunged_at  INTEGER,                   -- our own forgetting took it out of the mailbox
  parked_at    INTEGER,            -- its judging waits for the directory, and lets others go first
  UNIQUE (mailbox, folder, numbering, uid)
) STRICT;
CREATE INDEX deliveries_by_content ON deliveries (content_mac) WHERE content_mac IS NOT NULL;
CREATE INDEX deliveries_by_request ON deliveries (request_id) WHERE request_id IS NOT NULL;
-- What is stored and not judged, in the order in which it is heard.
CREATE INDEX deliveries_unheard ON deliveries (mailbox, received_at, numbering, uid) WHERE disposition = 'stored' AND parked_at IS NULL;
CREATE INDEX deliveries_unjudged ON deliveries (received_at) WHERE disposition = 'stored';
-- What belongs to no request loses its digest after a while; few rows still have one.
CREATE INDEX deliveries_to_forget ON deliveries (judged_at) WHERE request_id IS NULL AND content_mac IS NOT NULL;

-- The facts of a request; moved by domain::request::apply and by nothing else.
CREATE TABLE requests (
  id            BLOB PRIMARY KEY,
  reference     TEXT NOT NULL UNIQUE,
  case_id       BLOB NOT NULL UNIQUE,
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
  offered       TEXT NOT NULL,
  approval      INTEGER NOT NULL,
  reachable     INTEGER NOT NULL,      -- whether the asker has an address on file that can be written to
  language      TEXT NOT NULL,
  -- The language of the letter that opened it: more are understood than written.
  spoken        TEXT,
  received_at   INTEGER NOT NULL,
  acknowledge_due TEXT,
  base_due      TEXT NOT NULL,       -- a calendar day, ISO 8601
  legal_due     TEXT NOT NULL,
  extended      INTEGER NOT NULL,
  round         INTEGER NOT NULL,
  reminded      INTEGER NOT NULL,
  code_asked    INTEGER NOT NULL,
  due_told      INTEGER NOT NULL,      -- whether the team was told that the due date comes near
  erased        INTEGER NOT NULL DEFAULT 0,      -- whether rows were erased for it: its saved keys live as long as the backups
  erase_at      INTEGER,
  authority_id         BLOB,
  authority_expires_at INTEGER,
  account_mac   BLOB,
  plan_digest   BLOB,
  asker_mac     BLOB,                  -- HMAC of the claimed address
  contact_mac   BLOB,                  -- HMAC of the address on file, once it is known
  owner_mac     BLOB ,                  -- HMAC of the owner's address on file, who may stop it
  wish_mac      BLOB UNIQUE,           -- HMAC of who asks for what about whom, while it is open: the same wish opens once
  moves         INTEGER NOT NULL,
  opened_at     INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  ended_at      INTEGER,
  letters_due_at INTEGER,          -- from when on its letters are to leave the mailbox
  letters_failures INTEGER NOT NULL DEFAULT 0,   -- how often in a row they could not be expunged
  CHECK ((state = 'on_hold') = (held_from IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_open ON requests (legal_due, opened_at, id) WHERE ended_at IS NULL;   -- what is due next first
CREATE INDEX requests_letters_due ON requests (letters_due_at) WHERE letters_due_at IS NOT NULL;
CREATE INDEX requests_by_asker ON requests (asker_mac) WHERE asker_mac IS NOT NULL;
CREATE INDEX requests_by_contact ON requests (contact_mac) WHERE contact_mac IS NOT NULL;
CREATE INDEX requests_by_owner ON requests (owner_mac) WHERE owner_mac IS NOT NULL;

-- The requests that a letter belongs to beside that of its row: each address that it names as its writer's has one of its own. It
-- leaves the mailbox with the last of them.
CREATE TABLE shared_letters (
  delivery_id  BLOB NOT NULL REFERENCES deliveries (id),
  request_id   BLOB NOT NULL REFERENCES requests (id),
  PRIMARY KEY (delivery_id, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_letters_by_request ON shared_letters (request_id);

-- What a round asked, as hashes; the address that was asked stands as an HMAC.
CREATE TABLE challenges (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  round        INTEGER NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  account_mac  BLOB NOT NULL,
  token_hash   BLOB NOT NULL UNIQUE,
  page_hash    BLOB NOT NULL UNIQUE,   -- of the token of the page on which it can be answered
  offers       TEXT NOT NULL,          -- per choice: scope, plan digest, hash of its code
  code_required INTEGER NOT NULL,
  grace_days   INTEGER NOT NULL CHECK (grace_days >= 0),  -- what the letter says is waited after the answer
  address_mac  BLOB NOT NULL,
  attempts     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  hmac         BLOB NOT NULL,          -- over all of it but the attempts, under the gate key
  PRIMARY KEY (request_id, round)
) STRICT;
CREATE INDEX challenges_by_address ON challenges (address_mac, created_at);

-- What permits a plan. Written by verify; the HMAC is under a key outside this database. Nothing of it changes but
-- that it ends: when its request ends, or goes another way.
CREATE TABLE authorities (
  id           BLOB PRIMARY KEY,
  request_id   BLOB NOT NULL REFERENCES requests (id),
  kind         TEXT NOT NULL CHECK (kind IN ('verified','termination','continuation')),
  method       TEXT NOT NULL CHECK (method IN ('reply','code','page','owner_approval','operators','service_ended','completed_plan','keeping_ended')),
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  issued_at    INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  ended_at     INTEGER,
  UNIQUE (id, request_id, account_mac, plan_digest)
) STRICT, WITHOUT ROWID;

-- That an authority's grace period was over and what was proven still true, when its request began to be erased. A
-- worker erases under nothing else; the HMAC is under a key outside this database.
CREATE TABLE beginnings (
  authority_id BLOB PRIMARY KEY,
  request_id   BLOB NOT NULL,
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  begun_at     INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  FOREIGN KEY (authority_id, request_id, account_mac, plan_digest)
    REFERENCES authorities (id, request_id, account_mac, plan_digest)
) STRICT, WITHOUT ROWID;

-- What an operator wrote down who verified a person by other means; a second operator must approve it.
CREATE TABLE evidence (
  request_id   BLOB PRIMARY KEY REFERENCES requests (id),
  account_mac  BLOB NOT NULL,
  plan_digest  BLOB NOT NULL,
  addressee    TEXT NOT NULL CHECK (addressee IN ('asker','asker_before_owner','approving_owner')),
  round        INTEGER NOT NULL,     -- the step of the request that it is for
  proof        TEXT NOT NULL CHECK (proof IN ('called_back','signed_in','postal_letter','representation')),
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
  action       TEXT NOT NULL CHECK (action IN ('open','detach','delete','mask','keep')),
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
) STRICT, WITHOUT ROWID;

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

-- The letters that we write, an outbox: one of each kind per request, addressee and occasion (invariant 4), and one
-- alarm of each kind per letter that did not reach its reader.
CREATE TABLE letters (
  id           BLOB PRIMARY KEY,
  request_id   BLOB REFERENCES requests (id),
  about_id     BLOB REFERENCES letters (id),  -- of an alarm: the letter that has not reached its reader
  kind         TEXT NOT NULL CHECK (kind IN ('challenge','code_asked','reminder','scheduled','approval_asked','forwarded',
                 'passed_on','service_ended','second_notice','in_review','on_hold','paused','completed','kept_erased','nothing_held','refused','extension',
                 'withdrawn','expired','recipient_asked','recipient_reminded','alarm_review','alarm_step_failed','alarm_bounced','alarm_delayed','alarm_due_soon',
                 'alarm_mailbox','alarm_ledger','alarm_termination','alarm_capped','alarm_recipient','alarm_gathered')),
  audience     TEXT NOT NULL CHECK (audience IN ('asker','owner','team','recipient')),
  store        TEXT,          -- to a recipient: which of them, by the name of the store that they are
  addressee    BLOB CHECK (length(addressee) = 32),     -- to the team: HMAC of which of its addresses; each has a letter of its own
  occasion     INTEGER NOT NULL,
  round        INTEGER NOT NULL,
  message_id   TEXT NOT NULL UNIQUE,
  state        TEXT NOT NULL CHECK (state IN ('queued','sending','sent','failed','bounced','held')),
  sends        INTEGER NOT NULL,          -- times that DATA was begun
  created_at   INTEGER NOT NULL,
  begun_at     INTEGER,          -- when its turn last came: DATA was begun, or an alarm began to speak for others
  address_mac  BLOB,          -- HMACs of where it went then, and of the domain: how many go there in an hour is limited
  domain_mac   BLOB,
  told_in      BLOB REFERENCES letters (id) ON DELETE SET NULL,     -- the alarm of its kind that speaks for it
  put_off_at   INTEGER,          -- when the mail server first said "not now"
  sent_at      INTEGER,
  obstacle     TEXT                       -- what last stood in the way: a word of the program, never the server's
) STRICT;
CREATE INDEX letters_by_request ON letters (request_id, created_at);
CREATE INDEX letters_begun ON letters (begun_at) WHERE begun_at IS NOT NULL;
CREATE INDEX letters_told_in ON letters (told_in) WHERE told_in IS NOT NULL;
CREATE INDEX letters_to_team ON letters (addressee, kind) WHERE addressee IS NOT NULL;
CREATE UNIQUE INDEX letters_once ON letters (request_id, kind, audience, occasion, COALESCE(addressee, x''), COALESCE(store, ''))
  WHERE about_id IS NULL;
CREATE UNIQUE INDEX letters_once_about ON letters (about_id, kind, COALESCE(addressee, x''))
  WHERE about_id IS NOT NULL;

-- The gate (DESIGN §3): whoever writes plain SQL meets it too. OR REPLACE deletes what is in its way without a DELETE
-- that a trigger sees, so the triggers look first, for every key of a table; what it guards has no rowid, which would
-- be one more key.
CREATE TRIGGER requests_gate_insert BEFORE INSERT ON requests
WHEN NEW.state IN ('erasing','waiting_on_recipients','completed')
BEGIN SELECT RAISE(ABORT, 'gate: a request is not born erasing'); END;

-- INSERT OR REPLACE would put another life in the place of one that has ended, or of one whose wish is open. It looks
-- like ON CONFLICT DO NOTHING from here, so that a wish that is open already is passed over, by whichever of them.
CREATE TRIGGER requests_gate_replace BEFORE INSERT ON requests
BEGIN
  SELECT RAISE(ABORT, 'gate: a request is opened once')
  WHERE EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.id OR r.reference = NEW.reference OR r.case_id = NEW.case_id);
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM requests r WHERE r.wish_mac = NEW.wish_mac);
END;

-- Its wish is let go when it ends, and never another one's: UPDATE OR REPLACE would delete the request that has it.
CREATE TRIGGER requests_gate_itself BEFORE UPDATE ON requests
WHEN NEW.id <> OLD.id OR NEW.reference <> OLD.reference OR NEW.case_id <> OLD.case_id OR NEW.origin <> OLD.origin
  OR (NEW.wish_mac IS NOT NULL AND NEW.wish_mac IS NOT OLD.wish_mac)
BEGIN SELECT RAISE(ABORT, 'gate: a request stays itself'); END;

CREATE TRIGGER requests_gate_ended BEFORE UPDATE ON requests
WHEN NEW.state <> OLD.state AND (OLD.state IN ('forwarded','not_found','refused','withdrawn','expired')
  OR (OLD.state = 'completed' AND NEW.state <> 'reopened'))
BEGIN SELECT RAISE(ABORT, 'gate: what has ended does not open again'); END;

-- By the row's own time, which is the program's: whether it is true, the mark tells that a worker checks.
CREATE TRIGGER requests_gate_begin BEFORE UPDATE ON requests
WHEN NEW.state = 'erasing' AND OLD.state <> 'erasing' AND NOT EXISTS (
  SELECT 1 FROM authorities a JOIN beginnings b ON b.authority_id = a.id AND b.request_id = a.request_id
  WHERE a.id = NEW.authority_id AND a.request_id = NEW.id AND a.ended_at IS NULL AND a.expires_at > NEW.updated_at)
BEGIN SELECT RAISE(ABORT, 'gate: no live authority has begun it'); END;

CREATE TRIGGER requests_gate_update BEFORE UPDATE ON requests
WHEN NEW.state IN ('erasing','waiting_on_recipients','completed') AND NOT EXISTS (
  SELECT 1 FROM authorities a WHERE a.id = NEW.authority_id AND a.request_id = NEW.id
    AND a.account_mac = NEW.account_mac AND a.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: no authority is bound to this account and plan'); END;

CREATE TRIGGER requests_gate_order BEFORE UPDATE ON requests
WHEN (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened'))
  OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients'))
  OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed'))
  OR (NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened'))
BEGIN SELECT RAISE(ABORT, 'gate: this state cannot be reached from there'); END;

-- A step that is recorded stays: ON CONFLICT DO NOTHING and INSERT OR REPLACE are both passed over.
CREATE TRIGGER steps_gate_insert BEFORE INSERT ON steps
BEGIN
  SELECT RAISE(ABORT, 'gate: a step needs a request that is erasing under this authority and plan')
  WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state = 'erasing'
    AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest);
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM steps s
    WHERE s.request_id = NEW.request_id AND s.plan_digest = NEW.plan_digest AND s.sequence = NEW.sequence);
END;

CREATE TRIGGER steps_gate_update BEFORE UPDATE ON steps
WHEN NEW.request_id <> OLD.request_id OR NEW.sequence <> OLD.sequence OR NEW.authority_id <> OLD.authority_id
  OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest
  OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.state = 'erasing'
    AND r.authority_id = NEW.authority_id AND r.account_mac = NEW.account_mac AND r.plan_digest = NEW.plan_digest)
BEGIN SELECT RAISE(ABORT, 'gate: a step cannot change what it is bound to'); END;

CREATE TRIGGER authorities_gate_update BEFORE UPDATE ON authorities
WHEN NOT (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
  AND NEW.id = OLD.id AND NEW.request_id = OLD.request_id AND NEW.kind = OLD.kind AND NEW.method = OLD.method
  AND NEW.account_mac = OLD.account_mac AND NEW.plan_digest = OLD.plan_digest AND NEW.issued_at = OLD.issued_at
  AND NEW.expires_at = OLD.expires_at AND NEW.hmac = OLD.hmac)
BEGIN SELECT RAISE(ABORT, 'gate: an authority is never changed'); END;

-- INSERT OR REPLACE would write one anew that has ended.
CREATE TRIGGER authorities_gate_replace BEFORE INSERT ON authorities
WHEN EXISTS (SELECT 1 FROM authorities a WHERE a.id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'gate: an authority is issued once'); END;

CREATE TRIGGER beginnings_gate_update BEFORE UPDATE ON beginnings
BEGIN SELECT RAISE(ABORT, 'gate: a beginning is never changed'); END;

CREATE TRIGGER beginnings_gate_replace BEFORE INSERT ON beginnings
WHEN EXISTS (SELECT 1 FROM beginnings b WHERE b.authority_id = NEW.authority_id)
BEGIN SELECT RAISE(ABORT, 'gate: an authority begins once'); END;
