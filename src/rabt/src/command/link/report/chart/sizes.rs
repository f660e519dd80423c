//! Clusters by number of records, beside people.

use rabt_linkage::evaluation::SizeCount;

use crate::command::link::report::svg::{Anchor, Scale, Svg, float};
use crate::command::link::report::text::{Picture, Text, count};

const WIDTH: f64 = 680.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 664.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 268.0;
/// The last column holds this size and all larger ones.
const LAST: u32 = 14;

/// Draws the two distributions; people are left out when the truth is not known.
pub(in crate::command::link::report) fn sizes(found: &[SizeCount], known: &[SizeCount]) -> Picture {
    let title = Text::new("Clusters by number of records", "المجموعات حسب عدد السجلات");
    let mut svg = Svg::new(WIDTH, BOTTOM + 44.0, title);
    let largest = found.iter().chain(known).map(|entry| entry.size).max();
    let last = LAST
        .min(u32::try_from(largest.unwrap_or(1)).unwrap_or(LAST))
        .max(4);
    let columns = |sizes: &[SizeCount]| -> Vec<u64> {
        let of = |size: u32| {
            let here = sizes.iter().filter(|entry| {
                entry.size == u64::from(size) || size == last && entry.size > u64::from(last)
            });
            here.map(|entry| entry.count).sum()
        };
        (1..=last).map(of).collect()
    };
    let (found, known) = (columns(found), columns(known));
    let most = found.iter().chain(&known).max().copied();
    let up = Scale::counts(float(most.unwrap_or_default()), (BOTTOM, TOP));
    svg.axis_left(&up, (LEFT, RIGHT), &Text::new("how many", "العدد"));
    let step = (RIGHT - LEFT) / f64::from(last);
    let truth = known.iter().any(|count| *count > 0);
    let (gap, width) = (step * 0.14, step * if truth { 0.34 } else { 0.7 });
    for ((size, clusters), people) in (1..=last).zip(&found).zip(&known) {
        let left = LEFT + step * f64::from(size - 1);
        let from = left + gap;
        let bar = |svg: &mut Svg, class: &str, from: f64, number: u64| {
            let end = (from + width, up.at(float(number)));
            svg.bar(class, (from, BOTTOM), end, &count(number));
        };
        bar(&mut svg, "pos", from, *clusters);
        if truth {
            bar(&mut svg, "outline", from + width + step * 0.04, *people);
        }
        let label = if size == last && largest > Some(u64::from(last)) {
            format!("≥ {size}")
        } else {
            size.to_string()
        };
        svg.number(
            "tick",
            (left + step / 2.0, BOTTOM + 15.0),
            Anchor::Middle,
            &label,
        );
    }
    svg.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    let axis = Text::new("records", "عدد السجلات");
    svg.words(
        "title",
        (f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0),
        Anchor::Middle,
        &axis,
    );
    legend(&mut svg, truth);
    svg.finish()
}

fn legend(svg: &mut Svg, truth: bool) {
    svg.bar("pos", (430.0, 12.0), (444.0, 26.0), "");
    let found = Text::new("clusters found", "المجموعات الناتجة");
    svg.words("mark", (450.0, 23.0), Anchor::Start, &found);
    if truth {
        svg.bar("outline", (560.0, 12.0), (574.0, 26.0), "");
        let known = Text::new("true people", "الأشخاص الحقيقيون");
        svg.words("mark", (580.0, 23.0), Anchor::Start, &known);
    }
}
