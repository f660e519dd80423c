//! The rows of one file.

mod source;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::ByteRecord;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use rabt_connect::{ConnectError, hex};
use sha2::{Digest, Sha256};

use crate::folder::{explain, name_of};
use crate::format::Format;
use source::Source;

/// Longest record, in bytes: 8 MiB. A quote that is never closed must not take the whole file in.
const MAX_RECORD_BYTES: usize = 8 * 1024 * 1024;

/// Bytes at the start of a file that tell it from another and show what it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// One file, open at a row.
pub(crate) struct Rows {
    /// The names of the columns.
    pub(crate) header: Vec<String>,
    /// What tells this content from another: length and a hash of the first 64 KiB.
    pub(crate) fingerprint: String,
    /// How cells become text.
    pub(crate) encoding: &'static Encoding,
    /// Number of the rows read so far.
    pub(crate) row: u64,
    /// The file's name, for errors.
    pub(crate) name: String,
    path: PathBuf,
    format: Format,
    /// The encoding that has to be decoded before rows can be found.
    wide: Option<&'static Encoding>,
    /// Where the bytes of the reader begin in the file.
    start: u64,
    reader: csv::Reader<Source>,
    budget: Arc<AtomicUsize>,
}

impl Rows {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path, format: Format) -> Result<Self, ConnectError> {
        let name = name_of(path);
        let place = format!("file {name}");
        let (head, length) = read_head(path).map_err(|error| explain(&error, &place))?;
        let (encoding, mark) = Encoding::for_bom(&head).unwrap_or((format.encoding, 0));
        let wide = (encoding == UTF_16LE || encoding == UTF_16BE).then_some(encoding);
        refuse_binary(&head, wide.is_some(), &place)?;
        let start = mark as u64;
        let budget = Arc::new(AtomicUsize::new(MAX_RECORD_BYTES));
        let reader = Source::open(path, start, wide, Arc::clone(&budget))
            .map_err(|error| explain(&error, &place))?;
        let mut rows = Self {
            header: Vec::new(),
            fingerprint: format!("{length}-{}", hex(&Sha256::digest(&head)[..16])),
            // What has been decoded is UTF-8.
            encoding: if wide.is_some() { UTF_8 } else { encoding },
            row: 0,
            name,
            path: path.to_owned(),
            format,
            wide,
            start,
            reader: csv_reader(reader, format),
            budget,
        };
        rows.read_header()?;
        Ok(rows)
    }

    /// Reads the next row; false at the end of the file.
    pub(crate) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, ConnectError> {
        self.budget.store(MAX_RECORD_BYTES, Ordering::Relaxed);
        match self.reader.read_byte_record(record) {
            Ok(more) => {
                self.row += u64::from(more);
                Ok(more)
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Returns the byte of the file at which the next row begins, when rows can be sought.
    pub(crate) fn offset(&self) -> Option<u64> {
        let byte = self.start + self.reader.position().byte();
        self.wide.is_none().then_some(byte)
    }

    /// Goes behind a row: to its byte when that is known, else by reading up to it.
    pub(crate) fn go_behind(&mut self, row: u64, offset: Option<u64>) -> Result<(), ConnectError> {
        if let Some(offset) = offset {
            self.reopen(offset)?;
            self.row = row;
            return Ok(());
        }
        let mut record = ByteRecord::new();
        while self.row < row && self.next(&mut record)? {}
        Ok(())
    }

    fn reopen(&mut self, start: u64) -> Result<(), ConnectError> {
        let source = Source::open(&self.path, start, self.wide, Arc::clone(&self.budget))
            .map_err(|error| explain(&error, &format!("file {}", self.name)))?;
        self.reader = csv_reader(source, self.format);
        self.start = start;
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), ConnectError> {
        let mut record = ByteRecord::new();
        let more = self.next(&mut record)?;
        self.row = 0;
        if !self.format.header {
            self.header = (1..=record.len()).map(|at| format!("c{at}")).collect();
            // The first row is a row.
            return self.reopen(self.start);
        }
        if !more {
            return Err(ConnectError::data(
                format!("file {}", self.name),
                "is empty, without even a header",
                "export it again, or set header = false",
            ));
        }
        for cell in &record {
            let encoding = self.encoding;
            let decoded = encoding.decode_without_bom_handling_and_without_replacement(cell);
            let Some(name) = decoded else {
                return Err(ConnectError::data(
                    format!("file {} line 1", self.name),
                    format!("the header is not {}", encoding.name()),
                    "set `encoding` in [source.config], as in \"windows-1256\"",
                ));
            };
            self.header.push(name.trim().to_owned());
        }
        Ok(())
    }

    fn explain(&self, error: &csv::Error) -> ConnectError {
        let place = format!("file {} behind row {}", self.name, self.row);
        if self.budget.load(Ordering::Relaxed) == 0 {
            return ConnectError::data(
                place,
                "a row is longer than 8 MiB; a quote may not be closed",
                "correct the row, or set quote = \"none\"",
            );
        }
        if let csv::ErrorKind::Io(error) = error.kind() {
            return explain(error, &place);
        }
        ConnectError::data(place, "is not delimited text", "export it again")
    }
}

fn csv_reader(source: Source, format: Format) -> csv::Reader<Source> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(format.delimiter)
        .quoting(format.quote.is_some())
        .quote(format.quote.unwrap_or(b'"'))
        .buffer_capacity(64 * 1024)
        .from_reader(source)
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
            "export it as CSV",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "is an old spreadsheet",
            "export it as CSV",
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
