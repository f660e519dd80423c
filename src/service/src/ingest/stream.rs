//! One stream of one reading: the loop from message to unit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rabt_connect::{
    Batch, ConnectError, Connector, Deleted, Deletes, Inlet, MappingContext, Message, Mode,
    OnDrift, Outlet, Plan, Position, RejectReason, Rejection, Session, StreamSpec, Table,
};
use rabt_model::{Pii, RecordId, SourceRecord};
use rabt_storage::{Deletion, StoredRejection};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

mod anew;
mod replaced;
mod seen;
mod sweep;
mod tally;

use seen::Seen;

use super::writer::Written;
use super::{Leash, Place, RunSummary, Stop, Unit};
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
    /// Whether what is held of a stream of changes is read anew: its position stays where it was
    /// until what did not come again has been deleted.
    anew: bool,
    /// Where the stream is, while its position stays.
    reached: Option<(String, u64)>,
    /// The last position that is durable, until the connector has been told.
    committed: Option<Position>,
    rows_before: u64,
    rows: u64,
    rejected_rows: u64,
    replaced: replaced::Replaced,
    unit: Pending,
    in_flight: VecDeque<InFlight>,
}

/// A unit on its way to storage, and the position that is durable with it.
type InFlight = (oneshot::Receiver<Written>, Option<Position>);

