//! Nothing leaves before its audit entry is durable.
//!
//! Invariant: an [`Audited`] is made only here, after its entry is durable: by waiting for the
//! audit log, or by committing a transaction that holds the entry in its outbox.

mod index;
mod sequence;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rabt_audit::{CheckpointKey, CheckpointVerifier, Entry, PseudonymKey, WitnessVerifier};
use rabt_storage::{NewEntry, Storage, StoredEntry, Transaction};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::AuditError;
use crate::lead::Tenure;
use sequence::{End, Sequence, Submission};

/// Entries that may wait for the log; one more is refused.
const WAITING: usize = 4_096;
/// Outbox rows that are in the log are deleted so many at a time: a statement less in most commits.
const CLEARED_TOGETHER: i64 = 64;

/// A value whose audit entry is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited<T> {
    value: T,
    leaf: Option<u64>,
}

impl<T> Audited<T> {
    /// Returns the value; its entry stays.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the number of the entry in this node's log; `None` for one that was committed with a change and
    /// has its number later.
    pub const fn leaf(&self) -> Option<u64> {
        self.leaf
    }

    /// Returns another form of the value, under the same entry.
    pub(crate) fn map<U>(self, to: impl FnOnce(T) -> U) -> Audited<U> {
        Audited {
            value: to(self.value),
            leaf: self.leaf,
        }
    }
}

impl<T> Deref for Audited<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// Returns everybody whom an entry is about, for the index.
fn subjects_of(entry: &Entry) -> Vec<[u8; 32]> {
    let subjects = entry.event.subjects().iter();
    subjects.map(|subject| subject.0).collect()
}

/// The secrets of the audit log.
#[derive(Debug)]
pub struct AuditKeys {
    /// Signs the checkpoints.
    pub checkpoint: CheckpointKey,
    /// Names persons in entries.
    pub pseudonyms: PseudonymKey,
    /// Who may sign the checkpoints too.
    pub witnesses: Vec<WitnessVerifier>,
}

/// The node's only way into its audit log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sequencer {
    sender: mpsc::Sender<Submission>,
    outbox: Arc<Notify>,
    integrated: Arc<AtomicI64>,
    /// The last outbox row that was deleted, as far as this process knows.
    cleared: Arc<AtomicI64>,
    grown: watch::Receiver<u64>,
    keys: Arc<AuditKeys>,
}

impl Sequencer {
    /// Resumes the log where storage left it and starts the one task that writes it. Must be
    /// called once for a log. `owns_outbox` says at any time whether the outbox is this log's to
    /// take, and not another node's.
    ///
    /// # Errors
    /// The log cannot be read, or does not match its last checkpoint.
    pub async fn start(
        storage: Arc<dyn Storage>,
        keys: AuditKeys,
        owns_outbox: Arc<AtomicBool>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, AuditError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let outbox = Arc::new(Notify::new());
        let integrated = Arc::new(AtomicI64::new(0));
        let keys = Arc::new(keys);
        let (growing, grown) = watch::channel(0);
        let sequencer = Self {
            sender,
            outbox: Arc::clone(&outbox),
            integrated: Arc::clone(&integrated),
            cleared: Arc::default(),
            grown,
            keys: Arc::clone(&keys),
        };
        let end = End {
            owns_outbox,
            integrated,
            growing,
        };
        let mut sequence = Sequence::resume(storage, keys, end).await?;
        // what a killed process left in the outbox comes before anything new
        sequence.integrate_outbox().await?;
        tasks.spawn(sequence.run(receiver, outbox, stop));
        Ok(sequencer)
    }

    /// Returns how many entries wait to become durable.
    pub fn waiting(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    /// Returns what others need to check the log's checkpoints.
    pub fn verifier(&self) -> &CheckpointVerifier {
        self.keys.checkpoint.verifier()
    }

    /// Returns who may sign the log's checkpoints too.
    pub(crate) fn witnesses(&self) -> &[WitnessVerifier] {
        &self.keys.witnesses
    }

    /// Returns what changes when the log has grown.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.grown.clone()
    }

    pub(crate) fn pseudonyms(&self) -> &PseudonymKey {
        &self.keys.pseudonyms
    }

    /// Returns the answer once its entry is durable.
    pub(crate) async fn record<T>(
        &self,
        entry: &Entry,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        let encoded = entry.encode();
        let stored = StoredEntry {
            body: encoded.body,
            leaf_hash: encoded.leaf_hash,
            outbox: None,
        };
        let entry = NewEntry {
            entry: stored,
            subjects: subjects_of(entry),
        };
        let (done, durable) = oneshot::channel();
        let submission = Submission { entry, done };
        self.sender
            .try_send(submission)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => AuditError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => AuditError::Stopped,
            })?;
        let leaf = durable.await.map_err(|_| AuditError::Stopped)??;
        Ok(Audited {
            value: answer,
            leaf: Some(leaf),
        })
    }

    /// Lets the log take what is in the outbox, when that is its own to take.
    pub(crate) fn integrate_soon(&self) {
        self.outbox.notify_one();
    }

    /// Commits a transaction, in the tenure in which its work began, together with the entry that
    /// tells about it.
    pub(crate) async fn commit<T>(
        &self,
        tx: Box<dyn Transaction>,
        tenure: Tenure,
        entry: &Entry,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        self.commit_all(tx, tenure, std::slice::from_ref(entry), answer)
            .await
    }

    /// Commits a transaction together with the entries that tell about it.
    pub(crate) async fn commit_all<T>(
        &self,
        mut tx: Box<dyn Transaction>,
        tenure: Tenure,
        entries: &[Entry],
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        let bodies: Vec<Vec<u8>> = entries.iter().map(|entry| entry.encode().body).collect();
        let integrated = self.integrated.load(Ordering::Acquire);
        let clears = integrated - self.cleared.load(Ordering::Acquire) >= CLEARED_TOGETHER;
        if clears {
            tx.delete_outbox_through(integrated).await?;
        }
        tx.put_outbox(&bodies).await?;
        tenure.hold(tx.as_mut()).await?;
        tx.commit().await?;
        if clears {
            self.cleared.fetch_max(integrated, Ordering::AcqRel);
        }
        self.outbox.notify_one();
        Ok(Audited {
            value: answer,
            leaf: None,
        })
    }
}
