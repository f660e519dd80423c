-- One process serves a store of SQLite, and holds a lock on a file beside it for as long: there is
-- nobody to share a lease, steps or a log with, and nothing to keep.
SELECT 1;
