//! Reading a table in chunks of its key, or of its cursor and key.
//!
//! Each chunk is a query of its own, so that no long read keeps the agency's writers from
//! truncating their log.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use rabt_connect::{
    BatchBuilder, ConnectError, Estimate, Identity, Message, Mode, Outlet, Plan, Position,
    READ_ANEW, Session, lowered,
};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, SqliteConnection};

use crate::KIND;
use crate::discover::describe;
use crate::open::{explain, open};
use crate::query::{Select, quote};
use crate::value::{Read, Scalar, read as read_value, scalar};

/// Rows in a message.
const BATCH_ROWS: usize = 1_024;

/// Longest wait for the next row, when the agency sets no limit of its own.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);

/// Where a read is: the last row's values of the order columns, and whether the run that sent it
/// came to its end. A snapshot that did starts anew, an incremental read goes back by its lag.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    last: Vec<Scalar>,
    done: bool,
}

/// A read of one table.
struct Reader<'p> {
    plan: &'p Plan,
    outlet: &'p Outlet,
    identity: Identity,
    /// What is ordered by: the cursor, the key, and what tells rows of an equal key apart.
    order: Vec<String>,
    /// What is selected: the columns of the plan, then the order.
    selected: Vec<String>,
    builder: BatchBuilder,
    timeout: Duration,
    sent: u64,
}

pub(crate) async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    outlet: &Outlet,
) -> Result<(), ConnectError> {
    let identity = identity_of(session, plan);
    let place = from
        .map(|position| position.place::<Place>(&identity))
        .transpose()?;
    let mut connection = open(session).await?;
    let order = order_of(&mut connection, plan).await?;
    if place
        .as_ref()
        .is_some_and(|place| !place.last.is_empty() && place.last.len() != order.len())
    {
        return Err(ConnectError::configuration(
            "position",
            "was taken when the table had another shape",
            READ_ANEW,
        ));
    }
    let quoted = plan.columns.iter().map(|column| quote(column));
    let mut reader = Reader {
        plan,
        outlet,
        identity,
        selected: quoted.chain(order.iter().cloned()).collect(),
        order,
        builder: BatchBuilder::new(Arc::<[String]>::from(plan.columns.clone())),
        timeout: session
            .protect
            .statement_timeout
            .unwrap_or(STATEMENT_TIMEOUT),
        sent: 0,
    };
    let result = reader.run(&mut connection, place).await;
    let _ = connection.close_hard().await;
    result
}

fn identity_of(session: &Session, plan: &Plan) -> Identity {
    let mut parts = vec![
        session.source.as_str(),
        plan.table.as_str(),
        match &plan.mode {
            Mode::Snapshot | Mode::Changes { .. } => "",
            Mode::Incremental { cursor, .. } => cursor.as_str(),
        },
    ];
    parts.extend(plan.key.iter().map(String::as_str));
    Identity::new(KIND, &parts)
}

/// Checks the table and returns what to order by; nothing for a table without a key.
async fn order_of(
    connection: &mut SqliteConnection,
    plan: &Plan,
) -> Result<Vec<String>, ConnectError> {
    let place = format!("table {}", plan.table);
    if plan
        .schema
        .as_deref()
        .is_some_and(|schema| schema != "main")
    {
        return Err(ConnectError::configuration(
            place,
            "an SQLite file has the one schema 'main'",
            "leave out `schema` in `from`",
        ));
    }
    let Some(table) = describe(connection, &plan.table).await? else {
        return Err(ConnectError::configuration(
            place,
            "there is no such table or view",
            "compare `from` and the columns of the mapping with the table",
        ));
    };
    plan.check_columns(&table)?;
    plan.refuse_changes(KIND)?;
    if plan.key.is_empty() {
        return Ok(Vec::new());
    }
    let mut order: Vec<String> = Vec::new();
    if let Mode::Incremental { cursor, .. } = &plan.mode {
        order.push(quote(cursor));
    }
    order.extend(plan.key.iter().map(|column| quote(column)));
    // A key that is not unique must not lose rows where two chunks meet.
    if has_row_number(connection, &plan.table).await {
        order.push("rowid".to_owned());
    } else {
        order.extend(plan.columns.iter().map(|column| quote(column)));
    }
    let mut unique: Vec<String> = Vec::new();
    for column in order {
        if !unique.contains(&column) {
            unique.push(column);
        }
    }
    Ok(unique)
}

