//! Reading what has changed from the server's own log: logical replication.
//!
//! Invariant: the slot is never confirmed beyond what the host has committed, and a log that no
//! longer holds what follows a position is never taken for one that does.

mod account;
mod decode;
mod flow;
mod place;
mod server;
mod shape;
mod slot;
mod table;
mod tls;
mod wire;

use rabt_connect::{ConnectError, Identity, Outlet, Plan, Position, Session};
use sqlx::{Executor, PgConnection};

use crate::catalog::Relation;
use crate::connection::{connect, end};
use crate::fault::Doing;
use crate::{read, sql};
use flow::Flow;
use place::{At, Place, identity};
use slot::Slot;
use table::Table;
use wire::Wire;

pub(crate) use table::findings;

/// A transaction that sees one state of the table and writes nothing.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Lets transactions of a connection wait for the host however long that takes. A server of an older
/// release knows fewer of the limits.
const STAY: &str = "SELECT set_config(name, '0', false) FROM pg_settings \
     WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')";

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

/// Drops the slot of a stream that is not read any more.
pub(crate) async fn forget(session: &Session, plan: &Plan) -> Result<(), ConnectError> {
    let mut wire = Wire::connect(session).await?;
    Slot::of(session, plan)?.drop(&mut wire).await
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
        connection: &mut PgConnection,
        from: Option<Place>,
    ) -> Result<(), ConnectError> {
        let plan = self.plan;
        let doing = Doing::reading(format!("table {}", plan.table));
        let schema = plan.schema.as_deref();
        let relation = Relation::find(connection, schema, &plan.table)
            .await
            .map_err(|error| doing.fault(&error))?
            .ok_or_else(|| doing.no_table())?;
        plan.check_columns(&relation.as_table(schema, &plan.table))?;
        let publication = table::publication(self.session)?;
        let table = Table::find(connection, publication, plan, &relation).await?;
        let slot = Slot::of(self.session, plan)?;
        let mut wire = Wire::connect(self.session).await?;
        let mut place = if let Some(place) = from {
            slot.resume(&mut wire, &place, &table).await?;
            place
        } else {
            let (place, snapshot) = slot.create(&mut wire, &table).await?;
            self.see(connection, &snapshot, &doing).await?;
            place
        };
        if let At::Rows(_) = place.at {
            place = self
                .rows(connection, &relation, place, &slot, &mut wire)
                .await?;
        }
        let target = if self.follow {
            None
        } else {
            Some(slot::end_of_log(connection).await?)
        };
        wire.start(&slot.start(&place, publication)).await?;
        let flow = Flow::new(self, &relation, &table, place, target);
        flow.run(connection, wire, &slot).await
    }

    /// Lets the connection see what the slot's snapshot saw.
    async fn see(
        &self,
        connection: &mut PgConnection,
        snapshot: &str,
        doing: &Doing,
    ) -> Result<(), ConnectError> {
        let strange = || ConnectError::defect("postgres", "a snapshot has a strange name");
        let statement = sql::see_snapshot(snapshot).ok_or_else(strange)?;
        let begun = connection.execute(BEGIN).await;
        begun.map_err(|error| doing.fault(&error))?;
        let seen = connection.execute(statement).await;
        seen.map_err(|error| doing.fault(&error))?;
        let stays = connection.execute(STAY).await;
        stays.map(|_| ()).map_err(|error| doing.fault(&error))
    }

    /// Sends the rows of the first reading; returns the place behind them. The log that is kept
    /// meanwhile is measured.
    async fn rows(
        &self,
        connection: &mut PgConnection,
        relation: &Relation,
        place: Place,
        slot: &Slot,
        wire: &mut Wire,
    ) -> Result<Place, ConnectError> {
        let doing = Doing::reading(format!("table {}", self.plan.table));
        let Place { log, at } = place;
        let behind = Place {
            at: At::Log {
                after: log.made,
                part: 0,
                shape: None,
            },
            log: log.clone(),
        };
        let At::Rows(rows) = at else {
            return Ok(behind);
        };
        let seal = |rows: &read::Place| {
            let place = Place {
                log: log.clone(),
                at: At::Rows(rows.clone()),
            };
            if rows.rest { &behind } else { &place }.position(&self.identity)
        };
        let reading = read::rows(connection, self.plan, relation, rows, &seal, self.outlet);
        tokio::select! {
            read = reading => read?,
            over = slot.watch(wire) => return Err(over),
        }
        // Ends the transaction that sees the snapshot; when there is none, this is only a notice.
        let ended = connection.execute("COMMIT").await;
        ended.map_err(|error| doing.fault(&error))?;
        Ok(behind)
    }
}
