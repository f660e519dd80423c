//! From the events of the log to the messages of a host.
//!
//! Invariant: a checkpoint says the end of a transaction, or so many changes of the next one, and
//! everything before it has been sent in the order of the log.

mod back;
mod describe;
mod end;
mod row;

use std::time::Duration;

use rabt_connect::{BatchBuilder, ConnectError, Deleted, Estimate, Message, READ_ANEW};
use sqlx::MySqlConnection;
use tokio::time::{Instant, sleep_until};

use super::Capture;
use super::group::{Changed, Group, Kept};
use super::log::{Begin, FIRST, Logged, Rows, What, Wire};
use super::place::{At, Log, Place, Prepared, Spot, Told, lost};
use super::rows::pairs;
use super::shape::Describing;
use super::table::Table;
use super::words::{Statement, meaning};
use crate::catalog::{Column, Relation};
use crate::sql::Selection;
use describe::Shapes;
use end::End;

/// Rows in one message, at most.
const BATCH_ROWS: usize = 1024;
/// How long a change waits for others to share its checkpoint.
const SHARE: Duration = Duration::from_millis(100);
/// How often the host hears from us.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// One stream of changes.
pub(super) struct Flow<'a> {
    capture: &'a Capture<'a>,
    by: Describing<'a>,
    again: Selection<'a>,
    log: Log,
    /// Behind the last event that belongs to no open transaction.
    spot: Spot,
    /// Where the stream began.
    begun: Spot,
    /// Where the log was when the first reading's snapshot was taken, until it is read up to there.
    seen: Option<Spot>,
    /// When the file was begun; nothing until the server has said so.
    made: u32,
    /// Changes of the next transaction that an earlier read has sent.
    skip: u64,
    group: Option<Group>,
    prepared: Vec<Prepared>,
    kept: Kept,
    told: Option<Told>,
    shapes: Shapes,
    target: Option<Spot>,
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
    /// Where the last checkpoint of this read was.
    checked: Option<Spot>,
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
        table: &'a Table,
        place: Place,
        target: Option<Spot>,
    ) -> Self {
        let plan = capture.plan;
        let of = |name: &String| relation.column(name);
        let columns: Vec<&Column> = plan.columns.iter().filter_map(of).collect();
        let key: Vec<&Column> = plan.key.iter().filter_map(of).collect();
        let (skip, told, prepared) = match place.at {
            At::Log {
                part,
                shape,
                prepared,
            } => (part, shape, prepared),
            At::Rows(_) => (0, None, Vec::new()),
        };
        Self {
            capture,
            by: Describing {
                plan,
                relation,
                table,
            },
            again: Selection::new(relation, columns, key),
            log: place.log,
            spot: place.spot,
            begun: place.begun,
            seen: place.seen,
            made: place.made,
            skip,
            group: None,
            prepared,
            kept: Kept::default(),
            told,
            shapes: Shapes::default(),
            life: Instant::now() + target.as_ref().map_or(Duration::ZERO, |_| SIGN_OF_LIFE),
            target,
            builder: BatchBuilder::new(plan.columns.clone()),
            deleted: Vec::new(),
            rows: 0,
            changes: 0,
            waiting_since: None,
            done: 0,
            heard: false,
            checked: None,
        }
    }

    /// Streams until the target is reached, or for ever.
    pub(super) async fn run(
        mut self,
        connection: &mut MySqlConnection,
        mut wire: Wire,
    ) -> Result<(), ConnectError> {
        while !self.is_done() {
            let now = Instant::now();
            if now >= self.life {
                self.life = now + SIGN_OF_LIFE;
                self.live().await?;
            }
            let due = self.due();
            tokio::select! {
                biased;
                logged = wire.next() => {
                    self.heard = true;
                    match self.take(logged?, connection).await {
                        Ok(Step::On) => {}
                        Ok(Step::Ended) => return Ok(()),
                        Err(error) => return Err(self.stop(error).await),
                    }
                }
                () = sleep_until(due) => {}
            }
            let shared = |since: Instant| since.elapsed() >= SHARE;
            if self.group.is_none() && self.waiting_since.is_some_and(shared) {
                self.checkpoint().await?;
            }
        }
        self.checkpoint().await
    }

    fn is_done(&self) -> bool {
        let reached = |target: &Spot| self.spot >= *target;
        self.group.is_none() && self.made != 0 && self.target.as_ref().is_some_and(reached)
    }

    /// Returns when something is to be done although nothing comes.
    fn due(&self) -> Instant {
        match self.waiting_since {
            Some(since) if self.group.is_none() => self.life.min(since + SHARE),
            Some(_) | None => self.life,
        }
    }

    /// Gives the host a sign of life: a checkpoint when others wrote to the log, so that a position does
    /// not stay where the server will have removed it, or else word that the server speaks.
    async fn live(&mut self) -> Result<(), ConnectError> {
        let idle = self.group.is_none() && self.made != 0;
        let heard = std::mem::take(&mut self.heard);
        if idle && self.checked.as_ref().is_none_or(|at| *at < self.spot) {
            return self.checkpoint().await;
        }
        if !heard {
            return Ok(());
        }
        self.progress().await
    }

    async fn progress(&self) -> Result<(), ConnectError> {
        let progress = Estimate {
            done: self.done + self.rows,
            of: None,
        };
        self.capture.outlet.send(Message::Progress(progress)).await
    }

    /// Keeps what lies before an error that every later read will come to as well.
    async fn stop(&mut self, error: ConnectError) -> ConnectError {
        if error.name() != "configuration" || self.made == 0 {
            return error;
        }
        match self.checkpoint().await {
            Ok(()) => error,
            Err(error) => error,
        }
    }

    async fn take(
        &mut self,
        logged: Logged,
        connection: &mut MySqlConnection,
    ) -> Result<Step, ConnectError> {
        let Logged { begin, end, what } = logged;
        match what {
            What::Format(made) => {
                self.made = made;
                self.shapes.forget();
            }
            What::Rotate(file, offset) => {
                self.rotate(begin.is_some(), file, offset);
                return Ok(Step::On);
            }
            What::Alive(file) => {
                if file == self.spot.file {
                    self.reach(end);
                }
                return Ok(Step::On);
            }
            What::Begin(of) => self.begin(of, begin)?,
            What::Table(event) => {
                if let Some(shape) = self.shapes.of(&event, &self.by, connection).await? {
                    self.see(&shape).await?;
                }
            }
            What::Rows(rows) => self.rows_of(&rows)?,
            What::Query { database, text } => {
                return self.query(&database, &text, (begin, end), connection).await;
            }
            What::Commit => return self.end(End::Holds, end, connection).await,
            What::Prepare => return self.end(End::Prepared, end, connection).await,
            What::Incident => {
                return Err(lost("the server says that it missed something in its log"));
            }
            What::Other => {}
        }
        if self.group.is_none() && begin.is_some() {
            self.reach(end);
        }
        Ok(Step::On)
    }

    fn rotate(&mut self, real: bool, file: String, offset: u64) {
        if real || file != self.spot.file {
            // What a transaction did whose end is in no file was never committed.
            self.group = None;
            self.made = 0;
            self.spot = Spot {
                file,
                offset: offset.max(FIRST),
            };
        }
    }

    /// The server has sent everything before an offset of the file.
    fn reach(&mut self, offset: u64) {
        if self.group.is_none() && self.skip == 0 {
            self.spot.offset = self.spot.offset.max(offset);
        }
    }

    fn begin(&mut self, begin: Begin, offset: Option<u64>) -> Result<(), ConnectError> {
        let offset = offset.unwrap_or(self.spot.offset);
        if offset < self.spot.offset {
            let what = "has a file of more than 4 GiB, in which places cannot be told apart";
            let remedy = format!("SET GLOBAL max_binlog_size = 1073741824; then {READ_ANEW}");
            return Err(ConnectError::configuration(
                "the server's log",
                what,
                remedy,
            ));
        }
        let spot = Spot {
            offset,
            file: self.spot.file.clone(),
        };
        self.group = Some(Group::new(begin, spot, self.made));
        Ok(())
    }

    fn rows_of(&mut self, rows: &Rows) -> Result<(), ConnectError> {
        let Some(shape) = rows.table().and_then(|table| self.shapes.known(table)) else {
            return Ok(());
        };
        let Some(pairs) = pairs(rows.change, &rows.data()?, &shape) else {
            return Err(ConnectError::transient(
                format!("table {}", self.by.plan.table),
                "has rows in the log that were not understood",
                "try again; when it lasts, report the server's release",
            ));
        };
        if self.group.is_none() {
            self.begin(
                Begin {
                    alone: false,
                    phase: None,
                },
                None,
            )?;
        }
        let Some(group) = &mut self.group else {
            return Ok(());
        };
        for pair in pairs {
            match Changed::of(&shape, pair) {
                Some(changed) => group.note(changed),
                None => return Err(ConnectError::defect("mysql", "a change without a row")),
            }
        }
        Ok(())
    }

    async fn query(
        &mut self,
        database: &[u8],
        text: &[u8],
        (begin, end): (Option<u64>, u64),
        connection: &mut MySqlConnection,
    ) -> Result<Step, ConnectError> {
        let meaning = meaning(text, database, &self.by.table.named);
        if self.group.is_none() {
            let alone = !text.eq_ignore_ascii_case(b"BEGIN");
            self.begin(Begin { alone, phase: None }, begin)?;
        }
        let Some(group) = &mut self.group else {
            return Ok(Step::On);
        };
        let second = matches!(group.begin.phase, Some(super::log::Phase::Second(_)));
        match meaning {
            Statement::Commit => return self.end(End::Holds, end, connection).await,
            Statement::Rollback => return self.end(End::TakenBack, end, connection).await,
            Statement::XaCommit if second => {
                return self.end(End::Holds, end, connection).await;
            }
            Statement::XaRollback if second => {
                return self.end(End::TakenBack, end, connection).await;
            }
            Statement::Savepoint(name) => group.save(&name),
            Statement::RollbackTo(name) => {
                if !group.take_back_to(&name) && group.changes > 0 {
                    return Err(lost("a transaction went back to where it was not seen"));
                }
            }
            Statement::Empties => group.note(Changed::Emptied),
            Statement::Replaces(how) => return Err(self.replaced(how)),
            Statement::Text => return Err(self.text()),
            Statement::XaCommit | Statement::XaRollback | Statement::Other => {}
        }
        if self.group.as_ref().is_some_and(|group| group.begin.alone) {
            return self.end(End::Holds, end, connection).await;
        }
        Ok(Step::On)
    }

    /// Says whether the open transaction ended before the first reading's snapshot was taken.
    fn is_before_snapshot(&self) -> bool {
        let before = |group: &Group| self.seen.as_ref().is_some_and(|seen| group.spot < *seen);
        self.group.as_ref().is_some_and(before)
    }

    fn replaced(&self, how: &str) -> ConnectError {
        let place = format!("table {}", self.by.plan.table);
        let what = format!("was {how}, and the log does not tell which rows it has since");
        ConnectError::configuration(place, what, READ_ANEW)
    }

    fn text(&self) -> ConnectError {
        let place = format!("table {}", self.by.plan.table);
        let what = "may have been changed by a statement that the log holds as text, not as rows";
        let remedy =
            format!("see that no session sets binlog_format to anything but ROW, then {READ_ANEW}");
        ConnectError::configuration(place, what, remedy)
    }

    fn is_full(&self) -> bool {
        self.changes >= u64::from(self.by.plan.chunk_rows.max(1))
    }

    async fn checkpoint(&mut self) -> Result<(), ConnectError> {
        self.flush().await?;
        let (spot, made, part) = match &self.group {
            Some(group) => (&group.spot, group.made, group.sent.max(self.skip)),
            None => (&self.spot, self.made, self.skip),
        };
        let place = Place {
            log: self.log.clone(),
            spot: spot.clone(),
            begun: self.begun.clone(),
            seen: self.seen.clone().filter(|seen| spot < seen),
            made,
            at: At::Log {
                part,
                shape: self.told.clone(),
                prepared: self.prepared.clone(),
            },
        };
        let position = place.position(&self.capture.identity)?;
        let rows = std::mem::take(&mut self.rows);
        self.done += rows;
        self.changes = 0;
        self.waiting_since = None;
        self.checked = Some(place.spot);
        let checkpoint = Message::Checkpoint { position, rows };
        self.capture.outlet.send(checkpoint).await
    }
}
