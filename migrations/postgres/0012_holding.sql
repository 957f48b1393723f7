-- The rows of a chunk that hold something of a category, before the first act on it: who never gave a telephone number is not told
-- that one was erased. Chunks that were begun before have none, and count all of their rows, as they did.
ALTER TABLE step_chunks ADD COLUMN holding JSONB;
