-- What citizens say is wrong about them, for the agency whose record it comes from.
CREATE TABLE corrections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    citizen BLOB NOT NULL,
    agency TEXT NOT NULL,
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    record_key TEXT NOT NULL,
    attribute TEXT NOT NULL,
    wrong TEXT NOT NULL,
    evidence TEXT NOT NULL,
    state TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX corrections_by_citizen ON corrections (citizen);
CREATE INDEX corrections_by_agency ON corrections (agency, number);

-- Which ids lead to a citizen.
CREATE INDEX citizens_by_successor ON citizens (successor) WHERE successor IS NOT NULL;
