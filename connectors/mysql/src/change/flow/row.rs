//! The changes of rows: completed, counted and collected into messages.

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::{Cell, ConnectError, Deleted, Message};
use rabt_model::Pii;
use sqlx::MySqlConnection;
use sqlx::mysql::MySqlRow;
use tokio::time::Instant;

use super::{BATCH_ROWS, Flow};
use crate::change::group::Changed;
use crate::change::log::Phase;
use crate::change::place::Spot;
use crate::change::rows::{Pair, Tuple};
use crate::change::server::{end_of_log, prepared};
use crate::change::shape::Shape;
use crate::change::value::Value;
use crate::fault::Doing;
use crate::read::cell;

/// How long a transaction that is in the log may take to be seen, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

impl Changed {
    /// Returns the change from a row as it was and as it is.
    pub(super) fn of(shape: &Arc<Shape>, pair: Pair) -> Option<Self> {
        let shape = Arc::clone(shape);
        match pair {
            (None, Some(after)) => Some(Self::Inserted(shape, after)),
            (Some(before), Some(after)) => Some(Self::Updated(shape, before, after)),
            (Some(before), None) => Some(Self::Deleted(shape, before)),
            (None, None) => None,
        }
    }
}

impl Flow<'_> {
    pub(super) async fn change(
        &mut self,
        changed: Changed,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        match changed {
            Changed::Inserted(shape, row) => self.put(&shape, &row, connection).await?,
            Changed::Updated(shape, before, mut after) => {
                complete(&mut after, &before);
                self.must_tell_key(&shape, &before)?;
                let was = shape.key(&before);
                if was.is_some() && was != shape.key(&after) {
                    self.push_deleted(was).await?;
                }
                self.put(&shape, &after, connection).await?;
            }
            Changed::Deleted(shape, row) => {
                self.must_tell_key(&shape, &row)?;
                self.push_deleted(shape.key(&row)).await?;
            }
            Changed::Emptied => {
                self.flush().await?;
                self.capture.outlet.send(Message::Truncated).await?;
                if let Some(group) = self.open_group() {
                    group.emptied = true;
                }
            }
        }
        self.count().await
    }

    fn must_tell_key(&self, shape: &Shape, row: &Tuple) -> Result<(), ConnectError> {
        if shape.tells_key(row) {
            return Ok(());
        }
        let place = format!("table {}", self.by.plan.table);
        let what = "has a change in the log that does not tell the key of its row";
        let remedy = format!(
            "see that no session sets binlog_row_image to anything but FULL, then {}",
            rabt_connect::READ_ANEW
        );
        Err(ConnectError::configuration(place, what, remedy))
    }

    /// Sends a row. One that the log does not tell all of is read again by its key, as soon as it can be
    /// seen; when it is gone by then, the log will say so.
    async fn put(
        &mut self,
        shape: &Shape,
        row: &Tuple,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let cells = shape.cells(row);
        let found = if cells.iter().any(|cell| is_missing(cell)) {
            let Some(parts) = shape.key_parts(row) else {
                return Ok(());
            };
            self.must_be_visible(connection).await?;
            let Some(found) = self.find(parts, connection).await? else {
                return Ok(());
            };
            Some(found)
        } else {
            None
        };
        if !self.deleted.is_empty() {
            self.flush().await?;
        }
        let cells = cells.iter().enumerate().map(|(at, value)| match &found {
            Some(found) if is_missing(value) => cell(found, at),
            Some(_) | None => value.as_cell(),
        });
        let cells: Vec<Cell<'_>> = cells.collect();
        self.builder.push_row(cells);
        self.rows += 1;
        Ok(())
    }

    /// Waits until what the transaction did can be seen: it is in the log a little before that.
    async fn must_be_visible(
        &mut self,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let Some(group) = self.group.as_ref().filter(|group| !group.visible) else {
            return Ok(());
        };
        let (begins, phase) = (group.spot.clone(), group.begin.phase.clone());
        let started = Instant::now();
        while !is_visible(&begins, phase.as_ref(), connection).await? {
            if started.elapsed() > PATIENCE {
                let place = format!("table {}", self.by.plan.table);
                let what = "has a change in its log that cannot be seen yet";
                let remedy = "see that the semi-synchronous replicas of the server answer, and that no \
                     transaction hangs in XA RECOVER";
                return Err(ConnectError::transient(place, what, remedy));
            }
            tokio::time::sleep(PAUSE).await;
        }
        if let Some(group) = self.open_group() {
            group.visible = true;
        }
        Ok(())
    }

    /// Reads a row again by its key, which is unique.
    async fn find(
        &self,
        parts: Vec<String>,
        connection: &mut MySqlConnection,
    ) -> Result<Option<MySqlRow>, ConnectError> {
        let doing = Doing::reading(format!("table {}", self.by.plan.table));
        let mut query = sqlx::query(self.again.row());
        for part in parts {
            query = query.bind(part);
        }
        let found = query.fetch_optional(connection).await;
        found.map_err(|error| doing.fault(&error))
    }

    async fn push_deleted(&mut self, key: Option<String>) -> Result<(), ConnectError> {
        if let Some(key) = key {
            if !self.builder.is_empty() {
                self.flush().await?;
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
    async fn count(&mut self) -> Result<(), ConnectError> {
        self.changes += 1;
        self.waiting_since.get_or_insert_with(Instant::now);
        if self.builder.is_full(BATCH_ROWS) || self.deleted.len() >= BATCH_ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Sends the rows or deletions collected; there are never both.
    pub(super) async fn flush(&mut self) -> Result<(), ConnectError> {
        let outlet = self.capture.outlet;
        if !self.builder.is_empty() {
            outlet.send(Message::Rows(self.builder.take())).await?;
        }
        if !self.deleted.is_empty() {
            let deleted = std::mem::take(&mut self.deleted);
            outlet.send(Message::Deleted(deleted)).await?;
        }
        Ok(())
    }
}

/// Says whether what a transaction did can be seen, of which the log holds the end. The place of a snapshot
/// in the log is exact but for the second phase of two: the log has it first, and the server carries it out
/// then.
async fn is_visible(
    begins: &Spot,
    phase: Option<&Phase>,
    connection: &mut MySqlConnection,
) -> Result<bool, ConnectError> {
    if end_of_log(connection).await? <= *begins {
        return Ok(false);
    }
    match phase {
        Some(Phase::Second(xid)) => Ok(!prepared(connection).await?.contains(xid)),
        Some(Phase::First(_)) | None => Ok(true),
    }
}

const fn is_missing(value: &Value) -> bool {
    matches!(value, Value::Again | Value::Absent)
}

/// Puts what is known of a row as it was into the cells that its change does not repeat.
fn complete(after: &mut Tuple, before: &Tuple) {
    for (cell, was) in after.0.iter_mut().zip(&before.0) {
        if *cell == Value::Absent {
            cell.clone_from(was);
        }
    }
}
