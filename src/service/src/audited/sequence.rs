//! The one task that numbers entries and makes them durable, a batch at a time.
//!
//! Everything that waits while a batch is being written goes into the next one, so the cost of
//! waiting for the disk is shared by as many requests as are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rabt_audit::{Tree, leaf_hash};
use rabt_storage::{AuditLog, NewEntry, Storage, StorageError, StoredEntry};
use tokio::sync::{Notify, OwnedRwLockReadGuard, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::subjects::Subjects;
use super::{AuditKeys, index};
use crate::error::AuditError;

/// Entries of one batch.
const BATCH: usize = 1_024;
/// How long a batch is gathered at most while more comes. A batch costs several times what an entry
/// costs, and on a fast disk there would be many small ones.
const GATHER: Duration = Duration::from_millis(2);
/// Entries up to which a batch waits for more: with so many each costs little beyond its own rows. While they
/// are written the processors work on the questions of the next batch, and would have nothing to do were
/// everybody in this one.
const ENOUGH: usize = 16;
/// Outbox rows and leaf hashes that are read at a time.
const PAGE: u32 = 1_000;

/// An entry on its way, and who waits for it.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) entry: NewEntry,
    /// No key is destroyed while one of the entry's is on its way.
    pub(super) held: Option<OwnedRwLockReadGuard<()>>,
    pub(super) done: oneshot::Sender<Result<u64, AuditError>>,
}

/// Lets requests that are ready now join the batch, instead of one disk flush for the first of them.
/// Nobody waits idly: as soon as nothing came while others had their turn, or there are [`ENOUGH`], the batch is closed.
async fn gather(batch: &mut Vec<Submission>, receiver: &mut mpsc::Receiver<Submission>) {
    let began = Instant::now();
    while batch.len() < ENOUGH {
        let before = batch.len();
        tokio::task::yield_now().await;
        while batch.len() < BATCH
            && let Ok(more) = receiver.try_recv()
        {
            batch.push(more);
        }
        if batch.len() == before || began.elapsed() > GATHER {
            return;
        }
    }
}

/// What the log shares with those who use it.
pub(super) struct End {
    /// Whether the outbox is this log's to take.
    pub(super) owns_outbox: Arc<AtomicBool>,
    /// The last outbox row that is in the log.
    pub(super) integrated: Arc<AtomicI64>,
    /// The size of the log, whenever it has grown.
    pub(super) growing: watch::Sender<u64>,
    /// Whose keys become durable with the entries.
    pub(super) subjects: Arc<Subjects>,
}

/// The log's end: its tree, and the last outbox row that is in it.
pub(super) struct Sequence {
    storage: Arc<dyn Storage>,
    log: Arc<dyn AuditLog>,
    keys: Arc<AuditKeys>,
    tree: Tree,
    outbox: i64,
    end: End,
    /// After a failed append nobody knows what is durable; the tree is read again.
    doubtful: bool,
}

impl Sequence {
    pub(super) async fn resume(
        storage: Arc<dyn Storage>,
        keys: Arc<AuditKeys>,
        end: End,
    ) -> Result<Self, AuditError> {
        let log = storage.audit_log();
        let mut sequence = Self {
            storage,
            log,
            keys,
            tree: Tree::new(),
            outbox: 0,
            end,
            doubtful: true,
        };
        sequence.reload().await?;
        index::complete(sequence.storage.as_ref()).await?;
        Ok(sequence)
    }

