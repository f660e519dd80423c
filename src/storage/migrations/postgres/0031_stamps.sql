-- What an authority for time said of checkpoints, each with the bytes that were stamped.
CREATE TABLE audit_stamps (
    log BIGINT NOT NULL REFERENCES audit_logs (number),
    size BIGINT NOT NULL,
    at BIGINT NOT NULL,
    note BYTEA NOT NULL,
    reply BYTEA NOT NULL,
    PRIMARY KEY (log, size)
);
