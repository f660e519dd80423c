//! Proofs, made from the leaf hashes in storage.

use std::collections::{BTreeMap, HashMap};

use rabt_audit::{Hash, Plan, ProofError, TILE, Tiles};
use rabt_policy::Caller;
use rabt_storage::{AuditLog, StorageError};
use tokio::sync::Mutex;

use super::{EvidenceError, allow, checkpoint, tell};
use crate::audited::Audited;
use crate::services::Services;

/// Leaf hashes that are read at a time.
const PAGE: u64 = 65_536;

/// Makes proofs. Keeps the upper part of every tree that it was asked about, a quarter of a byte a leaf; the
/// first proof of a log reads all its leaf hashes, and later ones what was appended since.
#[derive(Debug, Default)]
pub(crate) struct Prover {
    trees: Mutex<HashMap<String, Tiles>>,
}

/// That an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Number of the entry.
    pub leaf: u64,
    /// Size of the tree.
    pub size: u64,
    /// Hash of the leaf.
    pub leaf_hash: Hash,
    /// From the leaf to the root.
    pub hashes: Vec<Hash>,
}

/// That an earlier state of the log is the beginning of a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later tree.
    pub to: u64,
    /// As in RFC 9162.
    pub hashes: Vec<Hash>,
}

/// Proves that an entry is in the tree of `size` entries; 0 means that of the largest checkpoint.
///
/// # Errors
/// The caller's role does not allow it, there is no such leaf, or the log cannot be read or written.
pub async fn get_inclusion_proof(
    services: &Services,
    caller: &Caller,
    leaf: u64,
    size: u64,
) -> Result<Audited<InclusionProof>, EvidenceError> {
    const METHOD: &str = "GetInclusionProof";
    allow(services, caller, METHOD).await?;
    let log = services.storage.audit_log();
    let size = size_of(services, log.as_ref(), size).await?;
    let plan = Plan::inclusion(leaf, size)
        .map_err(|_| EvidenceError::invalid("leaf", format!("must be below the size, {size}")))?;
    let origin = services.audit.verifier().origin();
    let hashes = services.prover.hashes(origin, log.as_ref(), &plan).await?;
    let leaf_hash = log.leaf_hashes(leaf, 1).await?.first().copied();
    let proof = InclusionProof {
        leaf,
        size,
        leaf_hash: leaf_hash.ok_or_else(|| beyond(size))?,
        hashes,
    };
    Ok(tell(services, caller, METHOD, Some((leaf, leaf)), proof).await?)
}

/// Proves that the tree of `from` entries is the beginning of that of `to`; 0 means that of the largest
/// checkpoint.
///
/// # Errors
/// The caller's role does not allow it, the sizes do not fit, or the log cannot be read or written.
pub async fn get_consistency_proof(
    services: &Services,
    caller: &Caller,
    from: u64,
    to: u64,
) -> Result<Audited<ConsistencyProof>, EvidenceError> {
    const METHOD: &str = "GetConsistencyProof";
    allow(services, caller, METHOD).await?;
    let log = services.storage.audit_log();
    let to = size_of(services, log.as_ref(), to).await?;
    let plan = Plan::consistency(from, to).map_err(|_| {
        EvidenceError::invalid(
            "from_size",
            format!("must not be above the later size, {to}"),
        )
    })?;
    let origin = services.audit.verifier().origin();
    let hashes = services.prover.hashes(origin, log.as_ref(), &plan).await?;
    let proof = ConsistencyProof { from, to, hashes };
    Ok(tell(services, caller, METHOD, None, proof).await?)
}

/// Returns a size that is asked for, if the log is as long.
async fn size_of(
    services: &Services,
    log: &dyn AuditLog,
    asked: u64,
) -> Result<u64, EvidenceError> {
    if asked == 0 {
        return Ok(checkpoint(services, log, 0).await?.1);
    }
    if asked > log.size().await? {
        return Err(beyond(asked));
    }
    Ok(asked)
}

fn beyond(size: u64) -> EvidenceError {
    EvidenceError::invalid(
        "size",
        format!("must be one that the log has reached; {size} is not"),
    )
}

impl Prover {
    /// Returns the hashes that a plan for the log of an origin asks for.
    pub(crate) async fn hashes(
        &self,
        origin: &str,
        log: &dyn AuditLog,
        plan: &Plan,
    ) -> Result<Vec<Hash>, EvidenceError> {
        let mut tiles = BTreeMap::new();
        for number in plan.tiles() {
            tiles.insert(number, log.leaf_hashes(number * TILE, TILE).await?);
        }
        let mut trees = self.trees.lock().await;
        let tree = trees.entry(origin.to_owned()).or_default();
        extend(tree, log, plan.size()).await?;
        let hashes = tree.resolve(plan, &tiles);
        hashes.map_err(|_: ProofError| beyond(plan.size()))
    }
}

/// Appends what the log has and the tree has not, up to a size at least.
async fn extend(tree: &mut Tiles, log: &dyn AuditLog, size: u64) -> Result<(), StorageError> {
    while tree.size() < size {
        let page = log.leaf_hashes(tree.size(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        for leaf in page {
            tree.append(leaf);
        }
    }
    Ok(())
}
