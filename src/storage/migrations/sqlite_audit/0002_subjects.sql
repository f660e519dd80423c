-- Whom each entry is about: everybody, in the commit of the entry. The column `subject` of the entries
-- held one of them and is not read any more.
CREATE TABLE audit_subjects (
    subject BLOB NOT NULL,
    leaf INTEGER NOT NULL,
    PRIMARY KEY (subject, leaf)
) STRICT, WITHOUT ROWID;

-- Of all entries below `size` it is known whom they are about.
CREATE TABLE audit_indexed (
    size INTEGER NOT NULL
) STRICT;

INSERT INTO audit_indexed (size) VALUES (0);

-- Checkpoints that carry the signature of a witness.
ALTER TABLE audit_checkpoints ADD COLUMN witnessed INTEGER NOT NULL DEFAULT 0;

CREATE INDEX audit_checkpoints_witnessed ON audit_checkpoints (size) WHERE witnessed = 1;
