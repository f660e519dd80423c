-- Every text of an agency's folder that was handed in, by version. At most one of an agency is being
-- worked on; those that were approved were in force one after the other.
CREATE TABLE folders (
    agency TEXT NOT NULL,
    version INTEGER NOT NULL,
    manifest TEXT NOT NULL,
    mapping TEXT NOT NULL,
    state TEXT NOT NULL,
    author TEXT NOT NULL,
    approver TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (agency, version)
) STRICT, WITHOUT ROWID;

-- What was registered before folders were kept was in force with nobody's second word.
INSERT INTO folders (agency, version, manifest, mapping, state, author, created_at, updated_at)
    SELECT agency, 1, max(manifest), max(mapping), 'approved', '', min(created_at), max(updated_at)
    FROM sources GROUP BY agency;
