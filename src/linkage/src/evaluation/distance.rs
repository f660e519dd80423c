//! The generalised merge distance of Menestrina, Whang and Garcia-Molina, "Evaluating entity
//! resolution results" (VLDB 2010): the cheapest way to turn one partition into another by
//! splitting and merging clusters.

use serde::Serialize;

use super::Contingency;
use super::rate::float;

/// The operations of the cheapest way when every operation costs the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MergeDistance {
    /// Clusters to split in two: each undoes a false merge.
    pub splits: u64,
    /// Clusters to merge: each repairs a missed link.
    pub merges: u64,
    /// Records in the partition.
    pub records: u64,
}

impl MergeDistance {
    /// Returns the number of operations.
    pub fn total(self) -> u64 {
        self.splits + self.merges
    }

    /// Returns the number of operations for each record; 0 when there is none.
    pub fn per_record(self) -> f64 {
        if self.records == 0 {
            0.0
        } else {
            float(self.total()) / float(self.records)
        }
    }

    /// Returns the cost when undoing a false merge costs `split` and repairing a missed link costs
    /// `merge`. For people a false merge is the worse error by far.
    pub fn cost(self, split: f64, merge: f64) -> f64 {
        float(self.splits) * split + float(self.merges) * merge
    }
}

impl Contingency {
    /// Returns the distance from the clusters to the truth when splitting a cluster into parts of
    /// `x` and `y` records costs `split(x, y)`, and merging two of that size costs `merge(x, y)`.
    ///
    /// The costs must not depend on the order of operations, as constants and `x · y` do not. With
    /// `x · y` for `split` and 0 for `merge` it is the number of false pairs; the other way round,
    /// of missed pairs.
    pub fn merge_distance(
        &self,
        split: impl Fn(u64, u64) -> u64,
        merge: impl Fn(u64, u64) -> u64,
    ) -> u64 {
        let mut merged = vec![0_u64; self.people.len()];
        let mut cost = 0;
        for cluster in self
            .pieces
            .chunk_by(|left, right| left.cluster == right.cluster)
        {
            let mut cut = 0;
            for piece in cluster {
                if cut > 0 {
                    cost += split(piece.count, cut);
                }
                cut += piece.count;
                let before = &mut merged[piece.person as usize];
                if *before > 0 {
                    cost += merge(piece.count, *before);
                }
                *before += piece.count;
            }
        }
        cost
    }
}
