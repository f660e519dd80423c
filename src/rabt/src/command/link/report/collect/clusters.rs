//! Which clusters are worth a picture.

use std::collections::{BTreeMap, BTreeSet};

use rabt_linkage::evaluation::SizeCount;
use rabt_linkage::{ColumnType, Edge, Partition};

use super::bridges::bridges;
use crate::command::link::input::Again;
use crate::command::link::pairs::in_bits;
use crate::command::link::report::data::{ClusterGraph, ClusterReason, GraphEdge, Node};
use crate::command::link::run::Run;

/// Clusters that are shown for each reason.
const SHOWN: usize = 4;
/// Records of a cluster that are drawn; more could not be told apart.
const DRAWN: usize = 40;

/// A cluster that is shown.
pub(super) struct Chosen {
    /// The rows that are drawn.
    pub(super) rows: Vec<u32>,
    reason: ClusterReason,
    records: usize,
    bridges: BTreeSet<(u32, u32)>,
}

/// A cluster that hangs on a link, of which both sides have two records or more.
struct Hanging {
    weight: i32,
    first: u32,
    ends: (u32, u32),
}

/// Returns how many clusters there are of each size.
pub(super) fn sizes(partition: &Partition) -> Vec<SizeCount> {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for size in records_of(partition).into_iter().filter(|size| *size > 0) {
        *counts.entry(size.into()).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(size, count)| SizeCount { size, count })
        .collect()
}

/// Returns the records of the cluster that begins at each row; zero where none does.
fn records_of(partition: &Partition) -> Vec<u32> {
    let mut records = vec![0; partition.first_of.len()];
    for first in &partition.first_of {
        records[*first as usize] += 1;
    }
    records
}

/// Chooses clusters: those that hang on the weakest links, the largest of several people, and the
/// largest; each once.
pub(super) fn choose(run: &Run) -> Vec<Chosen> {
    let links = links_by_cluster(run);
    let hanging = hanging(&links);
    let records = records_of(&run.partition);
    let mixed = mixed(run);
    let largest = |wanted: &dyn Fn(u32) -> bool| {
        let firsts = (0_u32..).zip(&records);
        let firsts = firsts.filter(|(first, size)| **size > 2 && wanted(*first));
        let mut firsts: Vec<_> = firsts
            .map(|(first, size)| (std::cmp::Reverse(*size), first))
            .collect();
        firsts.sort_unstable();
        firsts
            .into_iter()
            .map(|(_, first)| first)
            .take(2 * SHOWN)
            .collect::<Vec<u32>>()
    };
    let mut seen = BTreeSet::new();
    let mut picked = Vec::new();
    let mut take = |list: Vec<(u32, Option<(u32, u32)>)>, reason| {
        let new = list.into_iter().filter(|(first, _)| seen.insert(*first));
        picked.extend(new.take(SHOWN).map(|(first, ends)| (first, reason, ends)));
    };
    let weak = hanging.iter().map(|found| (found.first, Some(found.ends)));
    take(weak.take(SHOWN).collect(), ClusterReason::WeakBridge);
    let plain = |list: Vec<u32>| list.into_iter().map(|first| (first, None)).collect();
    take(
        plain(largest(&|first| mixed.contains(&first))),
        ClusterReason::Mixed,
    );
    take(plain(largest(&|_| true)), ClusterReason::Largest);
    let firsts: BTreeSet<u32> = picked.iter().map(|(first, ..)| *first).collect();
    let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, first) in (0_u32..).zip(&run.partition.first_of) {
        if firsts.contains(first) {
            rows.entry(*first).or_default().push(row);
        }
    }
    let picked = picked.into_iter();
    picked
        .map(|(first, reason, ends)| {
            let rows = rows.remove(&first).unwrap_or_default();
            let bridges = bridges_of(&links, first);
            Chosen {
                records: rows.len(),
                rows: drawn(rows, ends),
                reason,
                bridges,
            }
        })
        .collect()
}

/// Returns the rows that are drawn, ascending: all, or the ends of the bridge and the first others.
fn drawn(rows: Vec<u32>, ends: Option<(u32, u32)>) -> Vec<u32> {
    if rows.len() <= DRAWN {
        return rows;
    }
    let mut kept: BTreeSet<u32> = ends
        .into_iter()
        .flat_map(|(left, right)| [left, right])
        .collect();
    for row in rows {
        if kept.len() < DRAWN {
            kept.insert(row);
        }
    }
    kept.into_iter().collect()
}

/// Returns the links within clusters, by the first row of the cluster.
fn links_by_cluster(run: &Run) -> Vec<(u32, Edge)> {
    let link = run.records.model.decision.link;
    let edges = run.scored.edges.iter();
    let within =
        edges.filter(|(left, right, weight)| *weight >= link && run.is_linked(*left, *right));
    let first = |edge: &Edge| run.partition.first_of[edge.0 as usize];
    let mut links: Vec<(u32, Edge)> = within.map(|edge| (first(edge), *edge)).collect();
    links.sort_unstable();
    links
}

