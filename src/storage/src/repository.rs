//! What storage promises. Both backends keep these promises, and the conformance suite checks them.
//!
//! Invariant: "not found" is `Ok(None)`; an error is a failure of storage itself.

mod agreements;
mod archives;
mod audit_log;
mod columns;
mod corrections;
mod deletions;
mod erasures;
mod folders;
mod review;
mod stamps;

use std::sync::Arc;

use async_trait::async_trait;
use rabt_model::{
    AgencyId, Change, CitizenId, RecordNumber, RunId, SourceId, SourceRecord, StreamId, Timestamp,
};

use crate::StorageError;
use crate::lease::{Fence, Following, Leases};
use crate::row::{
    Horizon, PutOutcome, RejectionCount, RevisionPage, RunCounts, RunOutcome, SourceState,
    StoredChange, StoredPosition, StoredProfile, StoredRecord, StoredRejection, StoredRevision,
    StoredRun, StoredSource,
};

pub use agreements::{AgreementVersions, Agreements};
pub use archives::Archives;
pub(crate) use archives::{LeafHashes, TILE, leaf_hashes};
pub use audit_log::AuditLog;
pub(crate) use audit_log::newest;
pub use columns::Columns;
pub use corrections::Corrections;
pub use deletions::Deletions;
pub use erasures::{DataKeys, Erasures};
pub use folders::Folders;
pub use review::{Decisions, Reviews};
pub use stamps::Stamps;

/// Durable state: one database, and an audit log that no long transaction can delay.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Begins a transaction that may write. Waits for the one before it on `SQLite`, which has
    /// one writer at a time. Dropping it undoes it.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StorageError>;

    /// Begins a transaction that sees one state of storage and may not write. It neither waits
    /// for a writer nor delays one, except in memory, where it does both.
    async fn snapshot(&self) -> Result<Box<dyn Transaction>, StorageError>;

    /// Returns the audit log that this process writes.
    fn audit_log(&self) -> Arc<dyn AuditLog>;

    /// Returns the audit log of this origin; `None` when there is none. `SQLite` has one log, and
    /// does not know its origin.
    async fn audit_log_of(&self, _origin: &str) -> Result<Option<Arc<dyn AuditLog>>, StorageError> {
        Ok(Some(self.audit_log()))
    }

    /// Returns the origins of the audit logs, in the order in which they began; none on `SQLite`.
    async fn audit_origins(&self) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    /// Returns the leases.
    fn leases(&self) -> Arc<dyn Leases>;

    /// Lets the database look at its rows, after many came at once: PostgreSQL plans by what it
    /// knows of them. `SQLite` needs no such look.
    async fn analyse(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// Checks that storage and the audit log answer.
    async fn probe(&self) -> Result<(), StorageError>;

    /// Returns `sqlite` or `postgres`.
    fn backend(&self) -> &'static str;

    /// Closes every connection; what is not committed is undone.
    async fn close(&self);
}

/// Everything that is committed or undone together.
#[async_trait]
pub trait Transaction:
    Records
    + Deletions
    + Clusters
    + Profiles
    + History
    + Changes
    + Decisions
    + Reviews
    + Sources
    + Folders
    + Corrections
    + Erasures
    + DataKeys
    + Agreements
    + AgreementVersions
    + Marks
    + Columns
    + Outbox
    + Fence
    + Following
    + Send
{
    /// Makes the transaction's writes durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;
}

/// Source records and what was rejected.
#[async_trait]
pub trait Records: Send {
    /// Stores records, each under its source, stream and key. A record whose content hash is held
    /// already stays as it is; a new or changed one becomes unlinked, and what it said before is
    /// kept as a version. One that is older than what is held, by the time of its event or else
    /// by a version that is a whole number, is late: it is kept as a version and changes nothing.
    /// A deleted record comes back under its number. Clears rejections that an earlier run left
    /// for these rows. When one call holds an id twice, the last one counts that is not late.
    async fn put_records(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
    ) -> Result<PutOutcome, StorageError>;

    /// As [`Records::put_records`], for records that are all that their source says now: none is
    /// late, whatever time or version it states, and the last one of a call counts.
    async fn put_present_records(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
    ) -> Result<PutOutcome, StorageError>;

    /// Stores rejections; one of the same row and column takes the place of an earlier one.
    async fn put_rejections(
        &mut self,
        run: RunId,
        rejections: &[StoredRejection],
    ) -> Result<(), StorageError>;

