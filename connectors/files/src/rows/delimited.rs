//! Rows of cells between delimiters.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::ByteRecord;
use encoding_rs::Encoding;
use rabt_connect::{ConnectError, Fault};

use super::source::Source;
use super::{Looked, MAX_RECORD_BYTES, Records, Value};
use crate::charset::Charset;
use crate::folder::explain;
use crate::format::Delimited;

/// A delimited file, open at a row.
pub(super) struct Rows {
    path: PathBuf,
    name: String,
    format: Delimited,
    /// How cells become text.
    charset: Charset,
    /// The encoding that has to be decoded before rows can be found.
    wide: Option<&'static Encoding>,
    /// Where the bytes of the reader begin in the file.
    start: u64,
    reader: csv::Reader<Source>,
    budget: Arc<AtomicUsize>,
    record: ByteRecord,
    row: u64,
    /// Cells of the header.
    width: usize,
}

/// Opens a file and reads its header.
pub(super) fn open(
    looked: &Looked<'_>,
    format: Delimited,
    charset: Charset,
    start: u64,
) -> Result<(Vec<String>, Rows), ConnectError> {
    let wide = charset.wide();
    let budget = Arc::new(AtomicUsize::new(MAX_RECORD_BYTES));
    let source = Source::open(looked.path, start, wide, Arc::clone(&budget))
        .map_err(|error| explain(&error, &looked.place))?;
    let mut rows = Rows {
        path: looked.path.to_owned(),
        name: looked.name.clone(),
        format,
        // What has been decoded is UTF-8.
        charset: if wide.is_some() {
            Charset::UTF_8
        } else {
            charset
        },
        wide,
        start,
        reader: csv_reader(source, format),
        budget,
        record: ByteRecord::new(),
        row: 0,
        width: 0,
    };
    let header = rows.read_header()?;
    rows.width = header.len();
    Ok((header, rows))
}

impl Rows {
    fn read_header(&mut self) -> Result<Vec<String>, ConnectError> {
        let more = self.next()?;
        self.row = 0;
        if !self.format.header {
            // The first row is a row.
            self.reopen(self.start)?;
            return Ok((1..=self.record.len()).map(|at| format!("c{at}")).collect());
        }
        if !more {
            return Err(ConnectError::data(
                format!("file {}", self.name),
                "is empty, without even a header",
                "export it again, or set header = false",
            ));
        }
        let mut header = Vec::new();
        for cell in &self.record {
            let Some(name) = self.charset.decode(cell) else {
                return Err(ConnectError::data(
                    format!("file {} line 1", self.name),
                    format!("the header is not {}", self.charset.name()),
                    "set `encoding` in [source.config], as in \"windows-1256\"",
                ));
            };
            header.push(name.trim().to_owned());
        }
        Ok(header)
    }

    fn reopen(&mut self, start: u64) -> Result<(), ConnectError> {
        let source = Source::open(&self.path, start, self.wide, Arc::clone(&self.budget))
            .map_err(|error| explain(&error, &format!("file {}", self.name)))?;
        self.reader = csv_reader(source, self.format);
        self.start = start;
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

impl Records for Rows {
    fn next(&mut self) -> Result<bool, ConnectError> {
        self.budget.store(MAX_RECORD_BYTES, Ordering::Relaxed);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => {
                self.row += u64::from(more);
                Ok(more)
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn row(&self) -> u64 {
        self.row
    }

    fn cell(&self, at: usize) -> Value<'_> {
        let cell = self.record.get(at).ok_or(Fault::RaggedRow)?;
        self.charset.decode(cell).map(Some).ok_or(Fault::NotText)
    }

    fn is_ragged(&self) -> bool {
        self.record.len() != self.width
    }

    fn width(&self) -> usize {
        self.record.len()
    }

    fn offset(&self) -> Option<u64> {
        let byte = self.start + self.reader.position().byte();
        self.wide.is_none().then_some(byte)
    }

    fn go_behind(&mut self, row: u64, offset: Option<u64>) -> Result<(), ConnectError> {
        if let Some(offset) = offset {
            self.reopen(offset)?;
            self.row = row;
            return Ok(());
        }
        while self.row < row && self.next()? {}
        Ok(())
    }
}

fn csv_reader(source: Source, format: Delimited) -> csv::Reader<Source> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(format.delimiter)
        .quoting(format.quote.is_some())
        .quote(format.quote.unwrap_or(b'"'))
        .buffer_capacity(64 * 1024)
        .from_reader(source)
}
