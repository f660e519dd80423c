//! From the messages of the log to those of a host.
//!
//! Invariant: a checkpoint says the end of a transaction, or so many changes of the next one, and
//! everything before it has been sent in the order of the log.

mod row;

use std::time::Duration;

use pgwire_replication::Lsn;
use rabt_connect::{
    Acknowledgements, BatchBuilder, ConnectError, Deleted, Estimate, Message, Outlet,
};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep_until};

use super::Capture;
use super::decode::{Logged, decode};
use super::place::{At, Log, Place, Written};
use super::shape::Shape;
use super::slot::{MEASURE, Slot};
use super::table::Table;
use super::wire::{Streamed, Wire};
use crate::catalog::{Column, Relation};
use crate::sql::Selection;

/// Rows in one message, at most.
const BATCH_ROWS: usize = 1024;
/// How long a change waits for others to share its checkpoint.
const SHARE: Duration = Duration::from_millis(100);
/// How often the server hears from us; it gives up after a minute.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// How soon the server is asked how far it is, when a read is to end there.
const IMPATIENCE: Duration = Duration::from_millis(20);
/// How long the end of a read waits for the host's last commit.
const LAST_COMMIT: Duration = Duration::from_secs(5);

/// One stream of changes.
pub(super) struct Flow<'a> {
    capture: &'a Capture<'a>,
    table: u32,
    again: Selection<'a>,
    log: Log,
    after: Lsn,
    /// Changes of the next transaction that an earlier read has sent.
    skip: u64,
    transaction: Option<Transaction>,
    shape_before: Option<String>,
    shape: Option<Shape>,
    target: Option<Lsn>,
    builder: BatchBuilder,
    deleted: Vec<Deleted>,
    rows: u64,
    changes: u64,
    /// When the first change came that has no checkpoint yet.
    waiting_since: Option<Instant>,
    /// Rows that have a checkpoint.
    done: u64,
    /// When the host is to hear from us next, and whether the server was heard since it last did.
    life: Instant,
    heard: bool,
    told: Lsn,
    confirmed: Lsn,
}

/// What has come of a transaction.
#[derive(Debug, Default)]
struct Transaction {
    /// Its number at the server, without the epoch.
    number: u32,
    /// Whether what it did is known to be visible.
    visible: bool,
    changes: u64,
    truncated: bool,
}

/// Whether the read goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    /// A transaction that emptied the table has ended.
    Ended,
}

impl<'a> Flow<'a> {
    pub(super) fn new(
        capture: &'a Capture<'a>,
        relation: &'a Relation,
        table: &Table,
        place: Place,
        target: Option<Lsn>,
    ) -> Self {
        let plan = capture.plan;
        let of = |name: &String| relation.column(name);
        let columns: Vec<&Column> = plan.columns.iter().filter_map(of).collect();
        let key: Vec<&Column> = plan.key.iter().filter_map(of).collect();
        let needed = place.needed();
        let (part, shape) = match place.at {
            At::Log { part, shape, .. } => (part, shape),
            At::Rows(_) => (0, None),
        };
        Self {
            capture,
            table: table.number,
            again: Selection::new(relation, columns, key),
            log: place.log,
            after: needed,
            skip: part,
            transaction: None,
            shape_before: shape,
            shape: None,
            target,
            builder: BatchBuilder::new(plan.columns.clone()),
            deleted: Vec::new(),
            rows: 0,
            changes: 0,
            waiting_since: None,
            done: 0,
            life: Instant::now() + target.map_or(Duration::ZERO, |_| SIGN_OF_LIFE),
            heard: false,
            told: Lsn::ZERO,
            confirmed: needed,
        }
    }

