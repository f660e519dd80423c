//! The mathematics of the audit log: what an entry says, and how nobody can change it afterwards.
//!
//! Invariant: an entry holds ids, codes, attribute names and pseudonyms, never a person's values. This
//! crate does no I/O and reads no clock; keys and times are parameters.

mod checkpoint;
mod entry;
mod event;
mod hex;
mod pseudonym;
mod receipt;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointKey, CheckpointVerifier};
pub use entry::{EncodedEntry, Entry, EntryError};
pub use event::{
    AgreementMoved, AuditEvent, BundleActivated, CallerStopped, Denied, Disclosed, FolderMoved,
    LinkFinished, ModelShadowed, Question, Reviewed, RunFinished, SourceChanged, SourceCreated,
    SourceInspected, SourceStarted, Started, Stopped,
};
pub use pseudonym::{ParsePseudonymError, Pseudonym, PseudonymKey};
pub use receipt::{Receipt, ReceiptError};
pub use tree::{
    Hash, Levels, ProofError, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};
pub use verify::{LogVerifier, Problem, Report, Wrong, verify_log};
