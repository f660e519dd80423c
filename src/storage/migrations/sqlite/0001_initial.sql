-- Times are microseconds since 1970-01-01 UTC. Numbers grow and are never used again.

CREATE TABLE streams (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    agency TEXT NOT NULL,
    UNIQUE (source, stream)
) STRICT;

-- What a value is and the agency's column it came from; record bodies name the pair by its number.
CREATE TABLE fields (
    number INTEGER PRIMARY KEY,
    attribute TEXT NOT NULL,
    source_column TEXT NOT NULL,
    UNIQUE (attribute, source_column)
) STRICT;

CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES streams (number),
    key TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    version TEXT,
    event_at INTEGER,
    observed_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (stream, key)
) STRICT;

-- Records whose present version has not been linked. A table of its own, so that linking never
-- rewrites a record.
CREATE TABLE unlinked (
    record INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE rejections (
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    source_column TEXT NOT NULL,
    reason TEXT NOT NULL,
    field_only INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (source, stream, key, source_column)
) STRICT, WITHOUT ROWID;

-- Every id that was ever given out; it stays when its profile goes.
CREATE TABLE citizens (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    successor INTEGER REFERENCES citizens (number),
    composed_at INTEGER,
    profile TEXT
) STRICT;

CREATE TABLE memberships (
    record INTEGER PRIMARY KEY REFERENCES records (number),
    citizen INTEGER NOT NULL REFERENCES citizens (number)
) STRICT;

CREATE INDEX memberships_by_citizen ON memberships (citizen);

CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    agency TEXT NOT NULL,
    kind TEXT NOT NULL,
    manifest TEXT NOT NULL,
    mapping TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    position TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    PRIMARY KEY (source, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    state TEXT NOT NULL,
    error_class TEXT,
    error_summary TEXT,
    rows_read INTEGER NOT NULL DEFAULT 0,
    records_stored INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX runs_by_source ON runs (source, number);
CREATE INDEX runs_under_way ON runs (number) WHERE state = 'running';

CREATE TABLE bundles (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    revision TEXT NOT NULL,
    body TEXT NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body BLOB NOT NULL
) STRICT;
