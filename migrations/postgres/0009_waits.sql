-- What keeps a request from its end while others were asked to erase too.

-- Whether it still waits for others: its last letter was not written. Rows that came back meanwhile are erased, and it waits on.
ALTER TABLE requests ADD COLUMN waits BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE requests SET waits = TRUE WHERE state = 'waiting_on_recipients';

-- What came back while a request waited is erased before its end, or stays because a person looked at it; and nothing ends
-- while somebody is waited for.
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
    IF NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened','waiting_on_recipients') THEN
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
    IF (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened')
        -- Nobody is asked where the time of rows is over that an erasure kept.
        AND NOT (OLD.state IN ('received','needs_review') AND OLD.origin = 'retention'))
       OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients','reopened'))
       OR (NEW.state = 'waiting_on_recipients' AND OLD.state = 'reopened' AND NOT OLD.waits)
       OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed','reopened'))
       OR (NEW.state = 'completed' AND (NEW.waits
         OR EXISTS (SELECT 1 FROM recipients r WHERE r.request_id = NEW.id AND (r.settled_at IS NULL OR r.mark IS NULL)))) THEN
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
