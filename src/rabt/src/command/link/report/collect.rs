//! From a run to what its page shows.

mod bridges;
mod choice;
mod clusters;

use std::collections::BTreeMap;
use std::path::Path;

use rabt_linkage::evaluation::{Calibration, Contingency, Curve, by_group};
use rabt_linkage::{BIT, MatchWeight};

use super::command::ReportArgs;
use super::data::{
    Comparison, Counts, Fault, GroupTable, Level, ModelCard, Quality, ReportData, Skipped, Stage,
    WeightBucket,
};
use crate::command::link::input::{Again, Grouping};
use crate::command::link::pairs::{self, in_bits};
use crate::command::link::run::Run;
use crate::error::CommandError;
use crate::meter::Stages;
use crate::process;

/// How many thresholds a curve shows.
const STEPS: usize = 100;
/// Skipped blocks that are listed.
const BLOCKS: usize = 20;
/// Values of a column that have a line of their own, the commonest; the others share one.
const VALUES: usize = 40;

/// Returns what the page shows of a run; `asked` are the rows of the pairs that were asked for.
pub(super) fn collect(
    run: &Run,
    args: &ReportArgs,
    asked: &[[u32; 2]],
) -> Result<ReportData, CommandError> {
    let choice = choice::Choice::of(run, asked);
    let graphs = clusters::choose(run);
    let mut rows = choice.rows();
    rows.extend(graphs.iter().flat_map(|graph| &graph.rows));
    let (source, model) = (args.files.source(), &run.records.model);
    let again = Again::read(&source, model, &run.records.names, &rows, &args.group)?;
    let (false_links, misses, chosen) = choice.show(run, &again);
    let mut data = ReportData {
        title: args
            .files
            .data
            .iter()
            .map(|path| name(path))
            .collect::<Vec<_>>()
            .join(" + "),
        language: args.lang,
        model: ModelCard {
            name: model.name.clone(),
            version: model.version,
            fingerprint: model.fingerprint().to_owned(),
        },
        files: args
            .files
            .data
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        counts: counts(run),
        thresholds: pairs::thresholds(model),
        comparisons: comparisons(run),
        histogram: histogram(run),
        false_links,
        misses,
        chosen,
        cluster_sizes: clusters::sizes(&run.partition),
        graphs: graphs
            .into_iter()
            .map(|graph| graph.show(run, &again))
            .collect(),
        skipped: skipped(run),
        ..ReportData::default()
    };
    add_truth(&mut data, run, &again);
    Ok(data)
}

