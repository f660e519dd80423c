//! Nothing leaves before its audit entry is durable.
//!
//! Invariant: an [`Audited`] is made only here, after its entry is durable: by waiting for the
//! audit log, or by committing a transaction that holds the entry in its outbox.

mod index;
mod sequence;
mod subjects;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rabt_audit::{
    AuditEvent, CheckpointKey, CheckpointVerifier, Entry, Hash, Pseudonym, PseudonymKey,
    WitnessVerifier,
};
use rabt_storage::{ArchiveStep, CaseStep, NewEntry, Storage, StoredEntry, Transaction};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::AuditError;
use crate::lead::Tenure;
use crate::vault::{MasterKey, Vault};
use sequence::{End, Sequence, Submission};
use subjects::Subjects;

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

/// Returns the case that an entry begins: of an emergency in which somebody was answered.
fn case_of(entry: &Entry) -> Option<CaseStep> {
    let AuditEvent::Disclosed(disclosed) = &entry.event else {
        return None;
    };
    let is_emergency = !disclosed.question.break_glass.is_empty();
    is_emergency.then(|| CaseStep::Open {
        agency: disclosed.question.agency.clone(),
        at: entry.at,
    })
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
    /// Seals the keys of persons, and what else storage holds sealed.
    pub master: MasterKey,
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
    subjects: Arc<Subjects>,
}

impl Sequencer {
    /// Resumes the log where storage left it and starts the one task that writes it. Must be
    /// called once for a log. `owns_outbox` says at any time whether the outbox is this log's to
    /// take, and not another node's.
    ///
    /// # Errors
    /// The log cannot be read, or does not match its last checkpoint.
    pub(crate) async fn start(
        storage: Arc<dyn Storage>,
        keys: AuditKeys,
        vault: Arc<Vault>,
        owns_outbox: Arc<AtomicBool>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, AuditError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let outbox = Arc::new(Notify::new());
        let integrated = Arc::new(AtomicI64::new(0));
        let keys = Arc::new(keys);
        let (growing, grown) = watch::channel(0);
        let subjects = Arc::new(Subjects::new(storage.audit_log(), vault, tasks.clone()));
        let sequencer = Self {
            sender,
            outbox: Arc::clone(&outbox),
            integrated: Arc::clone(&integrated),
            cleared: Arc::default(),
            grown,
            keys: Arc::clone(&keys),
            subjects: Arc::clone(&subjects),
        };
        let end = End {
            owns_outbox,
            integrated,
            growing,
            subjects,
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

    /// Returns the key that makes what keys of persons are found by, and the names of end users. What it makes
    /// of a citizen or an identifier stands in no entry: the log renames them as it takes an entry.
    pub(crate) fn pseudonyms(&self) -> &PseudonymKey {
        &self.keys.pseudonyms
    }

    /// Returns every name that entries of any time know these persons by.
    pub(crate) async fn names(&self, persons: &[Pseudonym]) -> Result<Vec<[u8; 32]>, AuditError> {
        self.subjects.names(persons).await
    }

    /// Destroys the keys of these persons; nothing leads to the entries about them from then on.
    pub(crate) async fn erase(&self, persons: &[Pseudonym]) -> Result<u64, AuditError> {
        self.subjects.erase(persons).await
    }

    /// Forgets names that are in memory, because another node destroyed keys.
    pub(crate) async fn forget_names(&self) {
        self.subjects.forget().await;
    }

    /// Returns how many keys these persons have.
    pub(crate) async fn count_keys(&self, persons: &[Pseudonym]) -> Result<u64, AuditError> {
        self.subjects.count(persons).await
    }

    /// Returns the answer once its entry is durable.
    pub(crate) async fn record<T>(
        &self,
        entry: Entry,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        self.record_with(entry, None, answer).await
    }

    /// As [`Sequencer::record`], with what the entry does to the case of an emergency, in one commit.
    pub(crate) async fn record_with<T>(
        &self,
        entry: Entry,
        case: Option<CaseStep>,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        self.submit(entry, (case, None), answer).await
    }

    /// As [`Sequencer::record`], with what the entry does to an archive, in one commit.
    pub(crate) async fn record_archive<T>(
        &self,
        entry: Entry,
        step: ArchiveStep,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        self.submit(entry, (None, Some(step)), answer).await
    }

    /// Returns the signed checkpoint of an archive of the log.
    pub(crate) fn sign_archive(&self, from: u64, size: u64, root: Hash) -> Vec<u8> {
        self.keys.checkpoint.sign_archive(from, size, root)
    }

    async fn submit<T>(
        &self,
        mut entry: Entry,
        (case, archive): (Option<CaseStep>, Option<ArchiveStep>),
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        let pending = self.subjects.rename(entry.event.subjects_mut()).await?;
        let encoded = entry.encode();
        let stored = StoredEntry {
            body: encoded.body,
            leaf_hash: encoded.leaf_hash,
            outbox: None,
        };
        let entry = NewEntry {
            entry: stored,
            subjects: subjects_of(&entry),
            keys: pending.keys,
            case: case.or_else(|| case_of(&entry)),
            archive,
        };
        let (done, durable) = oneshot::channel();
        let held = pending.held;
        let submission = Submission { entry, held, done };
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
        entry: Entry,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        self.commit_all(tx, tenure, vec![entry], answer).await
    }

    /// Commits a transaction together with the entries that tell about it.
    pub(crate) async fn commit_all<T>(
        &self,
        mut tx: Box<dyn Transaction>,
        tenure: Tenure,
        entries: Vec<Entry>,
        answer: T,
    ) -> Result<Audited<T>, AuditError> {
        let mut bodies = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let pending = self.subjects.rename(entry.event.subjects_mut()).await?;
            self.subjects.store(pending).await?;
            bodies.push(entry.encode().body);
        }
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
