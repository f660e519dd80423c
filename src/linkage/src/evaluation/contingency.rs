//! How clusters and people cut each other: the table from which the metrics are counted.

use rayon::slice::ParallelSliceMut;
use serde::Serialize;

use super::rate::float;
use super::{Metrics, pairs};

/// One piece: the records of one person in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where its cluster stands in the list of cluster sizes.
    pub(super) cluster: u32,
    /// Where its person stands in the list of people's sizes.
    pub(super) person: u32,
    /// Its records.
    pub(super) count: u64,
}

/// How many clusters, or people, have this many records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// Records.
    pub size: u64,
    /// Clusters, or people, of this size.
    pub count: u64,
}

/// The pieces of a partition and the truth, and the size of every cluster and person.
///
/// Built by sorting twice: one to two seconds for ten million records.
#[derive(Debug, Clone, Default)]
pub struct Contingency {
    pub(super) pieces: Vec<Piece>,
    pub(super) clusters: Vec<u64>,
    pub(super) people: Vec<u64>,
}

impl Contingency {
    /// Counts the records; `items` gives cluster and person of each. Ids are any numbers.
    pub fn of(items: impl Iterator<Item = (u64, u64)>) -> Self {
        Self::of_list(items.collect())
    }

    fn of_list(mut records: Vec<(u64, u64)>) -> Self {
        // By person first, so that people are numbered as they come; then by cluster.
        records.par_sort_unstable_by_key(|(cluster, person)| (*person, *cluster));
        let mut table = Self::default();
        let mut drafts: Vec<(u64, Piece)> = Vec::new();
        for of_person in records.chunk_by(|left, right| left.1 == right.1) {
            let person = position(table.people.len());
            table.people.push(of_person.len() as u64);
            for piece in of_person.chunk_by(|left, right| left.0 == right.0) {
                let count = piece.len() as u64;
                let draft = Piece {
                    cluster: 0,
                    person,
                    count,
                };
                drafts.push((piece[0].0, draft));
            }
        }
        drop(records);
        drafts.par_sort_unstable_by_key(|(cluster, piece)| (*cluster, piece.person));
        table.pieces.reserve_exact(drafts.len());
        for of_cluster in drafts.chunk_by(|left, right| left.0 == right.0) {
            let cluster = position(table.clusters.len());
            table
                .clusters
                .push(of_cluster.iter().map(|(_, piece)| piece.count).sum());
            let pieces = of_cluster
                .iter()
                .map(|(_, piece)| Piece { cluster, ..*piece });
            table.pieces.extend(pieces);
        }
        table
    }

    /// Returns what the table amounts to.
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics {
            records: self.people.iter().sum(),
            people: self.people.len() as u64,
            clusters: self.clusters.len() as u64,
            found_pairs: self.clusters.iter().copied().map(pairs).sum(),
            known_pairs: self.people.iter().copied().map(pairs).sum(),
            pieces: self.pieces.len() as u64,
            ..Metrics::default()
        };
        let mut shared = vec![false; self.people.len()];
        let mut split = vec![false; self.people.len()];
        for piece in &self.pieces {
            let (cluster, person) = self.sizes_around(piece);
            metrics.true_pairs += pairs(piece.count);
            let square = float(piece.count) * float(piece.count);
            metrics.own_share += square / float(cluster);
            metrics.reunited_share += square / float(person);
            metrics.exact += u64::from(cluster == piece.count && person == piece.count);
            let at = piece.person as usize;
            shared[at] |= cluster > piece.count;
            split[at] |= person > piece.count;
        }
        let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count() as u64;
        metrics.over_merged = count(&shared);
        metrics.split = count(&split);
        metrics
    }

    /// Returns how many clusters there are of each size, in the order of size.
    pub fn cluster_sizes(&self) -> Vec<SizeCount> {
        distribution(&self.clusters)
    }

    /// Returns how many people there are of each number of records, in the order of that number.
    pub fn person_sizes(&self) -> Vec<SizeCount> {
        distribution(&self.people)
    }

    /// Returns the size of the cluster and of the person of a piece.
    fn sizes_around(&self, piece: &Piece) -> (u64, u64) {
        (
            self.clusters[piece.cluster as usize],
            self.people[piece.person as usize],
        )
    }
}

/// Returns a position as it is kept in pieces. More than 2^32 clusters are beyond any memory this
/// runs in.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn distribution(sizes: &[u64]) -> Vec<SizeCount> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    let runs = sizes.chunk_by(|left, right| left == right);
    runs.map(|run| SizeCount {
        size: run[0],
        count: run.len() as u64,
    })
    .collect()
}
