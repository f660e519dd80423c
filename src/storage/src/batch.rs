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

/// What becomes of a version whose source dates it before what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// It is kept as a version: the source tells its changes, and they may come in any order.
    Kept,
    /// It counts: the source says what it holds now, so an older date is a correction.
    Counts,
}

/// The records of one call, sorted.
pub(crate) struct Batch<'a> {
    late: Late,
    rows: Vec<BatchRow<'a>>,
    /// Versions that are older than a later one of the same call, with the row that holds their id and
    /// their place in the call.
    overtaken: Vec<(usize, usize, &'a SourceRecord)>,
    /// For each record of the call, the row that holds its id.
    places: Vec<usize>,
}

struct BatchRow<'a> {
    stream: i64,
    record: &'a SourceRecord,
    /// Its place in the call.
    index: usize,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Same(i64),
    Changed(i64),
    /// Held in a newer version, or deleted later.
    Late(i64),
}

/// What storage holds of a record, as far as it decides the fate of another version.
pub(crate) struct HeldRow {
    pub(crate) number: i64,
    pub(crate) content_hash: Vec<u8>,
    pub(crate) version: Option<String>,
    pub(crate) event_at: Option<i64>,
    pub(crate) deleted: bool,
}

/// The rows of one stream, by their keys.
pub(crate) struct StreamKeys<'a> {
    pub(crate) number: i64,
    pub(crate) source: &'a SourceId,
    pub(crate) stream: &'a StreamId,
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
    pub(crate) fn new(
        records: &'a [SourceRecord],
        names: &Names,
        late: Late,
    ) -> Result<Self, StorageError> {
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
        let mut overtaken = Vec::new();
        let mut before = None;
        for (stream, key, index) in order {
            let record = &records[index];
            // Equal ids stand in the order of the call, so the last one stays, unless its source
            // says that it is the older one.
            if before.replace((stream, key)) == Some((stream, key))
                && let Some(last) = rows.pop()
            {
                let order = (Order::of(last.record), Order::of(record));
                if late == Late::Kept && order.1.is_before(&order.0) {
                    places[index] = rows.len();
                    overtaken.push((rows.len(), index, record));
                    rows.push(last);
                    continue;
                }
            }
            places[index] = rows.len();
            let fate = Fate::New;
            rows.push(BatchRow {
                stream,
                record,
                index,
                fate,
            });
        }
        Ok(Self {
            late,
            rows,
            overtaken,
            places,
        })
    }

    /// Returns stream and key of each row.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (i64, &'a str)> + use<'a, '_> {
        let rows = self.rows.iter();
        rows.map(|row| (row.stream, row.record.id.key.expose().as_str()))
    }

    /// Returns the streams of the rows, with their keys.
    pub(crate) fn streams(&self) -> Vec<StreamKeys<'a>> {
        let mut streams: Vec<StreamKeys<'a>> = Vec::new();
        for row in &self.rows {
            let key = row.record.id.key.expose().as_str();
            match streams.last_mut() {
                Some(last) if last.number == row.stream => last.keys.push(key),
                Some(_) | None => streams.push(StreamKeys {
                    number: row.stream,
                    source: &row.record.id.source,
                    stream: &row.record.id.stream,
                    keys: vec![key],
                }),
            }
        }
        streams
    }

    /// Learns what is held of the row at `index`.
    pub(crate) fn held(&mut self, index: usize, held: &HeldRow) {
        if let Some(row) = self.rows.get_mut(index) {
            let number = held.number;
            row.fate = if !held.deleted && row.record.content_hash == *held.content_hash {
                Fate::Same(number)
            } else if self.late == Late::Kept && Order::of(row.record).is_before(&held.order()) {
                Fate::Late(number)
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
        let mut counted = vec![false; self.places.len()];
        for row in &self.rows {
            let number = match row.fate {
                Fate::Same(number) | Fate::Changed(number) | Fate::Late(number) => number,
                Fate::New => numbers
                    .next()
                    .ok_or_else(|| corrupt("records", "numbers ran out"))?,
            };
            given.push(RecordNumber(number));
            counted[row.index] = matches!(row.fate, Fate::New | Fate::Changed(_));
            match row.fate {
                Fate::Same(_) => {}
                Fate::Changed(_) => writes.updates.push(row.write(names, number)?),
                Fate::New => writes.inserts.push(row.write(names, number)?),
                Fate::Late(_) => writes.late.push(row.write(names, number)?),
            }
        }
        for (place, index, record) in &self.overtaken {
            let row = BatchRow {
                stream: self.rows[*place].stream,
                record,
                index: *index,
                fate: Fate::New,
            };
            writes.late.push(row.write(names, given[*place].0)?);
        }
        let outcome = &mut writes.outcome;
        outcome.inserted = writes.inserts.len() as u64;
        outcome.updated = writes.updates.len() as u64;
        outcome.late = writes.late.len() as u64;
        let told = outcome.inserted + outcome.updated + outcome.late;
        outcome.unchanged = self.places.len() as u64 - told;
        outcome.counted = counted;
        outcome.numbers = self.places.iter().map(|place| given[*place]).collect();
        Ok(writes)
    }
}

/// What a call writes, in the order of stream and key.
#[derive(Default)]
pub(crate) struct Writes<'a> {
    pub(crate) inserts: Vec<WriteRow<'a>>,
    pub(crate) updates: Vec<WriteRow<'a>>,
    pub(crate) late: Vec<WriteRow<'a>>,
    pub(crate) outcome: PutOutcome,
}

/// When a version was made, as its source says: the time of its event, else its number.
pub(crate) struct Order<'a> {
    event_at: Option<i64>,
    version: Option<&'a str>,
}

impl<'a> Order<'a> {
    pub(crate) fn new(event_at: Option<i64>, version: Option<&'a str>) -> Self {
        Self { event_at, version }
    }

    fn of(record: &'a SourceRecord) -> Self {
        Self::new(record.event_at.map(to_micros), record.version.as_deref())
    }

    /// Says whether this version is certainly the older one. Times are compared when both have
    /// one, and versions when they are whole numbers; nothing else tells.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        if let (Some(this), Some(other)) = (self.event_at, other.event_at)
            && this != other
        {
            return this < other;
        }
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u128>().ok());
        match (number(self.version), number(other.version)) {
            (Some(this), Some(other)) => this < other,
            (None, _) | (_, None) => false,
        }
    }
}

impl HeldRow {
    pub(crate) fn order(&self) -> Order<'_> {
        Order::new(self.event_at, self.version.as_deref())
    }
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
