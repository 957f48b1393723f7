-- By which other names the environment knew the one who recorded evidence, 16 bytes each: "root for anna" and anna are one person.
ALTER TABLE evidence ADD COLUMN claimed BLOB NOT NULL DEFAULT x'';
