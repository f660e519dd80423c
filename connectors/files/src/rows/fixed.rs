//! Rows of cells at places of a record.

use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use encoding_rs::Encoding;
use rabt_connect::{ConnectError, Fault};

use super::source::Source;
use super::{Looked, MAX_RECORD_BYTES, Records, Value};
use crate::charset::Charset;
use crate::folder::explain;
use crate::format::{Layout, Unit};

/// What ended a file on DOS; it is no record.
const END_OF_FILE: u8 = 0x1a;

/// A fixed-width file, open at a record.
pub(super) struct Rows {
    path: PathBuf,
    name: String,
    layout: Layout,
    /// How cells become text.
    charset: Charset,
    /// The encoding that has to be decoded before records can be found.
    wide: Option<&'static Encoding>,
    /// The byte of the file at which the next record begins.
    next_byte: u64,
    reader: BufReader<Source>,
    budget: Arc<AtomicUsize>,
    record: Vec<u8>,
    /// Where each character of the record begins, when characters have several bytes.
    characters: Vec<usize>,
    row: u64,
}

/// Opens a file and goes behind its heading.
pub(super) fn open(
    looked: &Looked<'_>,
    layout: &Layout,
    charset: Charset,
    start: u64,
) -> Result<(Vec<String>, Rows), ConnectError> {
    let wide = charset.wide();
    if wide.is_some() && (layout.unit == Unit::Bytes || !layout.line_ends) {
        return Err(ConnectError::data(
            looked.place.clone(),
            format!("is {}, of which no bytes are counted", charset.name()),
            "set unit = \"characters\" and line_ends = true for it",
        ));
    }
    let budget = Arc::new(AtomicUsize::new(MAX_RECORD_BYTES));
    let source = Source::open(looked.path, start, wide, Arc::clone(&budget))
        .map_err(|error| explain(&error, &looked.place))?;
    let mut rows = Rows {
        path: looked.path.to_owned(),
        name: looked.name.clone(),
        layout: layout.clone(),
        charset: if wide.is_some() {
            Charset::UTF_8
        } else {
            charset
        },
        wide,
        next_byte: start,
        reader: BufReader::with_capacity(64 * 1024, source),
        budget,
        record: Vec::new(),
        characters: Vec::new(),
        row: 0,
    };
    if layout.header {
        rows.next()?;
        rows.row = 0;
    }
    let names = layout.columns.iter().map(|column| column.name.clone());
    Ok((names.collect(), rows))
}

impl Rows {
    /// Reads a record as its bytes; false when there is none.
    fn read_record(&mut self) -> std::io::Result<bool> {
        self.budget.store(MAX_RECORD_BYTES, Ordering::Relaxed);
        if self.layout.line_ends {
            return self.read_line();
        }
        self.record.clear();
        let length = self.layout.record_length as u64;
        let taken = (&mut self.reader)
            .take(length)
            .read_to_end(&mut self.record)?;
        self.next_byte += taken as u64;
        // What is left behind the last record may only be the end of a line or of a file.
        let is_rest = |byte: &u8| matches!(*byte, b'\r' | b'\n' | END_OF_FILE);
        let is_whole = taken == self.layout.record_length;
        Ok(is_whole || !self.record.iter().all(is_rest))
    }

    /// Reads a line that is not empty.
    fn read_line(&mut self) -> std::io::Result<bool> {
        loop {
            self.record.clear();
            let taken = self.reader.read_until(b'\n', &mut self.record)?;
            self.next_byte += taken as u64;
            let is_whole = self.record.pop_if(|byte| *byte == b'\n').is_some();
            if is_whole {
                self.record.pop_if(|byte| *byte == b'\r');
            }
            if !is_whole && matches!(self.record.as_slice(), [] | [END_OF_FILE]) {
                return Ok(false);
            }
            if !self.record.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Notes where the characters of the record begin. Bytes that are no text are one character, as
    /// they are for those who look at the file.
    fn find_characters(&mut self) {
        self.characters.clear();
        if !self.counts_characters() || self.record.is_ascii() {
            return;
        }
        let mut at = 0;
        for chunk in self.record.utf8_chunks() {
            let valid = chunk.valid();
            let starts = valid.char_indices().map(|(index, _)| at + index);
            self.characters.extend(starts);
            at += valid.len();
            if !chunk.invalid().is_empty() {
                self.characters.push(at);
                at += chunk.invalid().len();
            }
        }
    }

    fn counts_characters(&self) -> bool {
        self.layout.unit == Unit::Characters && !self.charset.is_single_byte()
    }

    /// Returns the length of the record in the unit of the layout.
    fn length(&self) -> usize {
        if self.characters.is_empty() {
            return self.record.len();
        }
        self.characters.len()
    }

    /// Returns the bytes of a stretch of the record, as much of it as is there.
    fn slice(&self, places: Range<usize>) -> &[u8] {
        let byte = |place: usize| {
            if self.characters.is_empty() {
                return place.min(self.record.len());
            }
            let start = self.characters.get(place);
            start.copied().unwrap_or(self.record.len())
        };
        &self.record[byte(places.start)..byte(places.end)]
    }

    fn explain(&self, error: &std::io::Error) -> ConnectError {
        let place = format!("file {} behind row {}", self.name, self.row);
        if self.budget.load(Ordering::Relaxed) == 0 {
            return ConnectError::data(
                place,
                "a record is longer than 8 MiB; records may not end in lines",
                "set line_ends = false, or correct the file",
            );
        }
        explain(error, &place)
    }
}

impl Records for Rows {
    fn next(&mut self) -> Result<bool, ConnectError> {
        let more = self.read_record().map_err(|error| self.explain(&error))?;
        if more {
            self.row += 1;
            self.find_characters();
        }
        Ok(more)
    }

    fn row(&self) -> u64 {
        self.row
    }

    fn cell(&self, at: usize) -> Value<'_> {
        let column = self.layout.columns.get(at).ok_or(Fault::NoColumn)?;
        let end = column.start + column.width;
        if end > self.length() && !self.layout.short_lines {
            return Err(Fault::RaggedRow);
        }
        let bytes = self.slice(column.start..end);
        match self.charset.decode(bytes).ok_or(Fault::NotText)? {
            std::borrow::Cow::Borrowed(text) => Ok(Some(column.trim.apply(text).into())),
            std::borrow::Cow::Owned(text) => Ok(Some(column.trim.apply(&text).to_owned().into())),
        }
    }

    fn is_ragged(&self) -> bool {
        let (length, expected) = (self.length(), self.layout.record_length);
        length > expected || (length < expected && !self.layout.short_lines)
    }

    fn width(&self) -> usize {
        self.layout.columns.len()
    }

    fn offset(&self) -> Option<u64> {
        self.wide.is_none().then_some(self.next_byte)
    }

    fn go_behind(&mut self, row: u64, offset: Option<u64>) -> Result<(), ConnectError> {
        let Some(offset) = offset else {
            while self.row < row && self.next()? {}
            return Ok(());
        };
        let source = Source::open(&self.path, offset, self.wide, Arc::clone(&self.budget))
            .map_err(|error| explain(&error, &format!("file {}", self.name)))?;
        self.reader = BufReader::with_capacity(64 * 1024, source);
        self.next_byte = offset;
        self.row = row;
        Ok(())
    }
}
