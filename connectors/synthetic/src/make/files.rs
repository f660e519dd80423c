//! Delimited files, and what all files need.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::habits::Column;
use crate::row::Row;

/// A delimited file to write.
pub(super) struct File<'a> {
    pub(super) path: PathBuf,
    pub(super) encoding: &'a str,
    pub(super) delimiter: u8,
    pub(super) bom: bool,
}

impl File<'_> {
    /// Writes a header and the rows. NULL is an empty field: a file has no other way to say it.
    pub(super) fn write(&self, columns: &[Column], rows: &[Row]) -> Result<(), SyntheticError> {
        let failed = |what: String| file_error(&self.path, what);
        let mut writer = csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let header = columns.iter().map(|column| column.name.as_str());
        writer
            .write_record(header)
            .map_err(|e| failed(e.to_string()))?;
        for row in rows {
            let cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
            writer
                .write_record(cells)
                .map_err(|e| failed(e.to_string()))?;
        }
        let text = writer.into_inner().map_err(|e| failed(e.to_string()))?;
        make_folder_of(&self.path)?;
        fs::write(&self.path, self.encoded(text)?).map_err(|e| failed(e.to_string()))
    }

    fn encoded(&self, text: Vec<u8>) -> Result<Vec<u8>, SyntheticError> {
        let failed = |what: &str| file_error(&self.path, what.to_owned());
        let label = if self.encoding.is_empty() {
            "utf-8"
        } else {
            self.encoding
        };
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes())
            .ok_or_else(|| failed("has an unknown encoding"))?;
        if encoding == encoding_rs::UTF_8 {
            let mark: &[u8] = if self.bom { &[0xef, 0xbb, 0xbf] } else { &[] };
            return Ok([mark, &text].concat());
        }
        let text = String::from_utf8(text).map_err(|_| failed("is not text"))?;
        let (bytes, _, lossy) = encoding.encode(&text);
        if lossy {
            return Err(failed("has a letter that its encoding does not know"));
        }
        Ok(bytes.into_owned())
    }
}

/// Writes a text that only the owner may read.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), SyntheticError> {
    make_folder_of(path)?;
    let failed = |e: io::Error| file_error(path, e.to_string());
    fs::write(path, text).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(())
}

/// Makes the folder that a file is to be in.
pub(super) fn make_folder_of(path: &Path) -> Result<(), SyntheticError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|e| file_error(folder, e.to_string()))
}

/// Removes a database file and what SQLite may have left beside it.
pub(super) fn remove(path: &Path) -> Result<(), SyntheticError> {
    for tail in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        match fs::remove_file(&name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(file_error(path, e.to_string()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn file_error(path: &Path, what: String) -> SyntheticError {
    SyntheticError::File {
        path: path.display().to_string(),
        what,
    }
}
