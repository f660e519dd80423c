//! Reading the files of a pattern, one after the other, in chunks of rows.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rabt_connect::{
    Batch, BatchBuilder, Cell, ConnectError, Estimate, Fault, Identity, Message, Mode, Outlet,
    Plan, Position, READ_ANEW, Session,
};
use serde::{Deserialize, Serialize};

use crate::discover::{open, table};
use crate::folder::{files, name_of};
use crate::format::{Formats, of_session};
use crate::rows::Rows;
use crate::{KIND, blocking};

/// Rows in a message.
const BATCH_ROWS: usize = 1_024;

/// Where a read is. At the end of the last file there is no file, and the next run starts anew.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Place {
    file: Option<FilePlace>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FilePlace {
    name: String,
    fingerprint: String,
    row: u64,
    offset: Option<u64>,
}

/// The files that are still to be read; the state that blocking work hands on.
struct Reader {
    plan: Plan,
    formats: Formats,
    ahead: VecDeque<PathBuf>,
    open: Option<Open>,
    builder: BatchBuilder,
    since_checkpoint: u64,
}

/// The file that is being read.
struct Open {
    rows: Rows,
    /// Where the columns of the plan are in the file, and whether each is a part of the key.
    columns: Vec<(usize, bool)>,
}

/// What a stretch of reading came to.
struct Stretch {
    batch: Batch,
    checkpoint: Option<Place>,
    ended: bool,
}

pub(crate) async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    outlet: &Outlet,
) -> Result<(), ConnectError> {
    if plan.mode != Mode::Snapshot {
        return Err(ConnectError::configuration(
            format!("stream {}", plan.stream),
            "files cannot be read incrementally",
            "set mode = \"snapshot\"",
        ));
    }
    let formats = of_session(session)?;
    let identity = identity_of(session, plan, &formats);
    let place = from
        .map(|position| position.place::<Place>(&identity))
        .transpose()?;
    let (opening, planned) = (session.clone(), plan.clone());
    let mut reader = blocking(move || Reader::open(&opening, planned, formats, place)).await?;
    let mut done = 0;
    let mut rows = 0;
    loop {
        if outlet.is_cancelled() {
            return Err(ConnectError::Cancelled);
        }
        let (back, stretch) = blocking(move || {
            let mut reader = reader;
            let stretch = reader.stretch()?;
            Ok((reader, stretch))
        })
        .await?;
        reader = back;
        rows += stretch.batch.rows() as u64;
        if !stretch.batch.is_empty() {
            outlet.send(Message::Rows(stretch.batch)).await?;
        }
        if let Some(place) = stretch.checkpoint {
            let position = Position::new(&identity, &place)?;
            outlet.send(Message::Checkpoint { position, rows }).await?;
            done += std::mem::take(&mut rows);
            let progress = Estimate { done, of: None };
            outlet.send(Message::Progress(progress)).await?;
        }
        if stretch.ended {
            return Ok(());
        }
    }
}

fn identity_of(session: &Session, plan: &Plan, formats: &Formats) -> Identity {
    let written = formats.written();
    let mut parts = vec![session.source.as_str(), plan.table.as_str(), &written];
    parts.extend(plan.key.iter().map(String::as_str));
    if let Some(sheet) = &plan.schema {
        parts.extend(["sheet", sheet]);
    }
    Identity::new(KIND, &parts)
}

