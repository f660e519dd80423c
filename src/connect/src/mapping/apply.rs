//! From a batch of text to source records.
//!
//! Columns are found once for a batch, texts are copied once for a value, and nothing is looked up
//! by name inside the loop over the rows.

mod input;
mod replaced;
mod value;

use std::collections::{HashMap, HashSet};

use rabt_model::{Pii, RecordId, RecordValue, SourceRecord, Timestamp};

use input::{BoundInput, FieldRefused, RowRefused};
use value::{compose, parse_timestamp};

use super::hash::ContentHash;
use super::{Field, Input, Mapped, Mapping, MappingContext, RejectReason, Rejection, attribute};
use crate::hex::hex;
use crate::message::{Batch, Cell, Fault};
use crate::step::Out;

/// What separates the parts of a composite key.
const KEY_SEPARATOR: char = '\u{1f}';

/// A mapping whose columns have been found in a batch.
struct Bound<'m> {
    fields: Vec<(&'m Field, Vec<BoundInput<'m>>)>,
    only: Option<(usize, &'m [String], &'m str)>,
    event_at: Option<BoundInput<'m>>,
    key: Vec<usize>,
    key_column: String,
    version: Option<usize>,
    replaced_by: Vec<(usize, &'m str)>,
    this_year: i16,
}

/// What is known of the rows of a batch so far.
struct Taking {
    mapped: Mapped,
    /// Where the record of a key stands.
    keys: HashMap<String, usize>,
    /// Keys whose last row is left out; nothing is kept when rows are no changes.
    left_out: HashSet<String>,
    changes: bool,
}

pub(super) fn apply(
    mapping: &Mapping,
    batch: &Batch,
    context: &MappingContext<'_>,
    changes: bool,
) -> Mapped {
    let bound = Bound::new(mapping, batch, context);
    let mut taking = Taking {
        mapped: Mapped {
            records: Vec::with_capacity(batch.rows()),
            ..Mapped::default()
        },
        keys: HashMap::with_capacity(batch.rows()),
        left_out: HashSet::new(),
        changes,
    };
    for row in 0..batch.rows() {
        bound.take_row(batch, row, context, &mut taking);
    }
    let left_out = taking.left_out.into_iter().map(Pii::new).collect();
    Mapped {
        left_out,
        ..taking.mapped
    }
}

pub(super) fn keys(
    mapping: &Mapping,
    batch: &Batch,
    context: &MappingContext<'_>,
) -> Vec<Pii<String>> {
    let bound = Bound::new(mapping, batch, context);
    (0..batch.rows())
        .filter(|row| bound.is_wanted(batch, *row).unwrap_or(true))
        .filter_map(|row| bound.key_of(batch, row).ok().map(Pii::new))
        .collect()
}

