//! What tables look like in the log, and telling the host when that changes.

use std::collections::HashMap;
use std::sync::Arc;

use mysql_async::binlog::events::{Event, TableMapEvent};
use rabt_connect::{ConnectError, Message, READ_ANEW};
use sqlx::MySqlConnection;

use super::Flow;
use crate::change::charset::Charsets;
use crate::change::rows::table_of;
use crate::change::shape::{Describing, Shape};
use crate::change::words::Named;

/// The shapes of the table, by the numbers that the log gives it.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: HashMap<u64, Arc<Shape>>,
    /// The last description, without its number.
    last: Option<(Vec<u8>, Arc<Shape>)>,
    charsets: Charsets,
}

impl Shapes {
    /// Forgets the numbers, which a server gives anew when it starts.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Returns the shape behind a number, when it is the table's.
    pub(super) fn known(&self, number: u64) -> Option<Arc<Shape>> {
        self.known.get(&number).map(Arc::clone)
    }

    /// Returns the shape that the log describes; nothing when it is of another table.
    pub(super) async fn of(
        &mut self,
        event: &Event,
        by: &Describing<'_>,
        connection: &mut MySqlConnection,
    ) -> Result<Option<Arc<Shape>>, ConnectError> {
        let data = event.data();
        let Some(number) = table_of(data) else {
            return Ok(None);
        };
        self.known.remove(&number);
        if !is_of(data, &by.table.named) {
            return Ok(None);
        }
        let behind = data.get(6..).unwrap_or_default();
        if let Some((last, shape)) = &self.last
            && last == behind
        {
            self.known.insert(number, Arc::clone(shape));
            return Ok(Some(Arc::clone(shape)));
        }
        let table: TableMapEvent<'_> = event.read_event().map_err(|_| {
            ConnectError::transient(
                format!("table {}", by.plan.table),
                "has a description in the log that was not understood",
                "try again; when it lasts, report the server's release",
            )
        })?;
        let shape = Shape::of(&table, by, &mut self.charsets, connection).await?;
        let shape = Arc::new(shape);
        self.last = Some((behind.to_vec(), Arc::clone(&shape)));
        self.known.insert(number, Arc::clone(&shape));
        Ok(Some(shape))
    }
}

/// Says whether a description is of a table: behind number and flags come the two names, each with its
/// length before it and a zero behind it.
fn is_of(data: &[u8], named: &Named) -> bool {
    let name = |at: usize| -> Option<(&str, usize)> {
        let length = usize::from(*data.get(at)?);
        let name = std::str::from_utf8(data.get(at + 1..at + 1 + length)?).ok()?;
        Some((name, at + length + 2))
    };
    let Some((schema, behind)) = name(8) else {
        return false;
    };
    let Some((table, _)) = name(behind) else {
        return false;
    };
    let same = |one: &str, other: &str| {
        one == other || (named.fold && one.to_lowercase() == other.to_lowercase())
    };
    same(schema, &named.schema) && same(table, &named.table)
}

impl Flow<'_> {
    /// Takes what the table looks like from here on, and tells when that is not what it was.
    pub(super) async fn see(&mut self, shape: &Shape) -> Result<(), ConnectError> {
        let plan = self.by.plan;
        if self.told.as_ref() == Some(&shape.told) {
            return Ok(());
        }
        if let Some(before) = &self.told
            && let Some(column) = shape.retyped(before, plan)
        {
            let what = format!(
                "gave its column '{column}' another type, and the log does not tell what that made of its values"
            );
            let place = format!("table {}", plan.table);
            return Err(ConnectError::configuration(place, what, READ_ANEW));
        }
        if self.told.is_some() || shape.lacks() {
            self.flush().await?;
            let table = shape.as_table(plan);
            self.capture
                .outlet
                .send(Message::SchemaChanged(table))
                .await?;
        }
        self.told = Some(shape.told.clone());
        Ok(())
    }
}
