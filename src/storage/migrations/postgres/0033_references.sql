-- Rows of citizens, records and logs are never deleted, and what names one is written by a join with it or by
-- whom has just read it, so these references hold by how they are written. The server looked at each of them
-- once more for every row and locked the row that it leads to.
ALTER TABLE changes DROP CONSTRAINT changes_citizen_fkey, DROP CONSTRAINT changes_other_fkey;
ALTER TABLE revisions DROP CONSTRAINT revisions_citizen_fkey;
ALTER TABLE memberships DROP CONSTRAINT memberships_citizen_fkey;
ALTER TABLE versions DROP CONSTRAINT versions_record_fkey;
ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_log_fkey;
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_log_fkey;
ALTER TABLE audit_subjects DROP CONSTRAINT audit_subjects_log_fkey;
