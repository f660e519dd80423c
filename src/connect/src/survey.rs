//! Looking at the tables of a source: their columns, and the shapes of a few rows.
//!
//! A table is sampled through [`Connector::read`], so every kind is sampled alike, in the text that a
//! mapping would see, with the kind's own limits, and nothing is read that a read would not read.

use std::cmp::Reverse;

use crate::connector::{Connector, Filter, Mode, Plan, Session, Table};
use crate::error::ConnectError;
use crate::message::{Batch, Message, Outlet};
use crate::propose::promise;
use crate::shape::{Registry, ShapeCollector, TableShapes};

/// How much to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Rows of a table.
    pub rows: u32,
    /// Tables. Those whose names promise people come first, so that a database of ten thousand tables
    /// is discovered as quickly as its catalog answers.
    pub tables: usize,
    /// The Gregorian year that two-digit years are read by.
    pub this_year: i16,
}

/// A table and what its values look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// The table.
    pub table: Table,
    /// The shapes; nothing when the table was not sampled.
    pub shapes: Option<TableShapes>,
    /// Why it could not be sampled, when that was tried.
    pub refused: Option<ConnectError>,
}

impl Sampling {
    /// Returns the usual amount: 500 rows of up to 50 tables.
    pub const fn usual(this_year: i16) -> Self {
        Self {
            rows: 500,
            tables: 50,
            this_year,
        }
    }
}

/// Discovers the tables of a source and samples those that promise most. The order is that of
/// [`Connector::discover`]. A table that cannot be sampled does not hide the others.
///
/// # Errors
/// When the source cannot be discovered, or can no longer be reached.
pub async fn survey(
    connector: &dyn Connector,
    session: &Session,
    filter: &Filter,
    sampling: Sampling,
    registry: Option<&dyn Registry>,
) -> Result<Vec<Surveyed>, ConnectError> {
    let tables = connector.discover(session, filter).await?;
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_cached_key(|place| (Reverse(promise(&tables[*place])), *place));
    order.truncate(sampling.tables);
    let not_yet = |table| Surveyed {
        table,
        shapes: None,
        refused: None,
    };
    let mut surveyed: Vec<Surveyed> = tables.into_iter().map(not_yet).collect();
    for place in order {
        let one = &mut surveyed[place];
        match sample(connector, session, &one.table, sampling, registry).await {
            Ok(shapes) => one.shapes = Some(shapes),
            Err(error @ ConnectError::Transient { .. }) => return Err(error),
            Err(error) => one.refused = Some(error),
        }
    }
    Ok(surveyed)
}

/// Returns the shapes of the first rows of a table, in the order of its key. Columns of bytes are not
/// read. The rows are forgotten when this returns.
///
/// # Errors
/// As [`Connector::read`].
pub async fn sample(
    connector: &dyn Connector,
    session: &Session,
    table: &Table,
    sampling: Sampling,
    registry: Option<&dyn Registry>,
) -> Result<TableShapes, ConnectError> {
    let plan = plan(table, sampling.rows)?;
    let mut collector = ShapeCollector::new(&plan.columns, sampling.this_year, registry);
    if plan.columns.is_empty() {
        return Ok(collector.finish());
    }
    let (outlet, mut inlet) = Outlet::channel(1);
    let outlet = outlet.with_rows_per_second(session.protect.rows_per_second);
    let host = async {
        while collector.rows() < sampling.rows {
            match inlet.receive().await? {
                Some(Message::Rows(batch)) => take(&mut collector, &batch, sampling.rows),
                None => break,
                // A server's pages may be shorter than the sample, so a checkpoint does not end it.
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
        Err(error) if error != ConnectError::Cancelled && collector.rows() < sampling.rows => {
            Err(error)
        }
        // What a connector says that was stopped takes nothing away from what it sent before.
        Ok(()) | Err(_) => taken.map(|()| collector.finish()),
    }
}

fn plan(table: &Table, rows: u32) -> Result<Plan, ConnectError> {
    let readable = table
        .columns
        .iter()
        .filter(|column| !is_bytes(&column.declared_type));
    let stream = "sample"
        .parse()
        .map_err(|_| ConnectError::defect("sample", "is no stream"))?;
    Ok(Plan {
        stream,
        schema: table.schema.clone(),
        table: table.name.clone(),
        key: table.key.clone(),
        columns: readable.map(|column| column.name.clone()).collect(),
        mode: Mode::Snapshot,
        chunk_rows: rows,
    })
}

/// Says whether a column of this declared type holds bytes: photographs, fingerprints, geometries.
fn is_bytes(declared_type: &str) -> bool {
    let lower = declared_type.to_lowercase();
    ["blob", "bytea", "binary", "image", "geometry", "raw"]
        .iter()
        .any(|word| lower.contains(word))
}

fn take(collector: &mut ShapeCollector<'_>, batch: &Batch, rows: u32) {
    for row in 0..batch.rows() {
        if collector.rows() >= rows {
            return;
        }
        let cells = (0..batch.columns().len()).map(|column| batch.cell(row, column));
        collector.push_row(cells);
    }
}
