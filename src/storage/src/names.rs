//! Names that stand in many rows, and the small numbers that rows hold in their place.
//!
//! Invariant: a committed number never changes its meaning, so what is known here is never stale;
//! numbers that a transaction made are shared only after its commit.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use rabt_model::{AgencyId, Attribute, SourceId, SourceRecord, StreamId};
use rustc_hash::FxHashMap;

use crate::StorageError;
use crate::convert::{corrupt, parse_id};

/// A row of `streams`: number, source, stream, agency.
pub(crate) type StreamRow = (i64, String, String, String);

/// A row of `fields`: number, attribute, column.
pub(crate) type FieldRow = (i64, String, String);

/// The stream of a record, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct StreamName {
    pub(crate) source: SourceId,
    pub(crate) stream: StreamId,
    pub(crate) agency: AgencyId,
}

/// What a value is and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct FieldName {
    pub(crate) attribute: Attribute,
    pub(crate) column: String,
}

/// Both directions of both tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    streams: FxHashMap<i64, StreamName>,
    stream_numbers: FxHashMap<SourceId, FxHashMap<StreamId, i64>>,
    fields: FxHashMap<i64, FieldName>,
    field_numbers: FxHashMap<Attribute, FxHashMap<String, i64>>,
}

/// The names that records use and that have no number yet, in one order for every writer.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    pub(crate) streams: BTreeSet<(SourceId, StreamId, AgencyId)>,
    pub(crate) fields: BTreeSet<(Attribute, String)>,
}

impl Missing {
    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.fields.is_empty()
    }
}

impl Names {
    pub(crate) fn stream(&self, number: i64) -> Option<&StreamName> {
        self.streams.get(&number)
    }

    pub(crate) fn field(&self, number: i64) -> Option<&FieldName> {
        self.fields.get(&number)
    }

    pub(crate) fn stream_number(&self, source: &SourceId, stream: &StreamId) -> Option<i64> {
        self.stream_numbers.get(source)?.get(stream).copied()
    }

    pub(crate) fn field_number(&self, attribute: &Attribute, column: &str) -> Option<i64> {
        self.field_numbers.get(attribute)?.get(column).copied()
    }

    /// Returns the names of `records` that have no number. Fails when a record says that its
    /// source is another agency's than before.
    pub(crate) fn missing(&self, records: &[SourceRecord]) -> Result<Missing, StorageError> {
        let mut missing = Missing::default();
        for record in records {
            let id = &record.id;
            if let Some(number) = self.stream_number(&id.source, &id.stream) {
                self.check_agency(number, record)?;
            } else {
                let name = (id.source.clone(), id.stream.clone(), record.agency.clone());
                missing.streams.insert(name);
            }
            for value in &record.values {
                if self.field_number(&value.attribute, &value.column).is_none() {
                    let name = (value.attribute.clone(), value.column.clone());
                    missing.fields.insert(name);
                }
            }
        }
        Ok(missing)
    }

    fn check_agency(&self, number: i64, record: &SourceRecord) -> Result<(), StorageError> {
        match self.stream(number) {
            Some(name) if name.agency != record.agency => Err(StorageError::Conflict {
                problem: format!(
                    "source {} belongs to agency {}, and a record of {} names it",
                    name.source, name.agency, record.agency
                ),
            }),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn add(
        &mut self,
        streams: Vec<StreamRow>,
        fields: Vec<FieldRow>,
    ) -> Result<(), StorageError> {
        for (number, source, stream, agency) in streams {
            let name = StreamName {
                source: parse_id("streams", &source)?,
                stream: parse_id("streams", &stream)?,
                agency: parse_id("streams", &agency)?,
            };
            self.add_stream(number, name);
        }
        for (number, attribute, column) in fields {
            let attribute = attribute
                .parse()
                .map_err(|_| corrupt("fields", "the attribute is unknown"))?;
            self.add_field(number, FieldName { attribute, column });
        }
        Ok(())
    }

    fn add_stream(&mut self, number: i64, name: StreamName) {
        self.stream_numbers
            .entry(name.source.clone())
            .or_default()
            .insert(name.stream.clone(), number);
        self.streams.insert(number, name);
    }

    fn add_field(&mut self, number: i64, name: FieldName) {
        self.field_numbers
            .entry(name.attribute.clone())
            .or_default()
            .insert(name.column.clone(), number);
        self.fields.insert(number, name);
    }
}

/// The committed names that every transaction starts with.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedNames(Arc<RwLock<Arc<Names>>>);

impl SharedNames {
    /// Returns the names as a transaction sees them.
    pub(crate) fn local(&self) -> LocalNames {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        LocalNames {
            names: Arc::clone(&names),
            shared: self.clone(),
            changed: false,
        }
    }
}

/// The names of one transaction: the committed ones and its own.
#[derive(Debug)]
pub(crate) struct LocalNames {
    names: Arc<Names>,
    shared: SharedNames,
    changed: bool,
}

impl LocalNames {
    pub(crate) fn get(&self) -> &Names {
        &self.names
    }

    pub(crate) fn add(
        &mut self,
        streams: Vec<StreamRow>,
        fields: Vec<FieldRow>,
    ) -> Result<(), StorageError> {
        self.changed = true;
        Arc::make_mut(&mut self.names).add(streams, fields)
    }

    /// Shares the transaction's names; to be called after its commit.
    pub(crate) fn publish(self) {
        if !self.changed {
            return;
        }
        let mut shared = self
            .shared
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let shared = Arc::make_mut(&mut shared);
        for (number, name) in &self.names.streams {
            shared.add_stream(*number, name.clone());
        }
        for (number, name) in &self.names.fields {
            shared.add_field(*number, name.clone());
        }
    }
}
