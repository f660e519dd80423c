-- The audit log is in a file of its own; `sqlite_audit/0006_stamps.sql` has the time stamps.
SELECT 1;
