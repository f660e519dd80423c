//! One CSV file with a header: its columns by name, its lines, and what is wrong with it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::parquet;

use crate::error::CommandError;

/// A file that is being read. White space around names and values is trimmed.
pub(super) struct CsvFile {
    path: PathBuf,
    names: csv::StringRecord,
    reader: csv::Reader<Box<dyn Read + Send>>,
}

impl CsvFile {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, CommandError> {
        let file = parquet::open(path).map_err(|error| unreadable(path, &error))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file);
        let names = reader.headers().map_err(|error| unreadable(path, &error))?;
        let names = names.clone();
        if names.is_empty() {
            return Err(CommandError::usage(
                format!("{}: the file is empty", path.display()),
                "give a CSV file with a header",
            ));
        }
        Ok(Self {
            path: path.to_path_buf(),
            names,
            reader,
        })
    }

    /// Returns where a column stands; `why` says in the error what asked for it.
    pub(super) fn column(&self, wanted: &str, why: &str) -> Result<usize, CommandError> {
        let found = self.names.iter().position(|name| same_name(name, wanted));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.names.iter().collect();
            CommandError::usage(
                format!(
                    "{}: there is no column {wanted} ({why})",
                    self.path.display()
                ),
                format!("the file has: {}", names.join(", ")),
            )
        })
    }

    /// Reads the next line into `record`; false at the end.
    pub(super) fn read(&mut self, record: &mut csv::StringRecord) -> Result<bool, CommandError> {
        let more = self.reader.read_record(record);
        more.map_err(|error| unreadable(&self.path, &error))
    }

    /// Returns an error about a line that was read.
    pub(super) fn wrong(&self, record: &csv::StringRecord, what: &str, help: &str) -> CommandError {
        let line = record.position().map_or(0, csv::Position::line);
        CommandError::usage(format!("{} line {line}: {what}", self.path.display()), help)
    }
}

fn unreadable(path: &Path, error: &csv::Error) -> CommandError {
    let help = if let Some(help) = parquet::help(path) {
        help
    } else if error.is_io_error() {
        "check the path and its permissions"
    } else {
        "the file must be CSV in UTF-8 with a header and as many cells in every line"
    };
    CommandError::usage(format!("{}: {error}", path.display()), help)
}

/// Compares header names without regard to case, `_`, `-` and spaces.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    let plain = |text: &str| -> String {
        text.trim_start_matches('\u{feff}')
            .chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    plain(left) == plain(right)
}
