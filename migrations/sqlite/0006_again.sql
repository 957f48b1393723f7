-- What happens after an erasure was completed.

-- What came back and stays, because a person of the team looked at it, leaves a request completed as it was: 'reopened'
-- is reached from 'completed' only, so that nothing is called done that was not.
DROP TRIGGER requests_gate_order;
CREATE TRIGGER requests_gate_order BEFORE UPDATE ON requests
WHEN (NEW.state = 'erasing' AND OLD.state NOT IN ('scheduled','erasing','reopened'))
  OR (NEW.state = 'waiting_on_recipients' AND OLD.state NOT IN ('erasing','waiting_on_recipients'))
  OR (NEW.state = 'completed' AND OLD.state NOT IN ('erasing','waiting_on_recipients','completed','reopened'))
  OR (NEW.state = 'reopened' AND OLD.state NOT IN ('completed','reopened'))
BEGIN SELECT RAISE(ABORT, 'gate: this state cannot be reached from there'); END;
