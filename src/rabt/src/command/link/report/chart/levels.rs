//! What each level of one comparison is worth.

use super::bits;
use crate::command::link::report::data::{Comparison, Level};
use crate::command::link::report::glossary;
use crate::command::link::report::svg::{Anchor, Scale, Svg, length};
use crate::command::link::report::text::{Picture, Text, share, signed};

const WIDTH: f64 = 560.0;
const ROW: f64 = 28.0;
const TOP: f64 = 26.0;
/// Where the bars begin and end; levels stand on their left, shares on their right.
const BARS: (f64, f64) = (172.0, 400.0);
const SHARES: [f64; 3] = [458.0, 508.0, 556.0];

/// Returns the least and the highest weight of a model, so that all its pictures have one scale.
pub(in crate::command::link::report) fn span_of_levels(comparisons: &[Comparison]) -> (f64, f64) {
    let levels = comparisons.iter().flat_map(|comparison| &comparison.levels);
    let weights = levels.flat_map(|level| [Some(level.stranger), level.kin]);
    let (low, high) = weights
        .flatten()
        .fold((-1.0_f64, 1.0_f64), |(low, high), weight| {
            (low.min(weight), high.max(weight))
        });
    // Room for the numbers at the ends of the longest bars.
    let room = (high - low) * 0.14;
    (low - room, high + room)
}

/// Draws one comparison.
pub(in crate::command::link::report) fn levels(
    comparison: &Comparison,
    span: (f64, f64),
) -> Picture {
    let bottom = TOP + ROW * length(&comparison.levels);
    let name = glossary::thing(&comparison.id);
    let mut svg = Svg::new(WIDTH, bottom + 40.0, name);
    let scale = Scale::linear(span, BARS);
    svg.axis_below(&scale, (TOP, bottom), &Text::new("bits", "بت"));
    for (at, head) in SHARES.into_iter().zip(["m", "u", "kin"]) {
        svg.number("head", (at, TOP - 8.0), Anchor::End, head);
    }
    for (row, level) in (0_u32..).zip(&comparison.levels) {
        draw(&mut svg, &scale, TOP + ROW * f64::from(row), level);
    }
    svg.line("zero", (scale.at(0.0), TOP), (scale.at(0.0), bottom));
    svg.finish()
}

fn draw(svg: &mut Svg, scale: &Scale, top: f64, level: &Level) {
    let middle = top + ROW / 2.0;
    let name = glossary::level(&level.id);
    svg.words("label", (BARS.0 - 8.0, middle + 4.0), Anchor::End, &name);
    let (zero, end) = (scale.at(0.0), scale.at(level.stranger));
    let class = if level.stranger < 0.0 { "neg" } else { "pos" };
    let height = if level.kin.is_some() { 10.0 } else { 14.0 };
    let bar = if level.kin.is_some() {
        middle - 11.0
    } else {
        middle - 7.0
    };
    svg.bar(
        class,
        (zero, bar),
        (end, bar + height),
        &bits(level.stranger),
    );
    let rarity = if level.rarity { " +r" } else { "" };
    let text = format!("{}{rarity}", signed(level.stranger));
    let (anchor, at) = if level.stranger < 0.0 {
        (Anchor::End, end - 4.0)
    } else {
        (Anchor::Start, end.max(zero) + 4.0)
    };
    svg.number("value", (at, bar + height - 1.0), anchor, &text);
    if let Some(kin) = level.kin {
        let end = scale.at(kin);
        svg.bar("kin", (zero, middle + 2.0), (end, middle + 9.0), &bits(kin));
    }
    for (at, value) in SHARES.into_iter().zip([level.m, level.u, level.k]) {
        let text = value.map_or_else(|| "–".to_owned(), share);
        svg.number("cell", (at, middle + 4.0), Anchor::End, &text);
    }
}
