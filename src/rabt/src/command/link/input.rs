//! Files in, standardised records out.

mod again;
mod header;
mod part;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rabt_linkage::{Batch, LinkageModel, Standardiser};

pub(super) use self::again::{Again, Grouping, check as check_again};
use self::header::{Header, Map, Text};
use self::part::{Layout, Part};
use super::parquet;
use crate::error::CommandError;
use crate::render::Render;

/// Which files to read, and how.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) id: &'a str,
    pub(super) map: Option<&'a Path>,
    pub(super) truth_column: Option<&'a str>,
}

/// What is kept of the files beside the standardised records: who each record is.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The ids of all records, one after the other.
    ids: String,
    ends: Vec<usize>,
    /// Per file: the first row behind it.
    files: Vec<usize>,
    /// Per row, when a truth column was named: the number of the person; none where it is empty.
    pub(super) truth: Option<Vec<Option<u32>>>,
}

impl Names {
    /// Returns the id of a record as its file has it.
    pub(super) fn id(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.ids[start..self.ends[row]]
    }

    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the row of the one record that has this id.
    pub(super) fn row_of(&self, id: &str) -> Result<u32, CommandError> {
        let mut rows = (0..self.len()).filter(|row| self.id(*row) == id);
        let first = rows.next().ok_or_else(|| {
            CommandError::usage(
                format!("no record has the id {id}"),
                "give an id as the files have it in the column of --id",
            )
        })?;
        match rows.count() {
            0 => Ok(u32::try_from(first).unwrap_or(u32::MAX)),
            more => Err(CommandError::usage(
                format!("{} records have the id {id}", more + 1),
                "give every record one id of its own, across all files",
            )),
        }
    }

    fn push(&mut self, id: &str) {
        self.ids.push_str(id);
        self.ends.push(self.ids.len());
    }

    /// Returns how many records repeat the id of another record of their file.
    fn repeated(&self) -> usize {
        let build = BuildHasherDefault::<DefaultHasher>::default();
        let mut start = 0;
        let mut hashes: Vec<u64> = Vec::with_capacity(self.len());
        for (file, end) in self.files.iter().enumerate() {
            let rows = start..*end;
            hashes.extend(rows.map(|row| build.hash_one((file, self.id(row)))));
            start = *end;
        }
        // Of 64 bits: that two ids meet by chance is not to be expected, and only a count is told.
        rayon::slice::ParallelSliceMut::par_sort_unstable(&mut hashes[..]);
        hashes.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }
}

/// Parts that wait for a free thread; a stalled thread stops the reading, not the memory.
const WAITING: usize = 4;

/// Reads and standardises every file. White space around values is trimmed; empty values are
/// absent.
pub(super) fn read(
    source: &Source<'_>,
    model: &Arc<LinkageModel>,
    threads: usize,
    render: &Render,
) -> Result<(Batch, Names), CommandError> {
    let map = Map::read(source.map, model)?;
    let standardiser = Standardiser::new(Arc::clone(model));
    let progress = render.progress("reading", "records", 0);
    let (send, receive) = mpsc::sync_channel::<(usize, Part)>(WAITING);
    let receive = Arc::new(Mutex::new(receive));
    let names = std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let receive = Arc::clone(&receive);
            let (standardiser, progress) = (&standardiser, &progress);
            scope.spawn(move || {
                loop {
                    let next = receive
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    let Ok((place, part)) = next else { break };
                    standardiser.read(place, |push| part.for_each(push));
                    progress.advance(part.len() as u64);
                }
            });
        }
        // Held by the threads alone: when all of them have died, sending fails instead of waiting.
        drop(receive);
        read_files(source, model, &map, &send, render)
            // The threads end when the channel does.
            .inspect(|_| drop(send))
    });
    let names = names?;
    progress.finish("read");
    let repeated = names.repeated();
    if repeated > 0 {
        render.warning(format_args!(
            "{repeated} records repeat the id of another; each is linked as a record of its own"
        ));
    }
    Ok((standardiser.finish(), names))
}

type Send = mpsc::SyncSender<(usize, Part)>;

fn read_files(
    source: &Source<'_>,
    model: &LinkageModel,
    map: &Map,
    send: &Send,
    render: &Render,
) -> Result<Names, CommandError> {
    let mut reading = Reading::new(source, model, send);
    for (number, path) in source.files.iter().enumerate() {
        reading.read_file(number, path, map, render)?;
    }
    reading.send_part(Part::default());
    Ok(reading.names)
}

/// The files as they are read, row by row.
struct Reading<'a> {
    source: &'a Source<'a>,
    model: &'a LinkageModel,
    send: &'a Send,
    names: Names,
    people: part::People,
    place: usize,
    part: Part,
}

impl<'a> Reading<'a> {
    fn new(source: &'a Source<'a>, model: &'a LinkageModel, send: &'a Send) -> Self {
        Self {
            source,
            model,
            send,
            names: Names {
                truth: source.truth_column.map(|_| Vec::new()),
                ..Names::default()
            },
            people: part::People::default(),
            place: 0,
            part: Part::default(),
        }
    }

    fn read_file(
        &mut self,
        number: usize,
        path: &Path,
        map: &Map,
        render: &Render,
    ) -> Result<(), CommandError> {
        let wrong = |error: &csv::Error| header::unreadable(path, error);
        let file = parquet::open(path).map_err(|error| wrong(&error))?;
        let mut lines = csv::ReaderBuilder::new()
            .buffer_capacity(1 << 18)
            .from_reader(file);
        let names = lines.byte_headers().map_err(|error| wrong(&error))?.clone();
        let header = Header::find(self.source, self.model, map, &names, path, render)?;
        let several = self.source.files.len() > 1;
        let layout = Arc::new(Layout {
            file: several.then_some(number),
            width: names.len(),
            id: header.id,
            columns: header.columns.clone(),
        });
        self.part.begin_file(&layout);
        let (mut record, mut text) = (csv::ByteRecord::new(), Text::default());
        while lines
            .read_byte_record(&mut record)
            .map_err(|error| wrong(&error))?
        {
            header::write_text(&record, |at| header.uses(at), &mut text)
                .map_err(|at| header::not_utf8(&record, at, path, &names))?;
            self.names.push(text.cell(header.id));
            if let Some(truth) = &mut self.names.truth {
                let person = header.truth.map_or("", |at| text.cell(at));
                truth.push(self.people.number(person));
            }
            self.part.push(&text.text, text.ends.iter().copied());
            if self.part.len() == Standardiser::PART {
                self.send_part(Part::of(&layout));
            }
        }
        self.names.files.push(self.names.len());
        Ok(())
    }

    fn send_part(&mut self, next: Part) {
        let part = std::mem::replace(&mut self.part, next);
        // Only fails when every thread has died, and then the scope panics with them.
        let _ = self.send.send((self.place, part));
        self.place += 1;
    }
}
