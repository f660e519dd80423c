-- What each transaction of linking touched: the ids of citizens, 16 bytes each, in the order of the
-- commits, and which process it was of. A process that starts takes them behind its image of the
-- directory. The last ones are kept.
CREATE TABLE steps (
    number INTEGER PRIMARY KEY,
    process INTEGER NOT NULL,
    citizens BLOB NOT NULL
) STRICT;
