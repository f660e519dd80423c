-- Whom each entry is about: everybody, in the commit of the entry. The column `subject` of the entries
-- held one of them and is not read any more.
CREATE TABLE audit_subjects (
    subject BYTEA NOT NULL,
    log BIGINT NOT NULL REFERENCES audit_logs (number),
    leaf BIGINT NOT NULL,
    PRIMARY KEY (subject, log, leaf)
);

-- Of all entries below this leaf it is known whom they are about.
ALTER TABLE audit_logs ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;

-- Checkpoints that carry the signature of a witness.
ALTER TABLE audit_checkpoints ADD COLUMN witnessed BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX audit_checkpoints_witnessed ON audit_checkpoints (log, size) WHERE witnessed;
