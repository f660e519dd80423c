//! Evaluation: a partition against the truth, the scores of pairs against the truth, and what no
//! scorer could have reached.
//!
//! Invariant: everything here is counted in whole numbers and in the order of ids, so a result does
//! not depend on the order of the records.

mod blocking;
mod calibration;
mod contingency;
mod curve;
mod distance;
mod group;
mod rate;

pub(crate) use blocking::Judge;
pub use blocking::{Blocking, blocking};
pub use calibration::{Calibration, CalibrationBin};
pub use contingency::{Contingency, SizeCount};
pub use curve::{Curve, CurvePoint};
pub use distance::MergeDistance;
pub use group::{Disparity, GroupErrors, by_group};
pub use rate::{Interval, Rate, Rates, wilson};

use rate::{float, ratio};

/// How far a partition agrees with the truth. Pairs are pairs of records.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metrics {
    /// Records that were judged.
    pub records: u64,
    /// People in the truth.
    pub people: u64,
    /// Clusters found.
    pub clusters: u64,
    /// Pairs found that are true.
    pub true_pairs: u64,
    /// Pairs found.
    pub found_pairs: u64,
    /// Pairs in the truth.
    pub known_pairs: u64,
    /// People who share a cluster with somebody else.
    pub over_merged: u64,
    /// People whose records lie in more than one cluster.
    pub split: u64,
    /// People whose cluster is exactly their records.
    pub exact: u64,
    /// Pieces into which clusters and people cut each other: the records of one person in one
    /// cluster are one piece.
    pub pieces: u64,
    /// Sum over the records of the share of their cluster that is their person.
    pub own_share: f64,
    /// Sum over the records of the share of their person that is in their cluster.
    pub reunited_share: f64,
}

impl Metrics {
    /// Share of found pairs that are true; 1 when none is found.
    pub fn precision(&self) -> f64 {
        ratio(self.true_pairs, self.found_pairs)
    }

    /// Share of true pairs that are found; 1 when there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_pairs, self.known_pairs)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        self.pairwise().f1()
    }

    /// Precision and recall over pairs; a large cluster weighs as the square of its size.
    pub fn pairwise(&self) -> Rates {
        Rates {
            precision: self.precision(),
            recall: self.recall(),
        }
    }

    /// B-cubed precision and recall: every record weighs the same.
    pub fn b_cubed(&self) -> Rates {
        let mean = |sum: f64| {
            if self.records == 0 {
                1.0
            } else {
                sum / float(self.records)
            }
        };
        Rates {
            precision: mean(self.own_share),
            recall: mean(self.reunited_share),
        }
    }

    /// Precision and recall over whole clusters: only an exact one counts.
    pub fn cluster(&self) -> Rates {
        Rates {
            precision: ratio(self.exact, self.clusters),
            recall: ratio(self.exact, self.people),
        }
    }

    /// Share of people whose cluster is exactly theirs.
    pub fn exact_rate(&self) -> f64 {
        ratio(self.exact, self.people)
    }

    /// Share of people who share a cluster with somebody else, the error that harms people most.
    pub fn over_merge(&self) -> Rate {
        Rate::of(self.over_merged, self.people)
    }

    /// Share of people whose records lie in more than one cluster.
    pub fn under_merge(&self) -> Rate {
        Rate::of(self.split, self.people)
    }

    /// What it takes to turn the clusters into the truth.
    pub fn merge_distance(&self) -> MergeDistance {
        MergeDistance {
            splits: self.pieces - self.clusters,
            merges: self.pieces - self.people,
            records: self.records,
        }
    }
}

/// Compares a partition with the truth. `items` gives cluster and person of every record; records
/// whose person is unknown are not to be given.
pub fn evaluate(items: impl Iterator<Item = (u64, u64)>) -> Metrics {
    Contingency::of(items).metrics()
}

/// Returns the number of pairs of `count` things.
const fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests;
