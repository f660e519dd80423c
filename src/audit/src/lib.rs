//! The mathematics of the audit log: what an entry says, and how nobody can change it afterwards.
//!
//! Invariant: an entry holds ids, codes, attribute names and pseudonyms, never a person's values. This
//! crate does no I/O and reads no clock; keys and times are parameters.

mod checkpoint;
mod digest;
mod entry;
mod event;
mod export;
mod hex;
mod pseudonym;
mod receipt;
mod stamp;
mod time;
mod tree;
mod verify;
mod witness;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointKey, CheckpointVerifier};
pub use digest::{ParseSaltError, Salt, Side};
pub use entry::{EncodedEntry, Entry, EntryError};
pub use event::{
    AgreementMoved, ArchiveMoved, AuditEvent, BundleActivated, CallerStopped, CorrectionMoved,
    Denied, Disclosed, EmergencyReviewed, ErasureMoved, FolderMoved, LinkFinished, LogRead,
    ModelShadowed, Moved, Question, Reviewed, RunFinished, SourceChanged, SourceCreated,
    SourceInspected, SourceStarted, Started, Stopped, Witnessed,
};
pub use export::{
    CHECKPOINT, Export, ExportFile, ExportProblem, ExportTrust, Exporter, Stamped, WITNESSED,
    exported_bundle, exported_entry, stamp_files, verify_export,
};
pub use pseudonym::{ParsePseudonymError, Pseudonym, PseudonymKey};
pub use receipt::{Receipt, ReceiptError};
pub use stamp::{
    STAMP_BYTES, STAMP_QUERY, STAMP_REPLY, Stamp, StampError, StampRequest, StampRoots,
    StampRootsError, verify_stamp,
};
pub use tree::{
    Hash, Levels, Plan, ProofError, Span, TILE, Tiles, Tree, leaf_hash, node_hash, root_of_span,
    verify_consistency, verify_inclusion,
};
pub use verify::{LogVerifier, Problem, Report, Wrong, verify_log};
pub use witness::{Cosignature, WitnessKey, WitnessVerifier};
