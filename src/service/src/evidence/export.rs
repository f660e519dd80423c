//! A range of the log, as it is hashed.

use std::sync::Arc;

use rabt_audit::{Hash, Plan};
use rabt_policy::Caller;
use rabt_storage::{AuditLog, StoredStamp};

use super::{EvidenceError, allow, checkpoint, held, opened, read, tell};
use crate::services::Services;

/// Entries that are read at a time.
const PAGE: u64 = 256;
/// Time stamps in a message; one has a few thousand bytes, and never more than 64 KiB.
const STAMPS: u32 = 16;
/// Bytes of entries in a message, but for one that is longer by itself.
const BYTES: usize = 1 << 20;

/// A range of the log that is being told, and what proves it. Its entry is durable.
pub struct Evidence {
    log: Arc<dyn AuditLog>,
    next: u64,
    to: u64,
    read: std::collections::VecDeque<(u64, Vec<u8>)>,
    /// The signed checkpoint of the tree.
    pub checkpoint: Vec<u8>,
    /// Roots of the subtrees beside the range, from left to right.
    pub beside: Vec<Hash>,
    /// The largest checkpoint, up to this one, that a witness signed.
    pub witnessed: Option<Vec<u8>>,
    /// Size of the tree.
    size: u64,
    /// Size of the last stamp that was told.
    stamped: u64,
}

/// Begins to tell the entries `from..to` of the tree of a size that there is a checkpoint of; 0 means the
/// largest, and `to` 0 all of it.
///
/// # Errors
/// The caller's role does not allow it, the range is not in the tree or begins in the archive, or the log cannot be
/// read or written.
pub async fn export_evidence(
    services: &Services,
    caller: &Caller,
    (from, to): (u64, u64),
    size: u64,
) -> Result<Evidence, EvidenceError> {
    const METHOD: &str = "ExportEvidence";
    allow(services, caller, METHOD).await?;
    let log = services.storage.audit_log();
    let (checkpoint, size) = checkpoint(services, log.as_ref(), size).await?;
    let to = if to == 0 { size } else { to };
    held(log.as_ref(), from).await?;
    let plan = Plan::beside((from, to), size).map_err(|_| {
        let problem = format!("must be below to_leaf, and that not above {size}");
        EvidenceError::invalid("from_leaf", problem)
    })?;
    let verifier = services.audit.verifier();
    let beside = services
        .prover
        .hashes(verifier.origin(), log.as_ref(), &plan)
        .await?;
    let witnessed = match log.latest_witnessed().await? {
        Some(note) if opened(verifier, &note)?.size <= size => Some(note),
        Some(_) | None => None,
    };
    let evidence = Evidence {
        log,
        next: from,
        to,
        read: std::collections::VecDeque::new(),
        checkpoint,
        beside,
        witnessed,
        size,
        stamped: 0,
    };
    let told = tell(services, caller, METHOD, Some((from, to - 1)), evidence).await?;
    Ok(told.into_inner())
}

impl Evidence {
    /// Returns the next entries and the number of the first; none when all have been told.
    ///
    /// # Errors
    /// The log cannot be read, ends before the range does, or entries of it have left for the archive meanwhile.
    pub async fn next(&mut self) -> Result<Option<(u64, Vec<Vec<u8>>)>, EvidenceError> {
        if self.read.is_empty() && self.next < self.to {
            let limit = PAGE.min(self.to - self.next);
            let page = read(self.log.as_ref(), self.next, limit).await?;
            self.next += page.len() as u64;
            let bodies = page.into_iter().map(|(leaf, entry)| (leaf, entry.body));
            self.read.extend(bodies);
            if self.read.is_empty() {
                let problem = "ends before its checkpoint; verify the log".to_owned();
                return Err(crate::error::AuditError::Unusable(problem).into());
            }
        }
        let Some((first, _)) = self.read.front() else {
            return Ok(None);
        };
        let (first, mut bodies, mut bytes) = (*first, Vec::new(), 0);
        while let Some((leaf, body)) = self.read.pop_front() {
            if !bodies.is_empty() && bytes + body.len() > BYTES {
                self.read.push_front((leaf, body));
                break;
            }
            bytes += body.len();
            bodies.push(body);
        }
        Ok(Some((first, bodies)))
    }

    /// Returns the next time stamps over checkpoints up to this one, ascending by size; none when all have been
    /// told.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn next_stamps(&mut self) -> Result<Vec<StoredStamp>, EvidenceError> {
        let mut stamps = self.log.stamps_after(self.stamped, STAMPS).await?;
        stamps.retain(|stamp| stamp.size <= self.size);
        if let Some(last) = stamps.last() {
            self.stamped = last.size;
        }
        Ok(stamps)
    }
}
