//! The prior: how many pairs of one person there are among all pairs.

use super::evidence::{DeterministicRule, Evidence};
use super::pattern::real;

/// The largest share of pairs of one person that is believed.
const MOST: f64 = 0.9;

/// What the deterministic rules say about the prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorEstimate {
    /// Log2 odds that a pair drawn at random is of one person.
    pub bits: f64,
    /// The expected number of pairs of one person.
    pub matches: f64,
}

/// Reckons the prior from the pairs of deterministic rules and the share of all pairs of one
/// person that they are stated to make. Returns `None` when the rules make no pair, when there
/// are no pairs at all, or when the recall is not above 0 and at most 1.
pub fn estimate_prior(
    rules: &[DeterministicRule],
    recall: f64,
    total_pairs: u64,
) -> Option<PriorEstimate> {
    let made: u64 = rules.iter().map(|rule| rule.pairs).sum();
    if made == 0 || total_pairs == 0 || !(recall > 0.0 && recall <= 1.0) {
        return None;
    }
    let total = real(total_pairs);
    let matches = (real(made) / recall).min(total * MOST);
    Some(PriorEstimate {
        bits: (matches / (total - matches)).log2(),
        matches,
    })
}

/// The odds of the classes in the whole population, against strangers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odds {
    pub(super) same: f64,
    /// Zero when the model knows no relatives.
    pub(super) kin: f64,
}

impl Odds {
    /// Returns the odds that a prior and the model's proportion of relatives make.
    pub(super) fn of(prior: f64, kin_prior: Option<f64>) -> Self {
        // Far enough, and no product of ratios of shares overflows with it.
        let bits = |bits: f64| bits.clamp(-50.0, 50.0).exp2();
        Self {
            same: bits(prior),
            kin: kin_prior.map_or(0.0, |kin| bits(prior - kin)),
        }
    }
}

/// Returns the prior that training uses: that of the rules, or the model file's.
pub(super) fn prior(evidence: &Evidence) -> (f64, Option<PriorEstimate>) {
    let estimate = estimate_prior(
        &evidence.deterministic,
        evidence.recall,
        evidence.total_pairs,
    );
    (
        estimate.map_or(evidence.prior, |known| known.bits),
        estimate,
    )
}
