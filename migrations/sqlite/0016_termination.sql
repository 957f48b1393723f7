-- Accounts whose service has ended: what opened a request that nobody asked for, and how the directory was last asked.

-- One row per request that an ended service opened. The mark, under a key outside of this database, stands for what the directory
-- said: an authority comes of nothing else.
CREATE TABLE terminations (
  request_id    BLOB PRIMARY KEY REFERENCES requests (id),
  account_mac   BLOB NOT NULL CHECK (length(account_mac) = 32),
  ended_at      INTEGER NOT NULL,         -- the end of the service, as the directory said
  round         INTEGER NOT NULL CHECK (round >= 0),      -- authorities that had come of it when a person let it go on
  mark          BLOB NOT NULL CHECK (length(mark) = 32),  -- over all of the above
  resumed_at    INTEGER,                  -- when the directory said so no more: the same end may open another request then
  resumed_why   TEXT CHECK (resumed_why IN ('lives','deleted','redated','longer','replaced')),   -- what it says instead
  CHECK ((resumed_at IS NULL) = (resumed_why IS NULL))
) STRICT, WITHOUT ROWID;

-- Once per account and end.
CREATE UNIQUE INDEX terminations_once ON terminations (account_mac, ended_at) WHERE resumed_at IS NULL;
CREATE INDEX requests_open_of_account ON requests (account_mac) WHERE ended_at IS NULL AND account_mac IS NOT NULL;

CREATE TRIGGER terminations_stay_themselves BEFORE UPDATE ON terminations
WHEN NEW.request_id <> OLD.request_id OR NEW.account_mac <> OLD.account_mac OR NEW.ended_at <> OLD.ended_at
  OR NEW.round < OLD.round OR (OLD.resumed_at IS NOT NULL AND (NEW.resumed_at IS NOT OLD.resumed_at OR NEW.resumed_why IS NOT OLD.resumed_why))
BEGIN SELECT RAISE(ABORT, 'gate: an end of service stays what it is'); END;

-- INSERT OR REPLACE would delete without firing the triggers. ON CONFLICT DO NOTHING looks the same from here: the same end of the
-- same account is passed over.
CREATE TRIGGER terminations_no_replace BEFORE INSERT ON terminations
BEGIN
  SELECT RAISE(ABORT, 'gate: an end of service stays what it is')
  WHERE EXISTS (SELECT 1 FROM terminations t WHERE t.request_id = NEW.request_id)
    OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.origin = 'termination');
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM terminations t
    WHERE t.account_mac = NEW.account_mac AND t.ended_at = NEW.ended_at AND t.resumed_at IS NULL AND NEW.resumed_at IS NULL);
END;

CREATE TRIGGER terminations_leave_with_the_record BEFORE DELETE ON terminations
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;

-- An authority by an ended service is for the account that ended, and for a request that this opened.
CREATE TRIGGER authorities_gate_termination BEFORE INSERT ON authorities
WHEN (NEW.kind = 'termination' OR NEW.method = 'service_ended') AND NOT EXISTS (
  SELECT 1 FROM terminations t JOIN requests r ON r.id = t.request_id
  WHERE t.request_id = NEW.request_id AND t.account_mac = NEW.account_mac AND r.origin = 'termination'
    AND NEW.kind = 'termination' AND NEW.method = 'service_ended')
BEGIN SELECT RAISE(ABORT, 'gate: no ended service opened this request'); END;

-- Such a request goes one way: nobody is asked, nobody is refused, and it is planned under an authority by its ended service and
-- nothing else.
CREATE TRIGGER requests_gate_termination BEFORE UPDATE ON requests
WHEN OLD.origin = 'termination' AND NEW.state <> OLD.state AND (
  NEW.state IN ('awaiting_confirmation','awaiting_approval','forwarded','not_found','refused','expired')
  OR (NEW.state = 'scheduled' AND OLD.state NOT IN ('received','on_hold'))
  OR (NEW.state IN ('scheduled','erasing') AND OLD.state <> 'reopened' AND NOT EXISTS (
    SELECT 1 FROM authorities a JOIN terminations t ON t.request_id = a.request_id AND t.account_mac = a.account_mac
    WHERE a.id = NEW.authority_id AND a.request_id = NEW.id AND a.kind = 'termination' AND a.ended_at IS NULL
      AND a.account_mac = NEW.account_mac AND t.resumed_at IS NULL)))
BEGIN SELECT RAISE(ABORT, 'gate: what an ended service opened goes another way'); END;

-- How the directory was last asked whose service has ended, for who looks and for the letter to the team.
CREATE TABLE termination_runs (
  one           INTEGER PRIMARY KEY CHECK (one = 1),
  ran_at        INTEGER NOT NULL,
  listed        INTEGER NOT NULL,         -- accounts that the directory gave
  accounts      INTEGER NOT NULL,         -- all that there are
  due           INTEGER NOT NULL,         -- those whose time is over and that had no request yet
  opened        INTEGER NOT NULL,
  undated       INTEGER NOT NULL,         -- those without a date that can be read
  doubled       INTEGER NOT NULL,         -- those with several
  stopped       TEXT CHECK (stopped IN ('too_many','share','query')),      -- why none was opened
  told_at       INTEGER                   -- when the team was told last of something that is still so
) STRICT;
