//! What other thresholds would have given.

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::rate::{Rates, ratio};
use crate::weight::MatchWeight;

/// The result of linking every pair at or above a weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The threshold, in 1/1024 bit.
    #[serde(skip)]
    pub threshold: MatchWeight,
    /// Pairs at or above it.
    pub found: u64,
    /// Those that are true.
    pub true_found: u64,
    /// What that amounts to.
    #[serde(flatten)]
    pub rates: Rates,
}

/// Precision and recall of scored pairs by threshold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Evenly spaced thresholds, the least first.
    pub points: Vec<CurvePoint>,
    /// The threshold of the best F1 of all, not only of `points`; the highest when several are as
    /// good. `None` without pairs.
    pub best: Option<CurvePoint>,
}

impl Curve {
    /// Judges scored pairs, each once. `known_pairs` counts the pairs in the truth, also those that
    /// were never scored, for which recall must answer; `steps` is how many thresholds are wanted.
    pub fn of(
        pairs: impl Iterator<Item = (MatchWeight, bool)>,
        known_pairs: u64,
        steps: usize,
    ) -> Self {
        let sums = sums(pairs, known_pairs);
        let (Some(highest), Some(least)) = (sums.first(), sums.last()) else {
            return Self::default();
        };
        let best = sums.iter().copied().reduce(|best, point| {
            if point.rates.f1() > best.rates.f1() {
                point
            } else {
                best
            }
        });
        let points = spaced(least.threshold.0, highest.threshold.0, steps);
        let points = points.map(|threshold| {
            // `sums` falls by weight; the last one not below the threshold holds all that are.
            let covered = sums.partition_point(|point| point.threshold.0 >= threshold);
            let threshold = MatchWeight(threshold);
            CurvePoint {
                threshold,
                ..sums[covered.saturating_sub(1)]
            }
        });
        Self {
            points: points.collect(),
            best,
        }
    }

    /// Returns what linking at or above a threshold gives, from the nearest point not above it.
    pub fn at(&self, threshold: MatchWeight) -> Option<&CurvePoint> {
        let below = self
            .points
            .partition_point(|point| point.threshold <= threshold);
        self.points.get(below.checked_sub(1)?)
    }
}

/// Returns a point for every weight that occurs, the highest first. There are far fewer weights than
/// pairs, so pairs are counted as they come and not kept.
fn sums(pairs: impl Iterator<Item = (MatchWeight, bool)>, known_pairs: u64) -> Vec<CurvePoint> {
    let mut counts: FxHashMap<i32, (u64, u64)> = FxHashMap::default();
    for (weight, is_true) in pairs {
        let (all, right) = counts.entry(weight.0).or_default();
        *all += 1;
        *right += u64::from(is_true);
    }
    let mut counts: Vec<(i32, (u64, u64))> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let (mut found, mut true_found) = (0, 0);
    let points = counts.into_iter().map(|(weight, (all, right))| {
        found += all;
        true_found += right;
        let rates = Rates {
            precision: ratio(true_found, found),
            recall: ratio(true_found, known_pairs),
        };
        CurvePoint {
            threshold: MatchWeight(weight),
            found,
            true_found,
            rates,
        }
    });
    points.collect()
}

/// Returns `steps` evenly spaced weights from `least` to `highest`, both included; one when they are
/// the same.
fn spaced(least: i32, highest: i32, steps: usize) -> impl Iterator<Item = i32> {
    let span = i64::from(highest) - i64::from(least);
    let gaps = if span == 0 {
        0
    } else {
        i64::try_from(steps.saturating_sub(1)).unwrap_or(1).max(1)
    };
    (0..=gaps).map(move |step| {
        let rise = if gaps == 0 { 0 } else { span * step / gaps };
        i32::try_from(i64::from(least) + rise).unwrap_or(highest)
    })
}

#[cfg(test)]
mod tests {
    use super::Curve;
    use crate::weight::MatchWeight;

    fn curve(pairs: &[(i32, bool)], known: u64, steps: usize) -> Curve {
        let pairs = pairs
            .iter()
            .map(|(weight, truth)| (MatchWeight(*weight), *truth));
        Curve::of(pairs, known, steps)
    }

    #[test]
    fn points_are_those_of_a_small_case_by_hand() {
        // Five true pairs in all, one of which was never scored.
        let pairs = [
            (40, true),
            (30, true),
            (30, true),
            (20, false),
            (10, true),
            (0, false),
        ];
        let curve = curve(&pairs, 5, 5);
        let found: Vec<(i32, u64, u64)> = curve
            .points
            .iter()
            .map(|point| (point.threshold.0, point.found, point.true_found))
            .collect();
        assert_eq!(
            found,
            [(0, 6, 4), (10, 5, 4), (20, 4, 3), (30, 3, 3), (40, 1, 1)]
        );
        let best = curve.best.expect("a best point");
        // At 10: precision 4/5, recall 4/5. At 30: 1 and 3/5, F1 0.75.
        assert_eq!(best.threshold.0, 10);
        assert!((best.rates.f1() - 0.8).abs() < 1e-12);
        assert_eq!(curve.at(MatchWeight(35)).map(|point| point.found), Some(3));
        assert_eq!(curve.at(MatchWeight(-1)), None);
    }

    #[test]
    fn nothing_and_one_weight_are_fine() {
        assert_eq!(curve(&[], 3, 100), Curve::default());
        let one = curve(&[(7, true), (7, false)], 1, 100);
        assert_eq!(one.points.len(), 1);
        assert_eq!(one.best, Some(one.points[0]));
        // Fewer than two steps would have no two ends.
        assert_eq!(curve(&[(1, true), (2, true)], 2, 0).points.len(), 2);
    }

    #[test]
    fn equal_f1_takes_the_higher_threshold() {
        let same = curve(
            &[(5, true), (4, false), (4, false), (3, true), (3, true)],
            3,
            10,
        );
        // At 5: precision 1, recall 1/3, F1 1/2. At 3: 3/5 and 1, F1 3/4.
        assert_eq!(same.best.map(|point| point.threshold.0), Some(3));
        let tie = curve(&[(5, true), (4, false), (3, true)], 2, 10);
        // At 5: 1 and 1/2, F1 2/3. At 3: 2/3 and 1, F1 4/5.
        assert_eq!(tie.best.map(|point| point.threshold.0), Some(3));
        let level = curve(&[(5, false), (4, false)], 2, 10);
        assert_eq!(level.best.map(|point| point.threshold.0), Some(5));
    }
}
