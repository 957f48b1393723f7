-- Who else was asked to erase, what they said, and what comes next (Art. 19 GDPR). One row per request and recipient, written
-- with the move by which the request begins to wait; what was said to them lies sealed with the case.
CREATE TABLE recipients (
  request_id   BLOB NOT NULL REFERENCES requests (id),
  store        TEXT NOT NULL,          -- the name of their map
  kind         TEXT NOT NULL CHECK (kind IN ('mail','http')),
  state        TEXT NOT NULL CHECK (state IN ('pending','in_progress','completed','refused','closed')),
  need         TEXT CHECK (need IN ('refused','unclear','silent','unreachable','undelivered','unknown')),   -- why a person must look
  attempts     INTEGER NOT NULL,          -- how often asking was begun
  answers      INTEGER NOT NULL,          -- how often their state was written; never less
  partial      INTEGER NOT NULL,          -- they are told less than their map says by now
  token_hash   BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_at   INTEGER NOT NULL,
  asked_at     INTEGER,          -- since when they have been asked
  remind_at    INTEGER NOT NULL,
  reminded_at  INTEGER,
  due_at       INTEGER NOT NULL,          -- silence until then goes to the team
  settled_at   INTEGER,
  -- HMAC over request, recipient, answers, state and time under a key outside of this database: what plain SQL calls settled is not.
  mark         BLOB CHECK (length(mark) = 32),
  PRIMARY KEY (request_id, store),
  CHECK ((state IN ('completed','closed')) = (settled_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
