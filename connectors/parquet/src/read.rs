//! Reading the files of a table, row by row; the number of a row is its place.

use std::path::PathBuf;

use parquet::file::reader::FileReader;
use rabt_connect::{
    BatchBuilder, Cell, ConnectError, Fault, Identity, Message, Outlet, Plan, Position, READ_ANEW,
    Session, Table,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::KIND;
use crate::file::{Opened, damaged, fingerprint};
use crate::folder::{Folder, name_of};
use crate::values::Values;

/// Rows in one message, at most.
const BATCH_ROWS: usize = 1024;

/// Where a read is. At the end of the last file there is no file, and the next run starts anew.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Place {
    file: Option<FilePlace>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FilePlace {
    name: String,
    fingerprint: String,
    /// Rows of the file that have been read.
    row: u64,
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
    let mut parts = vec![session.source.as_str(), plan.table.as_str()];
    parts.extend(plan.key.iter().map(String::as_str));
    let identity = Identity::new(KIND, &parts);
    let place = match from {
        Some(position) => position.place(&identity)?,
        None => Place::default(),
    };
    let folder = Folder::open(session)?;
    let files = files(&folder, plan)?;
    let (first, row) = start(&files, place)?;
    let mut reading = Reading {
        folder: &folder,
        plan,
        outlet,
        host,
        identity,
        builder: BatchBuilder::new(plan.columns.clone()),
        since_checkpoint: 0,
    };
    let mut row = row;
    for path in &files[first..] {
        reading.file(path, std::mem::take(&mut row))?;
    }
    reading.checkpoint(&Place::default())
}

/// Returns the files of the table, the first of which has the columns of the plan.
fn files(folder: &Folder, plan: &Plan) -> Result<Vec<PathBuf>, ConnectError> {
    let files = folder.files(&plan.table)?;
    let Some(first) = files.first() else {
        return Err(ConnectError::configuration(
            format!("table {}", plan.table),
            "there is no such file, and no folder of .parquet files of that name",
            "compare `from` with `rabt source discover`",
        ));
    };
    let columns = Opened::open(first)?.columns();
    plan.check_columns(&Table {
        schema: None,
        name: plan.table.clone(),
        columns,
        key: Vec::new(),
        estimated_rows: None,
    })?;
    Ok(files)
}

/// Returns which file a place is in, and how many of its rows have been read.
fn start(files: &[PathBuf], place: Place) -> Result<(usize, u64), ConnectError> {
    let Some(place) = place.file else {
        return Ok((0, 0));
    };
    let found = files.iter().position(|path| name_of(path) == place.name);
    let changed = |what: &str| {
        let place = format!("file {}", place.name);
        Err(ConnectError::configuration(place, what, READ_ANEW))
    };
    let Some(at) = found else {
        return changed("is gone in the middle of its reading");
    };
    if fingerprint(&files[at])? != place.fingerprint {
        return changed("has changed in the middle of its reading");
    }
    Ok((at, place.row))
}

struct Reading<'a> {
    folder: &'a Folder,
    plan: &'a Plan,
    outlet: &'a Outlet,
    host: &'a Handle,
    identity: Identity,
    builder: BatchBuilder,
    since_checkpoint: u64,
}

impl Reading<'_> {
    /// Reads a file from a row to its end.
    fn file(&mut self, path: &std::path::Path, from: u64) -> Result<(), ConnectError> {
        self.folder.refuse_outside(path)?;
        let file = Opened::open(path)?;
        let mut place = FilePlace {
            name: file.name.clone(),
            fingerprint: fingerprint(path)?,
            row: 0,
        };
        let wanted: Vec<Option<usize>> = self
            .plan
            .columns
            .iter()
            .map(|column| file.find(column))
            .collect();
        for number in 0..file.reader.num_row_groups() {
            let broken = |_| damaged(&file.name, &format!("row group {number}"));
            let group = file.reader.get_row_group(number).map_err(broken)?;
            let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
            if place.row + rows <= from {
                place.row += rows;
                continue;
            }
            let skipped = from.saturating_sub(place.row);
            let mut columns = Vec::with_capacity(wanted.len());
            for column in &wanted {
                let Some(column) = *column else {
                    columns.push(None);
                    continue;
                };
                let reader = group.get_column_reader(column).map_err(broken)?;
                let descriptor = group.metadata().schema_descr().column(column);
                let mut values = Values::new(&descriptor, reader);
                let skip = usize::try_from(skipped).unwrap_or(usize::MAX);
                if values.skip(skip).map_err(broken)? != skip {
                    return Err(damaged(&file.name, &format!("row group {number}")));
                }
                columns.push(Some(values));
            }
            place.row += skipped;
            self.group(&mut columns, rows - skipped, &mut place, number)?;
        }
        Ok(())
    }

    /// Reads the rest of a row group.
    fn group(
        &mut self,
        columns: &mut [Option<Values>],
        mut left: u64,
        place: &mut FilePlace,
        number: usize,
    ) -> Result<(), ConnectError> {
        let chunk = u64::from(self.plan.chunk_rows.max(1));
        while left > 0 {
            let until = chunk - self.since_checkpoint;
            let rows = left.min(until).min(BATCH_ROWS as u64);
            let count = usize::try_from(rows).unwrap_or(BATCH_ROWS);
            for values in columns.iter_mut().flatten() {
                let filled = values.fill(count);
                if !filled.is_ok_and(|filled| filled == count) {
                    return Err(damaged(&place.name, &format!("row group {number}")));
                }
            }
            for row in 0..count {
                self.push(columns, row)?;
            }
            place.row += rows;
            left -= rows;
            self.since_checkpoint += rows;
            if self.since_checkpoint >= chunk {
                let at = Place {
                    file: Some(place.clone()),
                };
                self.checkpoint(&at)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, columns: &mut [Option<Values>], row: usize) -> Result<(), ConnectError> {
        let cells = columns.iter_mut().map(|values| match values {
            Some(values) => values.cell(row),
            None => Cell::Unreadable(Fault::NoColumn),
        });
        self.builder.push_row(cells);
        if self.builder.is_full(BATCH_ROWS) {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectError> {
        let batch = Message::Rows(self.builder.take());
        self.host.block_on(self.outlet.send(batch))
    }

    fn checkpoint(&mut self, place: &Place) -> Result<(), ConnectError> {
        if !self.builder.is_empty() {
            self.flush()?;
        }
        let rows = std::mem::take(&mut self.since_checkpoint);
        let position = Position::new(&self.identity, place)?;
        let checkpoint = Message::Checkpoint { position, rows };
        self.host.block_on(self.outlet.send(checkpoint))
    }
}
