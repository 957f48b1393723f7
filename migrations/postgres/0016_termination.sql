-- Accounts whose service has ended: what opened a request that nobody asked for, and how the directory was last asked.

-- One row per request that an ended service opened. The mark, under a key outside of this database, stands for what the directory
-- said: an authority comes of nothing else.
CREATE TABLE terminations (
  request_id    UUID PRIMARY KEY REFERENCES requests (id),
  account_mac   BYTEA NOT NULL CHECK (octet_length(account_mac) = 32),
  ended_at      TIMESTAMPTZ NOT NULL,     -- the end of the service, as the directory said
  round         BIGINT NOT NULL CHECK (round >= 0),       -- authorities that had come of it when a person let it go on
  mark          BYTEA NOT NULL CHECK (octet_length(mark) = 32),   -- over all of the above
  resumed_at    TIMESTAMPTZ,              -- when the directory said so no more: the same end may open another request then
  resumed_why   TEXT CHECK (resumed_why IN ('lives','deleted','redated','longer','replaced')),   -- what it says instead
  CHECK ((resumed_at IS NULL) = (resumed_why IS NULL))
);

-- Once per account and end.
CREATE UNIQUE INDEX terminations_once ON terminations (account_mac, ended_at) WHERE resumed_at IS NULL;
CREATE INDEX requests_open_of_account ON requests (account_mac) WHERE ended_at IS NULL AND account_mac IS NOT NULL;

CREATE FUNCTION terminations_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.request_id <> OLD.request_id OR NEW.account_mac <> OLD.account_mac OR NEW.ended_at <> OLD.ended_at
       OR NEW.round < OLD.round OR (OLD.resumed_at IS NOT NULL
         AND (NEW.resumed_at IS DISTINCT FROM OLD.resumed_at OR NEW.resumed_why IS DISTINCT FROM OLD.resumed_why)) THEN
      RAISE EXCEPTION 'gate: an end of service stays what it is';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.request_id AND r.origin = 'termination') THEN
      RAISE EXCEPTION 'gate: an end of service stays what it is';
    END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
      WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0) THEN
    RAISE EXCEPTION 'gate: it leaves with the record of its case';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER terminations_gate BEFORE INSERT OR UPDATE OR DELETE ON terminations
  FOR EACH ROW EXECUTE FUNCTION terminations_gate();

CREATE FUNCTION terminations_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'gate: it leaves with the record of its case';
END $$;
CREATE TRIGGER terminations_keep_all BEFORE TRUNCATE ON terminations
  FOR EACH STATEMENT EXECUTE FUNCTION terminations_stay();

-- An authority by an ended service is for the account that ended, and for a request that this opened.
CREATE FUNCTION authorities_gate_termination() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.kind = 'termination' OR NEW.method = 'service_ended') AND NOT EXISTS (
      SELECT 1 FROM terminations t JOIN requests r ON r.id = t.request_id
      WHERE t.request_id = NEW.request_id AND t.account_mac = NEW.account_mac AND r.origin = 'termination'
        AND NEW.kind = 'termination' AND NEW.method = 'service_ended') THEN
    RAISE EXCEPTION 'gate: no ended service opened this request';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER authorities_gate_termination BEFORE INSERT ON authorities
  FOR EACH ROW EXECUTE FUNCTION authorities_gate_termination();

-- Such a request goes one way: nobody is asked, nobody is refused, and it is planned under an authority by its ended service and
-- nothing else.
CREATE FUNCTION requests_gate_termination() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.origin = 'termination' AND NEW.state <> OLD.state AND (
      NEW.state IN ('awaiting_confirmation','awaiting_approval','forwarded','not_found','refused','expired')
      OR (NEW.state = 'scheduled' AND OLD.state NOT IN ('received','on_hold'))
      OR (NEW.state IN ('scheduled','erasing') AND OLD.state <> 'reopened' AND NOT EXISTS (
        SELECT 1 FROM authorities a JOIN terminations t ON t.request_id = a.request_id AND t.account_mac = a.account_mac
        WHERE a.id = NEW.authority_id AND a.request_id = NEW.id AND a.kind = 'termination' AND a.ended_at IS NULL
          AND a.account_mac = NEW.account_mac AND t.resumed_at IS NULL))) THEN
    RAISE EXCEPTION 'gate: what an ended service opened goes another way';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER requests_gate_termination BEFORE UPDATE ON requests
  FOR EACH ROW EXECUTE FUNCTION requests_gate_termination();

-- How the directory was last asked whose service has ended, for who looks and for the letter to the team.
CREATE TABLE termination_runs (
  one           BIGINT PRIMARY KEY CHECK (one = 1),
  ran_at        TIMESTAMPTZ NOT NULL,
  listed        BIGINT NOT NULL,          -- accounts that the directory gave
  accounts      BIGINT NOT NULL,          -- all that there are
  due           BIGINT NOT NULL,          -- those whose time is over and that had no request yet
  opened        BIGINT NOT NULL,
  undated       BIGINT NOT NULL,          -- those without a date that can be read
  doubled       BIGINT NOT NULL,          -- those with several
  stopped       TEXT CHECK (stopped IN ('too_many','share','query')),      -- why none was opened
  told_at       TIMESTAMPTZ               -- when the team was told last of something that is still so
);
