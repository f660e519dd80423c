//! From links to people: components by union-find, each resolved on its own.

use rayon::prelude::*;

use super::Edge;
use crate::cluster;
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// Which records are one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partition {
    /// Per row: the lowest row of its cluster.
    pub first_of: Vec<u32>,
    /// Number of clusters.
    pub clusters: u64,
    /// Pairs at or above the link threshold.
    pub links: u64,
    /// Pairs in the review band.
    pub reviews: u64,
    /// Links that clustering did not follow: their records ended in different clusters.
    pub contradicted: Vec<Edge>,
    /// Records that fit another cluster about as well as their own, which cannot be joined to it:
    /// a person should look.
    pub ambiguous: Vec<u32>,
}

pub(super) fn partition(model: &LinkageModel, data: &Standardised, edges: &[Edge]) -> Partition {
    let link = model.decision.link;
    let mut roots = Roots::new(data.len());
    let mut links: Vec<(u32, Edge)> = Vec::new();
    for edge in edges.iter().filter(|edge| edge.2 >= link) {
        roots.join(edge.0, edge.1);
        links.push((0, *edge));
    }
    for (root, (row, ..)) in &mut links {
        *root = roots.find(*row);
    }
    links.par_sort_unstable();
    let components: Vec<&[(u32, Edge)]> = links.chunk_by(|a, b| a.0 == b.0).collect();
    let resolved: Vec<Vec<Vec<u32>>> = components
        .par_iter()
        .map(|links| resolve(model, data, links))
        .collect();
    let mut first_of: Vec<u32> = (0..u32::try_from(data.len()).unwrap_or(u32::MAX)).collect();
    for cluster in resolved.iter().flatten() {
        // Rows come back ascending.
        for row in cluster {
            first_of[*row as usize] = cluster[0];
        }
    }
    let clusters = (0_u32..)
        .zip(&first_of)
        .filter(|(row, first)| row == *first)
        .count();
    let mut partition = Partition {
        clusters: clusters as u64,
        links: links.len() as u64,
        reviews: (edges.len() - links.len()) as u64,
        first_of,
        ..Partition::default()
    };
    partition.find_contradictions(model, &links);
    partition
}

fn resolve(model: &LinkageModel, data: &Standardised, links: &[(u32, Edge)]) -> Vec<Vec<u32>> {
    let edges: Vec<Edge> = links.iter().map(|(_, edge)| *edge).collect();
    let mut rows: Vec<u32> = edges
        .iter()
        .flat_map(|(left, right, _)| [*left, *right])
        .collect();
    rows.sort_unstable();
    rows.dedup();
    cluster::resolve(model, data, &rows, &edges)
}

impl Partition {
    /// Returns the same partition by other numbers of the records.
    pub(super) fn moved(mut self, number: impl Fn(u32) -> u32) -> Self {
        let count = self.first_of.len();
        let mut least = vec![u32::MAX; count];
        for (old, first) in (0..).zip(&self.first_of) {
            let least = &mut least[*first as usize];
            *least = number(old).min(*least);
        }
        let mut first_of = vec![0; count];
        for (old, first) in (0..).zip(&self.first_of) {
            first_of[number(old) as usize] = least[*first as usize];
        }
        self.first_of = first_of;
        for edge in &mut self.contradicted {
            *edge = super::moved(*edge, &number);
        }
        self.contradicted.sort_unstable();
        for record in &mut self.ambiguous {
            *record = number(*record);
        }
        self.ambiguous.sort_unstable();
        self
    }

    fn find_contradictions(&mut self, model: &LinkageModel, links: &[(u32, Edge)]) {
        let apart = |edge: &Edge| self.first_of[edge.0 as usize] != self.first_of[edge.1 as usize];
        let contradicted = links.iter().map(|(_, edge)| *edge).filter(apart);
        self.contradicted = contradicted.collect();
        if self.contradicted.is_empty() {
            return;
        }
        // Per record of a contradicted link: its best link within its own cluster.
        let mut best: rustc_hash::FxHashMap<u32, i32> = self
            .contradicted
            .iter()
            .flat_map(|(left, right, _)| [(*left, i32::MIN), (*right, i32::MIN)])
            .collect();
        for (_, (left, right, weight)) in links {
            if self.first_of[*left as usize] == self.first_of[*right as usize] {
                for row in [left, right] {
                    if let Some(known) = best.get_mut(row) {
                        *known = (*known).max(*weight);
                    }
                }
            }
        }
        for (left, right, weight) in &self.contradicted {
            for row in [left, right] {
                if best[row].saturating_sub(model.decision.margin) <= *weight {
                    self.ambiguous.push(*row);
                }
            }
        }
        self.ambiguous.sort_unstable();
        self.ambiguous.dedup();
    }
}

/// Disjoint sets of rows; the lowest row of a set is its root.
struct Roots {
    parent: Vec<u32>,
}

impl Roots {
    fn new(count: usize) -> Self {
        Self {
            parent: (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(),
        }
    }

    fn find(&mut self, row: u32) -> u32 {
        let mut at = row;
        while self.parent[at as usize] != at {
            let above = self.parent[at as usize];
            self.parent[at as usize] = self.parent[above as usize];
            at = above;
        }
        at
    }

    fn join(&mut self, left: u32, right: u32) {
        let (left, right) = (self.find(left), self.find(right));
        let (low, high) = (left.min(right), left.max(right));
        self.parent[high as usize] = low;
    }
}
