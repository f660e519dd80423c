//! The one task that writes what was read.
//!
//! Invariant: the records, rejections, position, counts and audit entry of a checkpoint are in one
//! transaction; a checkpoint is acknowledged after its commit. Checkpoints that wait while a
//! transaction is under way share the next one. Behind a checkpoint that could not be written nothing
//! else of its run is: its position would stand for what is not there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rabt_model::{RunId, SourceId, SourceRecord, StreamId, Timestamp};
use rabt_storage::{
    ColumnCount, DeleteOutcome, Deletion, PutOutcome, RunCounts, Storage, StorageError,
    StoredRejection, Transaction,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audited::Sequencer;
use crate::error::AuditError;
use crate::event;
use crate::lead::Tenure;

/// Checkpoints that may wait; beyond that, readers wait.
const WAITING: usize = 16;
/// Checkpoints of one transaction.
const SHARED: usize = 32;

/// Everything between two checkpoints of a stream.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) run: RunId,
    /// In which the run began.
    pub(crate) tenure: Tenure,
    pub(crate) source: SourceId,
    pub(crate) stream: StreamId,
    pub(crate) records: Vec<SourceRecord>,
    /// Whether the records are what the source says now, rather than changes in any order.
    pub(crate) present: bool,
    /// Applied after the records.
    pub(crate) deletions: Vec<Deletion>,
    pub(crate) rejections: Vec<StoredRejection>,
    /// What the rows say of their columns, each column once.
    pub(crate) columns: Vec<ColumnCount>,
    /// Whether it is the first unit of a reading from the start of the stream.
    pub(crate) begins: bool,
    /// Whether it ends a reading of the whole stream, in which every row came.
    pub(crate) ends: bool,
    pub(crate) place: Place,
    pub(crate) rows: u64,
    pub(crate) at: Timestamp,
}

/// What a unit says about the stream's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It stays where it is.
    Keep,
    /// It moves: the opaque position, and the rows up to there.
    At(String, u64),
    /// The stream was read to its end and is read from its start the next time.
    Start,
}

/// What became of a unit.
pub(crate) type Written = Result<RunCounts, AuditError>;

struct Submission {
    unit: Unit,
    done: oneshot::Sender<Written>,
}

/// What the writing task is asked for, in the order in which it came.
enum Order {
    Write(Box<Submission>),
    /// A run hands over no more.
    End(RunId, oneshot::Sender<RunCounts>),
}

/// What was written of a run that has not ended.
#[derive(Default)]
struct Progress {
    counts: RunCounts,
    /// Why nothing more of it is written.
    broken: Option<AuditError>,
}

/// The way to the writing task.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    sender: mpsc::Sender<Order>,
}

struct Task {
    storage: Arc<dyn Storage>,
    audit: Sequencer,
    turn: Arc<Mutex<()>>,
    backlog: Arc<AtomicBool>,
    receiver: mpsc::Receiver<Order>,
    runs: BTreeMap<RunId, Progress>,
    stop: CancellationToken,
}

impl Writer {
    pub(crate) fn start(
        storage: Arc<dyn Storage>,
        audit: Sequencer,
        turn: Arc<Mutex<()>>,
        backlog: Arc<AtomicBool>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let task = Task {
            storage,
            audit,
            turn,
            backlog,
            receiver,
            runs: BTreeMap::new(),
            stop,
        };
        tasks.spawn(task.run());
        Self { sender }
    }

    /// Hands a unit over; waits while too many are waiting already. The receiver hears when the
    /// unit is durable.
    pub(crate) async fn submit(
        &self,
        unit: Unit,
    ) -> Result<oneshot::Receiver<Written>, AuditError> {
        let (done, written) = oneshot::channel();
        let order = Order::Write(Box::new(Submission { unit, done }));
        let sent = self.sender.send(order).await;
        sent.map_err(|_| AuditError::Stopped)?;
        Ok(written)
    }

    /// Waits until nothing that a run handed over is on its way, and returns what is durable of it.
    pub(crate) async fn end(&self, run: RunId) -> Result<RunCounts, AuditError> {
        let (done, ended) = oneshot::channel();
        let sent = self.sender.send(Order::End(run, done)).await;
        sent.map_err(|_| AuditError::Stopped)?;
        ended.await.map_err(|_| AuditError::Stopped)
    }
}

