//! What an agency's columns mean: a closed list of named steps for each attribute, no expressions.
//!
//! Invariant: applying a mapping never fails and never panics; a row that cannot be taken is a
//! rejection with a stable reason.

mod apply;
mod attribute;
mod hash;
mod lineage;
mod load;
mod reject;

use rabt_model::{AgencyId, Attribute, Kin, Pii, SourceId, SourceRecord, StreamId, Timestamp};

pub use reject::RejectReason;

use crate::message::Batch;
use crate::step::Step;

pub(crate) use load::{StreamMapping, load};

/// The mapping of one stream.
#[derive(Debug, Clone)]
pub struct Mapping {
    columns: Vec<String>,
    fields: Vec<Field>,
    only: Option<Only>,
    event_at: Option<Input>,
    /// Columns that hold the key of the row that takes a row's place, in the order of the key.
    replaced_by: Vec<String>,
}

/// Whose rows a batch holds.
#[derive(Debug, Clone, Copy)]
pub struct MappingContext<'a> {
    /// The source.
    pub source: &'a SourceId,
    /// Its agency.
    pub agency: &'a AgencyId,
    /// The stream.
    pub stream: &'a StreamId,
    /// The key columns; empty for a table without a key.
    pub key: &'a [String],
    /// The cursor column, whose text becomes the version of a record.
    pub cursor: Option<&'a str>,
    /// When the rows were read.
    pub observed_at: Timestamp,
}

/// What became of a batch: every row is a record, a rejection that is not `field_only`, or
/// skipped.
#[derive(Debug, Clone, Default)]
pub struct Mapped {
    /// The records, in the order of the rows.
    pub records: Vec<SourceRecord>,
    /// What could not be taken.
    pub rejections: Vec<Rejection>,
    /// Number of rows that the mapping's `only` leaves out.
    pub skipped: u64,
    /// Of changes alone: the keys whose last row in the batch is left out.
    pub left_out: Vec<Pii<String>>,
}

/// A row, or one value of a row, that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The row's key. A row without one is known by a hash of its cells.
    pub key: Pii<String>,
    /// The column, or columns joined by `+`; empty when the whole row is meant.
    pub column: String,
    /// Why.
    pub reason: RejectReason,
    /// Whether only this value is affected and the record was taken.
    pub field_only: bool,
}

/// One value of a record: where it comes from and what it becomes.
#[derive(Debug, Clone)]
struct Field {
    attribute: Attribute,
    /// The attribute's id, for the hash.
    id: String,
    /// The columns joined by `+`.
    column: String,
    shape: Shape,
    inputs: Vec<Input>,
}

/// What the inputs of a field are put together to.
#[derive(Debug, Clone)]
enum Shape {
    /// One input: text.
    Text,
    /// One input: a date.
    Date,
    /// One input: a name as a whole.
    Name,
    /// One input for each slot.
    NameParts(Vec<Kin>),
    /// One input for each part.
    Address(Vec<AddressPart>),
    /// One input: the other person.
    Relation(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressPart {
    Governorate,
    District,
    Street,
    Text,
}

/// Columns and the steps that make one value of them.
#[derive(Debug, Clone)]
struct Input {
    columns: Vec<String>,
    /// Steps on each column.
    head: Vec<Step>,
    /// What several columns are joined with.
    join: Option<String>,
    /// Steps on the joined text.
    tail: Vec<Step>,
    on_reject: OnReject,
}

/// What to do with a value that a step refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnReject {
    /// Reject the row.
    Row,
    /// Leave the value out.
    Field,
    /// Keep the text as it was before the step: a wrong number is evidence too.
    Keep,
}

/// Which rows to take.
#[derive(Debug, Clone)]
struct Only {
    column: String,
    values: Vec<String>,
}

impl Mapping {
    /// Returns the columns that the mapping reads, each once, in the order of their names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Returns the attributes that the mapping fills, in its order; one may come several times.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.fields.iter().map(|field| &field.attribute)
    }

    /// Returns the columns that hold the key of the row that takes a row's place, in the order of
    /// the key; none when the source does not say so.
    pub fn replaced_by(&self) -> &[String] {
        &self.replaced_by
    }

    /// Turns the rows of a batch into source records and rejections. The first row of a key is
    /// taken, later ones of the same batch are rejected.
    pub fn apply(&self, batch: &Batch, context: &MappingContext<'_>) -> Mapped {
        apply::apply(self, batch, context, false)
    }

    /// As [`apply`](Self::apply), for changes in the order in which they happened: a row takes the
    /// place of an earlier one of its key, and whoever is left out by now is told by key.
    pub fn apply_changes(&self, batch: &Batch, context: &MappingContext<'_>) -> Mapped {
        apply::apply(self, batch, context, true)
    }

    /// Returns the columns that [`keys`](Self::keys) needs beside the key: that of `only`.
    pub fn only_column(&self) -> Option<&str> {
        self.only.as_ref().map(|only| only.column.as_str())
    }

    /// Returns the keys of the rows that the mapping does not leave out, whatever else they hold. A
    /// row without a key has none.
    pub fn keys(&self, batch: &Batch, context: &MappingContext<'_>) -> Vec<Pii<String>> {
        apply::keys(self, batch, context)
    }
}

#[cfg(test)]
mod tests;
