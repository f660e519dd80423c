-- The audit log is in a file of its own; `sqlite_audit/0002_subjects.sql` says there whom entries are about.
SELECT 1;
