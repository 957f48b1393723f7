-- What happens after an erasure was completed.

-- What came back and stays, because a person of the team looked at it, leaves a request completed as it was: 'reopened'
-- is reached from 'completed' only, so that nothing is called done that was not.
CREATE OR REPLACE FUNCTION requests_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- Its wish is let go when it ends, and is never another one's.
    IF NEW.id <> OLD.id OR NEW.reference <> OLD.reference OR NEW.case_id <> OLD.case_id
       OR (NEW.wish_mac IS NOT NULL AND NEW.wish_mac IS DISTINCT FROM OLD.wish_mac) THEN
      RAISE EXCEPTION 'gate: a request stays itself';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state IN ('forwarded','not_found','refused','withdrawn','expired')
        OR (OLD.state = 'completed' AND NEW.state <> 'reopened')) THEN
      RAISE EXCEPTION 'gate: what has ended does not open again';
    END IF;
    IF NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened') THEN
      RAISE EXCEPTION 'gate: this state cannot be reached from there';
    END IF;
  END IF;
  IF NEW.state IN ('erasing','waiting_on_recipients','completed') THEN
    IF TG_OP = 'INSERT' THEN
      RAISE EXCEPTION 'gate: a request is not born erasing';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM authorities a WHERE a.id = NEW.authority_id AND a.request_id = NEW.id
        AND a.account_mac = NEW.account_mac AND a.plan_digest = NEW.plan_digest) THEN
      RAISE EXCEPTION 'gate: no authority is bound to this account and plan';
    END IF;
    IF (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened'))
       OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients'))
       OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed','reopened')) THEN
      RAISE EXCEPTION 'gate: this state cannot be reached from there';
    END IF;
    -- By the row's own time, which is the program's: whether it is true, the mark tells that a worker checks.
    IF NEW.state = 'erasing' AND OLD.state <> 'erasing' AND NOT EXISTS (
        SELECT 1 FROM authorities a JOIN beginnings b ON b.authority_id = a.id AND b.request_id = a.request_id
        WHERE a.id = NEW.authority_id AND a.request_id = NEW.id AND a.ended_at IS NULL
          AND a.expires_at > NEW.updated_at) THEN
      RAISE EXCEPTION 'gate: no live authority has begun it';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- What was last written into the canary of each store that has one. A store that holds an older epoch has gone back in
-- time.
CREATE TABLE canaries (
  store       TEXT PRIMARY KEY,
  epoch       TIMESTAMPTZ NOT NULL,       -- surely written
  next_epoch  TIMESTAMPTZ NOT NULL        -- about to be written, and perhaps there
);

-- Keyed HMACs of what the erased were recognised by, for importers. The key lies outside of this database.
CREATE TABLE suppressions (
  mac    TEXT PRIMARY KEY CHECK (length(mac) = 64),
  until  TIMESTAMPTZ NOT NULL
);
CREATE INDEX suppressions_to_forget ON suppressions (until);

-- Legal holds on accounts, persons and tables. Both HMACs are under a key outside this database: plain SQL neither lifts a
-- hold nor moves it.
CREATE TABLE legal_holds (
  id           UUID PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('account','subject','table')),
  target_mac   BYTEA NOT NULL CHECK (length(target_mac) = 32),
  reference    TEXT NOT NULL,
  placed_by    BYTEA NOT NULL CHECK (length(placed_by) = 16),   -- pseudonym
  placed_at    TIMESTAMPTZ NOT NULL,
  hmac         BYTEA NOT NULL,
  released_at  TIMESTAMPTZ,
  release_hmac BYTEA,
  CHECK ((released_at IS NULL) = (release_hmac IS NULL))
);

CREATE FUNCTION legal_holds_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN
    RAISE EXCEPTION 'gate: a legal hold is lifted and its row stays';
  END IF;
  IF OLD.released_at IS NOT NULL
     OR to_jsonb(NEW) - 'released_at' - 'release_hmac' <> to_jsonb(OLD) - 'released_at' - 'release_hmac' THEN
    RAISE EXCEPTION 'gate: a legal hold is never changed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER legal_holds_gate BEFORE UPDATE OR DELETE ON legal_holds FOR EACH ROW EXECUTE FUNCTION legal_holds_gate();
CREATE TRIGGER legal_holds_keep BEFORE TRUNCATE ON legal_holds FOR EACH STATEMENT EXECUTE FUNCTION legal_holds_gate();