    /// Streams until the target is reached, or for ever.
    pub(super) async fn run(
        mut self,
        connection: &mut PgConnection,
        mut wire: Wire,
        slot: &Slot,
    ) -> Result<(), ConnectError> {
        let mut commits = self.capture.outlet.acknowledgements();
        let mut sign = Instant::now();
        let mut measure = sign + MEASURE;
        while !self.is_done() {
            let now = Instant::now();
            if now >= measure {
                measure = now + MEASURE;
                if let Some(over) = slot.measure(connection).await? {
                    return Err(give_up(self.capture, wire, slot, over).await);
                }
            }
            if now >= sign {
                sign = now + self.sign_every();
                self.sign(&mut wire).await?;
            }
            let due = self.due(sign.min(measure));
            // What is here already comes first.
            tokio::select! {
                biased;
                streamed = wire.next() => {
                    self.heard = true;
                    match streamed? {
                        Streamed::Reached(place) => self.reach(place),
                        Streamed::Data(data) => {
                            let logged = decode(data).ok_or_else(garbled)?;
                            if self.take(logged, connection, &mut wire).await? == Step::Ended {
                                return Ok(());
                            }
                        }
                    }
                }
                position = commits.next() => {
                    self.confirm_to(&position, &mut wire).await?;
                    continue;
                }
                () = sleep_until(due) => {}
            }
            if self
                .waiting_since
                .is_some_and(|since| since.elapsed() >= SHARE)
                && self.transaction.is_none()
            {
                self.checkpoint(&mut wire).await?;
            }
            if !wire.has_more()
                && let Some(position) = self.capture.outlet.acknowledged()
            {
                self.confirm_to(&position, &mut wire).await?;
            }
        }
        self.checkpoint(&mut wire).await?;
        self.last_commit(&mut commits, &mut wire).await
    }

    fn is_done(&self) -> bool {
        self.transaction.is_none() && self.target.is_some_and(|target| self.after >= target)
    }

    /// Returns when something is to be done although nothing comes, `latest` at the latest.
    fn due(&self, latest: Instant) -> Instant {
        match self.waiting_since {
            Some(since) if self.transaction.is_none() => latest.min(since + SHARE),
            Some(_) | None => latest,
        }
    }

    const fn sign_every(&self) -> Duration {
        match self.target {
            Some(_) => IMPATIENCE,
            None => SIGN_OF_LIFE,
        }
    }

    /// Gives the server a sign of life, and asks how far it is; the host has one too when it is due.
    async fn sign(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        let now = Instant::now();
        if now >= self.life {
            self.life = now + SIGN_OF_LIFE;
            self.live(wire).await?;
        }
        wire.confirm(self.confirmed, true).await
    }

    /// Gives the host a sign of life: a checkpoint when others wrote to the log, so that it need not be
    /// kept for us, or else word that the server speaks, which may go on for long before it says
    /// something of the table.
    async fn live(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        let idle = self.transaction.is_none() && self.waiting_since.is_none();
        let heard = std::mem::take(&mut self.heard);
        if idle && self.after > self.told {
            return self.checkpoint(wire).await;
        }
        if !heard {
            return Ok(());
        }
        let progress = Estimate {
            done: self.done + self.rows,
            of: None,
        };
        self.send(Message::Progress(progress), wire).await
    }

    /// The server has sent everything before a place; without a transaction under way, nothing before
    /// it is needed.
    fn reach(&mut self, place: Lsn) {
        if self.transaction.is_none() && self.skip == 0 {
            self.after = self.after.max(place);
        }
    }

    async fn take(
        &mut self,
        logged: Logged,
        connection: &mut PgConnection,
        wire: &mut Wire,
    ) -> Result<Step, ConnectError> {
        match logged {
            Logged::Begin(number) => {
                self.transaction = Some(Transaction {
                    number,
                    ..Transaction::default()
                });
            }
            Logged::Commit(end) => return self.commit(end, wire).await,
            Logged::Relation(described) if described.table == self.table => {
                let shape = Shape::of(described, self.capture.plan, connection).await?;
                self.see(shape, wire).await?;
            }
            Logged::Insert(table, new) if table == self.table && self.is_new() => {
                self.row(&new, wire).await?;
            }
            Logged::Update(table, old, new) if table == self.table && self.is_new() => {
                self.update(old, new, connection, wire).await?;
            }
            Logged::Delete(table, old) if table == self.table && self.is_new() => {
                let key = self.shape()?.key(old.tuple());
                self.delete(key, wire).await?;
            }
            Logged::Truncate(tables) if tables.contains(&self.table) && self.is_new() => {
                self.flush(wire).await?;
                self.send(Message::Truncated, wire).await?;
                if let Some(transaction) = &mut self.transaction {
                    transaction.truncated = true;
                }
            }
            Logged::Relation(_)
            | Logged::Insert(..)
            | Logged::Update(..)
            | Logged::Delete(..)
            | Logged::Truncate(_)
            | Logged::Other => {}
        }
        Ok(Step::On)
    }

