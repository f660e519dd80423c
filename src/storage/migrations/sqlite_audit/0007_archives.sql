-- Entries that left for an archive: their leaf hashes, 256 to a tile; how many, until when, the last row
-- of the outbox among them, and the folder of the last ones; and who decided it.
CREATE TABLE audit_tiles (
    number INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL CHECK (LENGTH(hashes) = 8192)
) STRICT;

CREATE TABLE audit_archived (
    size INTEGER NOT NULL,
    before INTEGER,
    outbox INTEGER,
    folder TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO audit_archived (size) VALUES (0);

CREATE TABLE audit_archives (
    number INTEGER PRIMARY KEY,
    cutoff INTEGER NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposer TEXT NOT NULL,
    decider TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
