//! Shares from pairs that people have judged.
//!
//! Labelled pairs of one person give `m` by counting, and labelled relatives the shares among
//! relatives. Labelled pairs of two people are no sample of strangers: reviewers see pairs that
//! look alike. They never touch `u`; where no relatives are labelled they are divided into
//! relatives and strangers, and otherwise they only show how the trained model judges hard pairs.
//! As in any pass, those that a key makes say nothing of what the key holds constant: relatives
//! would seem to share their birth dates.

use super::Learned;
use super::evidence::{LabelledCounts, Pass};
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
    let slice = |pass: &Pass| Slice::of(&pass.counts, &pass.free(shares), shares, [0.0, 0.5]);
    let mut slices: Vec<Slice> = labels.different.iter().map(slice).collect();
    let fitted = fit(&mut slices, shares);
    let relatives: f64 = slices.iter().map(|slice| slice.expected()[1]).sum();
    if relatives < ENOUGH {
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
    let of_passes = labels.different.iter().map(|pass| &pass.counts);
    let (mut different, mut different_below) = (0, 0);
    for counts in of_passes.chain(&labels.kin) {
        different += counts.pairs();
        different_below += below(counts);
    }
    LabelCheck {
        same: labels.same.pairs(),
        same_below_zero: below(&labels.same),
        different,
        different_above_zero: different - different_below,
    }
}
