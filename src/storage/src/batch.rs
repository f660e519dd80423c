//! What becomes of each record of one call: the decision, without the database.
//!
//! Invariant: rows are in the order of stream and key, each id once, so that every writer touches
//! the tables in one order.

use rabt_model::{RecordNumber, SourceId, SourceRecord, StreamId};

use crate::StorageError;
use crate::body::encode_values;
use crate::convert::{corrupt, to_micros};
use crate::names::Names;
use crate::row::PutOutcome;

/// The records of one call, sorted.
pub(crate) struct Batch<'a> {
    rows: Vec<BatchRow<'a>>,
    /// For each record of the call, the row that holds its id.
    places: Vec<usize>,
}

struct BatchRow<'a> {
    stream: i64,
    record: &'a SourceRecord,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Same(i64),
    Changed(i64),
}

/// The rows of one stream, by their keys.
pub(crate) struct StreamKeys<'a> {
    pub(crate) number: i64,
    pub(crate) source: &'a SourceId,
    pub(crate) stream: &'a StreamId,
    /// Index in the batch of the first key.
    pub(crate) first: usize,
    pub(crate) keys: Vec<&'a str>,
}

/// A row to write: a new record, or a new version of a held one. It is personal, so it has no
/// `Debug`.
pub(crate) struct WriteRow<'a> {
    pub(crate) number: i64,
    pub(crate) stream: i64,
    pub(crate) key: &'a str,
    pub(crate) content_hash: &'a [u8; 32],
    pub(crate) version: Option<&'a str>,
    pub(crate) event_at: Option<i64>,
    pub(crate) observed_at: i64,
    pub(crate) body: String,
}

impl<'a> Batch<'a> {
    /// Sorts the records, whose streams all have numbers.
    pub(crate) fn new(records: &'a [SourceRecord], names: &Names) -> Result<Self, StorageError> {
        let mut order = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let stream = names
                .stream_number(&record.id.source, &record.id.stream)
                .ok_or_else(|| corrupt("streams", "a name was not given a number"))?;
            let key = record.id.key.expose().as_str();
            if key.contains('\0') {
                return Err(StorageError::Conflict {
                    problem: format!(
                        "a key of {}/{} contains a NUL, which no record's key may",
                        record.id.source, record.id.stream
                    ),
                });
            }
            order.push((stream, key, index));
        }
        order.sort_unstable();
        let mut rows: Vec<BatchRow<'a>> = Vec::with_capacity(order.len());
        let mut places = vec![0; records.len()];
        let mut before = None;
        for (stream, key, index) in order {
            let record = &records[index];
            // Equal ids stand in the order of the call, so the last one stays.
            if before.replace((stream, key)) == Some((stream, key)) {
                rows.pop();
            }
            places[index] = rows.len();
            let fate = Fate::New;
            rows.push(BatchRow {
                stream,
                record,
                fate,
            });
        }
        Ok(Self { rows, places })
    }

    /// Returns the keys to look up, by stream.
    pub(crate) fn streams(&self) -> Vec<StreamKeys<'a>> {
        let mut streams: Vec<StreamKeys<'a>> = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let key = row.record.id.key.expose().as_str();
            match streams.last_mut() {
                Some(last) if last.number == row.stream => last.keys.push(key),
                Some(_) | None => streams.push(StreamKeys {
                    number: row.stream,
                    source: &row.record.id.source,
                    stream: &row.record.id.stream,
                    first: index,
                    keys: vec![key],
                }),
            }
        }
        streams
    }

    /// Learns that the row at `index` is held under `number` with `content_hash`.
    pub(crate) fn held(&mut self, index: usize, number: i64, content_hash: &[u8]) {
        if let Some(row) = self.rows.get_mut(index) {
            row.fate = if row.record.content_hash == content_hash {
                Fate::Same(number)
            } else {
                Fate::Changed(number)
            };
        }
    }

    /// Returns how many records are new.
    pub(crate) fn count_new(&self) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.fate == Fate::New).count()
    }

    /// Returns what to insert, numbered in order from `numbers`, and what to update; and the
    /// outcome of the call.
    pub(crate) fn writes(
        self,
        names: &Names,
        mut numbers: impl Iterator<Item = i64>,
    ) -> Result<Writes<'a>, StorageError> {
        let mut writes = Writes::default();
        let mut given = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let number = match row.fate {
                Fate::Same(number) | Fate::Changed(number) => number,
                Fate::New => numbers
                    .next()
                    .ok_or_else(|| corrupt("records", "numbers ran out"))?,
            };
            given.push(RecordNumber(number));
            match row.fate {
                Fate::Same(_) => {}
                Fate::Changed(_) => writes.updates.push(row.write(names, number)?),
                Fate::New => writes.inserts.push(row.write(names, number)?),
            }
        }
        let outcome = &mut writes.outcome;
        outcome.inserted = writes.inserts.len() as u64;
        outcome.updated = writes.updates.len() as u64;
        outcome.unchanged = self.places.len() as u64 - outcome.inserted - outcome.updated;
        outcome.numbers = self.places.iter().map(|place| given[*place]).collect();
        Ok(writes)
    }
}

/// What a call writes, in the order of stream and key.
#[derive(Default)]
pub(crate) struct Writes<'a> {
    pub(crate) inserts: Vec<WriteRow<'a>>,
    pub(crate) updates: Vec<WriteRow<'a>>,
    pub(crate) outcome: PutOutcome,
}

impl<'a> BatchRow<'a> {
    fn write(&self, names: &Names, number: i64) -> Result<WriteRow<'a>, StorageError> {
        Ok(WriteRow {
            number,
            stream: self.stream,
            key: self.record.id.key.expose(),
            content_hash: &self.record.content_hash,
            version: self.record.version.as_deref(),
            event_at: self.record.event_at.map(to_micros),
            observed_at: to_micros(self.record.observed_at),
            body: encode_values(names, self.record)?,
        })
    }
}
