//! Which pairs are worth showing.

use std::collections::BTreeSet;

use super::fault;
use crate::command::link::input::Again;
use crate::command::link::pairs::pair;
use crate::command::link::report::data::{Pair, Reason};
use crate::command::link::run::Run;

/// Pairs of one list.
const SHOWN: usize = 8;
/// Records of one person whose missed pairs are weighed; more would be the same story again.
const OF_PERSON: usize = 12;
/// People whose missed pairs are weighed.
const PEOPLE: usize = 100_000;

/// Rows of the pairs that are shown.
pub(super) struct Choice {
    false_links: Vec<[u32; 2]>,
    misses: Vec<[u32; 2]>,
    chosen: Vec<([u32; 2], Reason)>,
}

impl Choice {
    /// Chooses the pairs of a run.
    pub(super) fn of(run: &Run, asked: &[[u32; 2]]) -> Self {
        let mut chosen: Vec<([u32; 2], Reason)> = Vec::new();
        chosen.extend(asked.iter().map(|rows| (*rows, Reason::Asked)));
        chosen.extend(weakest_link(run).map(|rows| (rows, Reason::WeakestLink)));
        chosen.extend(strongest_rejected(run).map(|rows| (rows, Reason::StrongestRejected)));
        Self {
            false_links: false_links(run),
            misses: misses(run),
            chosen,
        }
    }

    /// Returns the rows of all pairs.
    pub(super) fn rows(&self) -> BTreeSet<u32> {
        let chosen = self.chosen.iter().map(|(rows, _)| rows);
        let all = self.false_links.iter().chain(&self.misses).chain(chosen);
        all.flatten().copied().collect()
    }

    /// Returns false links, misses and the chosen ones, ready to be shown.
    pub(super) fn show(&self, run: &Run, again: &Again) -> (Vec<Pair>, Vec<Pair>, Vec<Pair>) {
        // The blocks of the run are gone, to keep memory low; they are the same when made again.
        let candidates = run.records.batch.block();
        let show = |rows: [u32; 2], reason: Option<Reason>| Pair {
            fault: fault(run, rows),
            reason,
            ..pair(&run.records, again, &candidates, rows)
        };
        let list = |pairs: &[[u32; 2]]| pairs.iter().map(|rows| show(*rows, None)).collect();
        let chosen = self.chosen.iter();
        (
            list(&self.false_links),
            list(&self.misses),
            chosen
                .map(|(rows, reason)| show(*rows, Some(*reason)))
                .collect(),
        )
    }
}

/// Returns scored pairs of two people that ended in one cluster, the heaviest first; of each cluster
/// the heaviest only, so that the list is not one story told several times.
fn false_links(run: &Run) -> Vec<[u32; 2]> {
    let edges = run.scored.edges.iter();
    let wrong = edges.filter(|(left, right, _)| {
        run.is_true(*left, *right) == Some(false) && run.is_linked(*left, *right)
    });
    let mut wrong: Vec<_> = wrong
        .map(|(left, right, weight)| (-weight, [*left, *right]))
        .collect();
    wrong.sort_unstable();
    let mut seen = BTreeSet::new();
    wrong
        .into_iter()
        .map(|(_, rows)| rows)
        .filter(|rows| seen.insert(run.partition.first_of[rows[0] as usize]))
        .take(SHOWN)
        .collect()
}

/// Returns pairs of one person that ended in two clusters, the lightest first; of each person the
/// lightest only.
fn misses(run: &Run) -> Vec<[u32; 2]> {
    let people = run.records.names.truth.as_deref().unwrap_or_default();
    let rows = (0_u32..).zip(people).zip(&run.partition.first_of);
    let mut rows: Vec<Row> = rows
        .filter_map(|((row, person), first)| Some(((*person)?, row, *first)))
        .collect();
    rows.sort_unstable();
    let of_people = rows.chunk_by(|left, right| left.0 == right.0);
    let split = of_people.filter(|rows| rows.iter().any(|row| row.2 != rows[0].2));
    let weighed = split.take(PEOPLE).filter_map(|rows| lightest(run, rows));
    let mut weighed: Vec<(i32, [u32; 2])> = weighed.collect();
    weighed.sort_unstable();
    weighed
        .into_iter()
        .take(SHOWN)
        .map(|(_, rows)| rows)
        .collect()
}

/// Person, row, first row of its cluster.
type Row = (u32, u32, u32);

/// Returns the lightest pair across clusters of the records of one person.
fn lightest(run: &Run, rows: &[Row]) -> Option<(i32, [u32; 2])> {
    // One record of every cluster at least is among those that are weighed.
    let mut seen = BTreeSet::new();
    let (mut first, others): (Vec<Row>, Vec<Row>) = rows.iter().partition(|row| seen.insert(row.2));
    first.extend(others);
    first.truncate(OF_PERSON);
    let pairs = first.iter().enumerate().flat_map(|(at, left)| {
        let rest = first[at + 1..].iter().filter(|right| right.2 != left.2);
        rest.map(|right| [left.1.min(right.1), left.1.max(right.1)])
    });
    let weigh = |[left, right]: [u32; 2]| run.records.batch.explain(left, right).weight.0;
    pairs.map(|rows| (weigh(rows), rows)).min()
}

/// Returns the lightest pair at or above the link threshold that was followed.
fn weakest_link(run: &Run) -> Option<[u32; 2]> {
    let link = run.records.model.decision.link;
    let edges = run.scored.edges.iter();
    let links =
        edges.filter(|(left, right, weight)| *weight >= link && run.is_linked(*left, *right));
    let weakest = links.min_by_key(|(left, right, weight)| (*weight, *left, *right))?;
    Some([weakest.0, weakest.1])
}

/// Returns the heaviest pair below the link threshold that ended in two clusters.
fn strongest_rejected(run: &Run) -> Option<[u32; 2]> {
    let link = run.records.model.decision.link;
    let edges = run.scored.edges.iter();
    let apart =
        edges.filter(|(left, right, weight)| *weight < link && !run.is_linked(*left, *right));
    let heaviest = apart.min_by_key(|(left, right, weight)| (-weight, *left, *right))?;
    Some([heaviest.0, heaviest.1])
}
