//! Evaluation: a partition against the truth.

use std::collections::BTreeMap;

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
    /// People whose cluster is exactly their records.
    pub exact: u64,
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
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall > 0.0 {
            2.0 * precision * recall / (precision + recall)
        } else {
            0.0
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// Compares a partition with the truth. `items` gives cluster and person of every record; records
/// whose person is unknown are not to be given.
pub fn evaluate(items: impl Iterator<Item = (u64, u64)>) -> Metrics {
    let mut cells: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for (cluster, person) in items {
        *cells.entry((cluster, person)).or_default() += 1;
    }
    let mut clusters: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut people: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut metrics = Metrics::default();
    for ((cluster, person), count) in &cells {
        metrics.records += count;
        metrics.true_pairs += pairs(*count);
        for (map, id) in [(&mut clusters, cluster), (&mut people, person)] {
            let entry = map.entry(*id).or_default();
            entry.0 += count;
            entry.1 += 1;
        }
    }
    metrics.clusters = clusters.len() as u64;
    metrics.people = people.len() as u64;
    metrics.found_pairs = clusters.values().map(|(count, _)| pairs(*count)).sum();
    metrics.known_pairs = people.values().map(|(count, _)| pairs(*count)).sum();
    let mut merged: BTreeMap<u64, bool> = BTreeMap::new();
    for (cluster, person) in cells.keys() {
        let shared = clusters[cluster].1 > 1;
        *merged.entry(*person).or_default() |= shared;
        metrics.exact += u64::from(!shared && people[person].1 == 1);
    }
    metrics.over_merged = merged.values().filter(|shared| **shared).count() as u64;
    metrics
}

const fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    #[test]
    fn counts_are_those_of_a_small_case_by_hand() {
        // Person 1: records in cluster 1, 1, 2. Person 2: one record in cluster 2. Person 3: alone.
        let metrics = evaluate([(1, 1), (1, 1), (2, 1), (2, 2), (3, 3)].into_iter());
        assert_eq!(
            (metrics.true_pairs, metrics.found_pairs, metrics.known_pairs),
            (1, 2, 3)
        );
        assert_eq!(
            (metrics.people, metrics.clusters, metrics.records),
            (3, 3, 5)
        );
        assert_eq!((metrics.over_merged, metrics.exact), (2, 1));
        assert!((metrics.precision() - 0.5).abs() < 1e-12);
        assert!((metrics.recall() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_partition_is_perfect() {
        let metrics = evaluate(std::iter::empty());
        assert!((metrics.f1() - 1.0).abs() < 1e-12);
    }
}
