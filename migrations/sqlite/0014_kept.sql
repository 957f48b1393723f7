-- What erasures left in the stores on a ground, so that it goes when its time is over.

-- One row per case that keeps anything; the keys of its rows are sealed under the case's 'kept' key. It outlives the case's
-- record, and with it all that permitted the erasure: its mark, under a key outside of this database, stands for that.
CREATE TABLE kept (
  case_id       BLOB PRIMARY KEY CHECK (length(case_id) = 16),
  request_id    BLOB NOT NULL,
  authority_id  BLOB NOT NULL,
  account_mac   BLOB NOT NULL,
  plan_digest   BLOB NOT NULL,
  completed_at  INTEGER NOT NULL,
  mark          BLOB NOT NULL CHECK (length(mark) = 32),   -- over all of the above
  look_at       INTEGER NOT NULL,         -- when the stores are asked next whose time is over
  trouble_id    BLOB                      -- the request by which a person was told why they could not be asked
) STRICT, WITHOUT ROWID;

CREATE TRIGGER kept_stays_itself BEFORE UPDATE ON kept
WHEN NEW.case_id <> OLD.case_id OR NEW.request_id <> OLD.request_id OR NEW.authority_id <> OLD.authority_id
  OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest OR NEW.completed_at <> OLD.completed_at
  OR NEW.mark <> OLD.mark
BEGIN SELECT RAISE(ABORT, 'gate: what is kept stays what it is'); END;

-- INSERT OR REPLACE would delete without firing the triggers.
CREATE TRIGGER kept_no_replace BEFORE INSERT ON kept
WHEN EXISTS (SELECT 1 FROM kept k WHERE k.case_id = NEW.case_id)
BEGIN SELECT RAISE(ABORT, 'gate: what is kept stays what it is'); END;

CREATE TRIGGER kept_leaves_with_its_key BEFORE DELETE ON kept
WHEN EXISTS (SELECT 1 FROM vault_keys k WHERE k.owner = OLD.case_id AND k.purpose = 'kept' AND k.wrapped IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'gate: it leaves with the keys of what is kept'); END;
