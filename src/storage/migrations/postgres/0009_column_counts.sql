-- What the rows that were read since a stream was last read from its start say of their columns: how
-- many rows there were, how many without a value, how many values were refused. An empty column
-- stands for the rows as a whole.
CREATE TABLE column_counts (
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    source_column TEXT NOT NULL,
    rows_read BIGINT NOT NULL,
    missing BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    PRIMARY KEY (source, stream, source_column)
);
