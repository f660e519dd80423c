//! The files a second time, for the few records that are shown and the columns errors are counted
//! by: keeping every cell from the first time would cost more than reading again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use rabt_linkage::LinkageModel;

use super::header::{Header, Map, unreadable};
use super::{Names, Source};
use crate::command::link::csv_file::CsvFile;
use crate::command::link::csv_file::same_name;
use crate::command::link::parquet;
use crate::error::CommandError;

/// What was read the second time.
#[derive(Debug, Default)]
pub(in crate::command::link) struct Again {
    /// The cells of the records that were asked for: column and value, the absent ones left out.
    cells: BTreeMap<u32, Vec<(String, String)>>,
    /// The columns by which errors are counted, in the order in which they were asked for.
    pub(in crate::command::link) groups: Vec<Grouping>,
}

/// A column by which errors are counted.
#[derive(Debug, Default)]
pub(in crate::command::link) struct Grouping {
    /// The column.
    pub(in crate::command::link) column: String,
    /// Its values; empty where a record has none.
    pub(in crate::command::link) values: Vec<String>,
    /// Per row: which of them it has.
    pub(in crate::command::link) of_row: Vec<u32>,
    numbers: HashMap<Box<str>, u32>,
}

impl Grouping {
    fn push(&mut self, value: &str) {
        if let Some(number) = self.numbers.get(value) {
            self.of_row.push(*number);
            return;
        }
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.into(), next);
        self.values.push(value.to_owned());
        self.of_row.push(next);
    }
}

/// Says before the work whether the files can be read twice and have the columns.
pub(in crate::command::link) fn check(
    files: &[PathBuf],
    groups: &[String],
) -> Result<(), CommandError> {
    for path in files {
        if path.exists() && !path.is_file() {
            return Err(CommandError::usage(
                format!(
                    "{}: it is read twice, and is no regular file",
                    path.display()
                ),
                "save it as a file first",
            ));
        }
        let file = CsvFile::open(path)?;
        for group in groups {
            file.column(group, "--group")?;
        }
    }
    Ok(())
}

impl Again {
    /// Reads the files again: the cells of `rows`, and the columns of `groups` for every row.
    pub(in crate::command::link) fn read(
        source: &Source<'_>,
        model: &LinkageModel,
        names: &Names,
        rows: &BTreeSet<u32>,
        groups: &[String],
    ) -> Result<Self, CommandError> {
        let map = Map::read(source.map, model)?;
        let group = |column: &String| Grouping {
            column: column.clone(),
            ..Grouping::default()
        };
        let mut again = Self {
            cells: BTreeMap::new(),
            groups: groups.iter().map(group).collect(),
        };
        let mut row = 0;
        for path in source.files {
            let changed = || changed(path);
            let mut reader = Reader::open(path, source, model, &map)?;
            let places = groups.iter().map(|group| reader.place(group));
            let places: Vec<usize> = places.collect::<Option<_>>().ok_or_else(changed)?;
            while reader.next(path)? {
                for (grouping, place) in again.groups.iter_mut().zip(&places) {
                    grouping.push(&reader.cell(*place));
                }
                if rows.contains(&row) {
                    let at = row as usize;
                    if at >= names.len() || names.id(at) != reader.cell(reader.header.id) {
                        return Err(changed());
                    }
                    again.cells.insert(row, reader.cells(model));
                }
                row += 1;
            }
        }
        if row as usize == names.len() {
            Ok(again)
        } else {
            Err(changed(&source.files[0]))
        }
    }

    /// Returns the cells of a record: column and value.
    pub(in crate::command::link) fn cells(&self, row: u32) -> &[(String, String)] {
        self.cells.get(&row).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the value of a column of a record; `None` when it is absent.
    pub(in crate::command::link) fn value(&self, row: u32, column: &str) -> Option<&str> {
        let cells = self.cells(row);
        let found = cells.iter().find(|(name, _)| name == column);
        found.map(|(_, value)| value.as_str())
    }
}

/// One file that is read again.
struct Reader {
    lines: csv::Reader<Box<dyn Read + Send>>,
    names: Vec<String>,
    header: Header,
    record: ByteRecord,
}

impl Reader {
    fn open(
        path: &Path,
        source: &Source<'_>,
        model: &LinkageModel,
        map: &Map,
    ) -> Result<Self, CommandError> {
        let file = parquet::open(path).map_err(|error| unreadable(path, &error))?;
        let mut reader = csv::ReaderBuilder::new()
            .buffer_capacity(1 << 18)
            .from_reader(file);
        let names = reader.byte_headers();
        let names = names.map_err(|error| unreadable(path, &error))?.iter();
        let names: Vec<String> = names.map(text).collect();
        let header = Header::locate(source, model, map, &names, path)?;
        Ok(Self {
            lines: reader,
            names,
            header,
            record: ByteRecord::new(),
        })
    }

    fn next(&mut self, path: &Path) -> Result<bool, CommandError> {
        let more = self.lines.read_byte_record(&mut self.record);
        more.map_err(|error| unreadable(path, &error))
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| same_name(name, column))
    }

    fn cell(&self, at: usize) -> String {
        text(self.record.get(at).unwrap_or_default())
    }

    /// Returns the cells of the record that was read: those of the model in its order and by its
    /// names, then the others. Neither the id, which stands above, nor the truth is among them.
    fn cells(&self, model: &LinkageModel) -> Vec<(String, String)> {
        let places = &self.header.columns;
        let own = model.columns.iter().zip(places);
        let own = own.filter_map(|(column, at)| Some((column.id.clone(), self.cell((*at)?))));
        let other = |at: &usize| {
            *at != self.header.id && Some(*at) != self.header.truth && !places.contains(&Some(*at))
        };
        let others = (0..self.names.len()).filter(other);
        let others = others.map(|at| (self.names[at].clone(), self.cell(at)));
        own.chain(others)
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_owned()
}

fn changed(path: &Path) -> CommandError {
    CommandError::failed(
        format!("{} changed while it was read", path.display()),
        "run it again when nothing writes the file",
    )
}
