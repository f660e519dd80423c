//! The pictures of the page.

mod calibration;
mod curve;
mod forest;
mod graph;
mod histogram;
mod levels;
mod sizes;
mod stages;
mod waterfall;

pub(super) use calibration::calibration;
pub(super) use curve::{precision_recall, thresholds};
pub(super) use forest::forest;
pub(super) use graph::graph;
pub(super) use histogram::histogram;
pub(super) use levels::{levels, span_of_levels};
pub(super) use sizes::sizes;
pub(super) use stages::stages;
pub(super) use waterfall::{is_kin, sums, waterfall};

use super::svg::{Anchor, Svg};
use super::text::{Text, signed};

/// Draws a threshold through a picture that has weights along the bottom.
fn threshold(svg: &mut Svg, x: f64, (top, bottom): (f64, f64), anchor: Anchor, name: &Text) {
    svg.line("threshold", (x, top), (x, bottom));
    let shift = match anchor {
        Anchor::Start => 4.0,
        Anchor::Middle => 0.0,
        Anchor::End => -4.0,
    };
    svg.words("mark", (x + shift, top + 9.0), anchor, name);
}

/// Returns the words for the two thresholds.
fn threshold_names() -> (Text, Text) {
    (Text::new("link", "ربط"), Text::new("review", "مراجعة"))
}

/// Returns the words under an axis of weights.
fn weight_axis() -> Text {
    Text::new("match weight, bits", "وزن التطابق، بت")
}

/// Returns a weight with its unit.
fn bits(weight: f64) -> String {
    format!("{} bit", signed(weight))
}
