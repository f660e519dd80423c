//! How many pairs have which weight, counted as they are scored.

use crate::weight::{BIT, MatchWeight};

/// Buckets of one bit below zero and as many above; what lies beyond is counted in the outermost.
const HALF: i32 = 128;

/// Counts of pairs by weight, one bucket a bit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeightHistogram {
    /// Empty until the first pair.
    counts: Vec<u64>,
}

impl WeightHistogram {
    /// Counts a pair.
    #[inline]
    pub fn add(&mut self, weight: MatchWeight) {
        if self.counts.is_empty() {
            self.counts = vec![0; usize::try_from(2 * HALF).unwrap_or_default()];
        }
        let bucket = weight.0.div_euclid(BIT).clamp(-HALF, HALF - 1) + HALF;
        self.counts[usize::try_from(bucket).unwrap_or_default()] += 1;
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Returns the least weight of each bucket, in bits, and its pairs: from the first bucket that
    /// has any to the last, without gaps.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        let full = |count: &u64| *count > 0;
        let first = self.counts.iter().position(full).unwrap_or_default();
        let end = self.counts.iter().rposition(full).map_or(0, |at| at + 1);
        (-HALF..)
            .zip(&self.counts)
            .take(end)
            .skip(first)
            .map(|(from, count)| (from, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::WeightHistogram;
    use crate::weight::MatchWeight;

    #[test]
    fn buckets_are_one_bit_and_hold_the_extremes() {
        let mut all = WeightHistogram::default();
        assert_eq!(all.buckets().count(), 0);
        for weight in [-1, 0, 1023, 1024, 2048] {
            all.add(MatchWeight(weight));
        }
        let found: Vec<_> = all.buckets().collect();
        assert_eq!(found, [(-1, 1), (0, 2), (1, 1), (2, 1)]);
        all.add(MatchWeight(i32::MIN));
        all.add(MatchWeight(i32::MAX));
        let found: Vec<_> = all.buckets().collect();
        assert_eq!((found[0], found.last()), ((-128, 1), Some(&(127, 1))));
    }

    #[test]
    fn merging_counts_both() {
        let (mut one, mut other) = (WeightHistogram::default(), WeightHistogram::default());
        one.add(MatchWeight(0));
        other.add(MatchWeight(0));
        other.add(MatchWeight(-5000));
        let mut sum = WeightHistogram::default();
        sum.merge(&one);
        sum.merge(&other);
        assert_eq!(sum.buckets().map(|(_, count)| count).sum::<u64>(), 3);
    }
}
