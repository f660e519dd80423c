//! What storage holds, as its callers see it.

mod archive;
mod case;
mod correction;
mod erasure;
mod stamp;

use rabt_model::{
    AgencyId, Attribute, Change, CitizenId, ErrorClass, Pii, RecordId, RecordNumber, Rule, RunId,
    SourceId, SourceRecord, StreamId, Timestamp,
};

pub use archive::{ArchiveStep, Archived, Removal, StoredArchive};
pub use case::{CaseState, CaseStep, StoredCase};
pub use correction::{CorrectionState, StoredCorrection};
pub use erasure::{ErasureState, StoredDataKey, StoredErasure, SubjectKey};
pub use stamp::StoredStamp;

/// What became of the records of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PutOutcome {
    /// Records that were not held before.
    pub inserted: u64,
    /// Records that replaced an older version of themselves.
    pub updated: u64,
    /// Records that were held already with the same content hash, or were superseded by a later
    /// record of the same call.
    pub unchanged: u64,
    /// Records that are older than what is held, by their source's own word: kept as past
    /// versions, and otherwise without effect.
    pub late: u64,
    /// The number of each record, in the order of the call.
    pub numbers: Vec<RecordNumber>,
    /// Of each record, in the order of the call, whether it was inserted or took the place of another
    /// version.
    pub counted: Vec<bool>,
}

/// A record with its place in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its number: growing, never given to another record.
    pub number: RecordNumber,
    /// The record. Times are kept to the microsecond.
    pub record: SourceRecord,
    /// Whether this version of the record has been linked.
    pub linked: bool,
}

impl StoredRecord {
    /// Returns what storage holds of a record that was given to it under a number, and is not linked.
    #[must_use]
    pub fn unlinked(number: RecordNumber, record: &SourceRecord) -> Self {
        let mut record = record.clone();
        record.observed_at = whole_micros(record.observed_at);
        record.event_at = record.event_at.map(whole_micros);
        Self {
            number,
            record,
            linked: false,
        }
    }
}

/// Returns a time as storage keeps it.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// That a record is no longer at its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Which record.
    pub id: RecordId,
    /// The source's own version of the deletion, when it has one.
    pub version: Option<String>,
    /// When the source says the record was deleted.
    pub event_at: Option<Timestamp>,
}

/// What became of the deletions of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteOutcome {
    /// Records that were taken out.
    pub deleted: u64,
    /// Deletions of what was not there.
    pub unchanged: u64,
    /// Deletions that are older than the version that is held: without effect.
    pub late: u64,
    /// The numbers of the records that were taken out, ascending.
    pub numbers: Vec<RecordNumber>,
}

/// A change of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// Its number: from 1, without a gap, in the order of the commits.
    pub sequence: u64,
    /// When it was committed; kept to the microsecond.
    pub recorded_at: Timestamp,
    /// What happened.
    pub change: Change,
}

/// A state that a profile was in, or is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRevision {
    /// The profile; it was recorded when it was composed.
    pub profile: StoredProfile,
    /// Its number among the revisions of its citizen, from 1.
    pub revision: u64,
    /// The last change that named the citizen when it was composed; 0 when there was none.
    pub sequence: u64,
    /// When another profile, or none, took its place.
    pub ended_at: Option<Timestamp>,
    /// What the records said then is found by this.
    pub horizon: Horizon,
}

/// Some of those who were known at a place in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevisionPage {
    /// Their revisions; there may be none although there are more pages.
    pub revisions: Vec<StoredRevision>,
    /// The place of the next page; `None` when this is the last.
    pub next: Option<u64>,
}

/// A place in the history of all records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Horizon(pub i64);

/// A row, or one field of a row, that its mapping refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRejection {
    /// The source that was read.
    pub source: SourceId,
    /// The table or view.
    pub stream: StreamId,
    /// The row's key; a NUL in it is stored as U+FFFD.
    pub key: Pii<String>,
    /// The column or columns; empty when the row as a whole is at fault.
    pub column: String,
    /// The stable code of the reason; never a value.
    pub reason: String,
    /// Whether the row was kept without the field.
    pub field_only: bool,
}

/// One golden value, as a reference into a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenRef {
    /// What is known.
    pub attribute: Attribute,
    /// The record that the value is taken from.
    pub record: RecordNumber,
    /// Index of the value in that record's `values`.
    pub value: u16,
    /// The rule that chose it.
    pub rule: Rule,
    /// Whether another record contradicts it.
    pub disputed: bool,
    /// Number of records that hold an equal value, this one included.
    pub supporters: u32,
}

/// The golden record of one citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProfile {
    /// Who it is.
    pub citizen: CitizenId,
    /// When it was composed; kept to the microsecond.
    pub composed_at: Timestamp,
    /// The golden values, in the order they were put.
    pub values: Vec<GoldenRef>,
}

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every state, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the state's name, as operators read it and storage keeps it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Returns the state of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == name)
            }
        }
    };
}

pub(crate) use text_enum;

