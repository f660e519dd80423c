-- What records and profiles were before, and the feed of what changed.

-- A record that disappeared at its source keeps its row, without content, so that it keeps its
-- number when it comes back. Its last content is a version.
ALTER TABLE records ADD COLUMN deleted_at INTEGER;

CREATE INDEX records_deleted ON records (stream) WHERE deleted_at IS NOT NULL;

-- Contents that are no longer a record's, and those that came too late to ever be.
CREATE TABLE versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    record INTEGER NOT NULL REFERENCES records (number),
    late INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    version TEXT,
    event_at INTEGER,
    observed_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX versions_by_record ON versions (record, number);

-- The citizen that a deleted record belonged to, for when it comes back.
CREATE TABLE departures (
    record INTEGER PRIMARY KEY REFERENCES records (number),
    citizen INTEGER NOT NULL REFERENCES citizens (number)
) STRICT;

-- Of the present profile: its number among the citizen's, the last change of its commit, the last
-- change that names the citizen (0 when there is none), and the last version there was when it was
-- composed: what its records said then is in later versions.
ALTER TABLE citizens ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE citizens ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE citizens ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE citizens ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;

-- Profiles that another one took the place of; the present one is in `citizens` only.
CREATE TABLE revisions (
    citizen INTEGER NOT NULL REFERENCES citizens (number),
    revision INTEGER NOT NULL,
    composed_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    ended_sequence INTEGER NOT NULL,
    told INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    profile TEXT NOT NULL,
    PRIMARY KEY (citizen, revision)
) STRICT, WITHOUT ROWID;

-- The feed: numbered from 1 without a gap, in the order of the commits. Attributes and records
-- are named, values never.
CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    citizen INTEGER NOT NULL REFERENCES citizens (number),
    other INTEGER REFERENCES citizens (number),
    body TEXT NOT NULL,
    cause TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    supersedes INTEGER
) STRICT;

-- Most changes are first sights of a citizen, which nothing looks up.
CREATE INDEX changes_by_citizen ON changes (citizen, sequence) WHERE kind <> 'born';
