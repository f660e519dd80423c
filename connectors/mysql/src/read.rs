//! Reading a table in the order of its key or cursor.
//!
//! Invariant: a checkpoint never separates two rows that agree in all order columns, so whatever
//! follows it can be asked for by "greater than".

use futures::StreamExt;
use futures::stream::BoxStream;
use rabt_connect::{
    BatchBuilder, Cell, ConnectError, Fault, Identity, Message, Mode, Outlet, Plan, Position,
    Session, lowered,
};
use serde::{Deserialize, Serialize};
use sqlx::mysql::MySqlRow;
use sqlx::{Decode, MySql, MySqlConnection, Row, SqlStr, ValueRef};

use crate::catalog::{Column, Relation};
use crate::connection::{connect, end};
use crate::fault::Doing;
use crate::sql::{self, Selection, Start};
use crate::{KIND, change};

/// Rows in one message, at most.
const BATCH_ROWS: usize = 1024;

/// Where reading is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The order columns of the last row; empty at the beginning.
    after: Vec<String>,
    /// Whether the rows that no page holds have been read.
    pub(crate) rest: bool,
    /// Whether an incremental run ended here: the next one starts at the cursor itself, less the
    /// lag, not behind the row.
    ended: bool,
}

/// What stopped the filling of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// The batch is full.
    Batch,
    /// A chunk is complete and the next row has another key.
    Chunk,
    /// There is no further row.
    End,
}

/// Makes the position of a place.
pub(crate) type Seal<'a> = dyn Fn(&Place) -> Result<Position, ConnectError> + Send + Sync + 'a;

type Rows<'c> = BoxStream<'c, Result<MySqlRow, sqlx::Error>>;

/// Sends the rows behind `from`.
pub(crate) async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    outlet: Outlet,
) -> Result<(), ConnectError> {
    if let Mode::Changes { follow } = plan.mode {
        return change::read(session, plan, follow, from, outlet).await;
    }
    let identity = identity(session, plan);
    let place = match from {
        Some(position) => position.place(&identity)?,
        None => Place::default(),
    };
    let mut connection = connect(session).await?;
    let outcome = stream(&mut connection, plan, identity, place, &outlet).await;
    end(connection, &outcome).await;
    outcome
}

async fn stream(
    connection: &mut MySqlConnection,
    plan: &Plan,
    identity: Identity,
    place: Place,
    outlet: &Outlet,
) -> Result<(), ConnectError> {
    let doing = Doing::reading(format!("table {}", plan.table));
    let schema = plan.schema.as_deref();
    let mut order = plan.key.clone();
    if let Mode::Incremental { cursor, .. } = &plan.mode {
        order.push(cursor.clone());
    }
    let relation = Relation::find(connection, schema, &plan.table, &order)
        .await
        .map_err(|error| doing.fault(&error))?
        .ok_or_else(|| doing.no_table())?;
    plan.check_columns(&relation.as_table(schema, &plan.table))?;
    let cursor = cursor_of(connection, &relation, plan, &doing).await?;
    let seal = |place: &Place| Position::new(&identity, place);
    let reading = Reading::new(plan, &relation, cursor, &seal, place, doing);
    reading.run(connection, outlet).await
}

/// Sends the rows of a snapshot behind a place, with checkpoints whose positions `seal` makes; the
/// last place of all has its `rest`.
pub(crate) async fn rows(
    connection: &mut MySqlConnection,
    plan: &Plan,
    relation: &Relation,
    place: Place,
    seal: &Seal<'_>,
    outlet: &Outlet,
) -> Result<(), ConnectError> {
    let doing = Doing::reading(format!("table {}", plan.table));
    let reading = Reading::new(plan, relation, None, seal, place, doing);
    reading.run(connection, outlet).await
}

/// Returns which table a position belongs to.
fn identity(session: &Session, plan: &Plan) -> Identity {
    let mut parts = vec![
        session.source.as_str(),
        plan.schema.as_deref().unwrap_or_default(),
        &plan.table,
    ];
    match &plan.mode {
        Mode::Snapshot | Mode::Changes { .. } => parts.push("snapshot"),
        Mode::Incremental { cursor, .. } => parts.extend(["incremental", cursor]),
    }
    parts.extend(plan.key.iter().map(String::as_str));
    Identity::new(KIND, &parts)
}

