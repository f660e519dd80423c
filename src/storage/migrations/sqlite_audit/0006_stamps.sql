-- What an authority for time said of checkpoints, each with the bytes that were stamped.
CREATE TABLE audit_stamps (
    size INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    note BLOB NOT NULL,
    reply BLOB NOT NULL
) STRICT;
