-- Each emergency, in the commit of its entry, and what somebody else says to it.
CREATE TABLE audit_cases (
    leaf INTEGER PRIMARY KEY,
    agency TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    text BLOB NOT NULL,
    reviewed_at INTEGER
) STRICT;

CREATE INDEX audit_cases_open ON audit_cases (at) WHERE state = 'open';
