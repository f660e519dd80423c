//! What auditors do: read the audit log, prove it, and hand in what witnesses signed.
//!
//! Invariant: nothing of the log is shown before the entry that says so is durable.

mod error;
mod export;
mod list;
mod proof;
mod replay;
mod tail;
mod witness;

use rabt_audit::{AuditEvent, CheckpointVerifier, Entry, LogRead};
use rabt_policy::{Caller, Role};
use rabt_storage::{AuditLog, StoredEntry};

use crate::audited::Audited;
use crate::error::AuditError;
use crate::event;
use crate::operate;
use crate::oversight::place;
use crate::services::Services;

pub use error::EvidenceError;
pub use export::{Evidence, export_evidence};
pub use list::{EventPage, Filter, Found, list_events};
pub(crate) use proof::Prover;
pub use proof::{ConsistencyProof, InclusionProof, get_consistency_proof, get_inclusion_proof};
pub use replay::{Again, Parts, Recalled, Replay, admit_replay, replay_answer};
pub use tail::{Seen, Tail};
pub use witness::{Signed, add_witness_signature, get_checkpoint};

const READERS: [Role; 1] = [Role::Auditor];

/// Refuses callers of other roles; the refusal is audited.
async fn allow(services: &Services, caller: &Caller, method: &str) -> Result<(), EvidenceError> {
    match operate::refuse(services, caller, method, &READERS).await? {
        None => Ok(()),
        Some(refusal) => Err(EvidenceError::NotPermitted(refusal)),
    }
}

/// Returns what was read once its entry is durable.
async fn tell<T>(
    services: &Services,
    caller: &Caller,
    method: &str,
    leaves: Option<(u64, u64)>,
    answer: T,
) -> Result<Audited<T>, AuditError> {
    let read = LogRead {
        actor: event::actor(caller),
        leaves,
        method: method.to_owned(),
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::LogRead(read));
    services.audit.record(entry, answer).await
}

/// Returns the checkpoint of the tree of this size, of the largest for 0, and its size.
async fn checkpoint(
    services: &Services,
    log: &dyn AuditLog,
    size: u64,
) -> Result<(Vec<u8>, u64), EvidenceError> {
    let found = match size {
        0 => log.latest_checkpoint().await?,
        size => log.checkpoint(size).await?,
    };
    let note = found.ok_or_else(|| EvidenceError::NotFound {
        thing: "checkpoint",
        name: size.to_string(),
    })?;
    let size = opened(services.audit.verifier(), &note)?.size;
    Ok((note, size))
}

fn opened(
    verifier: &CheckpointVerifier,
    note: &[u8],
) -> Result<rabt_audit::Checkpoint, EvidenceError> {
    let opened = verifier.open(note);
    opened.map_err(|error| {
        let problem = format!("a stored checkpoint {error}; verify the log");
        EvidenceError::NotAudited(AuditError::Unusable(problem))
    })
}

/// Reads the entries that are held of `limit` leaves from `from` on.
///
/// # Errors
/// Some of them have left for the archive, or storage failed.
async fn read(
    log: &dyn AuditLog,
    from: u64,
    limit: u64,
) -> Result<Vec<(u64, StoredEntry)>, EvidenceError> {
    let page = log.entries(from, limit).await?;
    if page.first().is_none_or(|(leaf, _)| *leaf != from) {
        held(log, from).await?;
    }
    Ok(page)
}

/// Refuses to begin with a leaf that has left for the archive.
async fn held(log: &dyn AuditLog, from: u64) -> Result<(), EvidenceError> {
    let archived = log.archived().await?;
    if from >= archived.size {
        return Ok(());
    }
    let size = archived.size;
    Err(EvidenceError::Archived(format!(
        "leaf {from} is in the archive: {}; begin at leaf {size}, and take those before from the archive, as \
         `rabt audit export --archive` does",
        place(&archived)
    )))
}