/// What has come since the last checkpoint.
#[derive(Default)]
struct Pending {
    records: Vec<SourceRecord>,
    /// By key, which comes once: a row behind its deletion takes it back.
    deletions: BTreeMap<Pii<String>, Deletion>,
    rejections: Vec<StoredRejection>,
    tally: tally::Tally,
    rows: u64,
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
            anew: false,
            reached: None,
            committed: None,
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
        if from.is_none() && self.is_changes() && self.holds_records().await? {
            self.begin_anew();
        }
        let plan = self.spec.plan(CHUNK_ROWS);
        let (outlet, mut inlet) = Outlet::channel(MESSAGES);
        let outlet = outlet.with_rows_per_second(session.protect.rows_per_second);
        let (task_plan, task_session) = (plan.clone(), session.clone());
        let task_connector = Arc::clone(&connector);
        let reading = self.services.tasks.spawn(async move {
            let read = task_connector.read(&task_session, &task_plan, from, outlet);
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
        self.sweep(&connector, &session).await?;
        self.end_anew().await
    }

    /// Waits until everything that was submitted is durable.
    async fn settle(&mut self) -> Result<(), Stop> {
        while let Some((written, position)) = self.in_flight.pop_front() {
            self.count(written.await, position)?;
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
        loop {
            // What is durable is told while nothing else comes: a source waits for it.
            if let Some(position) = self.committed.take() {
                inlet.acknowledge(position);
            }
            let message = tokio::select! {
                biased;
                written = first(&mut self.in_flight) => {
                    let position = self.in_flight.pop_front().and_then(|(_, position)| position);
                    self.count(written, position)?;
                    continue;
                }
                message = inlet.receive() => message?,
            };
            let Some(message) = message else {
                return Ok(());
            };
            self.hear();
            match message {
                Message::Rows(batch) => self.map(&batch),
                Message::Deleted(rows) => self.delete(rows),
                Message::Truncated => self.begin_anew(),
                Message::Checkpoint { position, .. } => {
                    if let Err(error) = self.guard() {
                        self.keep_rejections().await?;
                        return Err(error.into());
                    }
                    self.submit_to(position).await?;
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
    }

    /// Lets whoever watches over the reading know that it goes on.
    fn hear(&self) {
        self.leash.hear(self.services.clock.now());
    }

    fn context(&self) -> MappingContext<'a> {
        MappingContext {
            source: &self.registered.spec.id,
            agency: &self.registered.agency,
            stream: &self.spec.id,
            key: &self.spec.key,
            cursor: self.spec.cursor(),
            observed_at: self.services.clock.now(),
        }
    }

    /// Maps a batch into the current unit. A key that came before in this reading of a snapshot is a
    /// rejection; among changes, the last row of a key counts.
    fn map(&mut self, batch: &Batch) {
        let context = self.context();
        let mapped = if self.is_changes() {
            self.spec.mapping.apply_changes(batch, &context)
        } else {
            self.spec.mapping.apply(batch, &context)
        };
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
                self.unit.deletions.remove(&record.id.key);
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
        let left_out = mapped.left_out.into_iter();
        self.delete(left_out.map(deleted).collect());
    }

    /// Takes rows that are no longer there into the current unit.
    fn delete(&mut self, rows: Vec<Deleted>) {
        if self.spec.deletes == Deletes::Never {
            return;
        }
        for row in rows {
            self.seen.forget(&row.key);
            let deletion = Deletion {
                id: RecordId {
                    source: self.registered.spec.id.clone(),
                    stream: self.spec.id.clone(),
                    key: row.key.clone(),
                },
                version: row.version,
                event_at: row.event_at,
            };
            self.unit.deletions.insert(row.key, deletion);
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

    /// Submits the current unit, with which the stream is at a position.
    async fn submit_to(&mut self, position: Position) -> Result<(), Stop> {
        let rows = self.rows_before + self.rows;
        let text = position.as_str().to_owned();
        if self.anew {
            self.reached = Some((text, rows));
            return self.submit(Place::Keep).await;
        }
        self.submit(Place::At(text, rows)).await?;
        if let Some((_, durable)) = self.in_flight.back_mut() {
            *durable = Some(position);
        }
        Ok(())
    }

    async fn submit(&mut self, place: Place) -> Result<(), Stop> {
        while self.in_flight.len() >= IN_FLIGHT {
            if let Some((written, position)) = self.in_flight.pop_front() {
                self.count(written.await, position)?;
            }
        }
        let mut pending = std::mem::take(&mut self.unit);
        let unit = Unit {
            run: self.summary.run,
            tenure: self.tenure,
            source: self.registered.spec.id.clone(),
            stream: self.spec.id.clone(),
            records: pending.records,
            present: !matches!(self.spec.mode, Mode::Incremental { .. }),
            deletions: pending.deletions.into_values().collect(),
            rejections: pending.rejections,
            columns: pending.tally.take(),
            begins: self.whole && !std::mem::replace(&mut self.begun, true),
            ends: self.whole && place == Place::Start,
            place,
            rows: pending.rows,
            at: self.services.clock.now(),
        };
        let written = self.services.writer.submit(unit).await?;
        self.in_flight.push_back((written, None));
        Ok(())
    }

    /// Counts what became of a unit, and remembers the position that is durable with it.
    fn count(
        &mut self,
        written: Result<Written, oneshot::error::RecvError>,
        position: Option<Position>,
    ) -> Result<(), Stop> {
        let counts = written.map_err(|_| AuditError::Stopped)??;
        // A source is not silent while it is our storage that is waited for.
        self.hear();
        if position.is_some() {
            self.committed = position;
        }
        self.summary.counts += counts;
        Ok(())
    }

    fn is_changes(&self) -> bool {
        matches!(self.spec.mode, Mode::Changes { .. })
    }

    fn place(&self) -> String {
        format!("stream {} of {}", self.spec.id, self.registered.spec.id)
    }

    fn defect(&self, what: &str) -> ConnectError {
        ConnectError::defect(self.place(), what)
    }
}

/// Waits for the oldest unit that is on its way; for ever when there is none. May be dropped while it
/// waits.
async fn first(in_flight: &mut VecDeque<InFlight>) -> Result<Written, oneshot::error::RecvError> {
    match in_flight.front_mut() {
        Some((written, _)) => written.await,
        None => std::future::pending().await,
    }
}

/// Returns the deletion of a row about which nothing but the key is known.
fn deleted(key: Pii<String>) -> Deleted {
    Deleted {
        key,
        version: None,
        event_at: None,
    }
}
