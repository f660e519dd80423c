//! An opened file: its columns, its row groups, and what tells it from another.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use parquet::basic::Repetition;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use rabt_connect::{ColumnInfo, ConnectError, hex};
use sha2::{Digest, Sha256};

use crate::folder::name_of;
use crate::form::Form;

/// How much of the end of a file is looked at to tell it from another: its footer, which says where
/// everything is and what it holds.
const END: u64 = 64 * 1024;

/// An opened file.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) reader: SerializedFileReader<File>,
}

impl Opened {
    /// Opens a file and reads its footer.
    pub(crate) fn open(path: &Path) -> Result<Self, ConnectError> {
        let name = name_of(path);
        let file = File::open(path).map_err(|_| unreadable(&name))?;
        let reader = SerializedFileReader::new(file).map_err(|_| damaged(&name, "its footer"))?;
        Ok(Self { name, reader })
    }

    /// Returns the columns with one value a row: the parts of a group are joined by dots, and lists are
    /// left out.
    pub(crate) fn columns(&self) -> Vec<ColumnInfo> {
        let columns = self.descriptors().iter().filter(|column| is_flat(column));
        let info = |column: &ColumnDescriptor| ColumnInfo {
            name: column.path().string(),
            declared_type: Form::of(column).name(column.physical_type()),
            nullable: column.max_def_level() > 0,
        };
        columns.map(|column| info(column)).collect()
    }

    /// Returns the names of the columns with several values a row.
    pub(crate) fn lists(&self) -> Vec<String> {
        let columns = self.descriptors().iter().filter(|column| !is_flat(column));
        columns.map(|column| column.path().string()).collect()
    }

    /// Returns the number of a column in the file.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let mut columns = self.descriptors().iter();
        columns.position(|column| is_flat(column) && column.path().string() == name)
    }

    /// Returns the number of rows, as the footer has it.
    pub(crate) fn rows(&self) -> u64 {
        let rows = self.reader.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    fn descriptors(&self) -> &[std::sync::Arc<ColumnDescriptor>] {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        schema.columns()
    }
}

fn is_flat(column: &ColumnDescriptor) -> bool {
    let info = column.self_type().get_basic_info();
    let repeats = info.has_repetition() && info.repetition() == Repetition::REPEATED;
    column.max_rep_level() == 0 && !repeats
}

/// Returns what tells the content of a file from another.
pub(crate) fn fingerprint(path: &Path) -> Result<String, ConnectError> {
    let look = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
        let mut end = Vec::new();
        file.take(END).read_to_end(&mut end)?;
        let mut hash = Sha256::new();
        hash.update(length.to_le_bytes());
        hash.update(&end);
        Ok(hex(&hash.finalize()[..16]))
    };
    look().map_err(|_| unreadable(&name_of(path)))
}

fn unreadable(name: &str) -> ConnectError {
    ConnectError::transient(
        format!("file {name}"),
        "cannot be read",
        "see that it is there, and let the account of this process read it",
    )
}

/// Returns the error that a file is not what it says it is.
pub(crate) fn damaged(name: &str, what: &str) -> ConnectError {
    ConnectError::data(
        format!("file {name}"),
        format!("cannot be understood: {what} is damaged, encrypted, or of a later version"),
        "write the file anew, or have it sent again",
    )
}
