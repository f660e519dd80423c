-- A random key for every person whom entries are about, sealed. An entry names a person by a hash under the
-- key; where the key is gone, nothing leads from the person to the entry.
CREATE TABLE subject_keys (
    name BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (name, sealed)
) STRICT, WITHOUT ROWID;

-- How often keys were destroyed: who keeps keys in memory forgets them when it changes.
CREATE TABLE subject_erasures (
    generation INTEGER NOT NULL
) STRICT;

INSERT INTO subject_erasures (generation) VALUES (0);
