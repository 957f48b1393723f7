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

-- Legal holds on accounts, persons, tables, stores and everything. Both HMACs are under a key outside this database: plain SQL neither lifts a
-- hold nor moves it.
CREATE TABLE legal_holds (
  id           UUID PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('account','subject','table','store','everything')),
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
