-- Keys that seal what storage holds, each sealed by the master key that the nodes share.
CREATE TABLE data_keys (
    id BIGINT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- A random key for every person whom entries are about, sealed. An entry names a person by a hash under the
-- key; where the key is gone, nothing leads from the person to the entry. The nodes share them.
CREATE TABLE subject_keys (
    name BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (name, sealed)
);

-- How often keys were destroyed: who keeps keys in memory forgets them when it changes.
CREATE TABLE subject_erasures (
    generation BIGINT NOT NULL
);

INSERT INTO subject_erasures (generation) VALUES (0);

-- That somebody asks for a citizen's keys to be destroyed. Once it is decided, it names no citizen.
CREATE TABLE erasures (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    citizen BYTEA,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposer TEXT NOT NULL,
    decider TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
