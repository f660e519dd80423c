//! Reading a table in the order of its key or cursor.
//!
//! Invariant: a page ends between two places of the order, as the database itself compares them, so
//! that whatever follows it can be asked for by "greater than".

mod fetch;

use odbc_api::{Cursor, CursorRow};
use rabt_connect::{
    BatchBuilder, ConnectError, Identity, Message, Mode, Outlet, Plan, Position, Session, lowered,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::KIND;
use crate::catalog::{Column, Relation};
use crate::connection::Database;
use crate::dialect::Dialect;
use crate::fault::Doing;
use crate::rowset::Rooms;
use crate::sql::{Selection, Start, Statement};
use crate::value::{Buffer, Value};
use fetch::place_text;

/// Rows in one message, at most.
const BATCH_ROWS: usize = 1024;

/// Where reading is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The order columns of the last row; empty at the beginning.
    after: Vec<String>,
    /// Whether the read came to its end here: a snapshot starts anew then, and an incremental run at the
    /// cursor itself, less the lag, not behind the row.
    ended: bool,
}

/// Sends the rows behind `from`.
pub(crate) fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    outlet: &Outlet,
    host: &Handle,
) -> Result<(), ConnectError> {
    plan.refuse_changes(KIND)?;
    let doing = Doing::reading(format!("table {}", plan.table));
    let database = Database::open(session)?;
    let relation = Relation::find(&database, plan.schema.as_deref(), &plan.table)
        .map_err(|error| doing.fault(&error))?
        .ok_or_else(|| doing.no_table())?;
    plan.check_columns(&relation.to_table())?;
    let identity = identity(session, plan, has_moments(&database, &relation, plan));
    let place = match from {
        Some(position) => position.place(&identity)?,
        None => Place::default(),
    };
    let mut reading = Reading::new(&database, &relation, plan, identity, place, doing)?;
    reading.refuse_nulls()?;
    reading.run(&Way { outlet, host })
}

/// Refuses a column of the order whose text does not say where a row stands: reading would begin at the
/// same place again, or pass rows over.
fn refuse_unorderable(plan: &Plan, column: &Column) -> Result<(), ConnectError> {
    let Some((what, remedy)) = column.unorderable() else {
        return Ok(());
    };
    let of = if plan.key.contains(&column.name) {
        "key"
    } else {
        "cursor"
    };
    Err(ConnectError::configuration(
        format!("table {}", plan.table),
        format!("has the {of} '{}', which {what}", column.name),
        remedy,
    ))
}

/// Says whether places hold moments whose text has no zone. It is that of UTC; before it was, it was that
/// of the server, and a place from then would be taken for one of some hours later.
fn has_moments(database: &Database, relation: &Relation, plan: &Plan) -> bool {
    let cursor = match &plan.mode {
        Mode::Incremental { cursor, .. } => Some(cursor),
        Mode::Snapshot | Mode::Changes { .. } => None,
    };
    let order = plan.key.iter().chain(cursor);
    let mut order = order.filter_map(|name| relation.column(name));
    database.dialect == Dialect::Mysql && order.any(Column::is_moment)
}

/// Returns which table a position belongs to.
fn identity(session: &Session, plan: &Plan, moments: bool) -> Identity {
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
    if moments {
        parts.push("utc");
    }
    Identity::new(KIND, &parts)
}

/// The way to the host, from a thread that waits.
struct Way<'a> {
    outlet: &'a Outlet,
    host: &'a Handle,
}

impl Way<'_> {
    fn send(&self, message: Message) -> Result<(), ConnectError> {
        self.host.block_on(self.outlet.send(message))
    }
}

/// One read in progress.
struct Reading<'a> {
    database: &'a Database,
    plan: &'a Plan,
    doing: Doing,
    identity: Identity,
    selection: Selection<'a>,
    cursor: Option<&'a Column>,
    /// Which of the selected columns hold bytes.
    binary: Vec<bool>,
    /// Where the order columns stand among the selected ones.
    order_at: Vec<usize>,
    /// Whether no two rows agree in the order columns.
    unique: bool,
    place: Place,
    builder: BatchBuilder,
    since_checkpoint: u64,
    buffer: Buffer,
    /// How much room cells have in sets of rows; nothing when rows come one by one.
    rooms: Option<Rooms>,
    cells: Vec<Value>,
}