    /// Counts a change of the table; says whether no earlier read has sent it.
    fn is_new(&mut self) -> bool {
        if let Some(transaction) = &mut self.transaction {
            transaction.changes += 1;
        }
        let new = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        new
    }

    async fn commit(&mut self, end: Lsn, wire: &mut Wire) -> Result<Step, ConnectError> {
        let transaction = self.transaction.take().unwrap_or_default();
        self.after = self.after.max(end);
        if transaction.changes > 0 {
            self.skip = 0;
        }
        if transaction.truncated {
            self.checkpoint(wire).await?;
            return Ok(Step::Ended);
        }
        if self.is_full() {
            self.checkpoint(wire).await?;
        }
        Ok(Step::On)
    }

    fn is_full(&self) -> bool {
        self.changes >= u64::from(self.capture.plan.chunk_rows.max(1))
    }

    /// Takes what the table looks like from here on, and tells when that is not what it was.
    async fn see(&mut self, shape: Shape, wire: &mut Wire) -> Result<(), ConnectError> {
        let changed = self
            .shape_before
            .as_ref()
            .is_some_and(|before| *before != shape.digest);
        let known = self.shape_before.as_ref() == Some(&shape.digest);
        if changed || (shape.lacks() && !known) {
            self.flush(wire).await?;
            let table = shape.as_table(self.capture.plan);
            self.send(Message::SchemaChanged(table), wire).await?;
        }
        self.shape_before = Some(shape.digest.clone());
        self.shape = Some(shape);
        Ok(())
    }

    fn shape(&self) -> Result<&Shape, ConnectError> {
        let what = "a change came before the table was described";
        let missing = || ConnectError::defect("postgres", what);
        self.shape.as_ref().ok_or_else(missing)
    }

    async fn checkpoint(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        self.flush(wire).await?;
        let part = match &self.transaction {
            Some(transaction) => transaction.changes,
            None => self.skip,
        };
        let place = Place {
            log: self.log.clone(),
            at: At::Log {
                after: Written(self.after),
                part,
                shape: self.shape_before.clone(),
            },
        };
        let position = place.position(&self.capture.identity)?;
        let rows = std::mem::take(&mut self.rows);
        self.done += rows;
        self.changes = 0;
        self.waiting_since = None;
        self.told = self.after;
        self.send(Message::Checkpoint { position, rows }, wire)
            .await
    }

    /// Sends a message; the server hears from us while the host is busy.
    async fn send(&self, message: Message, wire: &mut Wire) -> Result<(), ConnectError> {
        let outlet: &Outlet = self.capture.outlet;
        let sending = outlet.send(message);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent,
                () = tokio::time::sleep(SIGN_OF_LIFE) => wire.confirm(self.confirmed, false).await?,
            }
        }
    }

    /// Confirms what the host has committed, when that is news.
    async fn confirm_to(
        &mut self,
        position: &rabt_connect::Position,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        let place: Place = position.place(&self.capture.identity)?;
        if place.needed() > self.confirmed {
            self.confirmed = place.needed();
            wire.confirm(self.confirmed, false).await?;
        }
        Ok(())
    }

    /// Waits for the commit of the last checkpoint, so that the server need not keep its log until the
    /// next read. A host that does not commit it now is no fault.
    async fn last_commit(
        &mut self,
        commits: &mut Acknowledgements,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        let patience = Instant::now() + LAST_COMMIT;
        while self.confirmed < self.told {
            tokio::select! {
                position = commits.next() => self.confirm_to(&position, wire).await?,
                () = sleep_until(patience) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Ends the stream and drops its slot, which is not read from any more then.
async fn give_up(
    capture: &Capture<'_>,
    wire: Wire,
    slot: &Slot,
    over: ConnectError,
) -> ConnectError {
    drop(wire);
    let dropped = match Wire::connect(capture.session).await {
        Ok(mut wire) => slot.drop(&mut wire).await,
        Err(error) => Err(error),
    };
    dropped.err().unwrap_or(over)
}

fn garbled() -> ConnectError {
    ConnectError::transient(
        "the server's log",
        "was not understood",
        "try again; when it lasts, report the server's release",
    )
}
