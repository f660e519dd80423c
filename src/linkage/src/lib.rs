//! The record-linkage engine: which records are the same person.
//!
//! Invariant: everything here is a pure function of the records, the model and the human
//! decisions. There is no clock, no randomness, no I/O; weights are integers; ties are broken by
//! what records are, never by when they came. So one state gives one result, on any number of
//! threads and in any order of arrival.

mod blocking;
mod cluster;
mod comparison;
mod continuity;
pub mod evaluation;
mod explanation;
mod index;
mod model;
mod registry;
mod standardise;
mod survivorship;
mod verdict;
mod weight;

pub use blocking::SkippedBlock;
pub use continuity::{ClusterChange, continue_identity};
pub use explanation::{Explanation, Step};
pub use index::{Index, Linked};
pub use model::{
    BlockingRule, ColumnSpec, ColumnType, Comparison, ComparisonType, Decision, KeyPart,
    LevelWeight, LinkageModel, ModelError, Take,
};
pub use standardise::identifier::{NationalId, phone};
pub use standardise::{Cells, Lexicon};
pub use survivorship::golden_record;
pub use verdict::{Verdict, judge};
pub use weight::{BIT, MatchWeight};

/// Returns the words of a name in match form, in order: what a search compares.
pub fn name_key(text: &str) -> Vec<String> {
    standardise::name::words(text)
}

/// Returns the consonant skeleton of a word in match form; the same across scripts.
pub fn name_skeleton(word: &str) -> String {
    standardise::name::skeleton(word)
}

/// Reads the structure of a national id in any digits; `None` when it cannot be one.
pub fn national_id(text: &str) -> Option<NationalId> {
    standardise::identifier::national_id(standardise::identifier::pack(text)?)
}

/// Returns the ASCII digits of a number in any digits.
pub fn digits(text: &str) -> String {
    standardise::script::digits_of(text)
}