impl<'a> Reading<'a> {
    fn new(
        database: &'a Database,
        relation: &'a Relation,
        plan: &'a Plan,
        identity: Identity,
        place: Place,
        doing: Doing,
    ) -> Result<Self, ConnectError> {
        let cursor = match &plan.mode {
            Mode::Incremental { cursor, .. } => relation.column(cursor),
            Mode::Snapshot | Mode::Changes { .. } => None,
        };
        let mut order: Vec<&Column> = cursor.into_iter().collect();
        for column in plan.key.iter().filter_map(|name| relation.column(name)) {
            if order.iter().all(|ordered| ordered.name != column.name) {
                order.push(column);
            }
        }
        for column in &order {
            refuse_unorderable(plan, column)?;
        }
        let named = plan.columns.iter().filter_map(|name| relation.column(name));
        let mut columns: Vec<&Column> = named.collect();
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
        let begins_anew = place.ended && cursor.is_none();
        let unique = relation.is_unique(&plan.key);
        let again = unique && !order.is_empty();
        let rooms = Rooms::new(&columns, database.dialect, again);
        Ok(Self {
            database,
            plan,
            doing,
            identity,
            selection: Selection::new(database, relation, &columns, &order),
            cursor,
            binary: columns.iter().map(|column| column.is_binary()).collect(),
            order_at,
            unique,
            place: if begins_anew { Place::default() } else { place },
            builder: BatchBuilder::new(plan.columns.clone()),
            since_checkpoint: 0,
            buffer: Buffer::new(),
            rooms: database.fetch.is_sets().then_some(rooms),
            cells: vec![Value::default(); columns.len()],
        })
    }

    /// Refuses a cursor that holds nulls: those rows would never be read, and nobody would be told.
    fn refuse_nulls(&mut self) -> Result<(), ConnectError> {
        let Some(cursor) = self.cursor.filter(|cursor| cursor.nullable) else {
            return Ok(());
        };
        let Some(statement) = self.selection.without_first() else {
            return Ok(());
        };
        let mut holds = Value::default();
        self.rows(statement, |buffer, row| buffer.read(row, 1, &mut holds))?;
        if holds.text() == Some("0") {
            return Ok(());
        }
        Err(ConnectError::configuration(
            format!("table {}", self.plan.table),
            format!("holds NULL in the cursor '{}'", cursor.name),
            "fill the column, or set mode = \"snapshot\"",
        ))
    }

    fn run(&mut self, way: &Way<'_>) -> Result<(), ConnectError> {
        if self.order_at.is_empty() {
            self.send_all(self.selection.page(Start::First, None, None), way)?;
        } else {
            while self.page(way)? {
                self.checkpoint(way)?;
            }
            if let Some(statement) = self.selection.remainder() {
                // These rows have no place, so none is taken from them.
                let order_at = std::mem::take(&mut self.order_at);
                if let Some(rooms) = self.rooms.as_mut().filter(|_| self.unique) {
                    rooms.widen_all();
                }
                self.send_all(statement, way)?;
                self.order_at = order_at;
            }
        }
        self.settle()?;
        self.place.ended = true;
        self.checkpoint(way)
    }

    /// Lets a cursor that lies in the future not carry the position with it, else every row until then
    /// would be overlooked.
    fn settle(&mut self) -> Result<(), ConnectError> {
        let last = self.cursor.zip(self.place.after.first());
        let settled = last.and_then(|(cursor, last)| self.selection.not_after_now(cursor, last));
        let Some(statement) = settled else {
            return Ok(());
        };
        let mut now = Value::default();
        self.rows(statement, |buffer, row| buffer.read(row, 1, &mut now))?;
        if let Some(now) = now.text() {
            now.clone_into(&mut self.place.after[0]);
        }
        Ok(())
    }

