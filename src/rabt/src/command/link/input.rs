//! CSV files in, the columns of a model out.

use std::collections::BTreeMap;
use std::path::Path;

use rabt_linkage::LinkageModel;

use super::LinkFiles;
use crate::error::{CommandError, Exit, Fault};
use crate::render::Render;

/// The records of all files, in the order of the files.
pub(super) struct Data {
    files: usize,
    rows: Vec<Row>,
}

struct Row {
    file: usize,
    id: String,
    truth: Option<String>,
    cells: Vec<Option<Box<str>>>,
}

/// Where the columns of a model stand in one file.
struct Header {
    id: usize,
    truth: Option<usize>,
    columns: Vec<Option<usize>>,
}

impl Data {
    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the id of a record as its file has it.
    pub(super) fn id(&self, at: usize) -> &str {
        &self.rows[at].id
    }

    /// Returns the true person of a record, where a truth column was named and has one.
    pub(super) fn truth(&self, at: usize) -> Option<&str> {
        self.rows[at].truth.as_deref()
    }

    /// Returns the text by which ties are broken.
    pub(super) fn identity(&self, at: usize) -> String {
        let row = &self.rows[at];
        if self.files == 1 {
            row.id.clone()
        } else {
            format!("{}\u{1f}{}", row.file, row.id)
        }
    }

    /// Returns the cells of a record, in the order of the model's columns.
    pub(super) fn cells(&self, at: usize) -> Vec<Option<&str>> {
        self.rows[at].cells.iter().map(Option::as_deref).collect()
    }
}

/// Reads every file. White space around values is trimmed; empty values are absent.
pub(super) fn read(
    files: &LinkFiles,
    model: &LinkageModel,
    render: &Render,
) -> Result<Data, CommandError> {
    let map = read_map(files.map.as_deref(), model)?;
    let mut data = Data {
        files: files.data.len(),
        rows: Vec::new(),
    };
    for (number, path) in files.data.iter().enumerate() {
        read_file(files, model, &map, (number, path), &mut data)?;
    }
    let mut ids: Vec<(usize, &str)> = data
        .rows
        .iter()
        .map(|row| (row.file, row.id.as_str()))
        .collect();
    ids.sort_unstable();
    let repeated = ids.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if repeated > 0 {
        render.warning(format_args!(
            "{repeated} records repeat the id of another; each is linked as a record of its own"
        ));
    }
    Ok(data)
}

fn read_map(
    path: Option<&Path>,
    model: &LinkageModel,
) -> Result<BTreeMap<String, String>, CommandError> {
    let Some(path) = path else {
        return Ok(BTreeMap::new());
    };
    let wrong = |error: &dyn std::fmt::Display| {
        CommandError::usage(
            format!("{}: {error}", path.display()),
            "write lines of the form model_column = \"file column\"",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let map: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| wrong(&error))?;
    let known: Vec<&str> = model
        .columns
        .iter()
        .map(|column| column.id.as_str())
        .collect();
    let faults: Vec<Fault> = map
        .keys()
        .filter(|column| !known.contains(&column.as_str()))
        .map(|column| Fault {
            message: format!("{}: the model has no column {column}", path.display()),
            help: format!("its columns are: {}", known.join(", ")),
        })
        .collect();
    if faults.is_empty() {
        Ok(map)
    } else {
        Err(CommandError::many(Exit::Usage, faults))
    }
}

fn read_file(
    files: &LinkFiles,
    model: &LinkageModel,
    map: &BTreeMap<String, String>,
    (number, path): (usize, &Path),
    data: &mut Data,
) -> Result<(), CommandError> {
    let wrong = |error: csv::Error| {
        CommandError::usage(
            format!("{}: {error}", path.display()),
            "the file must be CSV in UTF-8 with a header and as many cells in every line",
        )
    };
    let reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path);
    let mut reader = reader.map_err(wrong)?;
    let names = reader.headers().map_err(wrong)?.clone();
    let header = find_columns(files, model, map, &names, path)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(wrong)? {
        let cell = |at: usize| record.get(at).filter(|text| !text.is_empty());
        data.rows.push(Row {
            file: number,
            id: cell(header.id).unwrap_or_default().to_owned(),
            truth: header.truth.and_then(cell).map(ToOwned::to_owned),
            cells: header
                .columns
                .iter()
                .map(|at| at.and_then(cell).map(Into::into))
                .collect(),
        });
    }
    Ok(())
}

fn find_columns(
    files: &LinkFiles,
    model: &LinkageModel,
    map: &BTreeMap<String, String>,
    names: &csv::StringRecord,
    path: &Path,
) -> Result<Header, CommandError> {
    let find = |wanted: &str| names.iter().position(|name| same_name(name, wanted));
    let found: Vec<&str> = names.iter().collect();
    let missing = |what: &str, wanted: &str| {
        CommandError::usage(
            format!("{}: there is no column {wanted} ({what})", path.display()),
            format!("the file has: {}", found.join(", ")),
        )
    };
    let id = find(&files.id).ok_or_else(|| missing("--id", &files.id))?;
    let truth = match &files.truth_column {
        Some(column) => Some(find(column).ok_or_else(|| missing("--truth-column", column))?),
        None => None,
    };
    let mut columns = Vec::with_capacity(model.columns.len());
    for column in &model.columns {
        let place = match map.get(&column.id) {
            Some(mapped) => Some(find(mapped).ok_or_else(|| missing("--map", mapped))?),
            None => find(&column.id)
                .or_else(|| column.synonyms.iter().find_map(|synonym| find(synonym))),
        };
        // The truth is never read for linking, whatever it is called.
        columns.push(place.filter(|at| truth != Some(*at)));
    }
    if columns.iter().all(Option::is_none) {
        let wanted: Vec<&str> = model
            .columns
            .iter()
            .map(|column| column.id.as_str())
            .collect();
        return Err(CommandError::usage(
            format!(
                "{}: none of its columns is one of model {}; the file has: {}",
                path.display(),
                model.name,
                found.join(", ")
            ),
            format!("map them with --map; the model has: {}", wanted.join(", ")),
        ));
    }
    Ok(Header { id, truth, columns })
}

/// Compares header names without regard to case, `_`, `-` and spaces.
fn same_name(left: &str, right: &str) -> bool {
    let plain = |text: &str| -> String {
        text.trim_start_matches('\u{feff}')
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    plain(left) == plain(right)
}
