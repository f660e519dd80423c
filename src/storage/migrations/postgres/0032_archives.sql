-- Entries that left for an archive: their leaf hashes, 256 to a tile; how many, until when, the last row
-- of the outbox among them, and the folder of the last ones; and who decided it.
CREATE TABLE audit_tiles (
    log BIGINT NOT NULL REFERENCES audit_logs (number),
    number BIGINT NOT NULL,
    hashes BYTEA NOT NULL CHECK (LENGTH(hashes) = 8192),
    PRIMARY KEY (log, number)
);

ALTER TABLE audit_logs
    ADD COLUMN archived BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN archived_before BIGINT,
    ADD COLUMN archived_outbox BIGINT,
    ADD COLUMN archived_folder TEXT NOT NULL DEFAULT '';

CREATE TABLE audit_archives (
    log BIGINT NOT NULL REFERENCES audit_logs (number),
    number BIGINT NOT NULL,
    cutoff BIGINT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposer TEXT NOT NULL,
    decider TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (log, number)
);
