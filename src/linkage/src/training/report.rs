//! What was learned, what was not, and why: in sentences, and in fields for a program.

use super::prior::PriorEstimate;

/// Why something was not learned, or deserves a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The deterministic rules say nothing about the prior.
    NoPrior,
    /// Too few pairs have both values.
    TooFewPairs,
    /// The level was never seen.
    NeverSeen,
    /// The level was seen less than five times.
    Rare,
    /// Most sampled pairs of the level are expected to be of one person or of relatives.
    NotStrangers,
    /// Every pass holds the comparison constant.
    Excluded,
    /// A pass holds next to no pairs of a class.
    Collapsed,
    /// The classes have changed places.
    Switched,
    /// The iterations ended without settling.
    NotConverged,
    /// Two levels weigh the other way round than in the model file.
    Order,
    /// A pass expects more pairs of one person than the prior does.
    PriorTooLow,
    /// Labels were not used for this.
    LabelsUnused,
}

impl Reason {
    /// Returns a short name for use in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoPrior => "no-prior",
            Self::TooFewPairs => "too-few-pairs",
            Self::NeverSeen => "never-seen",
            Self::Rare => "rare",
            Self::NotStrangers => "not-strangers",
            Self::Excluded => "excluded",
            Self::Collapsed => "collapsed",
            Self::Switched => "switched",
            Self::NotConverged => "not-converged",
            Self::Order => "order",
            Self::PriorTooLow => "prior-too-low",
            Self::LabelsUnused => "labels-unused",
        }
    }
}

/// One thing that was not learned, or that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// The comparison that it concerns.
    pub comparison: Option<String>,
    /// The level that it concerns.
    pub level: Option<String>,
    /// All of it in a sentence.
    pub sentence: String,
}

/// What came of one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct PassReport {
    /// The blocking rule.
    pub rule_id: String,
    /// The pairs of the pass.
    pub pairs: u64,
    /// The different patterns among them.
    pub patterns: usize,
    /// Expected pairs of one person.
    pub expected_same: f64,
    /// Expected pairs of close relatives.
    pub expected_kin: f64,
    /// Whether its shares were used.
    pub used: bool,
}

/// How the trained model judges the labelled pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LabelCheck {
    /// Labelled pairs of one person.
    pub same: u64,
    /// Those of them that weigh below zero.
    pub same_below_zero: u64,
    /// Labelled pairs of two people.
    pub different: u64,
    /// Those of them that weigh zero or more.
    pub different_above_zero: u64,
}

/// All that training has to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingReport {
    /// What the deterministic rules said, when they said something.
    pub prior: Option<PriorEstimate>,
    /// The passes, in their order.
    pub passes: Vec<PassReport>,
    /// The log-likelihood of every iteration over the passes, in natural units, against all
    /// pairs being strangers, with the start from the model file counted in; it never decreases.
    pub log_likelihood: Vec<f64>,
    /// Whether no share moved any more at the last iteration.
    pub converged: bool,
    /// What was learned.
    pub learned: Vec<String>,
    /// What was not: the model file's value is kept.
    pub not_learned: Vec<Finding>,
    /// What deserves a look.
    pub warnings: Vec<Finding>,
    /// How the trained model judges the labels, when there are any.
    pub labels: Option<LabelCheck>,
}

impl TrainingReport {
    /// Returns the report as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let passes = self.passes.iter().map(|pass| {
            format!(
                "Pass '{}': {} pairs in {} patterns; {} expected of one person, {} of relatives{}.",
                pass.rule_id,
                pass.pairs,
                pass.patterns,
                whole(pass.expected_same),
                whole(pass.expected_kin),
                if pass.used { "" } else { "; not used" },
            )
        });
        let iterations = (!self.passes.is_empty()).then(|| {
            let settled = if self.converged { "settled" } else { "ended" };
            format!(
                "The passes {settled} after {} iterations.",
                self.log_likelihood.len()
            )
        });
        let findings = self.not_learned.iter().chain(&self.warnings);
        let labels = self.labels.iter().map(|check| {
            format!(
                "Labels: {} of {} pairs of one person weigh below zero, {} of {} pairs of two \
                 people weigh zero or more.",
                check.same_below_zero, check.same, check.different_above_zero, check.different
            )
        });
        self.learned
            .iter()
            .cloned()
            .chain(passes)
            .chain(iterations)
            .chain(labels)
            .chain(findings.map(|finding| finding.sentence.clone()))
            .collect()
    }

    pub(super) fn miss(&mut self, reason: Reason, sentence: String) {
        self.not_learned.push(Finding {
            reason,
            comparison: None,
            level: None,
            sentence,
        });
    }

    pub(super) fn warn(&mut self, reason: Reason, sentence: String) {
        self.warnings.push(Finding {
            reason,
            comparison: None,
            level: None,
            sentence,
        });
    }
}

/// Writes an expected number as a whole one.
pub(super) fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// Writes a share with the digits that matter.
pub(super) fn share(share: f64) -> String {
    if share >= 0.001 {
        format!("{share:.4}")
    } else {
        format!("{share:.1e}")
    }
}