/// Returns the cursor column of an incremental plan. One that holds nulls is refused: those rows
/// would never be read, and nobody would be told.
async fn cursor_of<'r>(
    connection: &mut MySqlConnection,
    relation: &'r Relation,
    plan: &Plan,
    doing: &Doing,
) -> Result<Option<&'r Column>, ConnectError> {
    let Mode::Incremental { cursor: name, .. } = &plan.mode else {
        return Ok(None);
    };
    let Some(cursor) = relation.column(name) else {
        return Ok(None);
    };
    if cursor.nullable {
        let row = sqlx::query(sql::has_nulls(relation, cursor))
            .fetch_one(connection)
            .await;
        let holds: i64 = row
            .and_then(|row| row.try_get(0))
            .map_err(|error| doing.fault(&error))?;
        if holds != 0 {
            return Err(ConnectError::configuration(
                format!("table {}", plan.table),
                format!("holds NULL in the cursor '{name}'"),
                "fill the column, or set mode = \"snapshot\"",
            ));
        }
    }
    Ok(Some(cursor))
}

/// One read in progress.
struct Reading<'a> {
    plan: &'a Plan,
    doing: Doing,
    seal: &'a Seal<'a>,
    selection: Selection<'a>,
    cursor: Option<&'a Column>,
    /// Where the order columns stand among the selected ones.
    order_at: Vec<usize>,
    /// Whether no two rows agree in the order columns; then pages have a limit.
    unique: bool,
    place: Place,
    builder: BatchBuilder,
    since_checkpoint: u64,
    pending: Option<MySqlRow>,
}

impl<'a> Reading<'a> {
    fn new(
        plan: &'a Plan,
        relation: &'a Relation,
        cursor: Option<&'a Column>,
        seal: &'a Seal<'a>,
        place: Place,
        doing: Doing,
    ) -> Self {
        let mut order: Vec<&Column> = cursor.into_iter().collect();
        for column in plan.key.iter().filter_map(|name| relation.column(name)) {
            if order.iter().all(|ordered| ordered.name != column.name) {
                order.push(column);
            }
        }
        let mut columns: Vec<&Column> = plan
            .columns
            .iter()
            .filter_map(|name| relation.column(name))
            .collect();
        let mut order_at = Vec::with_capacity(order.len());
        for column in &order {
            let at = columns
                .iter()
                .position(|selected| selected.name == column.name);
            order_at.push(at.unwrap_or(columns.len()));
            if at.is_none() {
                columns.push(column);
            }
        }
        Self {
            plan,
            doing,
            seal,
            selection: Selection::new(relation, columns, order),
            cursor,
            order_at,
            unique: relation.is_unique(&plan.key),
            place,
            builder: BatchBuilder::new(plan.columns.clone()),
            since_checkpoint: 0,
            pending: None,
        }
    }

    async fn run(
        mut self,
        connection: &mut MySqlConnection,
        outlet: &Outlet,
    ) -> Result<(), ConnectError> {
        let ordered = !self.order_at.is_empty();
        if ordered {
            while self.page(connection, outlet).await? {
                self.checkpoint(outlet).await?;
            }
        }
        if !self.place.rest {
            let rest = if ordered {
                self.selection.remainder()
            } else {
                Some(self.selection.page(Start::First, None))
            };
            if let Some(statement) = rest {
                self.remainder(statement, connection, outlet).await?;
            }
        }
        if let Some(cursor) = self.cursor {
            self.settle(cursor, connection).await?;
        } else {
            self.place.rest = true;
        }
        self.checkpoint(outlet).await
    }

    /// Reads one page. Says whether there may be another.
    async fn page(
        &mut self,
        connection: &mut MySqlConnection,
        outlet: &Outlet,
    ) -> Result<bool, ConnectError> {
        let start = self.start();
        let limit = self.unique.then_some(self.plan.chunk_rows.max(1));
        let mut query = sqlx::query(self.selection.page(start, limit));
        if start == Start::From {
            query = query.bind(self.lowered_cursor());
        } else {
            for at in self.selection.places(start) {
                query = query.bind(self.place.after[at].clone());
            }
        }
        self.place.ended = false;
        let before = self.since_checkpoint;
        self.drain(query.fetch(connection), outlet).await?;
        Ok(limit.is_some_and(|limit| self.since_checkpoint - before >= u64::from(limit)))
    }

    /// Reads the rows that have no place in the order.
    async fn remainder(
        &mut self,
        statement: SqlStr,
        connection: &mut MySqlConnection,
        outlet: &Outlet,
    ) -> Result<(), ConnectError> {
        let order_at = std::mem::take(&mut self.order_at);
        self.drain(sqlx::query(statement).fetch(connection), outlet)
            .await?;
        self.order_at = order_at;
        Ok(())
    }

    /// Returns where the next page starts.
    fn start(&self) -> Start {
        if self.place.after.len() != self.order_at.len() {
            Start::First
        } else if self.place.ended {
            Start::From
        } else {
            Start::After
        }
    }