    /// Reads one page. Says whether there may be another.
    fn page(&mut self, way: &Way<'_>) -> Result<bool, ConnectError> {
        let limit = self.plan.chunk_rows.max(1);
        let place = std::mem::take(&mut self.place);
        let lowest;
        let start = if place.after.len() != self.order_at.len() {
            Start::First
        } else if place.ended {
            lowest = self.lowered_cursor(&place);
            Start::From(&lowest)
        } else {
            Start::After(&place.after)
        };
        // The next page begins behind the last row of this one; without rows where this one did.
        self.place.after.clone_from(&place.after);
        if self.unique {
            return if self.unique_page(start, limit, way)? {
                self.went_on(&place)
            } else {
                Ok(false)
            };
        }
        let to = self.end_of_page(self.selection.places(start, limit), limit)?;
        self.send_all(self.selection.page(start, None, to.as_deref()), way)?;
        let Some(to) = to else { return Ok(false) };
        self.place.after = to;
        self.went_on(&place)
    }

    /// Reads a page in an order in which each row has a place of its own; says whether it is full. A row of
    /// which a cell did not fit is asked for again, with room for it, and what follows.
    fn unique_page(
        &mut self,
        start: Start<'_>,
        limit: u32,
        way: &Way<'_>,
    ) -> Result<bool, ConnectError> {
        let mut left = limit;
        let mut statement = self.selection.page(start, Some(limit), None);
        loop {
            let sent = self.send(statement, way)?;
            left = left.saturating_sub(u32::try_from(sent.rows).unwrap_or(u32::MAX));
            if !sent.cut {
                return Ok(left == 0);
            }
            statement = if left == limit {
                self.selection.page(start, Some(limit), None)
            } else {
                let behind = Start::After(&self.place.after);
                self.selection.page(behind, Some(left), None)
            };
        }
    }

    /// Refuses a page that ended where it began: the database orders otherwise than it compares, and the
    /// page would come for ever.
    fn went_on(&self, from: &Place) -> Result<bool, ConnectError> {
        if from.ended || from.after != self.place.after {
            return Ok(true);
        }
        Err(ConnectError::data(
            format!("table {}", self.plan.table),
            "is ordered by its key otherwise than values are compared with it",
            "choose a key of numbers or times, or offer a view that has one",
        ))
    }

    /// Returns the place where a page of so many rows ends; nothing when there are fewer.
    fn end_of_page(
        &mut self,
        places: Statement,
        limit: u32,
    ) -> Result<Option<Vec<String>>, ConnectError> {
        let width = self.order_at.len();
        let mut last = vec![Value::default(); width];
        let mut rows = 0;
        self.rows(places, |buffer, row| {
            for (column, value) in (1..).zip(&mut last) {
                buffer.read(row, column, value)?;
            }
            rows += 1;
            Ok(())
        })?;
        if rows < limit {
            return Ok(None);
        }
        let texts = last.iter().map(|value| place_text(self.plan, value));
        texts
            .map(|text| text.map(str::to_owned))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Returns the first cursor value to read again after a run that ended.
    fn lowered_cursor(&self, place: &Place) -> String {
        let cursor = place.after.first().cloned().unwrap_or_default();
        match &self.plan.mode {
            Mode::Incremental { lag: Some(lag), .. } => lowered(&cursor, *lag),
            Mode::Incremental { lag: None, .. } | Mode::Snapshot | Mode::Changes { .. } => cursor,
        }
    }

    /// Hands each row of a statement to `take`.
    fn rows(
        &mut self,
        statement: Statement,
        mut take: impl FnMut(&mut Buffer, &mut CursorRow<'_>) -> Result<(), odbc_api::Error>,
    ) -> Result<(), ConnectError> {
        let database = self.database;
        let Statement { text, values } = statement;
        let executed = database
            .connection
            .execute(&text, values.as_slice(), database.seconds);
        let Some(mut cursor) = executed.map_err(|error| self.doing.fault(&error))? else {
            return Ok(());
        };
        while let Some(mut row) = cursor
            .next_row()
            .map_err(|error| self.doing.fault(&error))?
        {
            take(&mut self.buffer, &mut row).map_err(|error| self.doing.fault(&error))?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, way: &Way<'_>) -> Result<(), ConnectError> {
        if !self.builder.is_empty() {
            way.send(Message::Rows(self.builder.take()))?;
        }
        let rows = std::mem::take(&mut self.since_checkpoint);
        let position = Position::new(&self.identity, &self.place)?;
        way.send(Message::Checkpoint { position, rows })
    }
}
