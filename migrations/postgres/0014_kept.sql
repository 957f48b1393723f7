-- What erasures left in the stores on a ground, so that it goes when its time is over.

-- One row per case that keeps anything; the keys of its rows are sealed under the case's 'kept' key. It outlives the case's
-- record, and with it all that permitted the erasure: its mark, under a key outside of this database, stands for that.
CREATE TABLE kept (
  case_id       BYTEA PRIMARY KEY CHECK (octet_length(case_id) = 16),
  request_id    UUID NOT NULL,
  authority_id  UUID NOT NULL,
  account_mac   BYTEA NOT NULL,
  plan_digest   BYTEA NOT NULL,
  completed_at  TIMESTAMPTZ NOT NULL,
  mark          BYTEA NOT NULL CHECK (octet_length(mark) = 32),   -- over all of the above
  look_at       TIMESTAMPTZ NOT NULL,     -- when the stores are asked next whose time is over
  trouble_id    UUID                      -- the request by which a person was told why they could not be asked
);

CREATE FUNCTION kept_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.case_id <> OLD.case_id OR NEW.request_id <> OLD.request_id OR NEW.authority_id <> OLD.authority_id
       OR NEW.account_mac <> OLD.account_mac OR NEW.plan_digest <> OLD.plan_digest OR NEW.completed_at <> OLD.completed_at
       OR NEW.mark <> OLD.mark THEN
      RAISE EXCEPTION 'gate: what is kept stays what it is';
    END IF;
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT 1 FROM vault_keys k WHERE k.owner = OLD.case_id AND k.purpose = 'kept' AND k.wrapped IS NOT NULL) THEN
    RAISE EXCEPTION 'gate: it leaves with the keys of what is kept';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER kept_gate BEFORE UPDATE OR DELETE ON kept FOR EACH ROW EXECUTE FUNCTION kept_gate();

CREATE FUNCTION kept_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'gate: it leaves with the keys of what is kept';
END $$;
CREATE TRIGGER kept_keep_all BEFORE TRUNCATE ON kept FOR EACH STATEMENT EXECUTE FUNCTION kept_stays();
