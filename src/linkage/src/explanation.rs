//! Explanations: what each comparison of a pair added, from the same integers that decided it.

use crate::comparison::{contribution, score};
use crate::model::LinkageModel;
use crate::rule::{self, Factors};
use crate::standardise::Standardised;
use crate::verdict::{Verdict, judge};
use crate::weight::MatchWeight;

/// Why a pair has its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The model's prior against strangers and, when it knows relatives, against them.
    pub prior: (i32, Option<i32>),
    /// What each comparison added, in the order of the model.
    pub steps: Vec<Step>,
    /// The definite rule that decided in place of the sums, when one holds.
    pub rule: Option<String>,
    /// The weight that decided; the lesser of the two sums unless a rule decided.
    pub weight: MatchWeight,
    /// What the thresholds make of it.
    pub verdict: Verdict,
}

/// What one comparison added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The comparison.
    pub comparison: String,
    /// The level it found.
    pub level: String,
    /// Against strangers, in 1/1024 bit.
    pub stranger: i32,
    /// Against close relatives, in 1/1024 bit.
    pub kin: i32,
}

/// Explains a pair of rows.
pub(crate) fn explain(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> Explanation {
    let (vector, weight) = score(model, data, left, right);
    let factors = Factors::of(model, data, left, right);
    let steps =
        vector
            .iter()
            .zip(&model.comparisons)
            .enumerate()
            .map(|(index, (outcome, comparison))| {
                let plain = contribution(comparison, *outcome);
                let adjusted = factors.as_ref().map(|factors| factors.apply(index, plain));
                let (stranger, kin) = adjusted.unwrap_or(plain);
                Step {
                    comparison: comparison.id.clone(),
                    level: comparison.levels()[usize::from(outcome.level)].clone(),
                    stranger,
                    kin,
                }
            });
    Explanation {
        prior: (model.decision.prior, model.decision.kin_prior),
        steps: steps.collect(),
        rule: rule::holding(model, data, left, right).map(|rule| rule.id.clone()),
        weight,
        verdict: judge(model, weight),
    }
}

impl Explanation {
    /// Returns the two sums of the steps and the prior: against strangers and against relatives.
    /// The lesser is the weight, unless a rule decided.
    pub fn sums(&self) -> (i32, Option<i32>) {
        let stranger = self.prior.0 + self.steps.iter().map(|step| step.stranger).sum::<i32>();
        let kin = self
            .prior
            .1
            .map(|prior| prior + self.steps.iter().map(|step| step.kin).sum::<i32>());
        (stranger, kin)
    }
}
