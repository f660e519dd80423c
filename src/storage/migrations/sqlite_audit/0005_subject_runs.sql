-- Whom entries are about, as it came: written in the commit of the entries, one row behind the other.
CREATE TABLE audit_arrivals (
    number INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    leaf INTEGER NOT NULL
) STRICT;

-- The sorted runs that hold the rest. `target` is the run that is being made of several.
CREATE TABLE audit_runs (
    run INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    target INTEGER
) STRICT;

CREATE TABLE audit_run_subjects (
    run INTEGER NOT NULL,
    subject BLOB NOT NULL,
    leaf INTEGER NOT NULL,
    PRIMARY KEY (run, subject, leaf)
) STRICT, WITHOUT ROWID;

-- How far each run is that is being made.
CREATE TABLE audit_merges (
    target INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

INSERT INTO audit_run_subjects (run, subject, leaf)
    SELECT 1, subject, leaf FROM audit_subjects ORDER BY subject, leaf;
INSERT INTO audit_runs (run, level, rows, target)
    SELECT 1, 3, COUNT(*), NULL FROM audit_subjects HAVING COUNT(*) > 0;
DROP TABLE audit_subjects;