/// Adds what the run cost.
pub(super) fn add_cost(data: &mut ReportData, stages: &Stages) {
    let stages = stages.list().iter();
    data.stages = stages
        .map(|stage| Stage {
            name: stage.name.to_owned(),
            wall_seconds: stage.wall_seconds,
            cpu_seconds: stage.cpu_seconds,
        })
        .collect();
    data.peak_memory = process::peak_memory();
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn counts(run: &Run) -> Counts {
    Counts {
        records: run.records.names.len() as u64,
        placeholders: run.records.batch.placeholders(),
        candidate_pairs: run.scored.candidate_pairs,
        links: run.partition.links,
        reviews: run.partition.reviews,
        contradicted: run.partition.contradicted.len() as u64,
        clusters: run.partition.clusters,
    }
}

fn comparisons(run: &Run) -> Vec<Comparison> {
    let kin = run.records.model.decision.kin_prior.is_some();
    let comparisons = run.records.model.comparisons.iter();
    comparisons
        .map(|comparison| {
            let worth = comparison.weights.iter().zip(&comparison.shares);
            let levels = comparison.levels().iter().zip(worth);
            // The first level is for absent values and says nothing.
            let levels = levels.skip(1).map(|(id, (weight, shares))| Level {
                id: id.clone(),
                stranger: in_bits(weight.stranger),
                kin: kin.then_some(in_bits(weight.kin)),
                rarity: weight.rarity,
                m: Some(shares.m),
                u: shares.u,
                k: shares.kin,
            });
            Comparison {
                id: comparison.id.clone(),
                levels: levels.collect(),
            }
        })
        .collect()
}

/// Returns all scored pairs by weight. Which are true is only known of those that were kept, so of
/// none in a bucket that begins below the review threshold.
fn histogram(run: &Run) -> Vec<WeightBucket> {
    let known = run.records.names.truth.is_some();
    let mut right: BTreeMap<i32, u64> = BTreeMap::new();
    for (left, other, weight) in &run.scored.edges {
        if run.is_true(*left, *other) == Some(true) {
            *right.entry(weight.div_euclid(BIT)).or_default() += 1;
        }
    }
    let buckets = run.scored.weights.buckets();
    buckets
        .map(|(from, count)| {
            let kept = from * BIT >= run.records.model.decision.review;
            WeightBucket {
                from: f64::from(from),
                to: f64::from(from + 1),
                count,
                right: (known && kept).then(|| right.get(&from).copied().unwrap_or_default()),
            }
        })
        .collect()
}

fn skipped(run: &Run) -> Vec<Skipped> {
    let mut blocks: Vec<_> = run.skipped.iter().collect();
    blocks.sort_by(|a, b| b.records.cmp(&a.records).then(a.rule.cmp(&b.rule)));
    let cap = |rule: &str| {
        let rules = &run.records.model.blocking;
        rules
            .iter()
            .find(|known| known.id == rule)
            .map_or(0, |rule| rule.cap as u64)
    };
    let blocks = blocks.into_iter().take(BLOCKS);
    blocks
        .map(|block| Skipped {
            rule: block.rule.clone(),
            records: block.records as u64,
            cap: cap(&block.rule),
        })
        .collect()
}

/// Adds what only the truth can tell.
fn add_truth(data: &mut ReportData, run: &Run, again: &Again) {
    let table = Contingency::of(run.judged());
    let metrics = table.metrics();
    if metrics.records == 0 {
        return;
    }
    data.quality = Some(Quality {
        metrics,
        blocking: run.blocking,
    });
    data.person_sizes = table.person_sizes();
    let edges = run.scored.edges.iter();
    let judged = edges.filter_map(|(left, right, weight)| {
        Some((MatchWeight(*weight), run.is_true(*left, *right)?))
    });
    data.curve = Some(Curve::of(judged.clone(), metrics.known_pairs, STEPS));
    let likely = judged.map(|(weight, right)| (weight.probability(), right));
    data.calibration = Some(Calibration::of(likely));
    data.groups = again
        .groups
        .iter()
        .map(|group| group_table(run, group))
        .collect();
}

fn group_table(run: &Run, grouping: &Grouping) -> GroupTable {
    let (names, line_of) = lines_of(grouping);
    let people = run.records.names.truth.as_deref().unwrap_or_default();
    let records = run
        .partition
        .first_of
        .iter()
        .zip(people)
        .zip(&grouping.of_row);
    let records = records.filter_map(|((first, person), value)| {
        let line = line_of[*value as usize];
        Some((u64::from(*first), u64::from((*person)?), line))
    });
    GroupTable::of(&grouping.column, &names, &by_group(records))
}

/// Returns the names of the lines in alphabetical order, and the line of each value.
fn lines_of(grouping: &Grouping) -> (Vec<String>, Vec<u32>) {
    let mut counts = vec![0_u64; grouping.values.len()];
    for value in &grouping.of_row {
        counts[*value as usize] += 1;
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|value| (std::cmp::Reverse(counts[*value]), &grouping.values[*value]));
    let others = order.split_off(order.len().min(VALUES));
    order.sort_by_key(|value| &grouping.values[*value]);
    let mut line_of = vec![u32::try_from(order.len()).unwrap_or(u32::MAX); counts.len()];
    for (line, value) in (0_u32..).zip(&order) {
        line_of[*value] = line;
    }
    let name = |value: &usize| match grouping.values[*value].as_str() {
        "" => "–".to_owned(),
        name => name.to_owned(),
    };
    let mut names: Vec<String> = order.iter().map(name).collect();
    if !others.is_empty() {
        names.push(format!("… (+{})", others.len()));
    }
    (names, line_of)
}

/// Returns what is wrong with a pair, as far as the truth is known.
fn fault(run: &Run, [left, right]: [u32; 2]) -> Option<Fault> {
    match (run.is_true(left, right)?, run.is_linked(left, right)) {
        (false, true) => Some(Fault::FalseLink),
        (true, false) => Some(Fault::Missed),
        (true, true) | (false, false) => None,
    }
}
