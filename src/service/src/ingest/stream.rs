//! One stream of one reading: the loop from message to unit.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use rabt_connect::{
    Batch, ConnectError, Connector, Deleted, Inlet, MappingContext, Message, Mode, OnDrift, Outlet,
    Plan, Position, RejectReason, Rejection, Session, StreamSpec, Table,
};
use rabt_model::{Pii, RecordId, SourceRecord};
use rabt_storage::{Deletion, StoredRejection};
use rustc_hash::FxHashSet;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

mod replaced;
mod sweep;
mod tally;

use super::writer::{Place, Unit, Written};
use super::{Leash, RunSummary, Stop};
use crate::error::AuditError;
use crate::lead::Tenure;
use crate::registry::Registered;
use crate::services::Services;

/// Messages between a connector and its host.
const MESSAGES: usize = 8;
/// Units of one stream that may be on their way to storage.
const IN_FLIGHT: usize = 4;
/// Rows between two checkpoints.
pub(crate) const CHUNK_ROWS: u32 = 5_000;

/// The state of one stream's reading.
pub(super) struct StreamRun<'a> {
    services: &'a Services,
    registered: &'a Registered,
    spec: &'a StreamSpec,
    summary: &'a mut RunSummary,
    tenure: Tenure,
    leash: &'a Leash,
    seen: Seen,
    /// Whether the reading began at the start of the stream.
    whole: bool,
    /// Whether a unit was submitted.
    begun: bool,
    rows_before: u64,
    rows: u64,
    rejected_rows: u64,
    replaced: replaced::Replaced,
    unit: Pending,
    in_flight: VecDeque<oneshot::Receiver<Written>>,
}

/// What has come since the last checkpoint.
#[derive(Default)]
struct Pending {
    records: Vec<SourceRecord>,
    deletions: Vec<Deletion>,
    rejections: Vec<StoredRejection>,
    tally: tally::Tally,
    rows: u64,
}

/// The keys of a snapshot so far, as 128-bit hashes. In an incremental reading a row may rightly
/// come twice, so nothing is kept.
struct Seen {
    hashes: FxHashSet<u128>,
    /// Rows that cannot be taken; they are there all the same.
    refused: FxHashSet<u128>,
    hashers: [RandomState; 2],
    active: bool,
}

impl<'a> StreamRun<'a> {
    pub(super) fn new(
        services: &'a Services,
        registered: &'a Registered,
        spec: &'a StreamSpec,
        summary: &'a mut RunSummary,
        tenure: Tenure,
        leash: &'a Leash,
    ) -> Self {
        Self {
            services,
            registered,
            spec,
            summary,
            tenure,
            leash,
            seen: Seen::new(spec.mode == Mode::Snapshot),
            whole: true,
            begun: false,
            rows_before: 0,
            rows: 0,
            rejected_rows: 0,
            replaced: replaced::Replaced::default(),
            unit: Pending::default(),
            in_flight: VecDeque::new(),
        }
    }

    /// Reads the stream to its end and waits until all of it is durable.
    pub(super) async fn read(
        &mut self,
        connector: Arc<dyn Connector>,
        session: Session,
    ) -> Result<(), Stop> {
        let from = self.position().await?;
        let plan = self.spec.plan(CHUNK_ROWS);
        let (outlet, mut inlet) = Outlet::channel(MESSAGES);
        let outlet = outlet.with_rows_per_second(session.protect.rows_per_second);
        let task_plan = plan.clone();
        let reading = self.services.tasks.spawn(async move {
            let read = connector.read(&session, &task_plan, from, outlet);
            read.await
        });
        let reading = AbortOnDropHandle::new(reading);
        self.take_all(&mut inlet, &plan).await?;
        match reading.await {
            Ok(ended) => ended?,
            Err(_) => return Err(self.defect("the connector panicked").into()),
        }
        if self.unit.rows > 0 || !self.unit.deletions.is_empty() {
            return Err(self.defect("rows came after the last checkpoint").into());
        }
        if self.spec.mode == Mode::Snapshot {
            self.submit(Place::Start).await?;
        }
        self.settle().await?;
        self.refuse_unknown_replacements().await?;
        self.sweep().await
    }

