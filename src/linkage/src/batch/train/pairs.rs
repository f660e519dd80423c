//! Pairs drawn at random, and what a pair shows.

use rayon::prelude::*;

use crate::comparison::{ComparisonVector, compare};
use crate::model::LinkageModel;
use crate::standardise::Standardised;
use crate::training::{Counts, Pattern, random_pairs};

/// The most records between which pairs are drawn at random: those with the least identities,
/// which are hashes. So many fit the processor's caches better than a whole register does, and
/// are more than enough to be a sample of it.
const RECORDS: usize = 1 << 17;

/// Pairs that one thread takes at a time.
const TAKE: usize = 1 << 12;

/// Draws pairs at random and counts what they show.
pub(super) fn random(model: &LinkageModel, data: &Standardised, wanted: u64) -> Counts {
    let rows = least_identities(data);
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let pairs: Vec<(u32, u32)> = random_pairs(count, wanted, seed(model)).collect();
    let parts = pairs
        .par_chunks(TAKE)
        .fold(Counts::default, |counts, take| {
            let pairs = take
                .iter()
                .map(|(l, r)| (rows[*l as usize], rows[*r as usize]));
            count_pairs(model, data, counts, pairs)
        });
    parts.reduce(Counts::default, Counts::merge)
}

/// Counts what pairs of rows show.
pub(super) fn count_pairs(
    model: &LinkageModel,
    data: &Standardised,
    mut counts: Counts,
    pairs: impl Iterator<Item = (u32, u32)>,
) -> Counts {
    for (left, right) in pairs {
        counts.add(pattern(model, &compare(model, data, left, right)), 1);
    }
    counts
}

/// Returns the levels of a pair.
pub(super) fn pattern(model: &LinkageModel, vector: &ComparisonVector) -> Pattern {
    let outcomes = &vector[..model.comparisons.len()];
    Pattern::of(outcomes.iter().map(|outcome| outcome.level))
}

/// Returns the rows with the least identities, in the order of these.
fn least_identities(data: &Standardised) -> Vec<u32> {
    let rows = 0..u32::try_from(data.len()).unwrap_or(u32::MAX);
    // A little more than is wanted: identities are spread evenly over all numbers.
    let part = RECORDS as u128 * 9 / 8;
    let bound = match data.len() as u128 {
        few if few <= part => u128::MAX,
        many => u128::MAX / many * part,
    };
    let mut least: Vec<(u128, u32)> = rows
        .into_par_iter()
        .map(|row| (data.identity(row), row))
        .filter(|(identity, _)| *identity <= bound)
        .collect();
    least.par_sort_unstable();
    least.truncate(RECORDS);
    least.into_iter().map(|(_, row)| row).collect()
}

/// Returns a seed that is the model's own.
fn seed(model: &LinkageModel) -> u64 {
    let digits = model.fingerprint().get(..16).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default()
}
