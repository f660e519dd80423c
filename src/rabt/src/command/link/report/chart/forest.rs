//! Error rates by group, with their intervals.

use rabt_linkage::evaluation::Rate;

use crate::command::link::report::data::{GroupLine, GroupTable};
use crate::command::link::report::glossary;
use crate::command::link::report::svg::{Anchor, Scale, Svg, length};
use crate::command::link::report::text::{Picture, Text, count, percent};

const WIDTH: f64 = 1080.0;
const ROW: f64 = 27.0;
const TOP: f64 = 50.0;
const NAMES: f64 = 150.0;
const RECORDS: f64 = 230.0;
/// Where the intervals of each kind of error lie; their numbers stand on the right.
const PANELS: [(f64, f64); 2] = [(256.0, 540.0), (668.0, 952.0)];

/// One kind of error.
type Kind = fn(&GroupLine) -> Rate;

/// Draws one line a group and one panel a kind of error; `overall` are the rates of all records.
pub(in crate::command::link::report) fn forest(
    table: &GroupTable,
    overall: Option<[f64; 2]>,
) -> Picture {
    let bottom = TOP + ROW * length(&table.lines);
    let mut svg = Svg::new(WIDTH, bottom + 44.0, glossary::thing(&table.column));
    let records = Text::new("records", "السجلات");
    svg.words("head", (RECORDS, TOP - 14.0), Anchor::End, &records);
    for (row, line) in (0_u32..).zip(&table.lines) {
        let y = TOP + ROW * (f64::from(row) + 0.5) + 4.0;
        svg.words("label", (NAMES, y), Anchor::End, &Text::same(&line.value));
        svg.number("cell", (RECORDS, y), Anchor::End, &count(line.records));
    }
    let kinds: [(Kind, &str, Text); 2] = [
        (
            |line| line.false_links,
            "neg",
            Text::new(
                "false links, of links found",
                "روابط خاطئة من الروابط الناتجة",
            ),
        ),
        (
            |line| line.missed_links,
            "missed",
            Text::new(
                "missed links, of true links",
                "روابط فائتة من الروابط الصحيحة",
            ),
        ),
    ];
    for (at, (kind, class, name)) in kinds.into_iter().enumerate() {
        let mark = overall.map(|rates| rates[at]);
        panel(&mut svg, table, (PANELS[at], bottom), (kind, class), mark);
        let middle = f64::midpoint(PANELS[at].0, PANELS[at].1);
        svg.words("head", (middle, TOP - 26.0), Anchor::Middle, &name);
    }
    svg.finish()
}

fn panel(
    svg: &mut Svg,
    table: &GroupTable,
    (ends, bottom): ((f64, f64), f64),
    (kind, class): (Kind, &str),
    overall: Option<f64>,
) {
    let rates = table.lines.iter().map(kind).filter(|rate| rate.of > 0);
    let most = rates.fold(0.0_f64, |most, rate| most.max(rate.interval.high));
    // In per cent, so that ticks need no unit.
    let scale = Scale::linear((0.0, (most * 100.0).max(0.01)), ends);
    svg.axis_below(&scale, (TOP, bottom), &Text::new("%", "٪"));
    if let Some(rate) = overall {
        let x = scale.at(rate * 100.0);
        svg.line("threshold", (x, TOP - 6.0), (x, bottom));
        let all = Text::new("all", "الكل");
        svg.words("mark", (x, TOP - 9.0), Anchor::Middle, &all);
    }
    for (row, line) in (0_u32..).zip(&table.lines) {
        let rate = kind(line);
        let y = TOP + ROW * (f64::from(row) + 0.5);
        if rate.of == 0 {
            svg.number("cell", (ends.1 + 12.0, y + 4.0), Anchor::Start, "–");
            continue;
        }
        let place = |share: f64| scale.at(share * 100.0);
        let (low, high) = (place(rate.interval.low), place(rate.interval.high));
        svg.line(&format!("whisker {class}"), (low, y), (high, y));
        for end in [low, high] {
            svg.line(&format!("whisker {class}"), (end, y - 4.0), (end, y + 4.0));
        }
        let x = place(rate.rate);
        if class == "neg" {
            svg.circle(class, (x, y), 4.5);
        } else {
            let corners = [(x, y - 6.0), (x + 6.0, y), (x, y + 6.0), (x - 6.0, y)];
            svg.path(class, &corners, true);
        }
        let text = format!("{} ({})", percent(rate.rate), count(rate.count));
        svg.number("cell", (ends.1 + 12.0, y + 4.0), Anchor::Start, &text);
    }
}