    /// Returns how many rejections stand against the rows of a source, by reason, in the order of
    /// the reasons.
    async fn count_rejections(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<(String, u64)>, StorageError>;

    /// Returns how many rejections stand against the rows of a source, by stream, column and reason,
    /// in this order.
    async fn rejections_by_column(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<RejectionCount>, StorageError>;

    /// Says that this transaction links whatever it stores or deletes from now on: no record becomes
    /// unlinked by it, and none has to be marked as linked. What is wrong with a write may be told by what
    /// comes behind it, at the latest by the commit.
    fn links_at_once(&mut self);

    /// Returns up to `limit` records with a number above `after`, in the order of their numbers.
    async fn records_after(
        &mut self,
        after: RecordNumber,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StorageError>;

    /// Returns up to `limit` unlinked records, in the order of their numbers.
    async fn unlinked_records(&mut self, limit: u32) -> Result<Vec<StoredRecord>, StorageError>;

    /// Returns the records with these numbers that exist, in the order of their numbers, each
    /// once.
    async fn get_records(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<StoredRecord>, StorageError>;

    /// Returns the numbers of the rows of a stream with these keys, in the order of the keys;
    /// `None` for rows that are not held.
    async fn find_records(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        keys: &[&str],
    ) -> Result<Vec<Option<RecordNumber>>, StorageError>;

    /// Returns how many records are held.
    async fn count_records(&mut self) -> Result<u64, StorageError>;

    /// Returns how many records are held of each source that has any, in the order of the ids.
    async fn count_records_by_source(&mut self) -> Result<Vec<(SourceId, u64)>, StorageError>;
}

/// Which record belongs to which citizen.
#[async_trait]
pub trait Clusters: Send {
    /// Returns every membership, in the order of the record numbers.
    async fn memberships(&mut self) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError>;

    /// Returns the records of a citizen, ascending; none when there is no such citizen.
    async fn members_of(&mut self, citizen: CitizenId) -> Result<Vec<RecordNumber>, StorageError>;

    /// Returns the citizens who have these records, ascending by record; nothing for those that
    /// belong to nobody.
    async fn citizens_of(
        &mut self,
        records: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError>;

    /// Returns the citizens who have records that are not linked as they are now, ascending.
    async fn citizens_of_unlinked(&mut self) -> Result<Vec<CitizenId>, StorageError>;

    /// Gives records to citizens, and marks the records as linked. The last one counts when a
    /// record is named twice. A record that does not exist is an error.
    async fn assign(
        &mut self,
        memberships: &[(RecordNumber, CitizenId)],
    ) -> Result<(), StorageError>;

    /// Marks records as linked whose membership did not change.
    async fn mark_linked(&mut self, numbers: &[RecordNumber]) -> Result<(), StorageError>;

    /// Lets ids that are no longer used lead to the ones that took their place.
    async fn redirect(&mut self, redirects: &[(CitizenId, CitizenId)]) -> Result<(), StorageError>;

    /// Returns the id that stands for this one today: itself, or the end of its redirects.
    /// An id that has never been assigned or redirected is `None`.
    async fn resolve(&mut self, citizen: CitizenId) -> Result<Option<CitizenId>, StorageError>;

    /// Returns every id that leads to this one today, itself among them when it is known, ascending.
    async fn ids_of(&mut self, citizen: CitizenId) -> Result<Vec<CitizenId>, StorageError>;
}

/// Golden records.
#[async_trait]
pub trait Profiles: Send {
    /// Stores profiles, each in place of the citizen's earlier one, which becomes a past revision.
    /// They belong to the last change, so the changes of the same commit are put first.
    async fn put_profiles(&mut self, profiles: &[StoredProfile]) -> Result<(), StorageError>;

    /// Removes the profiles of these citizens, where there are any; they become past revisions.
    async fn delete_profiles(
        &mut self,
        citizens: &[CitizenId],
        at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Returns the profile of a citizen. Redirects are not followed.
    async fn get_profile(
        &mut self,
        citizen: CitizenId,
    ) -> Result<Option<StoredProfile>, StorageError>;

    /// Returns the profiles of these citizens that exist, in no particular order, each once.
    async fn get_profiles(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<StoredProfile>, StorageError>;

    /// Returns up to `limit` profiles behind the one of `after`, or from the first one. Every
    /// profile is returned once, in the order in which storage first heard of the citizens.
    async fn profiles_after(
        &mut self,
        after: Option<CitizenId>,
        limit: u32,
    ) -> Result<Vec<StoredProfile>, StorageError>;

    /// Returns how many profiles are held.
    async fn count_profiles(&mut self) -> Result<u64, StorageError>;
}

/// What profiles and records were.
#[async_trait]
pub trait History: Send {
    /// Returns the present revisions of these citizens that have a profile, in no particular
    /// order, each once.
    async fn present_revisions(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<StoredRevision>, StorageError>;

    /// Returns up to `limit` revisions of a citizen, the last one first; the present one, when
    /// there is one, is the first. Redirects are not followed.
    async fn revisions(
        &mut self,
        citizen: CitizenId,
        limit: u32,
    ) -> Result<Vec<StoredRevision>, StorageError>;

    /// Returns the revisions that were present when `sequence` was the last change, of the next
    /// `limit` citizens behind the place `after`, 0 for the first page. A page costs a look at each
    /// of those citizens, whether they were known then or not, and no more. Over all pages every
    /// citizen who had a profile then is returned once, in the order in which storage first heard
    /// of them.
    async fn revisions_at(
        &mut self,
        sequence: u64,
        after: u64,
        limit: u32,
    ) -> Result<RevisionPage, StorageError>;

    /// Returns what each of these records said at a place in history, in the order of the
    /// question; `None` for those that were not there.
    async fn records_at(
        &mut self,
        wanted: &[(RecordNumber, Horizon)],
    ) -> Result<Vec<Option<StoredRecord>>, StorageError>;

    /// Returns every version of a record that is not its present one, in the order in which
    /// storage set them aside, and whether each was late.
    async fn versions(
        &mut self,
        record: RecordNumber,
    ) -> Result<Vec<(StoredRecord, bool)>, StorageError>;
}

/// The feed of what happened to citizens.
#[async_trait]
pub trait Changes: Send {
    /// Appends changes, numbered from the last one on, and returns the last number. The citizens
    /// must have been assigned a record or redirected before. On PostgreSQL a second writer waits
    /// for the first one's commit, so that a reader that goes by number misses none.
    async fn put_changes(&mut self, changes: &[Change], at: Timestamp)
    -> Result<u64, StorageError>;

    /// Returns the number of the last change; 0 when there is none.
    async fn last_change(&mut self) -> Result<u64, StorageError>;

    /// Returns up to `limit` changes with a number above `after`, in the order of their numbers.
    async fn changes_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredChange>, StorageError>;

    /// Returns the merges into, the splits of and the annulments of these citizens, and the
    /// changes of their records, behind the change `after`, ascending.
    async fn identity_changes(
        &mut self,
        citizens: &[CitizenId],
        after: u64,
    ) -> Result<Vec<StoredChange>, StorageError>;

    /// Returns whose these records are, or were before their deletion, ascending by record; nothing
    /// for those that do not exist.
    async fn agencies_of_records(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, AgencyId)>, StorageError>;

    /// Returns which agencies have a record of each of these citizens now, in no particular order,
    /// each pair once.
    async fn agencies_of_citizens(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(CitizenId, AgencyId)>, StorageError>;
}

/// Registered sources, how far they were read, and their runs.
#[async_trait]
pub trait Sources: Send {
    /// Stores a source, in place of an earlier one with its id; `created_at` stays the first one.
    async fn put_source(&mut self, source: &StoredSource) -> Result<(), StorageError>;

    /// Returns a source.
    async fn get_source(&mut self, id: &SourceId) -> Result<Option<StoredSource>, StorageError>;

    /// Returns every source, in the order of the ids.
    async fn list_sources(&mut self) -> Result<Vec<StoredSource>, StorageError>;

    /// Changes the state of a source; returns `false` when there is no such source.
    async fn set_state(
        &mut self,
        id: &SourceId,
        state: SourceState,
        at: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Returns how far a stream has been read.
    async fn get_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<Option<String>, StorageError>;

    /// Returns how far every stream of a source has been read, in the order of the streams.
    async fn positions(&mut self, source: &SourceId) -> Result<Vec<StoredPosition>, StorageError>;

    /// Stores how far a stream has been read, and the number of rows up to there.
    async fn put_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        position: &str,
        rows: u64,
    ) -> Result<(), StorageError>;

    /// Forgets how far a stream has been read, so that it is read from its start.
    async fn delete_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<(), StorageError>;

    /// Starts a run.
    async fn start_run(&mut self, source: &SourceId, at: Timestamp) -> Result<RunId, StorageError>;

    /// Adds to what a run has done; belongs into the transaction of the records it counts.
    async fn count_run(&mut self, run: RunId, counts: RunCounts) -> Result<(), StorageError>;

    /// Ends a run.
    async fn finish_run(&mut self, run: RunId, outcome: &RunOutcome) -> Result<(), StorageError>;

    /// Ends every run that a killed process left running; returns how many there were. To be
    /// called once, before any run of this process starts.
    async fn interrupt_runs(&mut self, at: Timestamp) -> Result<u64, StorageError>;

    /// Returns a run.
    async fn get_run(&mut self, run: RunId) -> Result<Option<StoredRun>, StorageError>;

    /// Returns up to `limit` runs of a source, the last one first.
    async fn runs(&mut self, source: &SourceId, limit: u32)
    -> Result<Vec<StoredRun>, StorageError>;
}

/// Short texts by name: how far a long piece of work has come, and by what it worked.
#[async_trait]
pub trait Marks: Send {
    /// Returns the text of a name.
    async fn get_mark(&mut self, name: &str) -> Result<Option<String>, StorageError>;

    /// Stores the text of a name, in place of an earlier one.
    async fn put_mark(&mut self, name: &str, text: &str) -> Result<(), StorageError>;
}

/// Audit entries that become durable with the transaction that they tell about.
#[async_trait]
pub trait Outbox: Send {
    /// Stores the bodies of entries. Their numbers grow in the order of the commits, so a reader
    /// that goes by number misses none; on PostgreSQL a second writer of the outbox waits for
    /// the first one's commit, so this belongs at the end of a transaction.
    async fn put_outbox(&mut self, bodies: &[Vec<u8>]) -> Result<(), StorageError>;

    /// Returns up to `limit` rows with a number above `after`, in the order of their numbers.
    async fn outbox_after(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Vec<u8>)>, StorageError>;

    /// Removes the rows up to and with this number; it is never used again.
    async fn delete_outbox_through(&mut self, number: i64) -> Result<(), StorageError>;
}
