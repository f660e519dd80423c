//! What the model itself expects above a threshold: a calibration chart without truth.

use std::collections::BTreeMap;

use super::pattern::{Counts, Pattern, real};
use super::prior::Odds;
use super::{Learned, LearnedShare};

/// The pairs whose weight lies within one bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightBucket {
    /// The weight in bits, rounded down.
    pub bits: i32,
    /// How many of the pairs are expected to be of one person.
    pub expected_true: f64,
    /// The pairs.
    pub pairs: u64,
}

/// What is expected of all pairs at or above a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// The expected share of pairs of one person among them; 1 when there are none.
    pub precision: f64,
    /// The expected share of all counted pairs of one person that they are.
    pub recall: f64,
}

/// Returns, for every bit of weight that occurs, the pairs and how many of them the learned model
/// expects to be of one person, in rising order. `counts` are candidate pairs, each counted once.
///
/// Where a model uses the rarity of values, patterns know only the average rarity.
pub fn expected_counts(learned: &Learned, counts: &Counts) -> Vec<WeightBucket> {
    let odds = Odds::of(learned.prior, learned.kin_prior);
    let mut buckets: BTreeMap<i32, (f64, u64)> = BTreeMap::new();
    for (pattern, pairs) in counts.sorted() {
        let [same, kin] = ratios(learned, pattern);
        let [same, kin] = [odds.same * same, odds.kin * kin];
        let bucket = buckets
            .entry(whole_bits(weight(learned, pattern)))
            .or_default();
        bucket.0 += real(pairs) * (same / (1.0 + same + kin));
        bucket.1 += pairs;
    }
    buckets
        .into_iter()
        .map(|(bits, (expected_true, pairs))| WeightBucket {
            bits,
            expected_true,
            pairs,
        })
        .collect()
}

/// Returns the expected precision and recall of a threshold in whole bits. Recall is that of
/// scoring alone: pairs that blocking does not make are in no bucket.
pub fn expectation(buckets: &[WeightBucket], threshold: i32) -> Expectation {
    let mut found = (0.0, 0);
    let mut all = 0.0;
    for bucket in buckets {
        all += bucket.expected_true;
        if bucket.bits >= threshold {
            found = (found.0 + bucket.expected_true, found.1 + bucket.pairs);
        }
    }
    Expectation {
        precision: if found.1 == 0 {
            1.0
        } else {
            found.0 / real(found.1)
        },
        recall: if all > 0.0 { found.0 / all } else { 1.0 },
    }
}

/// Returns the weight of a pattern in bits: the lesser of those against strangers and against
/// relatives.
pub(super) fn weight(learned: &Learned, pattern: Pattern) -> f64 {
    let [same, kin] = ratios(learned, pattern).map(f64::log2);
    let stranger = learned.prior + same;
    match learned.kin_prior {
        Some(prior) => stranger.min(prior + same - kin),
        None => stranger,
    }
}

/// Returns how much more likely a pattern is among pairs of one person, and among relatives, than
/// among strangers.
fn ratios(learned: &Learned, pattern: Pattern) -> [f64; 2] {
    let mut product = [1.0; 2];
    for (comparison, levels) in learned.shares.iter().enumerate() {
        let LearnedShare { m, u_mean, kin, .. } = levels[pattern.level(comparison)];
        product[0] *= (m / u_mean).min(1e9);
        product[1] *= (kin.unwrap_or(u_mean) / u_mean).min(1e9);
    }
    product.map(|ratio: f64| ratio.max(1e-300))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is held within ± 1,100"
)]
fn whole_bits(bits: f64) -> i32 {
    bits.floor().clamp(-1100.0, 1100.0) as i32
}
