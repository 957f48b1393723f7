-- Whoever can write rows writes no answer of a recipient.

CREATE TRIGGER recipients_gate_replace BEFORE INSERT ON recipients
WHEN EXISTS (SELECT 1 FROM recipients r
  WHERE (r.request_id = NEW.request_id AND r.store = NEW.store) OR r.token_hash = NEW.token_hash)
BEGIN SELECT RAISE(ABORT, 'gate: a recipient is asked once'); END;

CREATE TRIGGER recipients_gate_itself BEFORE UPDATE ON recipients
WHEN NEW.request_id <> OLD.request_id OR NEW.store <> OLD.store OR NEW.token_hash <> OLD.token_hash
  OR NEW.partial <> OLD.partial
BEGIN SELECT RAISE(ABORT, 'gate: a recipient stays itself'); END;

-- A word that was taken back cannot be put back: the mark is over the number of the answer.
CREATE TRIGGER recipients_gate_answers BEFORE UPDATE ON recipients
WHEN NEW.answers < OLD.answers
  OR (NEW.answers = OLD.answers AND (NEW.state <> OLD.state OR NEW.mark IS NOT OLD.mark))
BEGIN SELECT RAISE(ABORT, 'gate: an answer is never an earlier one'); END;

CREATE TRIGGER recipients_leave_with_the_record BEFORE DELETE ON recipients
WHEN NOT EXISTS (SELECT 1 FROM requests r JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'record'
  WHERE r.id = OLD.request_id GROUP BY r.id HAVING COUNT(k.wrapped) = 0)
BEGIN
  SELECT RAISE(ABORT, 'gate: it leaves with the record of its case');
END;
