//! The changes of rows: completed, counted and collected into messages.

use rabt_connect::{Cell, ConnectError, Deleted, Message};
use rabt_model::Pii;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use super::{BATCH_ROWS, Flow, IMPATIENCE};
use crate::change::decode::{Old, Tuple};
use crate::change::shape::Value;
use crate::change::wire::Wire;
use crate::fault::Doing;
use crate::read::cell;

/// Rounds in which a row that is not visible yet is looked for again.
const ROUNDS: u32 = 3;

impl Flow<'_> {
    pub(super) async fn update(
        &mut self,
        old: Option<Old>,
        mut new: Tuple,
        connection: &mut PgConnection,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        let shape = self.shape()?;
        let mut before = None;
        let mut parts_before = None;
        if let Some(old) = &old {
            shape.complete(&mut new, old.tuple(), matches!(old, Old::Whole(_)));
            before = shape.key(old.tuple());
            parts_before = shape.key_parts(old.tuple());
        }
        let now = shape.key(&new);
        let repeats = !shape.cells(&new).contains(&Value::Unchanged);
        let parts = shape.key_parts(&new);
        if before.is_some() && before != now {
            self.push_deleted(before, wire).await?;
        }
        if repeats {
            return self.row(&new, wire).await;
        }
        // Only this row is looked for: its key is unique.
        let found = match parts {
            Some(parts) => self.find(parts, parts_before, connection).await?,
            None => None,
        };
        match found {
            Some(found) => self.completed(&new, &found, wire).await,
            // The row is gone by now, or has another key; the log will say so.
            None => self.count(wire).await,
        }
    }

    /// Reads a row again by its key. A change may be in the log a moment before it can be seen, so the
    /// row is looked for under its old key too, and more than once.
    async fn find(
        &self,
        parts: Vec<String>,
        before: Option<Vec<String>>,
        connection: &mut PgConnection,
    ) -> Result<Option<PgRow>, ConnectError> {
        let doing = Doing::reading(format!("table {}", self.capture.plan.table));
        for round in 0..ROUNDS {
            for parts in [Some(&parts), before.as_ref()].into_iter().flatten() {
                let mut query = sqlx::query(self.again.row());
                for part in parts {
                    query = query.bind(part.clone());
                }
                let found = query.fetch_optional(&mut *connection).await;
                let found = found.map_err(|error| doing.fault(&error))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            tokio::time::sleep(IMPATIENCE * round).await;
        }
        Ok(None)
    }

    /// Sends a row whose cells that were not repeated are taken from the table.
    async fn completed(
        &mut self,
        new: &Tuple,
        found: &PgRow,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        let cells = self.shape()?.cells(new);
        let cells: Vec<Cell<'_>> = cells
            .iter()
            .enumerate()
            .map(|(at, value)| match value {
                Value::Unchanged => cell(found, at),
                Value::Text(_) | Value::Null | Value::Unreadable(_) => value.as_cell(),
            })
            .collect();
        if !self.deleted.is_empty() {
            self.flush(wire).await?;
        }
        self.builder.push_row(cells);
        self.rows += 1;
        self.count(wire).await
    }

    pub(super) async fn row(&mut self, new: &Tuple, wire: &mut Wire) -> Result<(), ConnectError> {
        if !self.deleted.is_empty() {
            self.flush(wire).await?;
        }
        let missing = || ConnectError::defect("postgres", "a change came before its table");
        let shape = self.shape.as_ref().ok_or_else(missing)?;
        let cells = shape.cells(new);
        self.builder.push_row(cells.iter().map(Value::as_cell));
        self.rows += 1;
        self.count(wire).await
    }

    pub(super) async fn delete(
        &mut self,
        key: Option<String>,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        self.push_deleted(key, wire).await?;
        self.count(wire).await
    }

    async fn push_deleted(
        &mut self,
        key: Option<String>,
        wire: &mut Wire,
    ) -> Result<(), ConnectError> {
        if let Some(key) = key {
            if !self.builder.is_empty() {
                self.flush(wire).await?;
            }
            self.deleted.push(Deleted {
                key: Pii::new(key),
                version: None,
                event_at: None,
            });
        }
        Ok(())
    }

    /// Counts a change, and sends what has become enough.
    async fn count(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        self.changes += 1;
        self.waiting_since.get_or_insert_with(Instant::now);
        if self.builder.is_full(BATCH_ROWS) || self.deleted.len() >= BATCH_ROWS {
            self.flush(wire).await?;
        }
        if self.is_full() && self.transaction.is_some() {
            self.checkpoint(wire).await?;
        }
        Ok(())
    }

    /// Sends the rows or deletions collected; there are never both.
    pub(super) async fn flush(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        if !self.builder.is_empty() {
            let batch = self.builder.take();
            self.send(Message::Rows(batch), wire).await?;
        }
        if !self.deleted.is_empty() {
            let deleted = std::mem::take(&mut self.deleted);
            self.send(Message::Deleted(deleted), wire).await?;
        }
        Ok(())
    }
}
