//! The golden record, and the profile as it is served.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AgencyId, Attribute, CitizenId, Pii, RecordNumber, SourceId, StreamId, Value};

/// Which rule chose a golden value. Each rule has one sentence in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Only one record holds a value.
    OnlyValue,
    /// All records that hold a value agree.
    Agreed,
    /// More records hold this value than any other.
    Majority,
    /// The source of highest rank for this attribute holds this value.
    SourceRank,
    /// The record that changed last holds this value.
    MostRecent,
    /// The value is valid in itself and the others are not, or are less complete.
    Validity,
    /// One of many values that are all kept.
    Kept,
    /// The record of truth for this attribute holds this value.
    RecordOfTruth,
    /// No rule tells the values apart; the record whose key is first holds this one.
    FirstRecord,
}

/// The composed values of one cluster, before it has an identity. Indices point into the slice of
/// members that it was composed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenRecord {
    /// The chosen values, ordered by attribute, then value.
    pub values: Vec<GoldenValue>,
}

/// One chosen value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenValue {
    /// What is known.
    pub attribute: Attribute,
    /// Index of the member that the value is taken from.
    pub member: usize,
    /// Index of the value in that member's `values`.
    pub value: usize,
    /// The rule that chose it.
    pub rule: Rule,
    /// Whether another member holds a value that contradicts it.
    pub disputed: bool,
    /// Indices of the members that hold an equal value, the chosen one included, ascending.
    pub supporters: Vec<usize>,
}

/// A citizen as Rabt serves them. Only `service` holds one; edges see a disclosure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who it is.
    pub citizen: CitizenId,
    /// The chosen values with their origin.
    pub values: Vec<Attributed>,
    /// Which agencies hold a record, without its content.
    pub holdings: Vec<Holding>,
    /// When the profile last changed.
    pub composed_at: Timestamp,
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// What is known.
    pub attribute: Attribute,
    /// The value.
    pub value: Pii<Value>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The rule that chose it.
    pub rule: Rule,
    /// Whether another record contradicts it.
    pub disputed: bool,
    /// Number of records that hold an equal value, this one included.
    pub supporters: u32,
}

/// A value that records hold and that does not stand in the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherValue {
    /// What is known.
    pub attribute: Attribute,
    /// The value.
    pub value: Pii<Value>,
    /// Who holds it, one at least, the holder that speaks for it first.
    pub holders: Vec<Provenance>,
    /// The rule that put another value before it.
    pub rule: Rule,
    /// Whether it contradicts the value that stands, rather than being less complete or one more
    /// of many.
    pub disputes: bool,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Whose it is.
    pub agency: AgencyId,
    /// Which database.
    pub source: SourceId,
    /// Which table or view.
    pub stream: StreamId,
    /// Which record, by its number in storage.
    pub record: RecordNumber,
    /// The agency's column or columns.
    pub column: String,
    /// When Rabt read it.
    pub observed_at: Timestamp,
    /// When the source says it changed.
    pub event_at: Option<Timestamp>,
}

/// That an agency holds a record about the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Who holds it.
    pub agency: AgencyId,
    /// In which database.
    pub source: SourceId,
    /// In which table or view.
    pub stream: StreamId,
    /// Which record.
    pub record: RecordNumber,
    /// When Rabt last read it.
    pub observed_at: Timestamp,
}
