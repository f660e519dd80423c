-- Which process a step is of: a database that was restored from an older state goes on with the same
-- numbers, and what was kept elsewhere of the time between does not belong to them.
ALTER TABLE steps ADD COLUMN process BIGINT NOT NULL DEFAULT 0;
ALTER TABLE steps ALTER COLUMN process DROP DEFAULT;