impl Reader {
    fn open(
        session: &Session,
        plan: Plan,
        formats: Formats,
        place: Option<Place>,
    ) -> Result<Self, ConnectError> {
        let mut ahead: VecDeque<PathBuf> = files(session, &plan.table)?.into();
        if ahead.is_empty() {
            return Err(ConnectError::configuration(
                format!("file {}", plan.table),
                "no file of the folder has such a name",
                "correct `file` in `from`, or deliver the file",
            ));
        }
        let builder = BatchBuilder::new(Arc::<[String]>::from(plan.columns.clone()));
        let mut reader = Self {
            plan,
            formats,
            ahead: VecDeque::new(),
            open: None,
            builder,
            since_checkpoint: 0,
        };
        if let Some(place) = place.and_then(|place| place.file) {
            while ahead
                .front()
                .is_some_and(|path| name_of(path) != place.name)
            {
                ahead.pop_front();
            }
            let path = ahead
                .pop_front()
                .ok_or_else(|| moved(&place.name, "is gone"))?;
            let mut open = reader.open_file(&path)?;
            if open.rows.fingerprint != place.fingerprint {
                return Err(moved(&place.name, "has changed"));
            }
            open.rows.records_mut().go_behind(place.row, place.offset)?;
            reader.open = Some(open);
        }
        reader.ahead = ahead;
        Ok(reader)
    }

    fn open_file(&self, path: &Path) -> Result<Open, ConnectError> {
        let sheet = self.plan.schema.as_deref();
        let rows = open(path, &self.formats, sheet)?;
        let name = rows.name.clone();
        self.plan
            .check_columns(&table(None, name.clone(), &rows.header))?;
        let mut columns = Vec::new();
        for column in &self.plan.columns {
            let mut places = rows
                .header
                .iter()
                .enumerate()
                .filter(|(_, name)| *name == column);
            let first = places.next();
            if places.next().is_some() {
                return Err(ConnectError::data(
                    format!("file {name}"),
                    format!("names the column '{column}' twice in its header"),
                    "rename one of them",
                ));
            }
            // `check_columns` has found every column.
            let at = first.map_or(usize::MAX, |(at, _)| at);
            columns.push((at, self.plan.key.contains(column)));
        }
        Ok(Open { rows, columns })
    }

    /// Reads until a batch is full, a checkpoint is due or the last file has ended.
    fn stretch(&mut self) -> Result<Stretch, ConnectError> {
        let limit = u64::from(self.plan.chunk_rows.max(1));
        loop {
            let Some(open) = &mut self.open else {
                let Some(path) = self.ahead.pop_front() else {
                    return Ok(self.finish(Some(Place::default()), true));
                };
                self.open = Some(self.open_file(&path)?);
                continue;
            };
            if !open.rows.records_mut().next()? {
                self.open = None;
                continue;
            }
            push(&mut self.builder, open);
            self.since_checkpoint += 1;
            if self.since_checkpoint >= limit {
                let file = FilePlace {
                    name: open.rows.name.clone(),
                    fingerprint: open.rows.fingerprint.clone(),
                    row: open.rows.records().row(),
                    offset: open.rows.records().offset(),
                };
                return Ok(self.finish(Some(Place { file: Some(file) }), false));
            }
            if self.builder.is_full(BATCH_ROWS) {
                return Ok(self.finish(None, false));
            }
        }
    }

    fn finish(&mut self, checkpoint: Option<Place>, ended: bool) -> Stretch {
        if checkpoint.is_some() {
            self.since_checkpoint = 0;
        }
        Stretch {
            batch: self.builder.take(),
            checkpoint,
            ended,
        }
    }
}

fn moved(file: &str, what: &str) -> ConnectError {
    ConnectError::configuration(
        format!("file {file}"),
        format!("{what} since the position was taken"),
        READ_ANEW,
    )
}

/// Adds a row. Of a row that is too long or too short only the key is taken: where a cell is missing,
/// the others may stand under the wrong names.
fn push(builder: &mut BatchBuilder, open: &Open) {
    let record = open.rows.records();
    let is_ragged = record.is_ragged();
    let values: Vec<_> = open
        .columns
        .iter()
        .map(|(at, is_key)| {
            if is_ragged && !is_key {
                return Err(Fault::RaggedRow);
            }
            record.cell(*at)
        })
        .collect();
    builder.push_row(values.iter().map(|value| match value {
        Ok(Some(text)) => Cell::Text(text),
        Ok(None) => Cell::Null,
        Err(fault) => Cell::Unreadable(*fault),
    }));
}
