//! The rows of a statement, from the driver to the batch.

use odbc_api::{Cursor, CursorRow};
use rabt_connect::{Cell, ConnectError, Fault, Message, Plan};

use super::{BATCH_ROWS, Reading, Way};
use crate::rowset::{Rooms, RowSet};
use crate::sql::Statement;
use crate::value::Value;

/// What was sent of a statement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) rows: u64,
    /// Whether a cell of the row behind them did not fit. Its column has the room of every text now.
    pub(super) cut: bool,
}

impl Reading<'_> {
    /// Sends all rows of a statement, which cannot be asked for again.
    pub(super) fn send_all(
        &mut self,
        statement: Statement,
        way: &Way<'_>,
    ) -> Result<(), ConnectError> {
        let sent = self.send(statement, way)?;
        if !sent.cut {
            return Ok(());
        }
        // Only a number or a time has less than the room of every text here.
        Err(ConnectError::data(
            format!("table {}", self.plan.table),
            "holds a number or a time that is longer than its type can be",
            "set fetch = \"rows\" in [source.config], or offer a view that writes it as text",
        ))
    }

    /// Sends the rows of a statement, up to one of which a cell did not fit.
    pub(super) fn send(
        &mut self,
        statement: Statement,
        way: &Way<'_>,
    ) -> Result<Sent, ConnectError> {
        match self.rooms.take() {
            None => self.send_singly(statement, way),
            Some(mut rooms) => {
                let sent = self.send_sets(statement, &mut rooms, way);
                self.rooms = Some(rooms);
                sent
            }
        }
    }

    fn send_sets(
        &mut self,
        statement: Statement,
        rooms: &mut Rooms,
        way: &Way<'_>,
    ) -> Result<Sent, ConnectError> {
        let mut sent = Sent::default();
        let database = self.database;
        let Statement { text, values } = statement;
        let executed = database
            .connection
            .execute(&text, values.as_slice(), database.seconds);
        let Some(cursor) = executed.map_err(|error| self.doing.fault(&error))? else {
            return Ok(sent);
        };
        let most = usize::try_from(self.plan.chunk_rows).unwrap_or(usize::MAX);
        let bound = cursor.bind_buffer(rooms.set(most));
        let mut bound = bound.map_err(|error| self.doing.fault(&error))?;
        loop {
            if way.outlet.is_cancelled() {
                return Err(ConnectError::Cancelled);
            }
            let fetched = bound.fetch().map_err(|error| self.doing.fault(&error))?;
            let Some(rows) = fetched else { break };
            for row in 0..rows.num_rows() {
                if !self.place_cells(rows, row, rooms) {
                    sent.cut = true;
                    return Ok(sent);
                }
                self.push()?;
                sent.rows += 1;
                if self.builder.is_full(BATCH_ROWS) {
                    way.send(Message::Rows(self.builder.take()))?;
                }
            }
        }
        Ok(sent)
    }

    /// Takes the cells of a row of a set; false when one did not fit, whose column has more room then.
    fn place_cells(&mut self, set: &RowSet, row: usize, rooms: &mut Rooms) -> bool {
        let mut fits = true;
        for (column, value) in self.cells.iter_mut().enumerate() {
            let units = set.column(column).get(row);
            if !units.is_some_and(|units| rooms.is_cut(column, units.len())) {
                value.set(units);
            } else if rooms.is_whole(column) {
                *value = Value::Unreadable(Fault::TooLong);
            } else {
                rooms.widen(column);
                fits = false;
            }
        }
        fits
    }

    /// As [`send`](Self::send), cell by cell, for drivers that do not give several rows at once.
    fn send_singly(&mut self, statement: Statement, way: &Way<'_>) -> Result<Sent, ConnectError> {
        let mut sent = Sent::default();
        let database = self.database;
        let Statement { text, values } = statement;
        let executed = database
            .connection
            .execute(&text, values.as_slice(), database.seconds);
        let Some(mut cursor) = executed.map_err(|error| self.doing.fault(&error))? else {
            return Ok(sent);
        };
        loop {
            if way.outlet.is_cancelled() {
                return Err(ConnectError::Cancelled);
            }
            let next = cursor
                .next_row()
                .map_err(|error| self.doing.fault(&error))?;
            let Some(mut row) = next else { break };
            self.read_cells(&mut row)?;
            self.push()?;
            sent.rows += 1;
            if self.builder.is_full(BATCH_ROWS) {
                way.send(Message::Rows(self.builder.take()))?;
            }
        }
        Ok(sent)
    }

    fn read_cells(&mut self, row: &mut CursorRow<'_>) -> Result<(), ConnectError> {
        for (column, value) in (1..).zip(&mut self.cells) {
            let read = self.buffer.read(row, column, value);
            read.map_err(|error| self.doing.fault(&error))?;
        }
        Ok(())
    }

    /// Puts the cells of a row into the batch, and notes its place.
    fn push(&mut self) -> Result<(), ConnectError> {
        let wanted = self.cells.iter().zip(&self.binary);
        let cells = wanted.map(|(value, binary)| match value.cell() {
            Cell::Text(_) if *binary => Cell::Unreadable(Fault::Binary),
            Cell::Text(_) | Cell::Null | Cell::Unchanged | Cell::Unreadable(_) => value.cell(),
        });
        self.builder.push_row(cells);
        self.since_checkpoint += 1;
        self.place.after.resize(
            self.order_at.len().max(self.place.after.len()),
            String::new(),
        );
        for (index, at) in self.order_at.iter().enumerate() {
            let text = place_text(self.plan, &self.cells[*at])?;
            text.clone_into(&mut self.place.after[index]);
        }
        Ok(())
    }
}

/// Returns the text of a value in the place of a row.
pub(super) fn place_text<'v>(plan: &Plan, value: &'v Value) -> Result<&'v str, ConnectError> {
    value.text().ok_or_else(|| {
        ConnectError::data(
            format!("table {}", plan.table),
            "has a key or cursor that is not text",
            "choose a key of numbers or texts, or offer a view that has one",
        )
    })
}
