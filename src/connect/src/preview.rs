//! What a mapping makes of the first rows of a stream, before anything is stored.
//!
//! Invariant: what people are shown are shapes, never values; the records are for the linkage
//! engine alone.

use std::collections::BTreeMap;

use rabt_model::{AgencyId, Attribute, Label, Pii, SourceId, SourceRecord, Timestamp, Value};

use crate::connector::{Connector, Mode, Session};
use crate::error::ConnectError;
use crate::manifest::StreamSpec;
use crate::mapping::{MappingContext, Rejection};
use crate::message::{Batch, BatchBuilder, Cell, Message, Outlet};
use crate::shape::shape_of;

/// Rows whose values are shown as shapes.
const EXAMPLES: usize = 5;

/// What a stream's first rows become.
#[derive(Debug, Clone, Default)]
pub struct StreamPreview {
    /// Rows read.
    pub rows: u64,
    /// Rows that the mapping's `only` leaves out.
    pub skipped: u64,
    /// Rows that cannot be taken.
    pub rejected_rows: u64,
    /// What cannot be taken, most first.
    pub rejections: Vec<RejectedCount>,
    /// The first rows, value by value.
    pub examples: Vec<Vec<Example>>,
    /// The records.
    pub records: Vec<SourceRecord>,
}

/// How often a column is refused for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedCount {
    /// The column, or columns joined by `+`; empty when the whole row is meant.
    pub column: String,
    /// Code of the reason.
    pub reason: &'static str,
    /// Whether only the value is left out and the record is taken.
    pub field_only: bool,
    /// Rows.
    pub count: u64,
}

/// One value of a row, before and after, as shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it says.
    pub attribute: Attribute,
    /// The column, or columns joined by `+`.
    pub column: String,
    /// The shape of what stands in the source.
    pub before: String,
    /// The shape of what is made of it.
    pub after: String,
    /// The steps between the two.
    pub steps: Vec<Label>,
}

/// Reads the first `rows` rows of a stream and maps them; an incremental stream is read from its
/// oldest row. Of a stream of changes the table is read and never its log: a slot that is made or
/// made anew at the source would be the end of the one that is read from. The connector is told to
/// stop as soon as there are enough.
///
/// # Errors
/// As [`Connector::read`].
pub async fn preview(
    connector: &dyn Connector,
    session: &Session,
    spec: &StreamSpec,
    (source, agency): (&SourceId, &AgencyId),
    rows: u32,
    observed_at: Timestamp,
) -> Result<StreamPreview, ConnectError> {
    let context = MappingContext {
        source,
        agency,
        stream: &spec.id,
        key: &spec.key,
        cursor: spec.cursor(),
        observed_at,
    };
    let mut collected = Collected {
        spec,
        context,
        rows: u64::from(rows),
        preview: StreamPreview::default(),
        counts: BTreeMap::new(),
    };
    let mut plan = spec.plan(rows.max(1));
    if matches!(plan.mode, Mode::Changes { .. }) {
        plan.mode = Mode::Snapshot;
    }
    let (outlet, mut inlet) = Outlet::channel(1);
    let outlet = outlet.with_rows_per_second(session.protect.rows_per_second);
    let host = async {
        while !collected.is_full() {
            match inlet.receive().await? {
                Some(Message::Rows(batch)) => collected.take(&batch),
                None => break,
                Some(
                    Message::Checkpoint { .. }
                    | Message::Deleted(_)
                    | Message::Truncated
                    | Message::SchemaChanged(_)
                    | Message::Progress(_),
                ) => {}
            }
        }
        // The connector is told at once, so that a long statement does not go on.
        drop(inlet);
        Ok::<(), ConnectError>(())
    };
    let (read, taken) = tokio::join!(connector.read(session, &plan, None, outlet), host);
    match read {
        Err(error) if error != ConnectError::Cancelled && !collected.is_full() => Err(error),
        // What a connector says that was stopped takes nothing away from what it sent before.
        Ok(()) | Err(_) => taken.map(|()| collected.finish()),
    }
}

