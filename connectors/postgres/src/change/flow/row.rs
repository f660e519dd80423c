//! The changes of rows: completed, counted and collected into messages.

use std::time::Duration;

use rabt_connect::{Cell, ConnectError, Deleted, Message};
use rabt_model::Pii;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use tokio::time::Instant;

use super::{BATCH_ROWS, Flow, IMPATIENCE};
use crate::change::decode::{Old, Tuple};
use crate::change::shape::Value;
use crate::change::wire::Wire;
use crate::fault::Doing;
use crate::read::cell;

/// How long a transaction that is in the log may take to be seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The transactions that a statement sees: the first that is not over, the first that had not begun, and
/// those in between that are not over.
const SEEN: &str = "SELECT txid_current_snapshot()::text";

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
        if let Some(old) = &old {
            shape.complete(&mut new, old.tuple(), matches!(old, Old::Whole(_)));
            before = shape.key(old.tuple());
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
        let found = match parts {
            Some(parts) => {
                self.must_be_visible(connection).await?;
                self.find(parts, connection).await?
            }
            None => None,
        };
        match found {
            Some(found) => self.completed(&new, &found, wire).await,
            // The row is gone by now, or has another key; the log will say so.
            None => self.count(wire).await,
        }
    }

    /// Waits until what the transaction did can be seen. It may be in the log before that, for as long as
    /// the server waits for a synchronous standby. Behind that, a row that is not found is gone, and one
    /// that is found holds what the log does not repeat.
    async fn must_be_visible(&mut self, connection: &mut PgConnection) -> Result<(), ConnectError> {
        let Some(transaction) = self.transaction.as_mut().filter(|one| !one.visible) else {
            return Ok(());
        };
        let place = format!("table {}", self.capture.plan.table);
        let started = Instant::now();
        while !is_visible(transaction.number, connection, &place).await? {
            if started.elapsed() > PATIENCE {
                let what = "has a change in its log that cannot be seen yet";
                let remedy = "see that the synchronous standbys of the server answer";
                return Err(ConnectError::transient(place, what, remedy));
            }
            tokio::time::sleep(IMPATIENCE).await;
        }
        transaction.visible = true;
        Ok(())
    }

    /// Reads a row again by its key, which is unique.
    async fn find(
        &self,
        parts: Vec<String>,
        connection: &mut PgConnection,
    ) -> Result<Option<PgRow>, ConnectError> {
        let doing = Doing::reading(format!("table {}", self.capture.plan.table));
        let mut query = sqlx::query(self.again.row());
        for part in parts {
            query = query.bind(part);
        }
        let found = query.fetch_optional(connection).await;
        found.map_err(|error| doing.fault(&error))
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

async fn is_visible(
    number: u32,
    connection: &mut PgConnection,
    place: &str,
) -> Result<bool, ConnectError> {
    let doing = Doing::reading(place);
    let row = sqlx::query(SEEN).fetch_one(connection).await;
    let seen: String = row
        .and_then(|row| row.try_get(0))
        .map_err(|error| doing.fault(&error))?;
    let strange =
        || ConnectError::defect("postgres", "txid_current_snapshot was answered strangely");
    sees(&seen, number).ok_or_else(strange)
}

/// Says whether a transaction is among those that a statement sees; nothing when that is not told. The
/// log leaves out the epoch of its number, which is that of the nearest one.
fn sees(seen: &str, number: u32) -> Option<bool> {
    let mut parts = seen.split(':');
    let mut bound = || parts.next()?.parse::<u64>().ok();
    let (open, next) = (bound()?, bound()?);
    let low = u32::try_from(next & u64::from(u32::MAX)).ok()?;
    let away = number.wrapping_sub(low).cast_signed();
    let number = next.checked_add_signed(i64::from(away))?;
    let between = parts.next().unwrap_or_default().split(',');
    let is_open = between
        .filter_map(|part| part.parse().ok())
        .any(|one: u64| one == number);
    Some(number < open || (number < next && !is_open))
}

#[cfg(test)]
mod tests {
    use super::sees;

    #[test]
    fn a_transaction_is_seen_when_it_is_over() {
        for (seen, number, expected) in [
            ("10:10:", 9, Some(true)),
            ("10:10:", 10, Some(false)),
            ("10:10:", 11, Some(false)),
            ("10:15:10,12", 10, Some(false)),
            ("10:15:10,12", 11, Some(true)),
            ("10:15:10,12", 12, Some(false)),
            ("10:15:10,12", 15, Some(false)),
            // behind the end of an epoch, and before it
            ("8589934592:8589934600:", 7, Some(true)),
            ("8589934592:8589934600:8589934599", 7, Some(false)),
            ("8589934600:8589934600:", 7, Some(true)),
            ("8589934600:8589934600:", u32::MAX, Some(true)),
            ("8589934590:8589934590:", 0, Some(false)),
            ("", 1, None),
            ("10", 1, None),
        ] {
            assert_eq!(sees(seen, number), expected, "{number} in {seen}");
        }
    }
}
