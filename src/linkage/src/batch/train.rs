//! Training on a batch: draws the pairs, counts what they show, and writes what
//! [`training`](crate::training) makes of it into a model.
//!
//! Invariant: which pairs are drawn depends on what records are (the hash of an identity, the hash
//! of a blocking key), never on rows or threads. So the same records give the same model, bit for
//! bit, in any order and on any number of threads.

mod choice;
mod frequency;
mod judged;
mod pairs;
mod pass;
mod write_back;

use crate::model::{LinkageModel, ModelError, Shares};
use crate::standardise::Standardised;
use crate::training::{
    ComparisonInfo, DeterministicRule, Evidence, EvidenceError, LabelledCounts, Pass, Share,
    TrainingReport, train,
};

use super::Batch;
use pass::{Made, PassRule};

/// How to train.
#[derive(Debug, Clone)]
pub struct TrainingOptions<'a> {
    /// The name of the trained model; that of the old one when absent.
    pub name: Option<&'a str>,
    /// The blocking rules whose pairs are learned from, by name; chosen when empty.
    pub passes: &'a [String],
    /// The passes of which surely agreeing pairs are counted to reckon the prior, by name; all
    /// passes when empty.
    pub rules: &'a [String],
    /// Pairs drawn at random.
    pub random_pairs: u64,
    /// The most pairs of one pass.
    pub pass_pairs: u64,
    /// The share of all pairs of one person that the rules of the prior are held to make.
    pub recall: f64,
    /// Per row: the number of its person, where it is known.
    pub labels: Option<&'a [Option<u32>]>,
    /// Leaves the thresholds where they are although priors move; if not, those of link and review
    /// move by as much as the prior against strangers falls, so that the evidence that they ask
    /// for stays the same.
    pub keep_thresholds: bool,
}

impl Default for TrainingOptions<'_> {
    fn default() -> Self {
        Self {
            name: None,
            passes: &[],
            rules: &[],
            random_pairs: 250_000,
            pass_pairs: 100_000,
            recall: 0.9,
            labels: None,
            keep_thresholds: true,
        }
    }
}

/// A trained model, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model; its version is one more than that of the old one.
    pub model: LinkageModel,
    /// What was learned, what was not, and why.
    pub report: TrainingReport,
}

/// Why a model could not be trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainingError {
    /// A pass that the model has no blocking rule for.
    #[error("the model has no blocking rule '{0}'")]
    NoSuchRule(String),
    /// A rule of the prior that is no pass.
    #[error("'{0}' is none of the passes, so that its pairs cannot be counted for the prior")]
    NoSuchPass(String),
    /// Not one label for every record.
    #[error("{labels} labels for {records} records")]
    Labels {
        /// The number of labels.
        labels: usize,
        /// The number of records.
        records: usize,
    },
    /// The evidence and the model do not fit.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// What was learned is no model.
    #[error("what was learned is no model: {0}")]
    Model(ModelError),
}

impl Batch {
    /// Learns priors and shares from the records themselves, and from labels where there are any.
    ///
    /// # Errors
    /// When a named rule does not exist, or labels and records do not correspond.
    pub fn train(&self, options: &TrainingOptions<'_>) -> Result<Trained, TrainingError> {
        if let Some(labels) = options.labels
            && labels.len() != self.len()
        {
            return Err(TrainingError::Labels {
                labels: labels.len(),
                records: self.len(),
            });
        }
        let (model, data) = (&*self.model, &self.data);
        let labels = options
            .labels
            .map(|labels| self.arrangement.by_place(labels));
        let options = &TrainingOptions {
            labels: labels.as_deref(),
            ..options.clone()
        };
        let rules = choice::passes(model, options)?;
        let made = pass::make_all(model, data, &rules, options);
        let labels = options
            .labels
            .map(|labels| judged::count(model, data, labels, &rules, &made));
        let evidence = evidence(model, data, options, rules, made, labels);
        let learned = train(&evidence)?;
        let mut trained =
            write_back::write(model, learned, options).map_err(TrainingError::Model)?;
        frequency::learn(&mut trained, data).map_err(TrainingError::Model)?;
        Ok(trained)
    }
}

fn evidence(
    model: &LinkageModel,
    data: &Standardised,
    options: &TrainingOptions<'_>,
    rules: Vec<PassRule>,
    made: Vec<Made>,
    labels: Option<LabelledCounts>,
) -> Evidence {
    let records = data.len() as u64;
    let counted = |rule: &PassRule| options.rules.is_empty() || options.rules.contains(&rule.id);
    let deterministic = rules.iter().zip(&made).filter(|(rule, _)| counted(rule));
    let deterministic = deterministic.map(|(rule, made)| DeterministicRule {
        id: rule.id.clone(),
        pairs: made.sure,
    });
    Evidence {
        comparisons: model.comparisons.iter().map(info).collect(),
        prior: bits(model.decision.prior),
        kin_prior: model.decision.kin_prior.map(bits),
        random: pairs::random(model, data, options.random_pairs),
        total_pairs: records * records.saturating_sub(1) / 2,
        deterministic: deterministic.collect(),
        recall: options.recall,
        passes: rules
            .into_iter()
            .zip(made)
            .map(|(rule, made)| Pass {
                rule_id: rule.id,
                excluded: rule.constant,
                counts: made.counts,
            })
            .collect(),
        labels,
    }
}

fn info(comparison: &crate::model::Comparison) -> ComparisonInfo {
    let share = |Shares { m, u, kin }: &Shares| Share {
        m: *m,
        u: *u,
        kin: *kin,
    };
    ComparisonInfo {
        id: comparison.id.clone(),
        levels: comparison.levels().to_vec(),
        initial: comparison.shares.iter().map(share).collect(),
    }
}

fn bits(weight: i32) -> f64 {
    crate::MatchWeight(weight).as_bits()
}

/// Returns in how many of the chosen passes the comparison is free that is free in the fewest.
#[cfg(test)]
pub(super) fn least_free(model: &LinkageModel) -> usize {
    let passes = choice::passes(model, &TrainingOptions::default()).unwrap_or_default();
    let free = (0..model.comparisons.len()).map(|comparison| {
        let free = passes
            .iter()
            .filter(|pass| !pass.constant.contains(&comparison));
        free.count().min(2)
    });
    free.min().unwrap_or_default()
}

#[cfg(test)]
mod tests;