    /// Returns the first cursor value to read again after a run that ended.
    fn lowered_cursor(&self) -> Option<String> {
        let cursor = self.place.after.first()?;
        let Mode::Incremental { lag, .. } = &self.plan.mode else {
            return None;
        };
        Some(lag.map_or_else(|| cursor.clone(), |lag| lowered(cursor, lag)))
    }

    async fn drain(&mut self, mut rows: Rows<'_>, outlet: &Outlet) -> Result<(), ConnectError> {
        loop {
            let filled = tokio::select! {
                filled = self.fill(&mut rows) => filled?,
                () = outlet.cancelled() => return Err(ConnectError::Cancelled),
            };
            match filled {
                Filled::Batch => outlet.send(Message::Rows(self.builder.take())).await?,
                Filled::Chunk => self.checkpoint(outlet).await?,
                Filled::End => return Ok(()),
            }
        }
    }

    async fn fill(&mut self, rows: &mut Rows<'_>) -> Result<Filled, ConnectError> {
        while !self.builder.is_full(BATCH_ROWS) {
            let row = match self.pending.take() {
                Some(row) => row,
                None => match rows.next().await {
                    Some(row) => row.map_err(|error| self.doing.fault(&error))?,
                    None => return Ok(Filled::End),
                },
            };
            if self.is_chunk_before(&row)? {
                self.pending = Some(row);
                return Ok(Filled::Chunk);
            }
            self.push(&row)?;
        }
        Ok(Filled::Batch)
    }

    fn is_chunk_before(&self, row: &MySqlRow) -> Result<bool, ConnectError> {
        if self.unique
            || self.order_at.is_empty()
            || self.since_checkpoint < u64::from(self.plan.chunk_rows.max(1))
        {
            return Ok(false);
        }
        for (at, last) in self.order_at.iter().zip(&self.place.after) {
            if self.order_text(row, *at)? != last {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn push(&mut self, row: &MySqlRow) -> Result<(), ConnectError> {
        let selected = self.plan.columns.len();
        self.builder.push_row((0..selected).map(|at| cell(row, at)));
        self.since_checkpoint += 1;
        self.place.after.resize(
            self.order_at.len().max(self.place.after.len()),
            String::new(),
        );
        for (index, at) in self.order_at.iter().enumerate() {
            let text = self.order_text(row, *at)?;
            let last = &mut self.place.after[index];
            last.clear();
            last.push_str(text);
        }
        Ok(())
    }

    fn order_text<'r>(&self, row: &'r MySqlRow, at: usize) -> Result<&'r str, ConnectError> {
        if let Cell::Text(text) = cell(row, at) {
            return Ok(text);
        }
        let place = format!("table {}", self.plan.table);
        let what = "has a key or cursor that is not text";
        let remedy = "choose a key of numbers or texts, or offer a view that has one";
        Err(ConnectError::data(place, what, remedy))
    }

    /// Ends an incremental run: a cursor that lies in the future does not carry the position with
    /// it, else every row until then would be overlooked.
    async fn settle(
        &mut self,
        cursor: &Column,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        self.place.ended = true;
        let Some(last) = self.place.after.first_mut() else {
            return Ok(());
        };
        if cursor.is_time() {
            let query = sqlx::query(sql::NOT_AFTER_NOW).bind(last.clone());
            let row = query.fetch_one(connection).await;
            let settled: Option<String> = row
                .and_then(|row| row.try_get(0))
                .map_err(|error| self.doing.fault(&error))?;
            if let Some(settled) = settled {
                *last = settled;
            }
        }
        Ok(())
    }

    async fn checkpoint(&mut self, outlet: &Outlet) -> Result<(), ConnectError> {
        if !self.builder.is_empty() {
            outlet.send(Message::Rows(self.builder.take())).await?;
        }
        let rows = std::mem::take(&mut self.since_checkpoint);
        let position = (self.seal)(&self.place)?;
        outlet.send(Message::Checkpoint { position, rows }).await
    }
}

/// Returns a column of a row; every column is selected as text, except bytes without a character
/// set, which are text when they are UTF-8.
pub(crate) fn cell(row: &MySqlRow, at: usize) -> Cell<'_> {
    let Ok(value) = row.try_get_raw(at) else {
        return Cell::Unreadable(Fault::NoColumn);
    };
    if value.is_null() {
        return Cell::Null;
    }
    match <&[u8] as Decode<MySql>>::decode(value).map(std::str::from_utf8) {
        Ok(Ok(text)) => Cell::Text(text),
        Ok(Err(_)) | Err(_) => Cell::Unreadable(Fault::NotText),
    }
}
