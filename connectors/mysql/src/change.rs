//! Reading what has changed from the server's own log: the binary log of MariaDB.
//!
//! Invariant: a change is told when the end of its transaction has been seen, and a log that no longer
//! holds what follows a position is never taken for one that does.

mod cell;
mod charset;
mod flow;
mod group;
mod log;
mod place;
mod rows;
mod server;
mod shape;
mod table;
mod tls;
mod value;
mod words;

use rabt_connect::{ConnectError, Identity, Outlet, Plan, Position, Session};
use sqlx::{Executor, MySqlConnection};

use crate::catalog::Relation;
use crate::connection::{connect, end};
use crate::fault::Doing;
use crate::{config, read};
use flow::Flow;
use log::Wire;
use place::{At, Log, Place, identity};
use server::Server;
use table::Table;

pub(crate) use server::findings;
#[cfg(test)]
pub(crate) use server::prepared;

/// How often a snapshot is taken until no phase of a transaction of two lies around it.
const TRIES: u32 = 10;

/// Lets transactions of a connection see one state, and wait for the host however long that takes.
const SESSION: [&str; 4] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION idle_transaction_timeout = 0",
    "SET SESSION idle_readonly_transaction_timeout = 0",
    "SET SESSION wait_timeout = 31536000",
];

/// Sends what follows `from`: the table and what changed since, or what changed.
pub(crate) async fn read(
    session: &Session,
    plan: &Plan,
    follow: bool,
    from: Option<Position>,
    outlet: Outlet,
) -> Result<(), ConnectError> {
    let identity = identity(session, plan);
    let from = from
        .map(|position| position.place::<Place>(&identity))
        .transpose()?;
    let mut connection = connect(session).await?;
    let capture = Capture {
        session,
        plan,
        identity,
        follow,
        outlet: &outlet,
    };
    let outcome = tokio::select! {
        biased;
        outcome = capture.run(&mut connection, from) => outcome,
        () = outlet.cancelled() => Err(ConnectError::Cancelled),
    };
    end(connection, &outcome).await;
    outcome
}

/// One read.
struct Capture<'a> {
    session: &'a Session,
    plan: &'a Plan,
    identity: Identity,
    follow: bool,
    outlet: &'a Outlet,
}

impl Capture<'_> {
    async fn run(
        &self,
        connection: &mut MySqlConnection,
        from: Option<Place>,
    ) -> Result<(), ConnectError> {
        let plan = self.plan;
        let doing = Doing::reading(format!("table {}", plan.table));
        let schema = plan.schema.as_deref();
        let relation = Relation::find(connection, schema, &plan.table, &plan.key)
            .await
            .map_err(|error| doing.fault(&error))?
            .ok_or_else(|| doing.no_table())?;
        plan.check_columns(&relation.as_table(schema, &plan.table))?;
        if !config::binlog(self.session) {
            return Err(ConnectError::configuration(
                "source.config.binlog",
                "is missing",
                "write binlog = true, and let `rabt source check` say what the server lacks for it",
            ));
        }
        let server = Server::of(connection).await?;
        server.judge()?;
        let table = Table::find(connection, plan, &relation, &server).await?;
        for statement in SESSION {
            let set = connection.execute(statement).await;
            set.map_err(|error| doing.fault(&error))?;
        }
        let (mut place, mut wire) = match from {
            Some(place) => {
                let wire = self.resume(&place, &server, &table).await?;
                (place, Some(wire))
            }
            None => (self.begin(connection, &server, &table).await?, None),
        };
        if let At::Rows(_) = place.at {
            // The server gives a connection up that does not take its log for a minute.
            wire = None;
            place = self.rows(connection, &relation, place).await?;
        }
        let wire = match wire {
            Some(wire) => wire,
            None => self.open(&place).await?,
        };
        let target = if self.follow {
            None
        } else {
            Some(server::end_of_log(connection).await?)
        };
        let flow = Flow::new(self, &relation, &table, place, target);
        flow.run(connection, wire).await
    }

    /// Begins a snapshot; returns the place in the log that it was taken at. When phases of transactions of
    /// two lie around it, that is one before them: the end of such a transaction is in the log before a
    /// snapshot has what it did. Everything is told from there on, because what it did must not be told
    /// without what others did behind it.
    async fn begin(
        &self,
        connection: &mut MySqlConnection,
        server: &Server,
        table: &Table,
    ) -> Result<Place, ConnectError> {
        let mut tries = 0;
        loop {
            let mut spot = server::settled_end_of_log(connection).await?;
            let seen = server::snapshot(connection).await?;
            let mut wire = Wire::open(self.session, &spot, self.follow).await?;
            let is_exact = !wire.has_phases(&spot, &seen).await?;
            tries += 1;
            if !is_exact && tries < TRIES {
                continue;
            }
            if is_exact {
                spot = seen.clone();
            }
            return Ok(Place {
                log: Log {
                    server: server.id,
                    table: table.name(),
                },
                seen: (!is_exact).then_some(seen),
                begun: spot.clone(),
                spot,
                made: wire.made(),
                at: At::Rows(read::Place::default()),
            });
        }
    }

    /// Goes on behind a place, when the server still holds what follows it.
    async fn resume(
        &self,
        place: &Place,
        server: &Server,
        table: &Table,
    ) -> Result<Wire, ConnectError> {
        if place.log.server != server.id {
            return Err(place::lost(
                "the server is another one than the one that was read",
            ));
        }
        if place.log.table != table.name() {
            return Err(place::lost("the table is another one than was read"));
        }
        self.open(place).await
    }

    async fn open(&self, place: &Place) -> Result<Wire, ConnectError> {
        let wire = Wire::open(self.session, &place.spot, self.follow).await?;
        if wire.made() != place.made {
            return Err(place::lost(
                "a file of the log is another one than was read; the server was restored or reset",
            ));
        }
        Ok(wire)
    }

    /// Sends the rows of the first reading; returns the place behind them.
    async fn rows(
        &self,
        connection: &mut MySqlConnection,
        relation: &Relation,
        place: Place,
    ) -> Result<Place, ConnectError> {
        let doing = Doing::reading(format!("table {}", self.plan.table));
        let behind = Place {
            at: At::Log {
                part: 0,
                shape: None,
                prepared: Vec::new(),
            },
            ..place.clone()
        };
        let At::Rows(rows) = place.at.clone() else {
            return Ok(behind);
        };
        let seal = |rows: &read::Place| {
            let place = Place {
                at: At::Rows(rows.clone()),
                ..place.clone()
            };
            if rows.rest { &behind } else { &place }.position(&self.identity)
        };
        read::rows(connection, self.plan, relation, rows, &seal, self.outlet).await?;
        // Ends the transaction that sees the snapshot; when there is none, this changes nothing.
        let ended = connection.execute("COMMIT").await;
        ended.map_err(|error| doing.fault(&error))?;
        Ok(behind)
    }
}
