//! Durable state of a Rabt node, on `SQLite` or PostgreSQL.
//!
//! Invariant: what one transaction wrote is there as a whole or not at all, also after a kill.

mod batch;
mod body;
#[cfg(any(test, feature = "testkit"))]
#[expect(clippy::unwrap_used, reason = "a case that does not hold panics")]
pub mod conformance;
mod convert;
mod deletion;
mod error;
mod feed;
mod fingerprint;
mod names;
mod open;
mod postgres;
mod repository;
mod row;
mod sqlite;

pub use error::StorageError;
pub use fingerprint::fingerprint;
pub use open::open;
pub use repository::{
    Agreements, AuditLog, Changes, Clusters, Deletions, History, Outbox, Profiles, Records,
    Sources, Storage, Transaction,
};
pub use row::{
    DeleteOutcome, Deletion, GoldenRef, Horizon, PutOutcome, RevisionPage, RunCounts, RunError,
    RunOutcome, RunState, SourceState, StoredBundle, StoredChange, StoredEntry, StoredPosition,
    StoredProfile, StoredRecord, StoredRejection, StoredRevision, StoredRun, StoredSource,
};
