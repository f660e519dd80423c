-- The audit log is in a file of its own; `sqlite_audit/0007_archives.sql` has what left it.
SELECT 1;
