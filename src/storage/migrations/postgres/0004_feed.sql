-- Which revision of a citizen ended next behind a place of the feed, so that a page of who was known
-- there costs one look for each citizen, however many revisions came before or since.
CREATE INDEX revisions_by_end ON revisions (citizen, ended_sequence, revision);

-- Of a run: records that were taken out, and records and deletions that came too late to count.
ALTER TABLE runs ADD COLUMN deleted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN late BIGINT NOT NULL DEFAULT 0;
