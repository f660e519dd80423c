CREATE TABLE audit_entries (
    leaf INTEGER PRIMARY KEY,
    body BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    outbox INTEGER,
    subject BLOB
) STRICT;

CREATE INDEX audit_entries_by_outbox ON audit_entries (outbox) WHERE outbox IS NOT NULL;

-- The signed head of the tree of the first `size` entries.
CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
