-- Whether our own MX takes out what others write in its name: what 'expunged doctor mail' tried, and what it found.

-- One row per run. Its mark, under a key outside of this database, stands for the verdict: no header is trusted without it.
CREATE TABLE mx_runs (
  id           BLOB PRIMARY KEY CHECK (length(id) = 16),
  authserv_id  TEXT NOT NULL CHECK (authserv_id <> ''),    -- in whose name the forged fields were, in lower case
  server       TEXT NOT NULL CHECK (server <> ''),         -- the MX that took the letters, as it was named
  began_at     INTEGER NOT NULL,
  ended_at     INTEGER,                   -- NULL while it runs, and ever after where it was cut off
  verdict      TEXT CHECK (verdict IN ('proven','forgeable','unsigned','untold','unreached')),
  letters      TEXT,                      -- what became of each letter, by its name
  mark         BLOB CHECK (length(mark) = 32),              -- over all of the above but the letters
  CHECK ((ended_at IS NULL) = (verdict IS NULL) AND (ended_at IS NULL) = (letters IS NULL) AND (ended_at IS NULL) = (mark IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX mx_runs_of ON mx_runs (authserv_id, ended_at) WHERE ended_at IS NOT NULL;

-- A run that failed revokes the proofs before it, so that none may be changed or taken away.
CREATE TRIGGER mx_runs_end_once BEFORE UPDATE ON mx_runs
WHEN OLD.ended_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.authserv_id <> OLD.authserv_id OR NEW.server <> OLD.server
  OR NEW.began_at <> OLD.began_at
BEGIN SELECT RAISE(ABORT, 'gate: what was found of our MX stays so'); END;

CREATE TRIGGER mx_runs_keep BEFORE DELETE ON mx_runs
BEGIN SELECT RAISE(ABORT, 'gate: what was found of our MX stays so'); END;

-- INSERT OR REPLACE would delete without firing the trigger above.
CREATE TRIGGER mx_runs_no_replace BEFORE INSERT ON mx_runs
WHEN EXISTS (SELECT 1 FROM mx_runs r WHERE r.id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'gate: what was found of our MX stays so'); END;

-- The letters of a run, by Message-IDs that nobody can guess: the daemon knows them, and answers none.
CREATE TABLE mx_probes (
  message_id  TEXT PRIMARY KEY CHECK (message_id <> ''),    -- without angle brackets
  run_id      BLOB NOT NULL REFERENCES mx_runs (id)
) STRICT, WITHOUT ROWID;
