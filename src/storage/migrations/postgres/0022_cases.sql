-- Each emergency, in the commit of its entry, and what somebody else says to it.
CREATE TABLE audit_cases (
    log BIGINT NOT NULL REFERENCES audit_logs (number),
    leaf BIGINT NOT NULL,
    agency TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    text BYTEA NOT NULL,
    reviewed_at BIGINT,
    PRIMARY KEY (log, leaf)
);

CREATE INDEX audit_cases_open ON audit_cases (at) WHERE state = 'open';
