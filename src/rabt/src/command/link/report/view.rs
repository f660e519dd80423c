//! The parts of the page as the template shows them: words and numbers ready to be printed.

mod figures;
mod pairs;

pub(super) use figures::{
    bins, calibration_facts, curve, decision, facts, ratios, remarks, run, scores, skipped, tiles,
};
pub(super) use pairs::{graphs, pairs};

use super::text::{Number, Picture, Text};

/// A figure that stands out.
pub(super) struct Tile {
    pub(super) name: Text,
    pub(super) value: Number,
    /// A figure that qualifies it; empty when there is none.
    pub(super) note: String,
}

/// A line of a table: what it is about, and its numbers.
pub(super) struct Line {
    pub(super) name: Text,
    pub(super) values: Vec<Number>,
}

/// A line of the table of calibration.
pub(super) struct Bin {
    pub(super) range: Number,
    pub(super) values: Vec<Number>,
}

/// Pairs that are shown for one reason.
pub(super) struct PairList {
    pub(super) anchor: &'static str,
    pub(super) title: Text,
    pub(super) intro: Text,
    pub(super) pairs: Vec<PairView>,
}

/// Two records side by side.
pub(super) struct PairView {
    pub(super) ids: [String; 2],
    pub(super) weight: Number,
    pub(super) probability: Number,
    pub(super) verdict: Text,
    pub(super) verdict_class: &'static str,
    pub(super) fault: Option<Text>,
    pub(super) reason: Option<Text>,
    /// The definite rule that decided; empty when none did.
    pub(super) rule: Option<Text>,
    /// Whether no blocking rule makes it, though its weight is shown.
    pub(super) never: bool,
    pub(super) cells: Vec<CellView>,
    pub(super) picture: Picture,
    /// Whether it was scored at all.
    pub(super) scored: bool,
    /// The two sums, when the model knows relatives.
    pub(super) sums: Option<[Number; 2]>,
    /// Whether the sum against relatives decided.
    pub(super) kin: bool,
}

/// One column of two records.
pub(super) struct CellView {
    pub(super) column: Text,
    pub(super) values: [Option<String>; 2],
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
}

/// A cluster and the key to its picture.
pub(super) struct GraphView {
    pub(super) name: String,
    pub(super) reason: Text,
    pub(super) picture: Picture,
    pub(super) nodes: Vec<NodeView>,
}

/// A record of a cluster.
pub(super) struct NodeView {
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) label: String,
    /// The shape that stands for its person; empty when that is not known.
    pub(super) shape: &'static str,
}
