//! What the judgement amounts to: the object that `--json` prints.

use rabt_linkage::evaluation::{
    Blocking, Calibration, Contingency, Curve, Disparity, GroupErrors, Metrics, Rate, Rates,
    SizeCount, blocking, by_group,
};
use serde::Serialize;

use super::input::{Counts, Edges, Grouping, Truth};

/// How many thresholds a curve shows.
const STEPS: usize = 100;

/// Clusters against the truth.
#[derive(Debug, Serialize)]
pub(super) struct Evaluation {
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) people: u64,
    pub(super) clusters: u64,
    pub(super) pairs: Pairs,
    pub(super) pairwise: Scores,
    pub(super) b_cubed: Scores,
    pub(super) cluster: Scores,
    pub(super) exact_clusters: u64,
    pub(super) over_merged: Rate,
    pub(super) split: Rate,
    pub(super) merge_distance: Distance,
    pub(super) cluster_sizes: Vec<SizeCount>,
    pub(super) person_sizes: Vec<SizeCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edges: Option<Edged>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<Grouped>,
}

/// Pairs behind the pairwise scores.
#[derive(Debug, Serialize)]
pub(super) struct Pairs {
    pub(super) found: u64,
    pub(super) known: u64,
    pub(super) right: u64,
}

/// Precision, recall and their mean.
#[derive(Debug, Serialize)]
pub(super) struct Scores {
    #[serde(flatten)]
    pub(super) rates: Rates,
    pub(super) f1: f64,
}

/// What it takes to turn the clusters into the truth.
#[derive(Debug, Serialize)]
pub(super) struct Distance {
    pub(super) splits: u64,
    pub(super) merges: u64,
    pub(super) total: u64,
    pub(super) per_record: f64,
}

/// What the scores of pairs say.
#[derive(Debug, Serialize)]
pub(super) struct Edged {
    #[serde(flatten)]
    pub(super) blocking: Blocking,
    pub(super) unjudged: u64,
    pub(super) recall: f64,
    pub(super) ceiling_f1: f64,
    pub(super) closed_ceiling_f1: f64,
    pub(super) best: Option<Threshold>,
    pub(super) calibration: Calibration,
    pub(super) curve: Vec<Threshold>,
}

/// What linking at or above a weight would give.
#[derive(Debug, Serialize)]
pub(super) struct Threshold {
    pub(super) weight_bits: f64,
    pub(super) found: u64,
    pub(super) right: u64,
    #[serde(flatten)]
    pub(super) scores: Scores,
}

/// Errors by the values of one column.
#[derive(Debug, Serialize)]
pub(super) struct Grouped {
    pub(super) column: String,
    pub(super) values: Vec<GroupLine>,
    pub(super) false_link_gap: Option<Gap>,
    pub(super) missed_link_gap: Option<Gap>,
}

/// Errors of the records with one value.
#[derive(Debug, Serialize)]
pub(super) struct GroupLine {
    pub(super) value: String,
    pub(super) records: u64,
    pub(super) false_links: Rate,
    pub(super) missed_links: Rate,
}

/// The greatest difference between two values.
#[derive(Debug, Serialize)]
pub(super) struct Gap {
    pub(super) highest: String,
    pub(super) lowest: String,
    pub(super) highest_rate: Rate,
    pub(super) ratio: Option<f64>,
    pub(super) intervals_apart: bool,
}

impl Evaluation {
    /// Judges what was read.
    pub(super) fn of(truth: &Truth, counts: Counts, edges: Option<Edges>) -> Self {
        let table = Contingency::of(truth.judged().map(|(_, cluster, person)| (cluster, person)));
        let metrics: Metrics = table.metrics();
        let distance = metrics.merge_distance();
        Self {
            counts,
            people: metrics.people,
            clusters: metrics.clusters,
            pairs: Pairs {
                found: metrics.found_pairs,
                known: metrics.known_pairs,
                right: metrics.true_pairs,
            },
            pairwise: scores(metrics.pairwise()),
            b_cubed: scores(metrics.b_cubed()),
            cluster: scores(metrics.cluster()),
            exact_clusters: metrics.exact,
            over_merged: metrics.over_merge(),
            split: metrics.under_merge(),
            merge_distance: Distance {
                splits: distance.splits,
                merges: distance.merges,
                total: distance.total(),
                per_record: distance.per_record(),
            },
            cluster_sizes: table.cluster_sizes(),
            person_sizes: table.person_sizes(),
            edges: edges.map(|edges| edged(truth, &edges)),
            groups: truth
                .groupings
                .iter()
                .map(|grouping| grouped(truth, grouping))
                .collect(),
        }
    }
}

fn scores(rates: Rates) -> Scores {
    Scores {
        rates,
        f1: rates.f1(),
    }
}

fn edged(truth: &Truth, edges: &Edges) -> Edged {
    let people = truth.judged_people();
    let same = |(left, right): (usize, usize)| people[left] == people[right];
    let blocking = blocking(&people, edges.list.iter().map(|edge| edge.pair));
    let weighed = edges.list.iter();
    let weighed = weighed.map(|edge| (edge.weight, same(edge.pair)));
    let curve = Curve::of(weighed, blocking.known_pairs, STEPS);
    let likely = edges.list.iter();
    let likely = likely.map(|edge| (edge.probability, same(edge.pair)));
    let threshold = |point: rabt_linkage::evaluation::CurvePoint| Threshold {
        weight_bits: point.threshold.as_bits(),
        found: point.found,
        right: point.true_found,
        scores: scores(point.rates),
    };
    Edged {
        unjudged: edges.unjudged,
        recall: blocking.recall(),
        ceiling_f1: blocking.ceiling(),
        closed_ceiling_f1: blocking.closed_ceiling(),
        blocking,
        best: curve.best.map(threshold),
        calibration: Calibration::of(likely),
        curve: curve.points.into_iter().map(threshold).collect(),
    }
}

fn grouped(truth: &Truth, grouping: &Grouping) -> Grouped {
    let judged = truth.judged();
    let items = judged.map(|(at, cluster, person)| (cluster, person, grouping.of_record[at]));
    let mut groups = by_group(items);
    let value = |group: u32| match grouping.values[group as usize].as_str() {
        "" => "(none)".to_owned(),
        value => value.to_owned(),
    };
    let gap = |rate: fn(&GroupErrors) -> Rate| {
        Disparity::of(&groups, rate).map(|gap| Gap {
            highest: value(gap.highest),
            lowest: value(gap.lowest),
            highest_rate: gap.rate,
            ratio: gap.ratio,
            intervals_apart: gap.apart,
        })
    };
    let (false_link_gap, missed_link_gap) = (
        gap(|group| group.false_links),
        gap(|group| group.missed_links),
    );
    groups.sort_by_cached_key(|group| value(group.group));
    Grouped {
        column: grouping.column.clone(),
        values: groups
            .iter()
            .map(|group| GroupLine {
                value: value(group.group),
                records: group.records,
                false_links: group.false_links,
                missed_links: group.missed_links,
            })
            .collect(),
        false_link_gap,
        missed_link_gap,
    }
}
