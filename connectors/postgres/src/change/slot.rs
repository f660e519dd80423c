//! The slot: what makes the server keep its log for one stream, and the limits to that.

use std::fmt::Write as _;
use std::time::Duration;

use md5::{Digest, Md5};
use pgwire_replication::Lsn;
use rabt_connect::{ConnectError, Plan, READ_ANEW, Session, hex};
use sqlx::{PgConnection, Row};

use super::STAY;
use super::place::{At, Log, Place, Written};
use super::table::Table;
use super::wire::Wire;
use crate::fault::Doing;
use crate::{config, read};

/// How often the log that is kept is measured.
pub(super) const MEASURE: Duration = Duration::from_secs(10);
/// How long the connection of a reading that was killed may take to end.
const LINGERING: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
/// How long the end of the log may take to reach the disk.
const FLUSH: Duration = Duration::from_secs(1);
/// A page of the log begins with a head, which an end of the log may or may not count.
const PAGE_HEAD: u64 = 64;
/// Most characters of source and stream in the name of a slot, which has 63.
const NAMED: usize = 48;

const ENDS: &str = "SELECT pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn()::text";

/// Bytes of log that the server keeps for a slot.
const KEPT: &str = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 \
                    FROM pg_replication_slots WHERE slot_name = $1";

/// The slot of one stream.
#[derive(Debug)]
pub(super) struct Slot {
    name: String,
    budget: Option<u64>,
    place: String,
}

/// What the server says of a slot.
struct State {
    active: bool,
    /// Whether the log that it needs is gone.
    lost: bool,
    confirmed: Option<Lsn>,
    kept: u64,
}

impl Slot {
    /// Returns the slot of a stream: one for each, because what one stream has read must not release
    /// what another still needs. Names of slots are of the whole server, so the database is in it.
    pub(super) fn of(session: &Session, plan: &Plan) -> Result<Self, ConnectError> {
        let options = config::options(session)?;
        let database = options.get_database().unwrap_or_default();
        let whole = format!("{database}\u{1f}{}\u{1f}{}", session.source, plan.stream);
        let shown: String = format!("{}_{}", session.source, plan.stream)
            .chars()
            .map(|c| if c == '-' { '_' } else { c })
            .take(NAMED)
            .collect();
        let digest = hex(&Md5::digest(whole)[..4]);
        let name = format!("rabt_{shown}_{digest}");
        Ok(Self {
            place: format!("slot {name}"),
            budget: session.protect.slot_budget,
            name,
        })
    }

    /// Makes the slot anew; returns the place of its beginning and the name of the snapshot that the
    /// server shows until the connection is used again.
    pub(super) async fn create(
        &self,
        wire: &mut Wire,
        table: &Table,
    ) -> Result<(Place, String), ConnectError> {
        self.drop(wire).await?;
        let system = system_of(wire).await?;
        // The snapshot is that of a transaction that stands until the connection is used again.
        wire.ask(STAY).await?;
        let command = format!(
            "CREATE_REPLICATION_SLOT {} LOGICAL pgoutput EXPORT_SNAPSHOT",
            self.name
        );
        let rows = wire.ask(&command).await?;
        let [_, Some(made), Some(snapshot), ..] = rows.first().map_or(&[][..], Vec::as_slice)
        else {
            return Err(strange("CREATE_REPLICATION_SLOT"));
        };
        let place = Place {
            log: Log {
                system,
                slot: self.name.clone(),
                made: Written(lsn(made)?),
                table: table.number,
            },
            at: At::Rows(read::Place::default()),
        };
        Ok((place, snapshot.clone()))
    }

