//! Clusters, edges and the report of a run.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use rabt_linkage::evaluation::{self, Metrics};
use rabt_linkage::{Index, Linked, MatchWeight};
use rabt_model::RecordNumber;
use serde::Serialize;

use super::input::Data;
use crate::error::CommandError;
use crate::meter::{Stage, Stages};
use crate::process;

fn place(number: RecordNumber) -> usize {
    usize::try_from(number.0).unwrap_or_default()
}

/// Writes `record_id,cluster_id`, sorted by record. A cluster is called by the least of its
/// records' ids, so the same clusters always have the same names.
pub(super) fn clusters(path: &Path, data: &Data, linked: &Linked) -> Result<(), CommandError> {
    let mut lines: Vec<(&str, &str)> = Vec::with_capacity(data.len());
    for cluster in &linked.clusters {
        let name = cluster
            .iter()
            .map(|number| data.id(place(*number)))
            .min()
            .unwrap_or_default();
        lines.extend(cluster.iter().map(|number| (data.id(place(*number)), name)));
    }
    lines.sort_unstable();
    write(
        path,
        ["record_id", "cluster_id"],
        lines.into_iter().map(|(id, name)| [id, name]),
    )
}

/// Writes `left,right,weight_bits,probability`, sorted.
pub(super) fn edges(path: &Path, data: &Data, index: &Index) -> Result<(), CommandError> {
    let mut lines: Vec<[String; 4]> = Vec::new();
    for (left, right, weight) in index.pairs() {
        let (left, right) = (data.id(place(left)), data.id(place(right)));
        let weight = MatchWeight(weight);
        lines.push([
            left.min(right).to_owned(),
            left.max(right).to_owned(),
            format!("{:.3}", weight.as_bits()),
            format!("{:.6}", weight.probability()),
        ]);
    }
    lines.sort_unstable();
    write(
        path,
        ["left", "right", "weight_bits", "probability"],
        lines.into_iter(),
    )
}

fn write<const N: usize, T: AsRef<[u8]>>(
    path: &Path,
    header: [&str; N],
    lines: impl Iterator<Item = [T; N]>,
) -> Result<(), CommandError> {
    let failed = |error: &dyn std::fmt::Display| {
        CommandError::failed(
            format!("{} cannot be written: {error}", path.display()),
            "check the folder, its permissions and the space on the disk",
        )
    };
    let mut writer = csv::Writer::from_path(path).map_err(|error| failed(&error))?;
    writer
        .write_record(header)
        .map_err(|error| failed(&error))?;
    for line in lines {
        writer.write_record(line).map_err(|error| failed(&error))?;
    }
    writer.flush().map_err(|error| failed(&error))
}

/// What a run found.
#[derive(Serialize)]
pub(super) struct Report {
    records: usize,
    /// Values such as 000… and 'unknown' that were taken as absent.
    placeholders: u64,
    candidate_pairs: u64,
    links: u64,
    reviews: u64,
    contradicted: u64,
    skipped_blocks: usize,
    clusters: usize,
    #[serde(flatten)]
    truth: Option<Truth>,
    stages: Vec<Stage>,
    cpu_seconds: f64,
    wall_seconds: f64,
    peak_memory_bytes: u64,
}

#[derive(Serialize)]
struct Truth {
    people: u64,
    precision: f64,
    recall: f64,
    f1: f64,
    over_merged: u64,
    exact_clusters: u64,
}

impl Report {
    /// Returns the report of a run.
    pub(super) fn of(data: &Data, index: &Index, linked: &Linked, stages: &Stages) -> Self {
        let total = stages.total();
        Self {
            records: data.len(),
            placeholders: index.placeholders(),
            candidate_pairs: linked.candidate_pairs,
            links: linked.links,
            reviews: linked.reviews,
            contradicted: linked.contradicted,
            skipped_blocks: linked.skipped_blocks.len(),
            clusters: linked.clusters.len(),
            truth: truth(data, linked),
            stages: stages.list().to_vec(),
            cpu_seconds: total.cpu_seconds,
            wall_seconds: total.wall_seconds,
            peak_memory_bytes: process::peak_memory().unwrap_or_default(),
        }
    }

    /// Returns the report as lines for people.
    pub(super) fn to_text(&self, out: &Path) -> String {
        let mut text = format!(
            "{} records, {} candidate pairs, {} links, {} for review, {} clusters\n",
            self.records, self.candidate_pairs, self.links, self.reviews, self.clusters
        );
        if let Some(truth) = &self.truth {
            let _ = writeln!(
                text,
                "against the truth: precision {:.4}, recall {:.4}, F1 {:.4}; {} of {} people over-merged",
                truth.precision, truth.recall, truth.f1, truth.over_merged, truth.people
            );
        }
        let _ = write!(
            text,
            "{:.1} CPU-s, {:.1} s, {} MiB; clusters in {}",
            self.cpu_seconds,
            self.wall_seconds,
            self.peak_memory_bytes >> 20,
            out.display()
        );
        text
    }
}

/// Compares the clusters with the truth column, over the records that have a value in it.
fn truth(data: &Data, linked: &Linked) -> Option<Truth> {
    let mut people: HashMap<&str, u64> = HashMap::new();
    let mut judged: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for (cluster, numbers) in (0_u64..).zip(&linked.clusters) {
        for number in numbers {
            let Some(person) = data.truth(place(*number)) else {
                continue;
            };
            let next = people.len() as u64;
            judged.insert(
                place(*number),
                (cluster, *people.entry(person).or_insert(next)),
            );
        }
    }
    let metrics: Metrics = evaluation::evaluate(judged.into_values());
    (metrics.records > 0).then(|| Truth {
        people: metrics.people,
        precision: metrics.precision(),
        recall: metrics.recall(),
        f1: metrics.f1(),
        over_merged: metrics.over_merged,
        exact_clusters: metrics.exact,
    })
}
