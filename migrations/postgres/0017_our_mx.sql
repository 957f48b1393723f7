-- Whether our own MX takes out what others write in its name: what 'expunged doctor mail' tried, and what it found.

-- One row per run. Its mark, under a key outside of this database, stands for the verdict: no header is trusted without it.
CREATE TABLE mx_runs (
  id           UUID PRIMARY KEY,
  authserv_id  TEXT NOT NULL CHECK (authserv_id <> ''),    -- in whose name the forged fields were, in lower case
  server       TEXT NOT NULL CHECK (server <> ''),         -- the MX that took the letters, as it was named
  began_at     TIMESTAMPTZ NOT NULL,
  ended_at     TIMESTAMPTZ,               -- NULL while it runs, and ever after where it was cut off
  verdict      TEXT CHECK (verdict IN ('proven','forgeable','unsigned','untold','unreached')),
  letters      JSONB,                     -- what became of each letter, by its name
  mark         BYTEA CHECK (octet_length(mark) = 32),       -- over all of the above but the letters
  CHECK ((ended_at IS NULL) = (verdict IS NULL) AND (ended_at IS NULL) = (letters IS NULL) AND (ended_at IS NULL) = (mark IS NULL))
);

CREATE INDEX mx_runs_of ON mx_runs (authserv_id, ended_at) WHERE ended_at IS NOT NULL;

-- A run that failed revokes the proofs before it, so that none may be changed or taken away.
CREATE FUNCTION mx_runs_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.ended_at IS NULL AND NEW.id = OLD.id AND NEW.authserv_id = OLD.authserv_id AND NEW.server = OLD.server
       AND NEW.began_at = OLD.began_at THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'gate: what was found of our MX stays so';
END $$;
CREATE TRIGGER mx_runs_end_once BEFORE UPDATE OR DELETE ON mx_runs FOR EACH ROW EXECUTE FUNCTION mx_runs_gate();
CREATE TRIGGER mx_runs_keep BEFORE TRUNCATE ON mx_runs FOR EACH STATEMENT EXECUTE FUNCTION mx_runs_gate();

-- The letters of a run, by Message-IDs that nobody can guess: the daemon knows them, and answers none.
CREATE TABLE mx_probes (
  message_id  TEXT PRIMARY KEY CHECK (message_id <> ''),    -- without angle brackets
  run_id      UUID NOT NULL REFERENCES mx_runs (id)
);
