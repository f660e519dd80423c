//! Durable state of a Rabt node, on `SQLite` or PostgreSQL.
//!
//! Invariant: what one transaction wrote is there as a whole or not at all, also after a kill.

mod agreement;
mod batch;
mod body;
mod column;
#[cfg(any(test, feature = "testkit"))]
#[expect(clippy::unwrap_used, reason = "a case that does not hold panics")]
pub mod conformance;
mod convert;
mod correction;
mod decision;
mod deletion;
mod erasure;
mod error;
mod feed;
mod fingerprint;
mod folder;
mod key;
mod lease;
mod names;
mod open;
mod postgres;
mod repository;
mod review;
mod row;
mod sqlite;
mod task;

pub use agreement::{AgreementMove, AgreementState, StoredAgreement};
pub use column::ColumnCount;
pub use error::StorageError;
pub use fingerprint::fingerprint;
pub use lease::{Fence, Following, Head, Holder, KEPT_STEPS, Leader, Lease, Leases};
pub use open::{open, open_as};
pub use repository::{
    AgreementVersions, Agreements, Archives, AuditLog, Changes, Clusters, Columns, Corrections,
    DataKeys, Decisions, Deletions, Erasures, Folders, History, Marks, Outbox, Profiles, Records,
    Reviews, Sources, Stamps, Storage, Transaction,
};
pub use review::{
    DecisionOrigin, DecisionState, DecisionStep, NewDecision, NewTask, StoredDecision, StoredTask,
    TaskCounts, TaskFilter, TaskPlace,
};
pub use row::{
    ArchiveStep, Archived, CaseState, CaseStep, CorrectionState, DeleteOutcome, Deletion,
    ErasureState, FolderState, GoldenRef, Horizon, NewEntry, PutOutcome, RejectionCount, Removal,
    RevisionPage, RunCounts, RunError, RunOutcome, RunState, SourceState, StoredArchive,
    StoredBundle, StoredCase, StoredChange, StoredCorrection, StoredDataKey, StoredEntry,
    StoredErasure, StoredFolder, StoredPosition, StoredProfile, StoredRecord, StoredRejection,
    StoredRevision, StoredRun, StoredSource, StoredStamp, SubjectKey,
};
