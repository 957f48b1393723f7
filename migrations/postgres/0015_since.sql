-- Since when a job waits, or failed, for the reason that it shows, for people who look at it; by the database's own time.
ALTER TABLE jobs ADD COLUMN reason_since TIMESTAMPTZ;
