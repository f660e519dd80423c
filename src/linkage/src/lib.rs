//! The record-linkage engine: which records are the same person.
//!
//! Invariant: everything here is a pure function of the records, the model and the human
//! decisions. There is no clock, no randomness, no I/O; weights are integers; ties are broken by
//! what records are, never by when they came. So one state gives one result, on any number of
//! threads and in any order of arrival.

mod aligned;
mod batch;
mod blocking;
mod cluster;
mod comparison;
mod continuity;
pub mod evaluation;
mod explanation;
mod index;
mod judgement;
mod model;
mod pack;
mod prefetch;
mod registry;
mod rule;
#[cfg(test)]
mod soak;
mod standardise;
mod survivorship;
pub mod training;
mod verdict;
mod weight;

pub use batch::{
    Batch, Candidates, Edge, Partition, Scored, Standardiser, Trained, TrainingError,
    TrainingOptions, WeightHistogram,
};
pub use blocking::{RuleCount, SkippedBlock};
pub use comparison::{LineageAgreement, NameAgreement, NameReading, SlotAgreement};
pub use continuity::{ClusterChange, Retired, continue_identity};
pub use explanation::{Explanation, Step};
pub use index::{Index, Linked};
pub use judgement::{Judged, Judgements};
pub use model::{
    Adjust, BlockingRule, ColumnSpec, ColumnType, Comparison, ComparisonType, Decision, Definite,
    Imported, KeyPart, LevelWeight, LinkageModel, ModelError, Predicate, Rule, Shares, SourcePair,
    Sources, Take, TermFrequency, Test, TestKind, import_splink,
};
pub use pack::{Lexicon, Pack};
pub use standardise::Cells;
pub use standardise::identifier::NationalId;
pub use survivorship::{
    Criterion, LostValue, Standing, Survivorship, SurvivorshipError, golden_record, lost_values,
};
pub use verdict::{Verdict, judge};
pub use weight::{BIT, MatchWeight};

/// Returns the words of a name in match form, in order, by the shipped pack: what a search compares.
pub fn name_key(text: &str) -> Vec<String> {
    by_default_pack(|pack| standardise::name::words(pack, text)).unwrap_or_default()
}

/// Returns the consonant skeleton of a word in match form; the same across scripts.
pub fn name_skeleton(word: &str) -> String {
    by_default_pack(|pack| standardise::name::skeleton(pack, word)).unwrap_or_default()
}

/// Compares two names, each in either script, slot by slot, by the shipped pack.
pub fn compare_names(left: &str, right: &str) -> NameAgreement {
    by_default_pack(|pack| pack.compare_names(left, right))
        .unwrap_or_else(|| Pack::default().compare_names(left, right))
}

/// Reads the structure of a national id in any digits; `None` when it cannot be one.
pub fn national_id(text: &str) -> Option<NationalId> {
    let packed = standardise::identifier::pack(text)?;
    by_default_pack(|pack| {
        standardise::identifier::national_id(pack.national_id.as_ref()?, packed)
    })?
}

/// Returns a telephone number as E.164 digits, or `None` when `text` is not one.
pub fn phone(text: &str) -> Option<String> {
    by_default_pack(|pack| standardise::identifier::phone(pack, text))?
}

/// Returns how many words of a text the shipped pack lists as names of people; a compound is one.
pub fn listed_names(text: &str) -> usize {
    let listed = |pack: &Pack| {
        let words = standardise::name::words(pack, text);
        let is_listed = |word: &&String| pack.lexicon.classes_of(word)[0] != 0;
        words.iter().filter(is_listed).count()
    };
    by_default_pack(listed).unwrap_or_default()
}

/// Returns the ASCII digits of a number in any digits.
pub fn digits(text: &str) -> String {
    standardise::script::digits_of(text)
}

fn by_default_pack<T>(read: impl FnOnce(&Pack) -> T) -> Option<T> {
    Pack::shipped(Pack::SHIPPED[0]).ok().map(|pack| read(&pack))
}
