-- What happens after an erasure was completed.

-- What came back and stays, because a person of the team looked at it, leaves a request completed as it was: 'reopened'
-- is reached from 'completed' only, so that nothing is called done that was not.
CREATE OR REPLACE FUNCTION requests_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- Its wish is let go when it ends, and is never another one's.
    IF NEW.id <> OLD.id OR NEW.reference <> OLD.reference OR NEW.case_id <> OLD.case_id OR NEW.origin <> OLD.origin
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
