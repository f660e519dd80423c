//! Which column of a file is which column of the model.

use std::collections::BTreeMap;
use std::path::Path;

use csv::ByteRecord;
use rabt_linkage::LinkageModel;

use super::Source;
use crate::command::link::csv_file::same_name;
use crate::command::link::parquet;
use crate::error::{CommandError, Exit, Fault};
use crate::render::Render;

/// Where the columns of a model stand in one file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) id: usize,
    pub(super) truth: Option<usize>,
    pub(super) columns: Vec<Option<usize>>,
}

/// Columns of the model that are called otherwise in the file.
#[derive(Debug, Default)]
pub(super) struct Map(BTreeMap<String, String>);

impl Map {
    /// Reads a file of `model_column = "file column"` lines.
    pub(super) fn read(path: Option<&Path>, model: &LinkageModel) -> Result<Self, CommandError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let wrong = |error: &dyn std::fmt::Display| {
            CommandError::usage(
                format!("{}: {error}", path.display()),
                "write lines of the form model_column = \"file column\"",
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let map: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| wrong(&error))?;
        let known = columns_of(model);
        let unknown = map
            .keys()
            .filter(|column| !known.contains(&column.as_str()));
        let faults: Vec<Fault> = unknown
            .map(|column| Fault {
                message: format!("{}: the model has no column {column}", path.display()),
                help: format!("its columns are: {}", known.join(", ")),
            })
            .collect();
        if faults.is_empty() {
            Ok(Self(map))
        } else {
            Err(CommandError::many(Exit::Usage, faults))
        }
    }
}

fn columns_of(model: &LinkageModel) -> Vec<&str> {
    model
        .columns
        .iter()
        .map(|column| column.id.as_str())
        .collect()
}

impl Header {
    /// Says whether a cell of the file is read.
    pub(super) fn uses(&self, at: usize) -> bool {
        at == self.id || Some(at) == self.truth || self.columns.contains(&Some(at))
    }

    /// Finds the columns by the map, by their ids and by the model's synonyms.
    pub(super) fn find(
        source: &Source<'_>,
        model: &LinkageModel,
        map: &Map,
        names: &ByteRecord,
        path: &Path,
        render: &Render,
    ) -> Result<Self, CommandError> {
        let names: Vec<String> = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        if names.is_empty() {
            return Err(CommandError::usage(
                format!("{}: the file is empty", path.display()),
                "give a CSV file with a header",
            ));
        }
        let header = Self::locate(source, model, map, &names, path)?;
        header.tell_missing(model, &names, path, render)?;
        Ok(header)
    }

    /// Finds the columns, and says nothing of those that are missing.
    pub(super) fn locate(
        source: &Source<'_>,
        model: &LinkageModel,
        map: &Map,
        names: &[String],
        path: &Path,
    ) -> Result<Self, CommandError> {
        let find = |wanted: &str| names.iter().position(|name| same_name(name, wanted));
        let missing = |what: &str, wanted: &str| {
            CommandError::usage(
                format!("{}: there is no column {wanted} ({what})", path.display()),
                format!("the file has: {}", names.join(", ")),
            )
        };
        let id = find(source.id).ok_or_else(|| missing("--id", source.id))?;
        let truth = match source.truth_column {
            Some(column) => Some(find(column).ok_or_else(|| missing("--truth-column", column))?),
            None => None,
        };
        let mut columns = Vec::with_capacity(model.columns.len());
        for column in &model.columns {
            let place = match map.0.get(&column.id) {
                Some(mapped) => Some(find(mapped).ok_or_else(|| missing("--map", mapped))?),
                None => find(&column.id)
                    .or_else(|| column.synonyms.iter().find_map(|synonym| find(synonym))),
            };
            // The truth is never read for linking, whatever it is called.
            columns.push(place.filter(|at| truth != Some(*at)));
        }
        Ok(Self { id, truth, columns })
    }

    /// Says which columns of the model the file lacks; a file that has none of them is refused.
    fn tell_missing(
        &self,
        model: &LinkageModel,
        names: &[String],
        path: &Path,
        render: &Render,
    ) -> Result<(), CommandError> {
        let known = columns_of(model);
        let absent = known
            .iter()
            .zip(&self.columns)
            .filter(|(_, place)| place.is_none());
        let absent: Vec<&str> = absent.map(|(column, _)| *column).collect();
        if absent.len() == known.len() {
            return Err(CommandError::usage(
                format!(
                    "{}: none of its columns is one of model {}; the file has: {}",
                    path.display(),
                    model.name,
                    names.join(", ")
                ),
                format!("map them with --map; the model has: {}", known.join(", ")),
            ));
        }
        if !absent.is_empty() {
            let unused: Vec<&str> = (0..names.len())
                .filter(|at| !self.uses(*at))
                .map(|at| names[at].as_str())
                .collect();
            render.note(format_args!(
                "{}: no column for {}; not used: {}",
                path.display(),
                absent.join(", "),
                if unused.is_empty() {
                    "none".to_owned()
                } else {
                    unused.join(", ")
                }
            ));
        }
        Ok(())
    }
}

/// Puts the record into `out` as text: as it stands, or without the cells that are not used where
/// one of those is not UTF-8.
pub(super) fn write_text(
    record: &ByteRecord,
    used: impl Fn(usize) -> bool,
    out: &mut Text,
) -> Result<(), usize> {
    out.text.clear();
    out.ends.clear();
    let whole = std::str::from_utf8(record.as_slice()).ok();
    if let Some(text) = whole {
        // Halves of a letter on both sides of a comma would look whole without it.
        let ends = (0..record.len()).map_while(|at| record.range(at).map(|range| range.end));
        out.ends
            .extend(ends.take_while(|end| text.is_char_boundary(*end)));
        if out.ends.len() == record.len() {
            out.text.push_str(text);
            return Ok(());
        }
        out.ends.clear();
    }
    for (at, cell) in record.iter().enumerate() {
        if used(at) {
            out.text
                .push_str(std::str::from_utf8(cell).map_err(|_| at)?);
        }
        out.ends.push(out.text.len());
    }
    Ok(())
}

/// The cells of a record in one text, and where each ends.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) ends: Vec<usize>,
}

impl Text {
    /// Returns a cell without the white space around it.
    pub(super) fn cell(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text[start..self.ends[at]].trim()
    }
}

/// Returns the error of a cell that is in another encoding.
pub(super) fn not_utf8(
    record: &ByteRecord,
    at: usize,
    path: &Path,
    names: &ByteRecord,
) -> CommandError {
    let line = record.position().map_or(0, csv::Position::line);
    let column = String::from_utf8_lossy(names.get(at).unwrap_or_default());
    CommandError::usage(
        format!("{} line {line}, column {column}: not UTF-8", path.display()),
        "write the file in one encoding, UTF-8: iconv -f WINDOWS-1256 -t UTF-8 FILE > NEW",
    )
}

/// Returns the error of a file that is no CSV, or cannot be read.
pub(super) fn unreadable(path: &Path, error: &csv::Error) -> CommandError {
    let help = if let Some(help) = parquet::help(path) {
        help
    } else if error.is_io_error() {
        "check the path and its permissions"
    } else {
        "the file must be CSV in UTF-8 with a header and as many cells in every line"
    };
    CommandError::usage(format!("{}: {error}", path.display()), help)
}
