//! What the page shows: plain data, weights in bits.

use clap::ValueEnum;
use rabt_linkage::Verdict;
use rabt_linkage::evaluation::{
    Blocking, Calibration, Curve, Disparity, GroupErrors, Metrics, Rate, SizeCount,
};

/// The language in which the page opens; the reader may switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Language {
    /// English, left to right.
    #[default]
    #[value(name = "en")]
    English,
    /// Arabic, right to left.
    #[value(name = "ar")]
    Arabic,
}

/// Everything on the page. An empty list or an absent value leaves its section out.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportData {
    /// What was linked.
    pub(crate) title: String,
    /// The language in which the page opens.
    pub(crate) language: Language,
    /// The model that decided.
    pub(crate) model: ModelCard,
    /// The names of the files that were read.
    pub(crate) files: Vec<String>,
    /// What was found.
    pub(crate) counts: Counts,
    /// How well, when the truth is known.
    pub(crate) quality: Option<Quality>,
    /// Prior and thresholds.
    pub(crate) thresholds: Thresholds,
    /// What each level of each comparison is worth.
    pub(crate) comparisons: Vec<Comparison>,
    /// Scored pairs by weight, in the order of weight, without gaps.
    pub(crate) histogram: Vec<WeightBucket>,
    /// What other thresholds would have given.
    pub(crate) curve: Option<Curve>,
    /// Whether probabilities are what they say.
    pub(crate) calibration: Option<Calibration>,
    /// Errors by group.
    pub(crate) groups: Vec<GroupTable>,
    /// Links between two people, the heaviest first.
    pub(crate) false_links: Vec<Pair>,
    /// True pairs that were not linked, the lightest first.
    pub(crate) misses: Vec<Pair>,
    /// Pairs that were asked for.
    pub(crate) chosen: Vec<Pair>,
    /// Clusters by number of records.
    pub(crate) cluster_sizes: Vec<SizeCount>,
    /// People by number of records, when the truth is known.
    pub(crate) person_sizes: Vec<SizeCount>,
    /// Clusters worth a look.
    pub(crate) graphs: Vec<ClusterGraph>,
    /// Blocks that made no pairs, the largest first.
    pub(crate) skipped: Vec<Skipped>,
    /// What the run cost.
    pub(crate) stages: Vec<Stage>,
    /// The largest memory in use, bytes.
    pub(crate) peak_memory: Option<u64>,
}

/// The model that decided.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelCard {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: u32,
    /// The SHA-256 of its text, in hexadecimal.
    pub(crate) fingerprint: String,
}

/// What a run found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Records read.
    pub(crate) records: u64,
    /// Values that stand for nothing and were taken as absent.
    pub(crate) placeholders: u64,
    /// Pairs that blocking made.
    pub(crate) candidate_pairs: u64,
    /// Pairs at or above the link threshold.
    pub(crate) links: u64,
    /// Pairs between the two thresholds.
    pub(crate) reviews: u64,
    /// Links that the rest of their cluster spoke against.
    pub(crate) contradicted: u64,
    /// Clusters made.
    pub(crate) clusters: u64,
}

/// How well the run did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quality {
    /// Clusters against the truth.
    pub(crate) metrics: Metrics,
    /// Candidate pairs against the truth.
    pub(crate) blocking: Option<Blocking>,
}

/// Prior and thresholds, in bits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Thresholds {
    /// At or above: link.
    pub(crate) link: f64,
    /// At or above and below `link`: review.
    pub(crate) review: f64,
    /// Log2 odds against strangers.
    pub(crate) prior: f64,
    /// Log2 odds against close relatives, when the model knows them.
    pub(crate) kin_prior: Option<f64>,
}

/// One comparison of the model.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Its id in the model.
    pub(crate) id: String,
    /// Its levels, in the order of the model.
    pub(crate) levels: Vec<Level>,
}

/// One level of a comparison. Shares are `None` where the model does not state them.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    /// Its id in the model.
    pub(crate) id: String,
    /// Its weight against strangers, in bits.
    pub(crate) stranger: f64,
    /// Its weight against close relatives, when the model knows them.
    pub(crate) kin: Option<f64>,
    /// Whether the rarity of the value is added to `stranger`.
    pub(crate) rarity: bool,
    /// Its share among pairs of one person.
    pub(crate) m: Option<f64>,
    /// Its share among strangers.
    pub(crate) u: Option<f64>,
    /// Its share among close relatives.
    pub(crate) k: Option<f64>,
}

/// Scored pairs of like weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightBucket {
    /// The least weight in it, in bits.
    pub(crate) from: f64,
    /// The weight at which the next begins.
    pub(crate) to: f64,
    /// Its pairs.
    pub(crate) count: u64,
    /// Those that are true, when the truth is known.
    pub(crate) right: Option<u64>,
}

