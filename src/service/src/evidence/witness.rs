//! Checkpoints, and what witnesses sign of them.

use rabt_audit::{AuditEvent, Entry, Hash, Witnessed};
use rabt_policy::Caller;

use super::{EvidenceError, allow, checkpoint, opened, tell};
use crate::audited::Audited;
use crate::event;
use crate::services::Services;

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The note.
    pub note: Vec<u8>,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The verifier key of the log.
    pub verifier: String,
}

/// Returns the checkpoint of a size; for 0 that of the largest tree, or of the largest that a witness has
/// signed.
///
/// # Errors
/// The caller's role does not allow it, there is none, or the log cannot be read or written.
pub async fn get_checkpoint(
    services: &Services,
    caller: &Caller,
    size: u64,
    witnessed: bool,
) -> Result<Audited<Signed>, EvidenceError> {
    const METHOD: &str = "GetCheckpoint";
    allow(services, caller, METHOD).await?;
    let log = services.storage.audit_log();
    let note = if witnessed && size == 0 {
        let found = log.latest_witnessed().await?;
        found.ok_or_else(|| EvidenceError::NotFound {
            thing: "checkpoint of a witness",
            name: services.audit.verifier().origin().to_owned(),
        })?
    } else {
        checkpoint(services, log.as_ref(), size).await?.0
    };
    let verifier = services.audit.verifier();
    let root = opened(verifier, &note)?;
    let signed = Signed {
        note,
        size: root.size,
        root: root.root,
        verifier: verifier.to_string(),
    };
    Ok(tell(services, caller, METHOD, None, signed).await?)
}

/// Puts a witness's line into the checkpoint of a size, and returns the note.
///
/// # Errors
/// The caller's role does not allow it, there is no such checkpoint, the line is not a signature of it by a
/// witness that is configured, or the log cannot be read or written.
pub async fn add_witness_signature(
    services: &Services,
    caller: &Caller,
    size: u64,
    line: &str,
) -> Result<Audited<Vec<u8>>, EvidenceError> {
    allow(services, caller, "AddWitnessSignature").await?;
    let log = services.storage.audit_log();
    loop {
        let (held, size) = checkpoint(services, log.as_ref(), size).await?;
        let mut signed = services
            .audit
            .witnesses()
            .iter()
            .filter_map(|witness| Some((witness, witness.add(&held, line).ok()?)));
        let Some((witness, note)) = signed.next() else {
            let problem = "is not a signature of this checkpoint by a witness of [audit] witnesses";
            return Err(EvidenceError::invalid("line", problem));
        };
        let witnessed = Witnessed {
            actor: event::actor(caller),
            size,
            witness: witness.name().to_owned(),
        };
        let entry = Entry::new(services.clock.now(), AuditEvent::Witnessed(witnessed));
        let audited = services.audit.record(entry, note).await?;
        // another witness may have signed in the meantime
        if log.put_witnessed(size, &held, &audited).await? {
            return Ok(audited);
        }
    }
}
