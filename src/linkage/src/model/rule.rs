//! What a model says beyond weights: rules that decide a pair, and evidence that counts for less
//! between two sources.

use super::Predicate;

/// What a definite rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Definite {
    /// The two are one.
    Match,
    /// The two are never one.
    NonMatch,
}

impl Definite {
    /// The words for it in a model file.
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("match", Self::Match), ("non_match", Self::NonMatch)];
}

/// Which sources the two records must come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// Both from one source.
    Same,
    /// From two sources.
    Different,
    /// From one of these pairs, either way round.
    Pairs(Vec<SourcePair>),
}

/// Two sources, as a model file names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePair {
    /// Their names.
    pub names: [String; 2],
    /// What cards hold of them.
    pub(crate) keys: [u64; 2],
}

/// A rule that decides a pair whatever its weight. The first rule that holds counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name in explanations.
    pub id: String,
    /// What it decides.
    pub verdict: Definite,
    /// What must hold of the pair; `None` where only the sources matter.
    pub when: Option<Predicate>,
    /// Which sources it is for; `None` is any.
    pub sources: Option<Sources>,
}

/// Evidence that counts for less between two sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjust {
    /// The comparison, by index.
    pub comparison: usize,
    /// Which sources it is for.
    pub sources: Sources,
    /// What part of the comparison's weight counts, 0 to 1.
    pub weight: f64,
    /// The same in 1/1024.
    pub(crate) scale: i32,
}
