//! Clusters, edges and the report of a run.

use std::fmt::Write as _;
use std::path::Path;

use rabt_linkage::{Edge, MatchWeight, Partition, RuleCount};
use rayon::prelude::*;
use serde::Serialize;

use super::input::Names;
use super::run::Run;
use super::target;
use crate::error::CommandError;
use crate::meter::Stage;
use crate::process;

/// Writes `record_id,cluster_id`, sorted by record. A cluster is called by the least of its
/// records' ids, so the same clusters always have the same names.
pub(super) fn clusters(
    path: &Path,
    names: &Names,
    partition: &Partition,
) -> Result<(), CommandError> {
    let count = names.len();
    // Per cluster, known by its lowest row: the row with the least id.
    let mut least: Vec<u32> = partition.first_of.clone();
    for row in 0..count {
        let first = partition.first_of[row] as usize;
        if names.id(row) < names.id(least[first] as usize) {
            least[first] = u32::try_from(row).unwrap_or(u32::MAX);
        }
    }
    let name = |row: u32| least[partition.first_of[row as usize] as usize];
    let ends = Ends::of(names);
    let rows = 0..u32::try_from(count).unwrap_or(u32::MAX);
    let line = |row: u32| [names.id(row as usize), names.id(name(row) as usize)];
    // Most ids differ in the eight bytes behind what all begin with: few are looked up to sort.
    let key = |row: u32| (line(row).map(|id| ends.first(id)), row);
    let mut order: Vec<([u64; 2], u32)> = rows.map(key).collect();
    order.par_sort_unstable_by(|a, b| {
        let own = |order: &([u64; 2], u32)| order.0[0];
        own(a).cmp(&own(b)).then_with(|| line(a.1).cmp(&line(b.1)))
    });
    target::write(path, |out| {
        let mut writer = csv::WriterBuilder::new().from_writer(out);
        writer.write_record(["record_id", "cluster_id"])?;
        let mut id = Vec::new();
        for (firsts, row) in order {
            if !ends.short {
                writer.write_record(line(row))?;
                continue;
            }
            for first in firsts {
                ends.write(first, &mut id);
                writer.write_field(&id)?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        writer.flush()
    })
}

/// What ids have behind the bytes that all of them begin with: where that is short, the numbers by
/// which ids are sorted say all of them, and none is looked up in the order of the output.
struct Ends<'a> {
    beginning: &'a str,
    /// Whether the eight bytes of every id behind the beginning are all that it has.
    short: bool,
}

impl<'a> Ends<'a> {
    fn of(names: &'a Names) -> Self {
        let ids = || (0..names.len()).map(|row| names.id(row));
        let first = ids().next().unwrap_or_default();
        let alike = |id: &str, length: usize| {
            let pairs = first.as_bytes()[..length].iter().zip(id.as_bytes());
            pairs.take_while(|(a, b)| a == b).count()
        };
        let shared = ids().fold(first.len(), |shared, id| alike(id, shared));
        let shared = first.floor_char_boundary(shared);
        Self {
            beginning: &first[..shared],
            short: ids().all(|id| id.len() <= shared + 8 && !id.contains('\0')),
        }
    }

    /// Returns the first eight bytes behind the beginning as a number that sorts as they do.
    fn first(&self, id: &str) -> u64 {
        let id = &id.as_bytes()[self.beginning.len()..];
        let mut bytes = [0; 8];
        let length = id.len().min(8);
        bytes[..length].copy_from_slice(&id[..length]);
        u64::from_be_bytes(bytes)
    }

    /// Puts the whole id into `out`, where all are short.
    fn write(&self, first: u64, out: &mut Vec<u8>) {
        let bytes = first.to_be_bytes();
        let length = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        out.clear();
        out.extend_from_slice(self.beginning.as_bytes());
        out.extend_from_slice(&bytes[..length]);
    }
}

/// Writes `left,right,weight_bits,probability`, sorted.
pub(super) fn edges(path: &Path, names: &Names, edges: &[Edge]) -> Result<(), CommandError> {
    let mut lines: Vec<(&str, &str, MatchWeight)> = edges
        .iter()
        .map(|(left, right, weight)| {
            let (left, right) = (names.id(*left as usize), names.id(*right as usize));
            (left.min(right), left.max(right), MatchWeight(*weight))
        })
        .collect();
    lines.par_sort_unstable();
    let lines = lines.into_iter().map(|(left, right, weight)| {
        [
            left.to_owned(),
            right.to_owned(),
            format!("{:.3}", weight.as_bits()),
            format!("{:.6}", weight.probability()),
        ]
    });
    write(path, ["left", "right", "weight_bits", "probability"], lines)
}

fn write<const N: usize, T: AsRef<[u8]>>(
    path: &Path,
    header: [&str; N],
    lines: impl Iterator<Item = [T; N]>,
) -> Result<(), CommandError> {
    target::write(path, |out| {
        let mut writer = csv::WriterBuilder::new().from_writer(out);
        writer.write_record(header)?;
        for line in lines {
            writer.write_record(line)?;
        }
        writer.flush()
    })
}

/// What a run found.
#[derive(Serialize)]
pub(super) struct Report {
    records: usize,
    /// Values such as 000… and 'unknown' that were taken as absent.
    placeholders: u64,
    /// Pairs of all blocks, known before the comparison; several rules may make the same pair.
    predicted_pairs: u64,
    candidate_pairs: u64,
    links: u64,
    reviews: u64,
    contradicted: usize,
    /// Records that fit two clusters that cannot be joined.
    ambiguous: usize,
    blocking: Vec<RuleLine>,
    clusters: u64,
    #[serde(flatten)]
    truth: Option<Truth>,
    stages: Vec<Stage>,
    cpu_seconds: f64,
    wall_seconds: f64,
    peak_memory_bytes: u64,
}

#[derive(Serialize)]
struct RuleLine {
    rule: String,
    blocks: u64,
    pairs: u64,
    split_blocks: u64,
    skipped_blocks: u64,
    skipped_records: u64,
}

#[derive(Serialize)]
struct Truth {
    people: u64,
    precision: f64,
    recall: f64,
    f1: f64,
    b_cubed_precision: f64,
    b_cubed_recall: f64,
    b_cubed_f1: f64,
    /// Counting only clusters that are exactly one person.
    cluster_f1: f64,
    exact_clusters: u64,
    over_merged: u64,
    over_merge_rate: f64,
    /// The share of the true pairs that are candidates.
    blocking_recall: f64,
    /// The best F1 any scorer could reach on the candidates.
    ceiling_f1: f64,
}

impl Report {
    /// Returns the report of a run.
    pub(super) fn of(run: &Run) -> Self {
        let partition = &run.partition;
        let total = run.records.stages.total();
        let rule = |count: &RuleCount| RuleLine {
            rule: count.rule.clone(),
            blocks: count.blocks,
            pairs: count.pairs,
            split_blocks: count.split_blocks,
            skipped_blocks: count.skipped_blocks,
            skipped_records: count.skipped_records,
        };
        Self {
            records: run.records.names.len(),
            placeholders: run.records.batch.placeholders(),
            predicted_pairs: run.counts.iter().map(|count| count.pairs).sum(),
            candidate_pairs: run.scored.candidate_pairs,
            links: partition.links,
            reviews: partition.reviews,
            contradicted: partition.contradicted.len(),
            ambiguous: partition.ambiguous.len(),
            blocking: run.counts.iter().map(rule).collect(),
            clusters: partition.clusters,
            truth: truth(run),
            stages: run.records.stages.list().to_vec(),
            cpu_seconds: total.cpu_seconds,
            wall_seconds: total.wall_seconds,
            peak_memory_bytes: process::peak_memory().unwrap_or_default(),
        }
    }

    /// Returns the report as lines for people.
    pub(super) fn to_text(&self, what: &str, out: &Path) -> String {
        let mut text = format!(
            "{} records, {} candidate pairs, {} links, {} for review, {} clusters\n",
            self.records, self.candidate_pairs, self.links, self.reviews, self.clusters
        );
        if let Some(truth) = &self.truth {
            let _ = writeln!(
                text,
                "pairs against the truth: precision {:.5}, recall {:.5}, F1 {:.5}\n\
                 by record (B-cubed): F1 {:.5}; by whole cluster: F1 {:.5}\n\
                 {} of {} people share a cluster with somebody else ({:.4} %)\n\
                 blocking: {:.5} of the true pairs are candidates; no scorer could exceed F1 {:.5}",
                truth.precision,
                truth.recall,
                truth.f1,
                truth.b_cubed_f1,
                truth.cluster_f1,
                truth.over_merged,
                truth.people,
                truth.over_merge_rate * 100.0,
                truth.blocking_recall,
                truth.ceiling_f1,
            );
        }
        let _ = write!(
            text,
            "{:.1} CPU-s, {:.1} s, {} MiB; {what} in {}",
            self.cpu_seconds,
            self.wall_seconds,
            self.peak_memory_bytes >> 20,
            out.display()
        );
        text
    }
}

/// Compares the clusters with the truth column, over the records that have a value in it.
fn truth(run: &Run) -> Option<Truth> {
    let metrics = run.metrics()?;
    let blocking = run.blocking.unwrap_or_default();
    let b_cubed = metrics.b_cubed();
    Some(Truth {
        people: metrics.people,
        precision: metrics.precision(),
        recall: metrics.recall(),
        f1: metrics.f1(),
        b_cubed_precision: b_cubed.precision,
        b_cubed_recall: b_cubed.recall,
        b_cubed_f1: b_cubed.f1(),
        cluster_f1: metrics.cluster().f1(),
        exact_clusters: metrics.exact,
        over_merged: metrics.over_merged,
        over_merge_rate: metrics.over_merge().rate,
        blocking_recall: blocking.recall(),
        ceiling_f1: blocking.ceiling(),
    })
}
