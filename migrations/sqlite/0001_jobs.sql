-- Jobs: what is to be done, who does it now, what was done. A payload never holds personal data in clear.

CREATE TABLE jobs (
  id            BLOB PRIMARY KEY CHECK (length(id) = 16),
  kind          TEXT NOT NULL CHECK (kind <> ''),
  state         TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'dead')),
  priority      INTEGER NOT NULL CHECK (priority IN (0, 1, 2)),   -- 0 first
  run_at        INTEGER NOT NULL,                                 -- by the program's clock, which a test may move
  request_id    BLOB,
  unique_key    TEXT,
  attempts      INTEGER NOT NULL DEFAULT 0,                       -- counted when it is claimed, so that a crash counts
  attempts_max  INTEGER NOT NULL CHECK (attempts_max > 0),
  reason        TEXT,                                             -- why the last attempt failed: a code, never a message
  payload       TEXT NOT NULL CHECK (json_valid(payload) AND length(payload) <= 65536),
  created_at    INTEGER NOT NULL,
  claimed_at    INTEGER,                                          -- the three of a lease are the database's own time
  lease_until   INTEGER,
  lease_holder  TEXT,
  lease_token   INTEGER NOT NULL DEFAULT 0,                       -- the fence: one more with each claim
  CHECK ((state = 'running') = (lease_until IS NOT NULL)),
  CHECK ((state = 'running') = (lease_holder IS NOT NULL))
) STRICT;

-- The claim reads one range of this index per kind and priority, so that jobs of the future, of other kinds and
-- finished ones cost nothing.
CREATE INDEX jobs_waiting ON jobs (kind, priority, run_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (kind, id) WHERE state = 'dead';
CREATE INDEX jobs_of_request ON jobs (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key) WHERE unique_key IS NOT NULL AND state <> 'dead';

-- Finished jobs, kept as evidence until retention. Written once, never changed.
CREATE TABLE jobs_done (
  id            BLOB PRIMARY KEY CHECK (length(id) = 16),
  kind          TEXT NOT NULL,
  outcome       TEXT NOT NULL CHECK (outcome IN ('completed', 'cancelled')),
  request_id    BLOB,
  unique_key    TEXT,
  attempts      INTEGER NOT NULL,
  reason        TEXT,
  payload       TEXT NOT NULL,
  run_at        INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  claimed_at    INTEGER,
  finished_at   INTEGER NOT NULL,
  holder        TEXT,
  lease_token   INTEGER NOT NULL   -- under which lease it was done: whoever has another one lost it
) STRICT;
CREATE INDEX jobs_done_of_request ON jobs_done (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX jobs_done_by_time ON jobs_done (finished_at);

-- Which daemon reads which mailbox.
CREATE TABLE mailbox_leases (
  mailbox       TEXT PRIMARY KEY,
  holder        TEXT NOT NULL,
  token         INTEGER NOT NULL,
  lease_until   INTEGER NOT NULL
) STRICT;
