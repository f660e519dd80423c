//! The rows of one file, whatever it is written in.

mod delimited;
mod fixed;
mod sheet;
mod source;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rabt_connect::{ConnectError, Fault, hex, refuse_outside};
use sha2::{Digest, Sha256};

use crate::charset::Charset;
use crate::folder::{explain, name_of};
use crate::format::Format;

/// Longest record, in bytes: 8 MiB. A quote that is never closed must not take the whole file in.
const MAX_RECORD_BYTES: usize = 8 * 1024 * 1024;

/// Bytes at the start of a file that tell it from another and show what it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// A cell: a text, no value, or why it could not be read.
pub(crate) type Value<'r> = Result<Option<Cow<'r, str>>, Fault>;

/// One file, open at a row.
pub(crate) struct Rows {
    /// The file's name, for errors.
    pub(crate) name: String,
    /// The names of the columns.
    pub(crate) header: Vec<String>,
    /// What tells this content from another.
    pub(crate) fingerprint: String,
    records: Box<dyn Records>,
}

/// The records of one file, one at a time.
pub(crate) trait Records: Send {
    /// Goes to the next record; false at the end of the file.
    fn next(&mut self) -> Result<bool, ConnectError>;

    /// Returns the number of the record, from 1 at the first that is a row.
    fn row(&self) -> u64;

    /// Returns a cell of the record, counted from 0.
    fn cell(&self, at: usize) -> Value<'_>;

    /// Says whether the record is longer or shorter than it should be.
    fn is_ragged(&self) -> bool;

    /// Returns the number of cells of the record.
    fn width(&self) -> usize;

    /// Says whether a cell cannot be read for this reason.
    fn has(&self, fault: Fault) -> bool {
        (0..self.width()).any(|at| self.cell(at) == Err(fault))
    }

    /// Returns the byte of the file at which the next record begins, when records can be sought.
    fn offset(&self) -> Option<u64>;

    /// Goes behind a row: to its byte when that is known, else by reading up to it.
    fn go_behind(&mut self, row: u64, offset: Option<u64>) -> Result<(), ConnectError>;
}

/// A file that was looked at: what every format needs to know of it.
struct Looked<'p> {
    path: &'p Path,
    name: String,
    place: String,
    head: Vec<u8>,
    fingerprint: String,
}

impl Rows {
    /// Opens a file and reads its header. Of a workbook, `sheet` goes before the configured one.
    pub(crate) fn open(
        path: &Path,
        format: &Format,
        sheet: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let mut looked = Looked::of(path)?;
        let is_workbook = matches!(format, Format::Xlsx(_));
        if sheet.is_some() && !is_workbook {
            return Err(ConnectError::configuration(
                looked.place,
                "is no workbook, and has no sheets",
                "leave `sheet` out of `from`, or set format = \"xlsx\"",
            ));
        }
        let (header, records): (_, Box<dyn Records>) = match format {
            Format::Delimited(delimited) => {
                let (charset, start) = looked.text(delimited.charset)?;
                let (header, rows) = delimited::open(&looked, *delimited, charset, start)?;
                (header, Box::new(rows))
            }
            Format::FixedWidth(layout) => {
                let (charset, start) = looked.text(layout.charset)?;
                let (header, rows) = fixed::open(&looked, layout, charset, start)?;
                (header, Box::new(rows))
            }
            Format::Xlsx(chosen) => {
                let (header, rows) = sheet::open(&mut looked, chosen, sheet)?;
                (header, Box::new(rows))
            }
        };
        Ok(Self {
            name: looked.name,
            header,
            fingerprint: looked.fingerprint,
            records,
        })
    }

    /// Returns the sheets of a workbook that may be tables: all that are not hidden, or the one that
    /// is configured. No sheet is one table that needs no name.
    pub(crate) fn sheets(
        path: &Path,
        format: &Format,
    ) -> Result<Vec<Option<String>>, ConnectError> {
        match format {
            Format::Xlsx(chosen) => sheet::names(&Looked::of(path)?, chosen),
            Format::Delimited(_) | Format::FixedWidth(_) => Ok(vec![None]),
        }
    }

    /// Returns the records.
    pub(crate) fn records(&self) -> &dyn Records {
        self.records.as_ref()
    }

    /// Returns the records, to go on in them.
    pub(crate) fn records_mut(&mut self) -> &mut dyn Records {
        self.records.as_mut()
    }
}

impl<'p> Looked<'p> {
    fn of(path: &'p Path) -> Result<Self, ConnectError> {
        let name = name_of(path);
        let place = format!("file {name}");
        refuse_outside(path.parent().unwrap_or(path), path)?;
        let (head, length) = read_head(path).map_err(|error| explain(&error, &place))?;
        let fingerprint = format!("{length}-{}", hex(&Sha256::digest(&head)[..16]));
        Ok(Self {
            path,
            name,
            place,
            head,
            fingerprint,
        })
    }

    /// Returns the encoding of text and where it begins: a byte order mark wins over what is
    /// configured.
    fn text(&self, charset: Charset) -> Result<(Charset, u64), ConnectError> {
        let mark = encoding_rs::Encoding::for_bom(&self.head);
        let (charset, start) = mark.map_or((charset, 0), |(encoding, length)| {
            (Charset::Web(encoding), length as u64)
        });
        refuse_binary(&self.head, charset.wide().is_some(), &self.place)?;
        Ok((charset, start))
    }
}

fn read_head(path: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok((head, length))
}

fn refuse_binary(head: &[u8], is_wide: bool, place: &str) -> Result<(), ConnectError> {
    const SIGNATURES: [(&[u8], &str, &str); 4] = [
        (
            b"PK\x03\x04",
            "is a spreadsheet or a zip archive",
            "set format = \"xlsx\" for a workbook, or take the files out of the archive",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "is an old or a locked spreadsheet",
            "save it as .xlsx without a password and set format = \"xlsx\"",
        ),
        (b"\x1f\x8b", "is compressed", "decompress it"),
        (
            b"SQLite format 3\0",
            "is an SQLite database",
            "use kind = \"sqlite\"",
        ),
    ];
    for (signature, what, remedy) in SIGNATURES {
        if head.starts_with(signature) {
            return Err(ConnectError::data(place, what, remedy));
        }
    }
    // A few NULs may be damaged cells; one byte in ten is no text.
    let nuls = head.split(|byte| *byte == 0).count() - 1;
    if is_wide || nuls * 10 <= head.len() {
        return Ok(());
    }
    Err(ConnectError::data(
        place,
        "is a binary file, or UTF-16 without a byte order mark",
        "narrow `file` in `from`, or set encoding = \"utf-16le\"",
    ))
}
