-- Every text of an access agreement that was handed in, by version. At most one of an agreement is
-- being worked on, and one is in force or suspended. What is in force together is the last bundle.
CREATE TABLE agreements (
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    author TEXT NOT NULL,
    approver TEXT,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (id, version)
);
