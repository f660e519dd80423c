//! What training is given.

use super::pattern::{Counts, Pattern};

/// The shares of one level as the model file states them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Among pairs of one person.
    pub m: f64,
    /// Among strangers; absent when the rarity of the agreeing value is used.
    pub u: Option<f64>,
    /// Among close relatives; absent when it is as among strangers.
    pub kin: Option<f64>,
}

/// One comparison of the model to be trained.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonInfo {
    /// Its name in the report.
    pub id: String,
    /// The names of its levels; the first is `absent`.
    pub levels: Vec<String>,
    /// The shares of the model file, in the order of `levels`; that of `absent` is not read.
    pub initial: Vec<Share>,
}

/// The pairs that one blocking rule makes.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    /// The rule.
    pub rule_id: String,
    /// Comparisons that the rule's key holds constant: the pass says nothing about them.
    pub excluded: Vec<usize>,
    /// The patterns of all pairs that share a key of the rule, also of those that another rule
    /// makes too.
    pub counts: Counts,
}

/// A rule whose pairs are nearly all of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeterministicRule {
    /// Its name in the report.
    pub id: String,
    /// The pairs that it makes and no earlier rule made.
    pub pairs: u64,
}

/// Pairs that people have judged.
#[derive(Debug, Clone, Default)]
pub struct LabelledCounts {
    /// Pairs of one person.
    pub same: Counts,
    /// Pairs of two people, by the rule that makes them: hard ones, for nobody reviews strangers.
    /// One that several rules make is in each.
    pub different: Vec<Pass>,
    /// Pairs of two people known to be close relatives; not repeated in `different`.
    pub kin: Option<Counts>,
}

/// Everything that training reads.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The comparisons, in the order of the model.
    pub comparisons: Vec<ComparisonInfo>,
    /// The model file's log2 odds that a pair is one person, against strangers.
    pub prior: f64,
    /// The same against close relatives; absent when the model knows no relatives.
    pub kin_prior: Option<f64>,
    /// Patterns of pairs drawn at random from all pairs.
    pub random: Counts,
    /// The number of all pairs of records.
    pub total_pairs: u64,
    /// Pairs by blocking rule.
    pub passes: Vec<Pass>,
    /// Rules from whose pairs the prior is reckoned.
    pub deterministic: Vec<DeterministicRule>,
    /// The stated share of all pairs of one person that the deterministic rules make.
    pub recall: f64,
    /// Judged pairs, when there are any.
    pub labels: Option<LabelledCounts>,
}

/// Why evidence cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// More comparisons than a pattern holds.
    #[error("{0} comparisons; at most {most} can be trained", most = Pattern::COMPARISONS)]
    TooManyComparisons(usize),
    /// Levels and shares do not correspond, or a share is not above 0 and at most 1.
    #[error("comparison '{0}': every level but the first needs shares above 0 and at most 1")]
    Shares(String),
    /// A prior is no number.
    #[error("the priors of the model must be numbers")]
    Prior,
    /// A pattern has a level that its comparison does not have.
    #[error("comparison '{comparison}' has no level {level}")]
    Level {
        /// The comparison.
        comparison: String,
        /// The level in the pattern.
        level: usize,
    },
    /// A pass excludes a comparison that does not exist.
    #[error("pass '{0}' excludes a comparison that does not exist")]
    Excluded(String),
}

impl Evidence {
    /// Checks that patterns, levels and shares correspond.
    pub(super) fn check(&self) -> Result<(), EvidenceError> {
        if self.comparisons.len() > Pattern::COMPARISONS {
            return Err(EvidenceError::TooManyComparisons(self.comparisons.len()));
        }
        if !self.prior.is_finite() || self.kin_prior.is_some_and(|prior| !prior.is_finite()) {
            return Err(EvidenceError::Prior);
        }
        for comparison in &self.comparisons {
            let levels = comparison.levels.len();
            let fits = (2..=Pattern::LEVELS).contains(&levels)
                && comparison.initial.len() == levels
                && comparison.initial[1..].iter().all(Share::is_sound);
            if !fits {
                return Err(EvidenceError::Shares(comparison.id.clone()));
            }
        }
        let labels = self.labels.iter();
        let different = labels.clone().flat_map(|labels| &labels.different);
        let passes = self.passes.iter().chain(different);
        for pass in passes.clone() {
            if pass.excluded.iter().any(|c| *c >= self.comparisons.len()) {
                return Err(EvidenceError::Excluded(pass.rule_id.clone()));
            }
        }
        let labelled = labels.flat_map(|labels| [&labels.same].into_iter().chain(&labels.kin));
        let passes = passes.map(|pass| &pass.counts);
        for counts in passes.chain(labelled).chain([&self.random]) {
            self.check_levels(counts)?;
        }
        Ok(())
    }

    fn check_levels(&self, counts: &Counts) -> Result<(), EvidenceError> {
        for (pattern, _) in counts.sorted() {
            for (index, comparison) in self.comparisons.iter().enumerate() {
                let level = pattern.level(index);
                if level >= comparison.levels.len() {
                    return Err(EvidenceError::Level {
                        comparison: comparison.id.clone(),
                        level,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Share {
    fn is_sound(&self) -> bool {
        [Some(self.m), self.u, self.kin]
            .into_iter()
            .flatten()
            .all(|share| share > 0.0 && share <= 1.0)
    }
}