impl<'m> Bound<'m> {
    fn new(mapping: &'m Mapping, batch: &Batch, context: &MappingContext<'_>) -> Self {
        // A column that is not there reads as `Fault::NoColumn`, row by row.
        let find = |name: &str| batch.index_of(name).unwrap_or(usize::MAX);
        let bind = |input: &'m Input, codes| BoundInput {
            input,
            columns: input.columns.iter().map(|name| find(name)).collect(),
            codes,
        };
        let fields = mapping
            .fields
            .iter()
            .map(|field| {
                let codes = attribute::codes(&field.attribute);
                let inputs = field.inputs.iter().map(|input| bind(input, codes));
                (field, inputs.collect())
            })
            .collect();
        Self {
            fields,
            only: mapping
                .only
                .as_ref()
                .map(|only| (find(&only.column), &*only.values, only.column.as_str())),
            event_at: mapping.event_at.as_ref().map(|input| bind(input, None)),
            key: context.key.iter().map(|name| find(name)).collect(),
            key_column: context.key.join("+"),
            version: context.cursor.map(find),
            replaced_by: mapping
                .replaced_by
                .iter()
                .map(|name| (find(name), name.as_str()))
                .collect(),
            this_year: year_of(context.observed_at),
        }
    }

    fn take_row(
        &self,
        batch: &Batch,
        row: usize,
        context: &MappingContext<'_>,
        taking: &mut Taking,
    ) {
        let mapped = &mut taking.mapped;
        match self.is_wanted(batch, row) {
            Ok(true) => {}
            Ok(false) => {
                mapped.skipped += 1;
                if taking.changes
                    && let Ok(key) = self.key_of(batch, row)
                {
                    taking.left_out.insert(key);
                }
                return;
            }
            Err(refused) => {
                let key = self.key_of(batch, row);
                let key = key.unwrap_or_else(|_| hash_of_cells(batch, row));
                mapped.rejections.push(refused.with_key(key));
                return;
            }
        }
        let key = match self.key_of(batch, row) {
            Ok(key) => key,
            Err(refused) => {
                let key = hash_of_cells(batch, row);
                mapped.rejections.push(refused.with_key(key));
                return;
            }
        };
        if !taking.changes && taking.keys.contains_key(&key) {
            let refused = RowRefused {
                column: self.key_column.clone(),
                reason: RejectReason::DuplicateKey,
            };
            mapped.rejections.push(refused.with_key(key));
            return;
        }
        let mut refusals = Vec::new();
        let taken = self.record(batch, row, &key, context, &mut refusals);
        let reject = |refused: FieldRefused| Rejection {
            key: Pii::new(key.clone()),
            column: refused.column,
            reason: refused.reason,
            field_only: true,
        };
        mapped.rejections.extend(refusals.into_iter().map(reject));
        match taken {
            Ok(record) => {
                taking.left_out.remove(&key);
                if let Some(place) = taking.keys.get(&key) {
                    mapped.records[*place] = record;
                } else {
                    taking.keys.insert(key, mapped.records.len());
                    mapped.records.push(record);
                }
            }
            Err(refused) => mapped.rejections.push(refused.with_key(key)),
        }
    }

    fn is_wanted(&self, batch: &Batch, row: usize) -> Result<bool, RowRefused> {
        let Some((column, values, name)) = self.only else {
            return Ok(true);
        };
        let refuse = |reason| RowRefused {
            column: name.to_owned(),
            reason,
        };
        match batch.cell(row, column) {
            Cell::Text(text) => Ok(values.iter().any(|value| value == text)),
            Cell::Null => Ok(false),
            Cell::Unchanged => Err(refuse(RejectReason::Unchanged)),
            Cell::Unreadable(fault) => Err(refuse(RejectReason::Unreadable(fault))),
        }
    }

    fn key_of(&self, batch: &Batch, row: usize) -> Result<String, RowRefused> {
        if self.key.is_empty() {
            return Ok(hash_of_cells(batch, row));
        }
        let refuse = |reason| RowRefused {
            column: self.key_column.clone(),
            reason,
        };
        let mut key = String::new();
        for (index, column) in self.key.iter().enumerate() {
            if index > 0 {
                key.push(KEY_SEPARATOR);
            }
            match batch.cell(row, *column) {
                Cell::Text(part) if part.contains(KEY_SEPARATOR) => {
                    return Err(refuse(RejectReason::BadKey));
                }
                Cell::Text(part) if !part.trim().is_empty() => key.push_str(part),
                Cell::Text(_) | Cell::Null | Cell::Unchanged => {
                    return Err(refuse(RejectReason::MissingKey));
                }
                Cell::Unreadable(Fault::RaggedRow) => {
                    return Err(refuse(RejectReason::Unreadable(Fault::RaggedRow)));
                }
                Cell::Unreadable(_) => return Err(refuse(RejectReason::MissingKey)),
            }
        }
        Ok(key)
    }

    fn record(
        &self,
        batch: &Batch,
        row: usize,
        key: &str,
        context: &MappingContext<'_>,
        refusals: &mut Vec<FieldRefused>,
    ) -> Result<SourceRecord, RowRefused> {
        let version = self
            .version
            .and_then(|column| match batch.cell(row, column) {
                Cell::Text(text) => Some(text),
                Cell::Null | Cell::Unchanged | Cell::Unreadable(_) => None,
            });
        let mut hash = ContentHash::new();
        hash.text(key);
        hash.optional(version);
        let mut values = Vec::with_capacity(self.fields.len());
        for (field, inputs) in &self.fields {
            let value = compose(field, inputs, batch, row, self.this_year, refusals)?;
            let Some(value) = value else { continue };
            hash.text(&field.id);
            hash.value(&value);
            values.push(RecordValue {
                attribute: field.attribute.clone(),
                value: Pii::new(value),
                column: field.column.clone(),
            });
        }
        if values.is_empty() {
            return Err(RowRefused {
                column: String::new(),
                reason: RejectReason::NoValue,
            });
        }
        // The time of the change decides between values, so a row with another one is changed.
        let event_at = self.event_at(batch, row, refusals)?;
        hash.optional(event_at.map(|at| at.to_string()).as_deref());
        let replaced_by = self.replaced_by(batch, row, key, refusals)?;
        if let Some(key) = &replaced_by {
            hash.text("replaced_by");
            hash.text(key);
        }
        Ok(SourceRecord {
            id: RecordId {
                source: context.source.clone(),
                stream: context.stream.clone(),
                key: Pii::new(key.to_owned()),
            },
            agency: context.agency.clone(),
            values,
            version: version.map(str::to_owned),
            replaced_by: replaced_by.map(Pii::new),
            event_at,
            observed_at: context.observed_at,
            content_hash: hash.finish(),
        })
    }

    fn event_at(
        &self,
        batch: &Batch,
        row: usize,
        refusals: &mut Vec<FieldRefused>,
    ) -> Result<Option<Timestamp>, RowRefused> {
        let Some(input) = &self.event_at else {
            return Ok(None);
        };
        let timestamp = match input.take(batch, row, self.this_year, refusals)? {
            Out::Absent => return Ok(None),
            Out::Text(text) => parse_timestamp(text.trim()),
            Out::Date(date) => parse_timestamp(&date.to_string()),
        };
        if timestamp.is_none() {
            refusals.push(FieldRefused {
                column: input.input.columns.join("+"),
                reason: RejectReason::BadTimestamp,
            });
        }
        Ok(timestamp)
    }
}

impl RowRefused {
    fn with_key(self, key: String) -> Rejection {
        Rejection {
            key: Pii::new(key),
            column: self.column,
            reason: self.reason,
            field_only: false,
        }
    }
}

/// Returns the key of a row that has none of its own: a hash of its cells, 32 hexadecimal digits.
fn hash_of_cells(batch: &Batch, row: usize) -> String {
    let mut hash = ContentHash::new();
    for column in 0..batch.columns().len() {
        match batch.cell(row, column) {
            Cell::Text(text) => hash.optional(Some(text)),
            Cell::Null => hash.optional(None),
            Cell::Unchanged => hash.text("unchanged"),
            Cell::Unreadable(fault) => hash.text(fault.code()),
        }
    }
    hex(&hash.finish()[..16])
}

fn year_of(timestamp: Timestamp) -> i16 {
    timestamp.to_zoned(jiff::tz::TimeZone::UTC).year()
}
