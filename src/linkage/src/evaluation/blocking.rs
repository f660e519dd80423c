//! What blocking left for the scorer: its recall, and the best result any scorer could reach.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use super::evaluate;
use super::rate::{Rates, ratio};

/// How many true pairs are among the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Blocking {
    /// Candidate pairs of two records whose person is known.
    pub candidate_pairs: u64,
    /// Those that are true.
    pub true_pairs: u64,
    /// True pairs that a chain of true candidates joins, the candidates themselves included.
    pub closed_pairs: u64,
    /// Pairs in the truth.
    pub known_pairs: u64,
}

impl Blocking {
    /// Share of the true pairs that are candidates; 1 when there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_pairs, self.known_pairs)
    }

    /// Share of the true pairs that are candidates or that a chain of true candidates joins.
    pub fn closed_recall(&self) -> f64 {
        ratio(self.closed_pairs, self.known_pairs)
    }

    /// The best pairwise F1 any scorer could reach on these candidates: it takes every true one and
    /// no other.
    pub fn ceiling(&self) -> f64 {
        perfect(self.recall())
    }

    /// The same when records joined by a chain are one cluster.
    pub fn closed_ceiling(&self) -> f64 {
        perfect(self.closed_recall())
    }
}

fn perfect(recall: f64) -> f64 {
    let precision = 1.0;
    Rates { precision, recall }.f1()
}

/// Judges candidate pairs. `people` gives the true person of every record, `None` where it is not
/// known; `candidates` gives each pair once, as positions in `people`.
pub fn blocking(
    people: &[Option<u32>],
    candidates: impl Iterator<Item = (usize, usize)>,
) -> Blocking {
    let judge = Judge::new(people);
    let seen = candidates.filter_map(|(left, right)| judge.see(left, right));
    let (judged, right) = seen.fold((0, 0), |(judged, right), same| {
        (judged + 1, right + u64::from(same))
    });
    judge.finish(judged, right)
}

/// Judges candidate pairs as they come, on any number of threads, and keeps none of them.
pub(crate) struct Judge<'a> {
    people: &'a [Option<u32>],
    sets: Sets,
}

impl<'a> Judge<'a> {
    /// Returns a judge that has seen no pair.
    pub(crate) fn new(people: &'a [Option<u32>]) -> Self {
        Self {
            people,
            sets: Sets::new(people.len()),
        }
    }

    /// Says whether a candidate pair is true; `None` when that is not known.
    pub(crate) fn see(&self, left: usize, right: usize) -> Option<bool> {
        let same = self.people[left]? == self.people[right]?;
        if same {
            self.sets.join(left, right);
        }
        Some(same)
    }

    /// Returns what was seen: pairs of which the truth is known, and the true ones among them.
    pub(crate) fn finish(self, candidate_pairs: u64, true_pairs: u64) -> Blocking {
        let known = self.people.iter().enumerate();
        let items = known.filter_map(|(at, person)| {
            let root = self.sets.root(at);
            Some((
                u64::try_from(root).unwrap_or(u64::MAX),
                u64::from((*person)?),
            ))
        });
        let metrics = evaluate(items);
        Blocking {
            candidate_pairs,
            true_pairs,
            // Only true pairs were joined, so no set holds two people.
            closed_pairs: metrics.found_pairs,
            known_pairs: metrics.known_pairs,
        }
    }
}

/// Disjoint sets of records that several threads join. The root of a set is its lowest record, so
/// the order of the joins changes nothing.
struct Sets {
    parents: Vec<AtomicUsize>,
}

impl Sets {
    fn new(len: usize) -> Self {
        Self {
            parents: (0..len).map(AtomicUsize::new).collect(),
        }
    }

    fn root(&self, mut at: usize) -> usize {
        loop {
            let above = self.parents[at].load(Relaxed);
            if above == at {
                return at;
            }
            // Halving the path on the way keeps later searches short. A parent only ever becomes a
            // lower record of its set, so a write that comes late is still right.
            let higher = self.parents[above].load(Relaxed);
            self.parents[at].fetch_min(higher, Relaxed);
            at = higher;
        }
    }

    fn join(&self, left: usize, right: usize) {
        loop {
            let (left, right) = (self.root(left), self.root(right));
            let (low, high) = (left.min(right), left.max(right));
            // Another thread may have joined `high` in between: then its new root is asked for.
            let joined = self.parents[high].compare_exchange(high, low, Relaxed, Relaxed);
            if low == high || joined.is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::blocking;

    #[test]
    fn a_chain_reaches_pairs_that_are_no_candidates() {
        // Person 7: records 0-3; person 8: 4, 5; record 6 is nobody's.
        let people = [7, 7, 7, 7, 8, 8].map(Some);
        let people: Vec<Option<u32>> = people.into_iter().chain([None]).collect();
        // A chain over 0, 1, 2; a false pair; a pair of which nothing is known.
        let candidates = [(0, 1), (2, 1), (3, 4), (0, 6)];
        let result = blocking(&people, candidates.into_iter());
        assert_eq!((result.candidate_pairs, result.true_pairs), (3, 2));
        assert_eq!((result.known_pairs, result.closed_pairs), (7, 3));
        assert!((result.recall() - 2.0 / 7.0).abs() < 1e-12);
        // 2 · 1 · 2/7 / (1 + 2/7) = 4/9, and with the chain 6/10.
        assert!((result.ceiling() - 4.0 / 9.0).abs() < 1e-12);
        assert!((result.closed_ceiling() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn all_pairs_leave_nothing_out_and_none_leave_everything_out() {
        let people = [Some(1), Some(1), Some(2)];
        let all = blocking(&people, [(0, 1), (0, 2), (1, 2)].into_iter());
        assert!((all.ceiling() - 1.0).abs() < 1e-12);
        let none = blocking(&people, std::iter::empty());
        assert!((none.ceiling()).abs() < 1e-12);
        let nobody = blocking(&[], std::iter::empty());
        assert!((nobody.recall() - 1.0).abs() < 1e-12);
    }
}
