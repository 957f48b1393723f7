-- What keeps a request from its end while others were asked to erase too.

-- Whether it still waits for others: its last letter was not written. Rows that came back meanwhile are erased, and it waits on.
ALTER TABLE requests ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
UPDATE requests SET waits = 1 WHERE state = 'waiting_on_recipients';

-- What came back while a request waited is erased before its end, or stays because a person looked at it; and nothing ends
-- while somebody is waited for.
DROP TRIGGER requests_gate_order;
CREATE TRIGGER requests_gate_order BEFORE UPDATE ON requests
WHEN (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened')
    -- Nobody is asked where the time of rows is over that an erasure kept.
    AND NOT (OLD.state IN ('received','needs_review') AND OLD.origin = 'retention'))
  OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients','reopened'))
  OR (NEW.state = 'waiting_on_recipients' AND OLD.state = 'reopened' AND OLD.waits = 0)
  OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed','reopened'))
  OR (NEW.state = 'completed' AND (NEW.waits <> 0
      OR EXISTS (SELECT 1 FROM recipients r WHERE r.request_id = NEW.id AND (r.settled_at IS NULL OR r.mark IS NULL))))
  OR (NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened','waiting_on_recipients'))
BEGIN SELECT RAISE(ABORT, 'gate: this state cannot be reached from there'); END;