    /// Checks that the server still holds what follows a place.
    pub(super) async fn resume(
        &self,
        wire: &mut Wire,
        place: &Place,
        table: &Table,
    ) -> Result<(), ConnectError> {
        if place.log.table != table.number {
            return Err(self.lost("the table was made anew since it was read"));
        }
        if place.log.system != system_of(wire).await? {
            return Err(self.lost("the server is another one than the one that was read"));
        }
        let Some(state) = self.idle_state(wire).await? else {
            return Err(self.lost("the slot is gone"));
        };
        if state.lost {
            return Err(self.lost("the server gave up the log that the slot needs"));
        }
        if state.confirmed.is_none_or(|at| at > place.needed()) {
            return Err(self.lost("the slot was made or moved by somebody else"));
        }
        let rows = wire.ask("SELECT pg_current_wal_lsn()").await?;
        if lsn(only(&rows, "pg_current_wal_lsn")?)? < place.needed() {
            return Err(self.lost("the server's log ends before the position; it was restored"));
        }
        if let Some(over) = self.over(state.kept) {
            self.drop(wire).await?;
            return Err(over);
        }
        Ok(())
    }

    /// Returns the command that starts to stream.
    pub(super) fn start(&self, place: &Place, publication: &str) -> String {
        // A name in a list of names, in a literal.
        let publication = publication.replace('"', "\"\"").replace('\'', "''");
        format!(
            "START_REPLICATION SLOT {} LOGICAL {} \
             (proto_version '1', publication_names '\"{publication}\"')",
            self.name,
            place.needed(),
        )
    }

    /// Drops the slot, if it is there.
    pub(super) async fn drop(&self, wire: &mut Wire) -> Result<(), ConnectError> {
        if self.idle_state(wire).await?.is_some() {
            let statement = format!("SELECT pg_drop_replication_slot('{}')", self.name);
            wire.ask(&statement).await?;
        }
        Ok(())
    }

    /// Measures again and again on a connection that is not used otherwise; returns when the log that
    /// is kept is over the budget, and the slot has been dropped.
    pub(super) async fn watch(&self, wire: &mut Wire) -> ConnectError {
        loop {
            tokio::time::sleep(MEASURE).await;
            match self.state(wire).await {
                Ok(Some(state)) => {
                    if let Some(over) = self.over(state.kept) {
                        return self.drop(wire).await.err().unwrap_or(over);
                    }
                }
                Ok(None) => return self.lost("the slot is gone"),
                Err(error) => return error,
            }
        }
    }