/// Says whether the rows are numbered: tables are, unless they are `WITHOUT ROWID`; views are not.
async fn has_row_number(connection: &mut SqliteConnection, table: &str) -> bool {
    const NUMBERED: &str = "SELECT COUNT(*) FROM pragma_table_list(?) \
        WHERE schema = 'main' AND type = 'table' AND wr = 0 \
        AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(?) WHERE name = 'rowid' COLLATE NOCASE)";
    let counted = sqlx::query_scalar::<_, i64>(NUMBERED)
        .bind(table)
        .bind(table)
        .fetch_one(connection);
    counted.await.is_ok_and(|count| count == 1)
}

impl Reader<'_> {
    async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        place: Option<Place>,
    ) -> Result<(), ConnectError> {
        let mut select = self.first(place.as_ref());
        let mut last = place.map(|place| place.last).unwrap_or_default();
        loop {
            let (rows, row) = self.chunk(connection, &select).await?;
            if let Some(row) = &row {
                last = self.place_of(row);
            }
            let full = !self.order.is_empty() && rows >= u64::from(self.limit());
            let place = Place {
                last: last.clone(),
                done: !full,
            };
            let position = Position::new(&self.identity, &place)?;
            self.outlet
                .send(Message::Checkpoint { position, rows })
                .await?;
            self.sent += rows;
            let progress = Estimate {
                done: self.sent,
                of: None,
            };
            self.outlet.send(Message::Progress(progress)).await?;
            if !full {
                return Ok(());
            }
            select = self.select();
            select.behind(&self.order, &last);
            select.ordered(&self.order, self.limit());
        }
    }

    /// Returns the values of the order columns, which stand behind those of the plan.
    fn place_of(&self, row: &SqliteRow) -> Vec<Scalar> {
        let from = self.plan.columns.len();
        (from..self.selected.len())
            .map(|column| scalar(row, column))
            .collect()
    }

    fn limit(&self) -> u32 {
        self.plan.chunk_rows.max(1)
    }

    fn select(&self) -> Select {
        Select::new(&self.selected, &self.plan.table)
    }

    /// Returns the query of the first chunk.
    fn first(&self, place: Option<&Place>) -> Select {
        let mut select = self.select();
        if self.order.is_empty() {
            return select;
        }
        match (place, &self.plan.mode) {
            (Some(place), _) if !place.done && !place.last.is_empty() => {
                select.behind(&self.order, &place.last);
            }
            (Some(place), Mode::Incremental { lag, .. }) => {
                if let Some(cursor) = place.last.first() {
                    let from = lower(cursor, lag.unwrap_or_default());
                    if from != Scalar::Null {
                        select.at_least(&self.order[0], from);
                    }
                }
            }
            (Some(_) | None, Mode::Snapshot | Mode::Changes { .. })
            | (None, Mode::Incremental { .. }) => {}
        }
        select.ordered(&self.order, self.limit());
        select
    }

    /// Sends the rows of one query; returns how many there were, and the last one.
    async fn chunk(
        &mut self,
        connection: &mut SqliteConnection,
        select: &Select,
    ) -> Result<(u64, Option<SqliteRow>), ConnectError> {
        let place = format!("table {}", self.plan.table);
        let mut rows = 0;
        let mut last = None;
        let mut stream = select.query().fetch(connection);
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(self.timeout, stream.try_next()) => next,
                () = self.outlet.cancelled() => return Err(ConnectError::Cancelled),
            };
            let next = next.map_err(|_| {
                ConnectError::transient(
                    &place,
                    "the next row did not come within the statement timeout",
                    "index the key columns, or raise protect.statement_timeout",
                )
            })?;
            let Some(row) = next.map_err(|error| explain(&error, &place))? else {
                break;
            };
            push(&mut self.builder, &row, self.plan.columns.len());
            rows += 1;
            last = Some(row);
            if self.builder.is_full(BATCH_ROWS) {
                let batch = self.builder.take();
                self.outlet.send(Message::Rows(batch)).await?;
            }
        }
        drop(stream);
        if !self.builder.is_empty() {
            let batch = self.builder.take();
            self.outlet.send(Message::Rows(batch)).await?;
        }
        Ok((rows, last))
    }
}

fn push(builder: &mut BatchBuilder, row: &SqliteRow, width: usize) {
    let values: Vec<_> = (0..width).map(|column| read_value(row, column)).collect();
    builder.push_row(values.iter().map(Read::cell));
}

fn lower(cursor: &Scalar, lag: Duration) -> Scalar {
    let seconds = i64::try_from(lag.as_secs()).unwrap_or(i64::MAX);
    match cursor {
        Scalar::Integer(number) => Scalar::Integer(number.saturating_sub(seconds)),
        Scalar::Text(text) => Scalar::Text(lowered(text, lag)),
        Scalar::Real(bits) => Scalar::Real((f64::from_bits(*bits) - lag.as_secs_f64()).to_bits()),
        Scalar::Null | Scalar::Blob(_) => cursor.clone(),
    }
}