    /// Waits until everything that was submitted is durable.
    async fn settle(&mut self) -> Result<(), Stop> {
        while let Some(written) = self.in_flight.pop_front() {
            self.acknowledge(written).await?;
        }
        Ok(())
    }

    async fn position(&mut self) -> Result<Option<Position>, Stop> {
        let source = &self.registered.spec.id;
        let mut tx = self.services.storage.snapshot().await?;
        let positions = tx.positions(source).await?;
        let Some(stored) = positions.into_iter().find(|p| p.stream == self.spec.id) else {
            return Ok(None);
        };
        self.rows_before = stored.rows;
        self.whole = false;
        match stored.position.parse() {
            Ok(position) => Ok(Some(position)),
            Err(never) => match never {},
        }
    }

    async fn take_all(&mut self, inlet: &mut Inlet, plan: &Plan) -> Result<(), Stop> {
        while let Some(message) = inlet.receive().await? {
            self.leash.hear(self.services.clock.now());
            match message {
                Message::Rows(batch) => self.map(&batch),
                Message::Deleted(rows) => self.delete(rows),
                Message::Checkpoint { position, .. } => {
                    if let Err(error) = self.guard() {
                        self.keep_rejections().await?;
                        return Err(error.into());
                    }
                    let rows = self.rows_before + self.rows;
                    self.submit(Place::At(position.as_str().to_owned(), rows))
                        .await?;
                    if self.leash.is_resting() {
                        self.settle().await?;
                        return Err(Stop::Rested);
                    }
                }
                Message::SchemaChanged(table) => self.judge_drift(plan, &table)?,
                Message::Progress(progress) => {
                    tracing::debug!(
                        source = %self.registered.spec.id, stream = %self.spec.id,
                        done = progress.done, of = progress.of, "reading"
                    );
                }
            }
        }
        Ok(())
    }

    /// Maps a batch into the current unit. A key that came before in this reading is a rejection.
    fn map(&mut self, batch: &Batch) {
        let context = MappingContext {
            source: &self.registered.spec.id,
            agency: &self.registered.agency,
            stream: &self.spec.id,
            key: &self.spec.key,
            cursor: self.spec.cursor(),
            observed_at: self.services.clock.now(),
        };
        let mapped = self.spec.mapping.apply(batch, &context);
        self.unit.tally.count(batch);
        self.unit.rows += batch.rows() as u64;
        self.rows += batch.rows() as u64;
        self.summary.skipped += mapped.skipped;
        for rejection in mapped.rejections {
            self.seen.note_refused(&rejection.key);
            let duplicate = rejection.reason == RejectReason::DuplicateKey;
            self.summary.duplicates += u64::from(duplicate);
            self.reject(rejection);
        }
        for record in mapped.records {
            if self.seen.is_new(&record.id.key) {
                // a row that comes after its deletion is there again
                let key = &record.id.key;
                self.unit.deletions.retain(|gone| gone.id.key != *key);
                self.replaced.note(&record);
                self.unit.records.push(record);
            } else {
                self.summary.duplicates += 1;
                self.reject(Rejection {
                    key: record.id.key,
                    column: String::new(),
                    reason: RejectReason::DuplicateKey,
                    field_only: false,
                });
            }
        }
    }

    /// Takes rows that are no longer there into the current unit.
    fn delete(&mut self, rows: Vec<Deleted>) {
        for row in rows {
            self.unit.deletions.push(Deletion {
                id: RecordId {
                    source: self.registered.spec.id.clone(),
                    stream: self.spec.id.clone(),
                    key: row.key,
                },
                version: row.version,
                event_at: row.event_at,
            });
        }
    }

    fn reject(&mut self, rejection: Rejection) {
        self.unit.tally.refuse(&rejection);
        self.rejected_rows += u64::from(!rejection.field_only);
        self.unit.rejections.push(StoredRejection {
            source: self.registered.spec.id.clone(),
            stream: self.spec.id.clone(),
            key: rejection.key,
            column: rejection.column,
            reason: rejection.reason.code().to_owned(),
            field_only: rejection.field_only,
        });
    }

