//! Components too large for a table of all their pairs.
//!
//! Clusters are joined link by link, the strongest first, while the mean weight across, in which
//! every pair that is no link counts as weakly against, stays above the bound, and while nothing
//! keeps the two apart. Memory is proportional to the links.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Constraints, Exclusive, is_ruled_out, place_in};
use crate::batch::Edge;
use crate::comparison::compare;
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// The most members that speak for the identifiers of a cluster.
const HOLDERS: usize = 16;

/// Clusters on their way; each is known by a number.
struct Clusters {
    /// Per member: its cluster.
    of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// Per cluster: the sum of the links to each other one, and their number.
    across: Vec<FxHashMap<usize, (i64, i64)>>,
    /// Per cluster: members with identifiers that exclude others, one for each identifier.
    holders: Vec<Vec<usize>>,
    /// Per cluster: those that people hold to be somebody else.
    apart: Vec<FxHashSet<usize>>,
}

/// Splits a component; `rows` are in the order of their identities. Returns places in `rows`, as
/// those of the constraints are.
pub(super) fn resolve(
    model: &LinkageModel,
    data: &Standardised,
    rows: &[u32],
    links: &[Edge],
    constraints: &Constraints<usize>,
) -> Vec<Vec<usize>> {
    let mut ordered: Vec<(i32, usize, usize)> = Vec::with_capacity(links.len());
    let mut clusters = Clusters::new(data, rows);
    for (left, right, weight) in links {
        let (Some(a), Some(b)) = (place_in(data, rows, *left), place_in(data, rows, *right)) else {
            continue;
        };
        let (a, b) = (a.min(b), a.max(b));
        ordered.push((-weight, a, b));
        clusters.link(a, b, *weight);
    }
    for (a, b) in &constraints.apart {
        clusters.apart[*a].insert(*b);
        clusters.apart[*b].insert(*a);
    }
    for group in &constraints.together {
        for member in &group[1..] {
            let (a, b) = (clusters.of[group[0]], clusters.of[*member]);
            clusters.join(a, b);
        }
    }
    // The strongest first; ties go to the lower identities.
    ordered.sort_unstable();
    for (_, a, b) in ordered {
        let (a, b) = (clusters.of[a], clusters.of[b]);
        if a != b && clusters.may_join(model, a, b) && !clusters.exclude(model, data, rows, a, b) {
            clusters.join(a, b);
        }
    }
    let kept = clusters.members.into_iter();
    kept.filter(|members| !members.is_empty()).collect()
}

impl Clusters {
    fn new(data: &Standardised, rows: &[u32]) -> Self {
        let count = rows.len();
        let holds = |member: usize| data.identifies(rows[member]);
        Self {
            of: (0..count).collect(),
            members: (0..count).map(|member| vec![member]).collect(),
            across: vec![FxHashMap::default(); count],
            holders: (0..count)
                .map(|member| {
                    if holds(member) {
                        vec![member]
                    } else {
                        Vec::new()
                    }
                })
                .collect(),
            apart: vec![FxHashSet::default(); count],
        }
    }

    fn link(&mut self, a: usize, b: usize, weight: i32) {
        for (from, to) in [(a, b), (b, a)] {
            let sum = self.across[from].entry(to).or_default();
            sum.0 += i64::from(weight);
            sum.1 += 1;
        }
    }

    fn may_join(&self, model: &LinkageModel, a: usize, b: usize) -> bool {
        let count = |cluster: usize| i64::try_from(self.members[cluster].len()).unwrap_or(i64::MAX);
        if self.apart[a].contains(&b) {
            return false;
        }
        let pairs = count(a).saturating_mul(count(b));
        let (sum, links) = self.across[a].get(&b).copied().unwrap_or_default();
        let sum = sum + (pairs - links).saturating_mul(i64::from(model.decision.review));
        sum >= pairs.saturating_mul(i64::from(model.decision.mean))
    }

    /// Says whether identifiers or rules keep two clusters apart.
    fn exclude(
        &self,
        model: &LinkageModel,
        data: &Standardised,
        rows: &[u32],
        a: usize,
        b: usize,
    ) -> bool {
        let exclusive = Exclusive::of(model);
        let differ = |(one, other): (&usize, &usize)| {
            exclusive.holds(&compare(model, data, rows[*one], rows[*other]))
        };
        let ruled_out =
            |(one, other): (&usize, &usize)| is_ruled_out(model, data, rows[*one], rows[*other]);
        pairs(&self.holders[a], &self.holders[b]).any(differ)
            || (!model.rules.is_empty() && pairs(&self.members[a], &self.members[b]).any(ruled_out))
    }

    /// Joins two clusters; what is known of the one with less to tell goes to the other.
    fn join(&mut self, a: usize, b: usize) {
        let size = |cluster: usize| self.across[cluster].len() + self.members[cluster].len();
        let (to, from) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        for member in std::mem::take(&mut self.members[from]) {
            self.of[member] = to;
            self.members[to].push(member);
        }
        for (other, (sum, links)) in std::mem::take(&mut self.across[from]) {
            self.across[other].remove(&from);
            if other != to {
                for (one, two) in [(to, other), (other, to)] {
                    let known = self.across[one].entry(two).or_default();
                    known.0 += sum;
                    known.1 += links;
                }
            }
        }
        for other in std::mem::take(&mut self.apart[from]) {
            self.apart[other].remove(&from);
            self.apart[other].insert(to);
            self.apart[to].insert(other);
        }
        let holders = std::mem::take(&mut self.holders[from]);
        self.holders[to].extend(holders);
        // Members that do not exclude each other hold one identifier or slips of it; a few are
        // enough to speak for all.
        self.holders[to].truncate(HOLDERS);
    }
}

fn pairs<'a>(
    left: &'a [usize],
    right: &'a [usize],
) -> impl Iterator<Item = (&'a usize, &'a usize)> {
    left.iter()
        .flat_map(move |one| right.iter().map(move |other| (one, other)))
}
