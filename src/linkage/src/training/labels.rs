//! Shares from pairs that people have judged.
//!
//! Labelled pairs of one person give `m` by counting, and labelled relatives the shares among
//! relatives. Labelled pairs of two people are no sample of strangers: reviewers see pairs that
//! look alike. They never touch `u`; where no relatives are labelled they are divided into
//! relatives and strangers, and otherwise they only show how the trained model judges hard pairs.

use super::Learned;
use super::evidence::LabelledCounts;
use super::expectation::weight;
use super::expectation_maximisation::{Slice, fit};
use super::pattern::{Counts, real};
use super::report::{LabelCheck, Reason, TrainingReport};
use super::share::{ENOUGH, Fate, Settled, Shares, Table, distribution, settle};

/// Labelled pairs that the model file is worth, for each level of a comparison (Laplace
/// smoothing, centred on the file instead of on equal shares).
pub const PSEUDO_COUNT: f64 = 1.0;

/// Counts the shares of every comparison among labelled pairs.
pub(super) fn count(pairs: &Counts, file: &Table) -> Vec<Settled> {
    let per_comparison = file.iter().enumerate();
    per_comparison
        .map(|(comparison, file)| {
            let seen = pairs.by_level(comparison).map(real);
            smooth(&seen[..file.len()], file)
        })
        .collect()
}

fn smooth(seen: &[f64], file: &[f64]) -> Settled {
    let pairs: f64 = seen[1..].iter().sum();
    if pairs < ENOUGH {
        return Settled::kept(file, pairs);
    }
    let mixed = real(file.len() as u64 - 1) * PSEUDO_COUNT;
    let counts = seen
        .iter()
        .zip(file)
        .map(|(seen, file)| seen + mixed * file);
    let fate = |seen: &f64| {
        if *seen > 0.0 {
            Fate::Learned
        } else {
            Fate::NeverSeen
        }
    };
    let mut fates: Vec<Fate> = seen.iter().map(fate).collect();
    fates[0] = Fate::TooFew;
    Settled {
        shares: distribution(counts),
        fates,
        pairs,
    }
}

/// Returns the shares among relatives that labels give, when they can give any.
pub(super) fn relatives(
    labels: &LabelledCounts,
    shares: &Shares,
    report: &mut TrainingReport,
) -> Option<Vec<Settled>> {
    if let Some(kin) = &labels.kin {
        return Some(count(kin, &shares.kin));
    }
    let used = vec![true; shares.kin.len()];
    let mut slices = [Slice::of(&labels.different, &used, shares, [0.0, 0.5])];
    let fitted = fit(&mut slices, shares);
    if slices[0].expected()[1] < ENOUGH {
        report.warn(
            Reason::LabelsUnused,
            "The labelled pairs of two people hold too few relatives to learn from.".to_owned(),
        );
        return None;
    }
    let none = [false; super::Pattern::LEVELS];
    let tables = fitted.kin.iter().zip(&shares.kin);
    Some(
        tables
            .map(|(seen, file)| settle(seen, file, &none))
            .collect(),
    )
}

/// Weighs the labelled pairs with the trained model.
pub(super) fn check(labels: &LabelledCounts, learned: &Learned) -> LabelCheck {
    let below = |counts: &Counts| {
        let sorted = counts.sorted().into_iter();
        sorted
            .filter(|(pattern, _)| weight(learned, *pattern) < 0.0)
            .map(|(_, pairs)| pairs)
            .sum::<u64>()
    };
    let (mut different, mut different_below) = (labels.different.pairs(), below(&labels.different));
    if let Some(kin) = &labels.kin {
        different += kin.pairs();
        different_below += below(kin);
    }
    LabelCheck {
        same: labels.same.pairs(),
        same_below_zero: below(&labels.same),
        different,
        different_above_zero: different - different_below,
    }
}
