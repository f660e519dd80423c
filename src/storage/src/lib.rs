//! Durable state of a Rabt node, on `SQLite` or PostgreSQL.
//!
//! Invariant: what one transaction wrote is there as a whole or not at all, also after a kill.

mod batch;
mod body;
#[cfg(any(test, feature = "testkit"))]
#[expect(clippy::unwrap_used, reason = "a case that does not hold panics")]
pub mod conformance;
mod convert;
mod error;
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
    Agreements, AuditLog, Clusters, Outbox, Profiles, Records, Sources, Storage, Transaction,
};
pub use row::{
    GoldenRef, PutOutcome, RunCounts, RunError, RunOutcome, RunState, SourceState, StoredBundle,
    StoredEntry, StoredPosition, StoredProfile, StoredRecord, StoredRejection, StoredRun,
    StoredSource,
};
