-- What was last written into the canary of each store that has one. A store that holds an older epoch has gone back in
-- time.
CREATE TABLE canaries (
  store       TEXT PRIMARY KEY,
  epoch       INTEGER NOT NULL,       -- surely written
  next_epoch  INTEGER NOT NULL        -- about to be written, and perhaps there
) STRICT;

-- Keyed HMACs of what the erased were recognised by, for importers. The key lies outside of this database.
CREATE TABLE suppressions (
  mac    TEXT PRIMARY KEY CHECK (length(mac) = 64),
  until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressions_to_forget ON suppressions (until);

-- Legal holds on accounts, persons, tables, stores and everything. Both HMACs are under a key outside this database: plain SQL neither lifts a
-- hold nor moves it.
CREATE TABLE legal_holds (
  id           BLOB PRIMARY KEY CHECK (length(id) = 16),
  kind         TEXT NOT NULL CHECK (kind IN ('account','subject','table','store','everything')),
  target_mac   BLOB NOT NULL CHECK (length(target_mac) = 32),
  reference    TEXT NOT NULL,
  placed_by    BLOB NOT NULL CHECK (length(placed_by) = 16),   -- pseudonym
  placed_at    INTEGER NOT NULL,
  hmac         BLOB NOT NULL,
  released_at  INTEGER,
  release_hmac BLOB,
  CHECK ((released_at IS NULL) = (release_hmac IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER legal_holds_gate_update BEFORE UPDATE ON legal_holds
WHEN OLD.released_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.target_mac <> OLD.target_mac
  OR NEW.reference <> OLD.reference OR NEW.placed_by <> OLD.placed_by OR NEW.placed_at <> OLD.placed_at
  OR NEW.hmac <> OLD.hmac
BEGIN SELECT RAISE(ABORT, 'gate: a legal hold is never changed'); END;

CREATE TRIGGER legal_holds_gate_replace BEFORE INSERT ON legal_holds
WHEN EXISTS (SELECT 1 FROM legal_holds h WHERE h.id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'gate: a legal hold is placed once'); END;

CREATE TRIGGER legal_holds_keep BEFORE DELETE ON legal_holds
BEGIN SELECT RAISE(ABORT, 'gate: a legal hold is lifted and its row stays'); END;
