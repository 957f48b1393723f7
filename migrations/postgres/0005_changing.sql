-- The rows of a chunk that hold what its act changes: a row without a phone number is not counted as masked. Chunks that
-- were begun before count all of their rows, as they did.
ALTER TABLE step_chunks ADD COLUMN changing BIGINT NOT NULL DEFAULT 0;
UPDATE step_chunks SET changing = present;