    /// Measures once; returns the error that the budget is used up.
    pub(super) async fn measure(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<ConnectError>, ConnectError> {
        if self.budget.is_none() {
            return Ok(None);
        }
        let doing = Doing::reading(&self.place);
        let query = sqlx::query(KEPT).bind(&self.name);
        let row = query.fetch_optional(connection).await;
        let row = row.map_err(|error| doing.fault(&error))?;
        let kept: Option<i64> = row.and_then(|row| row.try_get(0).ok().flatten());
        Ok(self.over(kept.and_then(|kept| u64::try_from(kept).ok()).unwrap_or(0)))
    }

    /// Returns the error that so much log is more than the agency spares, and that the slot is gone.
    fn over(&self, kept: u64) -> Option<ConnectError> {
        let budget = self.budget.filter(|budget| kept > *budget)?;
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let what = format!(
            "made the server keep {} MiB of log where slot_budget is {} MiB, and was dropped",
            mib(kept),
            mib(budget)
        );
        let remedy = format!("read the source more often or raise slot_budget, then {READ_ANEW}");
        Some(ConnectError::configuration(&self.place, what, remedy))
    }

    fn lost(&self, what: &str) -> ConnectError {
        let what = format!("{what}, so that changes would be missed");
        ConnectError::configuration(&self.place, what, READ_ANEW)
    }

    /// Returns the state once nobody reads from the slot.
    async fn idle_state(&self, wire: &mut Wire) -> Result<Option<State>, ConnectError> {
        let started = tokio::time::Instant::now();
        loop {
            let state = self.state(wire).await?;
            if state.as_ref().is_none_or(|state| !state.active) {
                return Ok(state);
            }
            if started.elapsed() > LINGERING {
                return Err(Doing::reading(&self.place).of_state("55006"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn state(&self, wire: &mut Wire) -> Result<Option<State>, ConnectError> {
        let mut statement = String::from(
            "SELECT s.active, s.restart_lsn IS NULL OR to_jsonb(s) ->> 'wal_status' = 'lost', \
             s.confirmed_flush_lsn, pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::int8 \
             FROM pg_replication_slots s WHERE s.plugin = 'pgoutput' \
             AND s.database = current_database() AND s.slot_name = ",
        );
        let _ = write!(statement, "'{}'", self.name);
        let rows = wire.ask(&statement).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let [active, lost, confirmed, kept] = &row[..] else {
            return Err(strange("pg_replication_slots"));
        };
        let is = |cell: &Option<String>| cell.as_deref() == Some("t");
        Ok(Some(State {
            active: is(active),
            lost: is(lost),
            confirmed: confirmed.as_deref().map(lsn).transpose()?,
            kept: kept
                .as_deref()
                .and_then(|kept| kept.parse().ok())
                .unwrap_or(0),
        }))
    }
}

/// Returns where the log ends now, once that is on the server's disk: only what is there is streamed.
pub(super) async fn end_of_log(connection: &mut PgConnection) -> Result<Lsn, ConnectError> {
    let doing = Doing::reading("the server's log");
    let started = tokio::time::Instant::now();
    let mut end = None;
    loop {
        let row = sqlx::query(ENDS).fetch_one(&mut *connection).await;
        let row = row.map_err(|error| doing.fault(&error))?;
        let read = |at| row.try_get::<String, _>(at);
        let (inserted, flushed) = read(0)
            .and_then(|inserted| read(1).map(|flushed| (inserted, flushed)))
            .map_err(|error| doing.fault(&error))?;
        let (inserted, flushed) = (lsn(&inserted)?, lsn(&flushed)?);
        let end = *end.get_or_insert(inserted);
        if flushed.0 + PAGE_HEAD >= end.0 || started.elapsed() > FLUSH {
            return Ok(flushed.min(end));
        }
        tokio::time::sleep(PAUSE / 5).await;
    }
}

async fn system_of(wire: &mut Wire) -> Result<String, ConnectError> {
    let rows = wire.ask("IDENTIFY_SYSTEM").await?;
    only(&rows, "IDENTIFY_SYSTEM").map(str::to_owned)
}

/// Returns the first cell of an answer.
fn only<'r>(rows: &'r [Vec<Option<String>>], asked: &str) -> Result<&'r str, ConnectError> {
    let cell = rows.first().and_then(|row| row.first()?.as_deref());
    cell.ok_or_else(|| strange(asked))
}

fn lsn(text: &str) -> Result<Lsn, ConnectError> {
    text.parse().map_err(|_| strange("a place in the log"))
}

fn strange(asked: &str) -> ConnectError {
    ConnectError::defect("postgres", format!("{asked} was answered strangely"))
}

#[cfg(test)]
mod tests {
    use rabt_connect::{Mode, Plan, Session};

    use super::Slot;

    fn slot(source: &str, stream: &str) -> Slot {
        let config = "url = 'postgres://u@h/d'".parse().unwrap();
        let session = Session::new(source.parse().unwrap(), config, "/");
        let plan = Plan {
            stream: stream.parse().unwrap(),
            schema: None,
            table: "t".into(),
            key: Vec::new(),
            columns: Vec::new(),
            mode: Mode::Changes { follow: false },
            chunk_rows: 1,
        };
        Slot::of(&session, &plan).unwrap()
    }

    #[test]
    fn every_stream_has_a_slot_of_its_own() {
        let long = "a".repeat(63);
        let slots = [
            slot("tax-cairo", "person"),
            slot("tax", "cairo-person"),
            slot("tax_cairo", "person"),
            slot(&long, "person"),
            slot(&long, "persons"),
        ];
        for (index, one) in slots.iter().enumerate() {
            let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(one.name.len() <= 63 && one.name.chars().all(known));
            assert!(slots[..index].iter().all(|other| other.name != one.name));
        }
    }

    #[test]
    fn a_budget_is_a_limit() {
        let mut slot = slot("tax", "person");
        assert!(slot.over(u64::MAX).is_none());
        slot.budget = Some(8 << 20);
        assert!(slot.over(8 << 20).is_none());
        let error = slot.over((8 << 20) + 1).unwrap().to_string();
        assert!(
            error.contains("9 MiB") && error.contains("slot_budget is 8 MiB"),
            "{error}"
        );
        assert!(error.contains("rewind"), "{error}");
    }
}