impl Task {
    async fn run(mut self) {
        let mut waiting = Vec::with_capacity(SHARED);
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                count = self.receiver.recv_many(&mut waiting, SHARED) => count,
            };
            if received == 0 {
                break;
            }
            let mut units = Vec::with_capacity(waiting.len());
            let mut ended = Vec::new();
            for order in waiting.drain(..) {
                match order {
                    Order::Write(submission) => units.push(*submission),
                    Order::End(run, done) => ended.push((run, done)),
                }
            }
            // a run hands over nothing behind its end, so that the units may go first
            self.write(units).await;
            for (run, done) in ended {
                let progress = self.runs.remove(&run).unwrap_or_default();
                // nobody waits for a run that was dropped
                let _ = done.send(progress.counts);
            }
        }
    }

    async fn write(&mut self, units: Vec<Submission>) {
        let (waiting, broken): (Vec<_>, Vec<_>) = units
            .into_iter()
            .partition(|submission| self.error_of(submission.unit.run).is_none());
        for Submission { unit, done } in broken {
            let error = self.error_of(unit.run).unwrap_or(AuditError::Stopped);
            let _ = done.send(Err(error));
        }
        if waiting.is_empty() {
            return;
        }
        let turn = self.turn.lock().await;
        let written = self.try_write(&waiting).await;
        drop(turn);
        match written {
            Ok(counts) => {
                for (Submission { unit, done }, counts) in waiting.into_iter().zip(counts) {
                    self.runs.entry(unit.run).or_default().counts += counts;
                    // a reader that went away does not need to know
                    let _ = done.send(Ok(counts));
                }
            }
            Err(error) => {
                for Submission { unit, done } in waiting {
                    let progress = self.runs.entry(unit.run).or_default();
                    progress.broken = Some(error.clone());
                    let _ = done.send(Err(error.clone()));
                }
            }
        }
    }

    fn error_of(&self, run: RunId) -> Option<AuditError> {
        self.runs.get(&run)?.broken.clone()
    }

    async fn try_write(&self, waiting: &[Submission]) -> Result<Vec<RunCounts>, AuditError> {
        let mut tx = self.storage.begin().await?;
        let mut counts = Vec::with_capacity(waiting.len());
        let mut events = Vec::with_capacity(waiting.len());
        for Submission { unit, .. } in waiting {
            let count = put_unit(&mut *tx, unit).await?;
            events.push(event::of_unit(unit, count));
            counts.push(count);
        }
        let Some(Submission { unit: last, .. }) = waiting.last() else {
            return Ok(counts);
        };
        let tenure = last.tenure;
        for Submission { unit, .. } in waiting {
            if unit.tenure != tenure {
                // a run of an earlier tenure takes the others with it; all of them start again
                unit.tenure.hold(tx.as_mut()).await?;
            }
        }
        self.backlog.store(true, Ordering::Release);
        let counts = self.audit.commit_all(tx, tenure, events, counts).await?;
        Ok(counts.into_inner())
    }
}

async fn put_unit(tx: &mut dyn Transaction, unit: &Unit) -> Result<RunCounts, StorageError> {
    let put = if unit.records.is_empty() {
        PutOutcome::default()
    } else if unit.present {
        tx.put_present_records(unit.run, &unit.records).await?
    } else {
        tx.put_records(unit.run, &unit.records).await?
    };
    let gone = if unit.deletions.is_empty() {
        DeleteOutcome::default()
    } else {
        tx.delete_records(&unit.deletions, unit.at).await?
    };
    if !unit.rejections.is_empty() {
        tx.put_rejections(unit.run, &unit.rejections).await?;
    }
    if unit.begins {
        tx.forget_columns(&unit.source, &unit.stream).await?;
    }
    if !unit.columns.is_empty() {
        tx.count_columns(&unit.source, &unit.stream, &unit.columns)
            .await?;
    }
    if unit.ends {
        tx.forget_rejections(&unit.source, &unit.stream, unit.run)
            .await?;
    }
    match &unit.place {
        Place::Keep => {}
        Place::At(position, rows) => {
            tx.put_position(&unit.source, &unit.stream, position, *rows)
                .await?;
        }
        Place::Start => tx.delete_position(&unit.source, &unit.stream).await?,
    }
    let counts = RunCounts {
        rows: unit.rows,
        records: put.inserted + put.updated,
        rejected: unit.rejections.len() as u64,
        unchanged: put.unchanged,
        deleted: gone.deleted,
        late: put.late + gone.late,
    };
    tx.count_run(unit.run, counts).await?;
    Ok(counts)
}