struct Collected<'a> {
    spec: &'a StreamSpec,
    context: MappingContext<'a>,
    rows: u64,
    preview: StreamPreview,
    counts: BTreeMap<(String, &'static str, bool), u64>,
}

impl Collected<'_> {
    fn is_full(&self) -> bool {
        self.preview.rows >= self.rows
    }

    /// Maps the rows of a batch that are still wanted.
    fn take(&mut self, batch: &Batch) {
        let wanted = usize::try_from(self.rows - self.preview.rows).unwrap_or(usize::MAX);
        let rows = batch.rows().min(wanted);
        for row in 0..rows.min(EXAMPLES.saturating_sub(self.preview.examples.len())) {
            let example = self.example(batch, row);
            self.preview.examples.extend(example);
        }
        let mapped = if rows == batch.rows() {
            self.spec.mapping.apply(batch, &self.context)
        } else {
            self.spec
                .mapping
                .apply(&part(batch, 0..rows), &self.context)
        };
        self.preview.rows += rows as u64;
        self.preview.skipped += mapped.skipped;
        for rejection in mapped.rejections {
            self.count(rejection);
        }
        self.preview.records.extend(mapped.records);
    }

    fn count(&mut self, rejection: Rejection) {
        self.preview.rejected_rows += u64::from(!rejection.field_only);
        let reason = (
            rejection.column,
            rejection.reason.code(),
            rejection.field_only,
        );
        *self.counts.entry(reason).or_default() += 1;
    }

    /// Returns the values of one row as shapes; nothing for one that is not taken.
    fn example(&self, batch: &Batch, row: usize) -> Option<Vec<Example>> {
        let one = part(batch, row..row + 1);
        let record = self.spec.mapping.apply(&one, &self.context).records.pop()?;
        let values = record.values.into_iter().map(|value| Example {
            before: before(&one, &value.column),
            after: after(&value.value),
            steps: self.spec.mapping.lineage(&value.attribute, &value.column),
            attribute: value.attribute,
            column: value.column,
        });
        Some(values.collect())
    }

    fn finish(mut self) -> StreamPreview {
        let counts = self.counts.into_iter();
        let count = |((column, reason, field_only), count)| RejectedCount {
            column,
            reason,
            field_only,
            count,
        };
        self.preview.rejections = counts.map(count).collect();
        let most = |one: &RejectedCount| std::cmp::Reverse(one.count);
        self.preview.rejections.sort_by_key(most);
        self.preview
    }
}

/// Returns some rows of a batch.
fn part(batch: &Batch, rows: std::ops::Range<usize>) -> Batch {
    let columns = batch.columns();
    let mut builder = BatchBuilder::new(std::sync::Arc::clone(columns));
    for row in rows {
        builder.push_row((0..columns.len()).map(|column| batch.cell(row, column)));
    }
    builder.take()
}

/// Returns the shapes of the columns that a value comes from.
fn before(one: &Batch, columns: &str) -> String {
    let names = match one.index_of(columns) {
        Some(_) => vec![columns],
        None => columns.split('+').collect(),
    };
    let shapes = names.into_iter().map(|name| {
        let cell = one.index_of(name).map(|column| one.cell(0, column));
        match cell {
            Some(Cell::Text(text)) => shape_of(text),
            Some(Cell::Null) => "NULL".to_owned(),
            Some(Cell::Unchanged) => "unchanged".to_owned(),
            Some(Cell::Unreadable(fault)) => fault.code().to_owned(),
            None => "?".to_owned(),
        }
    });
    shapes.collect::<Vec<_>>().join(" + ")
}

fn after(value: &Pii<Value>) -> String {
    match value.expose() {
        Value::Text(text) => shape_of(text),
        Value::Date(date) => shape_of(&date.to_string()),
        Value::Name(name) => shape_of(&name.text),
        Value::Address(address) => {
            let parts = [
                &address.governorate,
                &address.district,
                &address.street,
                &address.text,
            ];
            let parts = parts.into_iter().flatten();
            parts
                .map(|part| shape_of(part))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Value::Relation(relation) => shape_of(&relation.to),
    }
}

#[cfg(test)]
mod tests;