    /// Writes batches until the node stops, and then what still waits.
    pub(super) async fn run(
        mut self,
        mut receiver: mpsc::Receiver<Submission>,
        outbox: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut closed = false;
        loop {
            tokio::select! {
                () = stop.cancelled(), if !closed => {
                    receiver.close();
                    closed = true;
                }
                count = receiver.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    gather(&mut batch, &mut receiver).await;
                    self.write(&mut batch).await;
                }
                () = outbox.notified() => self.try_integrate().await,
            }
        }
        self.try_integrate().await;
    }

    async fn write(&mut self, batch: &mut Vec<Submission>) {
        let mut entries = Vec::with_capacity(batch.len());
        let (mut waiting, mut held) = (Vec::with_capacity(batch.len()), Vec::new());
        for submission in batch.drain(..) {
            entries.push(submission.entry);
            waiting.push(submission.done);
            held.extend(submission.held);
        }
        let written = self.append(&entries).await;
        if written.is_ok() {
            let keys = entries.iter().flat_map(|new| &new.keys);
            self.end.subjects.settle(keys);
        }
        drop(held);
        for (place, done) in (0..).zip(waiting) {
            let leaf = written.clone().map(|first| first + place);
            // a request that was given up is in the log all the same
            let _ = done.send(leaf);
        }
    }

    /// Appends entries and returns the number of the first.
    async fn append(&mut self, entries: &[NewEntry]) -> Result<u64, AuditError> {
        if entries.is_empty() {
            return Ok(self.tree.size());
        }
        if self.doubtful {
            self.reload().await?;
        }
        let first = self.tree.size();
        let mut tree = self.tree.clone();
        for new in entries {
            tree.append(new.entry.leaf_hash);
        }
        let note = self.keys.checkpoint.sign(tree.size(), tree.root());
        self.doubtful = true;
        self.log.append(first, entries, Some(&note)).await?;
        self.doubtful = false;
        self.end.growing.send_replace(tree.size());
        self.tree = tree;
        Ok(first)
    }

    async fn try_integrate(&mut self) {
        let Err(first) = self.integrate_outbox().await else {
            return;
        };
        // The leader before may have taken a row at the same moment. It is in one log then, as
        // storage sees to, and the second attempt begins behind it.
        tracing::info!(error = %first, "the outbox is tried again");
        if let Err(error) = self.integrate_outbox().await {
            tracing::error!(%error, "the outbox waits for the audit log");
        }
    }

    /// Takes every outbox row that is in no log yet, in order. A row is known by its number, so one
    /// that was taken before a kill, or by another node, is not taken again.
    pub(super) async fn integrate_outbox(&mut self) -> Result<(), AuditError> {
        loop {
            if !self.end.owns_outbox.load(Ordering::Acquire) {
                // another node may take rows from now on
                self.doubtful = true;
                return Ok(());
            }
            if self.doubtful {
                self.reload().await?;
            }
            let rows = self.outbox_page().await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            let last = *last;
            let mut entries = Vec::with_capacity(rows.len());
            for (number, body) in rows {
                let subjects = index::subjects(&body);
                let entry = StoredEntry {
                    leaf_hash: leaf_hash(&body),
                    body,
                    outbox: Some(number),
                };
                entries.push(NewEntry {
                    entry,
                    subjects,
                    keys: Vec::new(),
                    case: None,
                    archive: None,
                });
            }
            let _first = self.append(&entries).await?;
            self.outbox = last;
            self.end.integrated.store(last, Ordering::Release);
        }
    }

    async fn outbox_page(&self) -> Result<Vec<(i64, Vec<u8>)>, StorageError> {
        let mut tx = self.storage.snapshot().await?;
        tx.outbox_after(self.outbox, PAGE).await
    }

    /// Reads the tree and the last outbox row from storage.
    async fn reload(&mut self) -> Result<(), AuditError> {
        let mut tree = Tree::new();
        loop {
            let page = self
                .log
                .leaf_hashes(tree.size(), u64::from(PAGE) * 64)
                .await?;
            if page.is_empty() {
                break;
            }
            for leaf in page {
                tree.append(leaf);
            }
        }
        if let Some(checkpoint) = self.log.latest_checkpoint().await? {
            self.check(&checkpoint, &tree)?;
        }
        self.outbox = self.log.last_outbox().await?.unwrap_or(0);
        self.end.integrated.store(self.outbox, Ordering::Release);
        self.tree = tree;
        self.doubtful = false;
        Ok(())
    }

    /// A log that does not end in its own checkpoint was changed behind our back, or is not ours.
    fn check(&self, note: &[u8], tree: &Tree) -> Result<(), AuditError> {
        let verifier = self.keys.checkpoint.verifier();
        let checkpoint = verifier.open(note).map_err(|error| {
            let remedy = "start with the key that this log was written with";
            AuditError::Unusable(format!("its last checkpoint {error}; {remedy}"))
        })?;
        if (checkpoint.size, checkpoint.root) == (tree.size(), tree.root()) {
            return Ok(());
        }
        let (size, held) = (checkpoint.size, tree.size());
        Err(AuditError::Unusable(format!(
            "its last checkpoint states {size} entries and another root than the {held} that are \
             held; verify the log and restore it from a backup"
        )))
    }
}