/// Returns the clusters that hang on one link, each by its weakest one; the weakest first.
fn hanging(links: &[(u32, Edge)]) -> Vec<Hanging> {
    let of_clusters = links.chunk_by(|left, right| left.0 == right.0);
    // Two pairs and a bridge at least.
    let weakest = of_clusters
        .filter(|links| links.len() > 2)
        .filter_map(|links| {
            let bridges = found_in(links)
                .into_iter()
                .filter(|(_, smaller)| *smaller > 1);
            let (left, right, weight) = bridges
                .map(|(edge, _)| edge)
                .min_by_key(|edge| (edge.2, edge.0, edge.1))?;
            Some(Hanging {
                weight,
                first: links[0].0,
                ends: (left, right),
            })
        });
    let mut weakest: Vec<Hanging> = weakest.collect();
    weakest.sort_unstable_by_key(|found| (found.weight, found.first));
    weakest
}

fn bridges_of(links: &[(u32, Edge)], first: u32) -> BTreeSet<(u32, u32)> {
    let start = links.partition_point(|link| link.0 < first);
    let end = links.partition_point(|link| link.0 <= first);
    let found = found_in(&links[start..end]).into_iter();
    found.map(|((left, right, _), _)| (left, right)).collect()
}

/// Returns the bridges among the links of one cluster, and the records of their smaller sides.
fn found_in(links: &[(u32, Edge)]) -> Vec<(Edge, usize)> {
    let ends = links
        .iter()
        .flat_map(|(_, (left, right, _))| [*left, *right]);
    let rows: BTreeSet<u32> = ends.collect();
    let places: BTreeMap<u32, usize> = rows.into_iter().zip(0..).collect();
    let edges: Vec<[usize; 2]> = links
        .iter()
        .map(|(_, (left, right, _))| [places[left], places[right]])
        .collect();
    let found = bridges(places.len(), &edges).into_iter();
    found
        .map(|bridge| (links[bridge.edge].1, bridge.smaller))
        .collect()
}

/// Returns the first rows of the clusters that hold records of several people.
fn mixed(run: &Run) -> BTreeSet<u32> {
    let people = run.records.names.truth.as_deref().unwrap_or_default();
    let mut person_of: Vec<Option<u32>> = vec![None; people.len()];
    let mut mixed = BTreeSet::new();
    for (first, person) in run.partition.first_of.iter().zip(people) {
        let Some(person) = person else { continue };
        let known = person_of[*first as usize].get_or_insert(*person);
        if known != person {
            mixed.insert(*first);
        }
    }
    mixed
}

impl Chosen {
    /// Returns the cluster, ready to be drawn.
    pub(super) fn show(&self, run: &Run, again: &Again) -> ClusterGraph {
        let names = &run.records.names;
        let least = self.rows.iter().map(|row| names.id(*row as usize)).min();
        let mut name = least.unwrap_or_default().to_owned();
        if self.records > self.rows.len() {
            name = format!("{name} ({} / {})", self.rows.len(), self.records);
        }
        ClusterGraph {
            name,
            reason: self.reason,
            nodes: self.nodes(run, again),
            edges: self.edges(run),
        }
    }

    fn nodes(&self, run: &Run, again: &Again) -> Vec<Node> {
        let people = run.records.names.truth.as_deref();
        let mut numbers: Vec<u32> = Vec::new();
        let mut number = |row: u32| {
            let person = people?[row as usize]?;
            let known = numbers.iter().position(|known| *known == person);
            Some(known.unwrap_or_else(|| {
                numbers.push(person);
                numbers.len() - 1
            }))
        };
        let rows = self.rows.iter();
        rows.map(|row| Node {
            id: run.records.names.id(*row as usize).to_owned(),
            label: label(run, again, *row),
            person: number(*row),
        })
        .collect()
    }

    fn edges(&self, run: &Run) -> Vec<GraphEdge> {
        let all = &run.scored.edges;
        let place = |row: u32| self.rows.binary_search(&row).ok();
        let of_rows = self.rows.iter().flat_map(|row| {
            let start = all.partition_point(|edge| edge.0 < *row);
            all[start..].iter().take_while(|edge| edge.0 == *row)
        });
        of_rows
            .filter_map(|(left, right, weight)| {
                Some(GraphEdge {
                    ends: [place(*left)?, place(*right)?],
                    weight: in_bits(*weight),
                    bridge: self.bridges.contains(&(*left, *right)),
                })
            })
            .collect()
    }
}

/// Letters of a label.
const LABEL: usize = 48;

/// Returns a value by which a reader knows a record: its name, or the first text it has.
fn label(run: &Run, again: &Again, row: u32) -> String {
    let of_kind = |kind| {
        let columns = run.records.model.columns.iter();
        let mut columns = columns.filter(move |column| column.kind == kind);
        columns.find_map(|column| again.value(row, &column.id))
    };
    let found = of_kind(ColumnType::Name).or_else(|| of_kind(ColumnType::Text));
    found.unwrap_or_default().chars().take(LABEL).collect()
}