/// Errors by the values of one column.
#[derive(Debug, Clone)]
pub(crate) struct GroupTable {
    /// The column.
    pub(crate) column: String,
    /// Its values.
    pub(crate) lines: Vec<GroupLine>,
    /// The highest rate of false links over the lowest, when it can be told.
    pub(crate) false_ratio: Option<f64>,
    /// The highest rate of missed links over the lowest, when it can be told.
    pub(crate) missed_ratio: Option<f64>,
}

impl GroupTable {
    /// Returns the table of a column; `names` are what its groups are called, by number.
    pub(super) fn of(column: &str, names: &[impl AsRef<str>], groups: &[GroupErrors]) -> Self {
        let line = |group: &GroupErrors| GroupLine {
            value: names[group.group as usize].as_ref().to_owned(),
            records: group.records,
            false_links: group.false_links,
            missed_links: group.missed_links,
        };
        let ratio = |gap: Option<Disparity>| gap.and_then(|gap| gap.ratio);
        Self {
            column: column.to_owned(),
            lines: groups.iter().map(line).collect(),
            false_ratio: ratio(Disparity::of(groups, |group| group.false_links)),
            missed_ratio: ratio(Disparity::of(groups, |group| group.missed_links)),
        }
    }
}

/// Errors of the records with one value.
#[derive(Debug, Clone)]
pub(crate) struct GroupLine {
    /// The value.
    pub(crate) value: String,
    /// Records that have it.
    pub(crate) records: u64,
    /// Links found that are false.
    pub(crate) false_links: Rate,
    /// True links that are missed.
    pub(crate) missed_links: Rate,
}

/// What is wrong with a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Two people, linked.
    FalseLink,
    /// One person, not linked.
    Missed,
}

/// Why a pair was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It was asked for.
    Asked,
    /// No other pair that was linked weighs so little.
    WeakestLink,
    /// No other pair below the link threshold that was not linked weighs so much.
    StrongestRejected,
}

/// Two records side by side and why they have their weight.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The ids of the two records.
    pub(crate) ids: [String; 2],
    /// Their values.
    pub(crate) cells: Vec<CellPair>,
    /// The weight that decided, in bits.
    pub(crate) weight: f64,
    /// The probability that they are one person.
    pub(crate) probability: f64,
    /// What the thresholds make of it.
    pub(crate) verdict: Verdict,
    /// What is wrong with it, if anything is known to be.
    pub(crate) fault: Option<Fault>,
    /// Why it was chosen, if it was.
    pub(crate) reason: Option<Reason>,
    /// The blocking rules of which the two share a key; without any they are never compared.
    pub(crate) blocking: Vec<String>,
    /// The prior against strangers and, when the model knows them, against relatives.
    pub(crate) prior: (f64, Option<f64>),
    /// What each comparison added, in the order of the model. Empty when the pair was never scored.
    pub(crate) steps: Vec<WaterfallStep>,
    /// The definite rule that decided whatever the sums say.
    pub(crate) rule: Option<String>,
}

/// One column of two records.
#[derive(Debug, Clone)]
pub(crate) struct CellPair {
    /// The column.
    pub(crate) column: String,
    /// The values of the two records; `None` where absent.
    pub(crate) values: [Option<String>; 2],
}

/// What one comparison added, in bits.
#[derive(Debug, Clone)]
pub(crate) struct WaterfallStep {
    /// The comparison.
    pub(crate) comparison: String,
    /// The level it found.
    pub(crate) level: String,
    /// Against strangers.
    pub(crate) stranger: f64,
    /// Against close relatives.
    pub(crate) kin: f64,
}

/// Why a cluster is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClusterReason {
    /// It is among the largest.
    Largest,
    /// One weak edge holds two halves of it together.
    WeakBridge,
    /// It holds records of several people.
    Mixed,
}

/// A cluster as a picture.
#[derive(Debug, Clone)]
pub(crate) struct ClusterGraph {
    /// The name of the cluster.
    pub(crate) name: String,
    /// Why it is shown.
    pub(crate) reason: ClusterReason,
    /// Its records.
    pub(crate) nodes: Vec<Node>,
    /// Scored pairs among them.
    pub(crate) edges: Vec<GraphEdge>,
}

/// A record of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its id.
    pub(crate) id: String,
    /// A value by which a reader knows it, such as its name; may be empty.
    pub(crate) label: String,
    /// The true person, numbered from 0 within the cluster, when known.
    pub(crate) person: Option<usize>,
}

/// A scored pair of a cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GraphEdge {
    /// Positions of the two records in the cluster.
    pub(crate) ends: [usize; 2],
    /// Its weight, in bits.
    pub(crate) weight: f64,
    /// Whether the cluster falls apart without it.
    pub(crate) bridge: bool,
}

/// A block that made no pairs.
#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    /// The rule.
    pub(crate) rule: String,
    /// Records that share the key.
    pub(crate) records: u64,
    /// The largest block of which the rule makes pairs.
    pub(crate) cap: u64,
}

/// What one stage of the run cost.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// What was done.
    pub(crate) name: String,
    /// Wall time, in seconds.
    pub(crate) wall_seconds: f64,
    /// Processor time of all threads, in seconds.
    pub(crate) cpu_seconds: f64,
}