    /// Stops before harm: a stream with more rejected rows than its guard allows is not taken.
    fn guard(&self) -> Result<(), ConnectError> {
        let Some(most) = self.spec.guard.max_reject else {
            return Ok(());
        };
        // counts beyond 2^53 rows lose nothing that matters here
        #[expect(clippy::cast_precision_loss, reason = "a share needs no exact counts")]
        let share = self.rejected_rows as f64 / self.rows.max(1) as f64;
        if share <= most {
            return Ok(());
        }
        let what = format!("{} of {} rows were rejected", self.rejected_rows, self.rows);
        let remedy = "look at the rejections by reason, then correct the mapping or the guard";
        Err(ConnectError::data(self.place(), what, remedy))
    }

    /// A mapped column that is gone stops the stream; anything else is a notice.
    fn judge_drift(&self, plan: &Plan, table: &Table) -> Result<(), ConnectError> {
        match plan.check_columns(table) {
            Err(error) if self.spec.guard.on_drift == OnDrift::Stop => Err(error),
            Err(error) => {
                tracing::warn!(source = %self.registered.spec.id, %error, "a mapped column changed");
                Ok(())
            }
            Ok(()) => {
                tracing::info!(
                    source = %self.registered.spec.id, stream = %self.spec.id,
                    "the table changed outside the mapped columns"
                );
                Ok(())
            }
        }
    }

    /// Stores why rows were refused although none of them is taken.
    async fn keep_rejections(&mut self) -> Result<(), Stop> {
        self.unit.records.clear();
        self.unit.deletions.clear();
        // these rows come again
        self.unit.tally.take();
        self.submit(Place::Keep).await?;
        self.settle().await
    }

    async fn submit(&mut self, place: Place) -> Result<(), Stop> {
        while self.in_flight.len() >= IN_FLIGHT {
            if let Some(written) = self.in_flight.pop_front() {
                self.acknowledge(written).await?;
            }
        }
        let mut pending = std::mem::take(&mut self.unit);
        let unit = Unit {
            run: self.summary.run,
            tenure: self.tenure,
            source: self.registered.spec.id.clone(),
            stream: self.spec.id.clone(),
            records: pending.records,
            present: self.spec.mode == Mode::Snapshot,
            deletions: pending.deletions,
            rejections: pending.rejections,
            columns: pending.tally.take(),
            begins: self.whole && !std::mem::replace(&mut self.begun, true),
            place,
            rows: pending.rows,
            at: self.services.clock.now(),
        };
        let written = self.services.writer.submit(unit).await?;
        self.in_flight.push_back(written);
        Ok(())
    }

    async fn acknowledge(&mut self, written: oneshot::Receiver<Written>) -> Result<(), Stop> {
        let counts = written.await.map_err(|_| AuditError::Stopped)??;
        let total = &mut self.summary.counts;
        total.rows += counts.rows;
        total.records += counts.records;
        total.rejected += counts.rejected;
        total.unchanged += counts.unchanged;
        total.deleted += counts.deleted;
        total.late += counts.late;
        Ok(())
    }

    fn place(&self) -> String {
        format!("stream {} of {}", self.spec.id, self.registered.spec.id)
    }

    fn defect(&self, what: &str) -> ConnectError {
        ConnectError::defect(self.place(), what)
    }
}

impl Seen {
    fn new(active: bool) -> Self {
        Self {
            hashes: FxHashSet::default(),
            refused: FxHashSet::default(),
            hashers: [RandomState::new(), RandomState::new()],
            active,
        }
    }

    fn is_new(&mut self, key: &Pii<String>) -> bool {
        let hash = self.hash(key);
        !self.active || self.hashes.insert(hash)
    }

    fn note_refused(&mut self, key: &Pii<String>) {
        if self.active {
            self.refused.insert(self.hash(key));
        }
    }

    fn holds(&self, key: &Pii<String>) -> bool {
        let hash = self.hash(key);
        self.hashes.contains(&hash) || self.refused.contains(&hash)
    }

    fn hash(&self, key: &Pii<String>) -> u128 {
        let [low, high] = self.hashers.each_ref().map(|hasher| hasher.hash_one(key));
        u128::from(high) << 64 | u128::from(low)
    }
}
