-- The audit log is in a file of its own; `sqlite_audit/0004_cases.sql` has the cases of emergencies.
SELECT 1;