text_enum! {
    /// Where a source stands between registration and retirement.
    SourceState {
        /// Registered; nothing is known to work.
        Draft = "draft",
        /// Its database answers, and its rights suffice.
        Checked = "checked",
        /// Its tables and columns are known.
        Discovered = "discovered",
        /// Its mapping is complete.
        Mapped = "mapped",
        /// Somebody saw what the mapping makes of its rows.
        Previewed = "previewed",
        /// It may be read.
        Approved = "approved",
        /// Its first full reading is under way.
        Snapshot = "snapshot",
        /// It is read on schedule.
        Live = "live",
        /// It is read, with failures.
        Degraded = "degraded",
        /// It is not read until an operator decides.
        Quarantined = "quarantined",
        /// An operator stopped it for a while.
        Paused = "paused",
        /// It is never read again.
        Retired = "retired",
    }
}

text_enum! {
    /// Where a version of an agency's folder stands.
    FolderState {
        /// Handed in; nothing is known to work.
        Draft = "draft",
        /// Its database answers, and its rights suffice.
        Checked = "checked",
        /// Its tables and columns are known.
        Discovered = "discovered",
        /// Its mapping is complete.
        Mapped = "mapped",
        /// Somebody saw what the mapping makes of its rows.
        Previewed = "previewed",
        /// A second person approved it: it is in force, or was.
        Approved = "approved",
        /// It was taken back, or another one took its place before anybody approved it.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// Where a run stands.
    RunState {
        /// Under way, or killed and not yet noticed.
        Running = "running",
        /// It read all there was.
        Succeeded = "succeeded",
        /// It ended with an error.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Its process ended before it did.
        Interrupted = "interrupted",
    }
}

impl FolderState {
    /// Says whether a version is being worked on.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Approved | Self::Withdrawn)
    }
}

/// A registered source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSource {
    /// Which source.
    pub id: SourceId,
    /// Whose it is.
    pub agency: AgencyId,
    /// The connector's kind: `sqlite`, `postgres`.
    pub kind: String,
    /// The text of its manifest.
    pub manifest: String,
    /// The text of its mapping.
    pub mapping: String,
    /// Where it stands.
    pub state: SourceState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its manifest, mapping or state last changed.
    pub updated_at: Timestamp,
}

/// How many rejections stand against one column of a stream for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RejectionCount {
    /// Which table or view.
    pub stream: StreamId,
    /// The column, or columns joined by `+`; empty when the whole row is meant.
    pub column: String,
    /// Code of the reason.
    pub reason: String,
    /// Whether only the value is left out and the record was taken.
    pub field_only: bool,
    /// How many.
    pub count: u64,
}

/// One version of an agency's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFolder {
    /// Whose it is.
    pub agency: AgencyId,
    /// Its number, from 1; never used again.
    pub version: u32,
    /// The text of its manifest.
    pub manifest: String,
    /// The text of its mapping; empty until there is one.
    pub mapping: String,
    /// Where it stands.
    pub state: FolderState,
    /// Who handed it in: role and name; empty for one from before this was kept.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// How far a stream has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPosition {
    /// Which table or view.
    pub stream: StreamId,
    /// The connector's opaque position.
    pub position: String,
    /// Rows read up to here, as its writer counted them.
    pub rows: u64,
}

/// What a run has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunCounts {
    /// Rows read.
    pub rows: u64,
    /// Records inserted or updated.
    pub records: u64,
    /// Rows and fields rejected.
    pub rejected: u64,
    /// Records that had not changed.
    pub unchanged: u64,
    /// Records that were taken out because they disappeared at their source.
    pub deleted: u64,
    /// Records and deletions that are older than what is held: without effect on the present.
    pub late: u64,
}

impl std::ops::AddAssign for RunCounts {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.records += more.records;
        self.rejected += more.rejected;
        self.unchanged += more.unchanged;
        self.deleted += more.deleted;
        self.late += more.late;
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// One line for an operator; never a value.
    pub summary: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// Where it stands now.
    pub state: RunState,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Why it failed, when it did.
    pub error: Option<RunError>,
}

/// One reading of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Which run.
    pub run: RunId,
    /// What it reads.
    pub source: SourceId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed, when it did.
    pub error: Option<RunError>,
    /// What it has done so far; committed with the records it counts.
    pub counts: RunCounts,
}

/// A version of the access agreements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBundle {
    /// Its revision, as the policy names it.
    pub revision: String,
    /// Its text, TOML.
    pub text: String,
    /// When it became the current one.
    pub stored_at: Timestamp,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its canonical bytes.
    pub body: Vec<u8>,
    /// SHA-256 of the leaf.
    pub leaf_hash: [u8; 32],
    /// The outbox row it was taken from, when it was.
    pub outbox: Option<i64>,
}

/// An entry on its way into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The entry.
    pub entry: StoredEntry,
    /// The pseudonyms of everybody whom it is about.
    pub subjects: Vec<[u8; 32]>,
    /// Keys that these pseudonyms were made with, as far as they are not stored yet.
    pub keys: Vec<SubjectKey>,
    /// What it does to the case of an emergency.
    pub case: Option<CaseStep>,
    /// What it does to an archive.
    pub archive: Option<ArchiveStep>,
}
