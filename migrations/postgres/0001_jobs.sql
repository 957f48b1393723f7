-- Jobs: what is to be done, who does it now, what was done. A payload never holds personal data in clear.

CREATE TABLE jobs (
  id            UUID PRIMARY KEY,
  kind          TEXT NOT NULL CHECK (kind <> ''),
  state         TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'dead')),
  priority      SMALLINT NOT NULL CHECK (priority IN (0, 1, 2)),  -- 0 first
  run_at        TIMESTAMPTZ NOT NULL,                             -- by the program's clock, which a test may move
  request_id    UUID,
  unique_key    TEXT,
  attempts      INTEGER NOT NULL DEFAULT 0,                       -- counted when it is claimed, so that a crash counts
  attempts_max  INTEGER NOT NULL CHECK (attempts_max > 0),
  reason        TEXT,                                             -- why the last attempt failed: a code, never a message
  payload       JSONB NOT NULL CHECK (pg_column_size(payload) <= 65536),
  created_at    TIMESTAMPTZ NOT NULL,
  claimed_at    TIMESTAMPTZ,                                      -- the three of a lease are the database's own time
  lease_until   TIMESTAMPTZ,
  lease_holder  TEXT,
  lease_token   BIGINT NOT NULL DEFAULT 0,                        -- the fence: one more with each claim
  CHECK ((state = 'running') = (lease_until IS NOT NULL)),
  CHECK ((state = 'running') = (lease_holder IS NOT NULL))
) WITH (
  -- Rows live briefly here: clean up by their number, not by a share of the table.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);

-- The claim reads one range of this index per kind and priority, so that jobs of the future, of other kinds and
-- finished ones cost nothing.
CREATE INDEX jobs_waiting ON jobs (kind, priority, run_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (kind, id) WHERE state = 'dead';
CREATE INDEX jobs_of_request ON jobs (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key) WHERE unique_key IS NOT NULL AND state <> 'dead';

-- Wakes the workers when the transaction that asks for work commits. They would find it without, a poll later.
CREATE FUNCTION jobs_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('expunged_jobs', '');
  RETURN NULL;
END $$;
CREATE TRIGGER jobs_wake AFTER INSERT ON jobs FOR EACH STATEMENT EXECUTE FUNCTION jobs_wake();

-- Finished jobs, kept as evidence until retention. Written once, never changed.
CREATE TABLE jobs_done (
  id            UUID PRIMARY KEY,
  kind          TEXT NOT NULL,
  outcome       TEXT NOT NULL CHECK (outcome IN ('completed', 'cancelled')),
  request_id    UUID,
  unique_key    TEXT,
  attempts      INTEGER NOT NULL,
  reason        TEXT,
  payload       JSONB NOT NULL,
  run_at        TIMESTAMPTZ NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL,
  claimed_at    TIMESTAMPTZ,
  finished_at   TIMESTAMPTZ NOT NULL,
  holder        TEXT,
  lease_token   BIGINT NOT NULL   -- under which lease it was done: whoever has another one lost it
);
CREATE INDEX jobs_done_of_request ON jobs_done (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX jobs_done_by_time ON jobs_done USING brin (finished_at);

-- Which daemon reads which mailbox.
CREATE TABLE mailbox_leases (
  mailbox       TEXT PRIMARY KEY,
  holder        TEXT NOT NULL,
  token         BIGINT NOT NULL,
  lease_until   TIMESTAMPTZ NOT NULL
);
