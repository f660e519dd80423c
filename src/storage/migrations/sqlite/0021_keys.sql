-- Keys that seal what storage holds, each sealed by the node's master key. The keys of persons are beside the
-- audit log; `sqlite_audit/0003_subject_keys.sql` has them.
CREATE TABLE data_keys (
    id INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- That somebody asks for a citizen's keys to be destroyed. Once it is decided, it names no citizen.
CREATE TABLE erasures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    citizen BLOB,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposer TEXT NOT NULL,
    decider TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
