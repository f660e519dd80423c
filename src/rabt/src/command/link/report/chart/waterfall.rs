//! Why one pair has its weight.

use super::{bits, threshold, threshold_names, weight_axis};
use crate::command::link::report::data::{Pair, Thresholds, WaterfallStep};
use crate::command::link::report::glossary;
use crate::command::link::report::svg::{Anchor, Scale, Svg, length};
use crate::command::link::report::text::{Picture, Text, signed};

const WIDTH: f64 = 680.0;
const ROW: f64 = 25.0;
const TOP: f64 = 34.0;
/// Where names end, and where the bars begin and end.
const NAMES: f64 = 112.0;
const BARS: (f64, f64) = (262.0, 640.0);

/// One line of the picture.
struct Row {
    name: Text,
    level: Option<Text>,
    from: f64,
    to: f64,
    total: bool,
}

/// Draws the evidence, one step a line, for the hypothesis that decided.
pub(in crate::command::link::report) fn waterfall(pair: &Pair, thresholds: &Thresholds) -> Picture {
    if pair.steps.is_empty() {
        return Picture::default();
    }
    let rows = rows(pair);
    let bottom = TOP + ROW * length(&rows);
    let title = Text::new("How the match weight adds up", "كيف يتكوّن وزن التطابق");
    let mut svg = Svg::new(WIDTH, bottom + 42.0, title);
    let ends = rows.iter().flat_map(|row| [row.from, row.to]);
    let ends = ends.chain([thresholds.link, thresholds.review]);
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let room = (high - low) * 0.08;
    let scale = Scale::linear((low - room, high + room), BARS);
    svg.axis_below(&scale, (TOP, bottom), &weight_axis());
    let (link, review) = threshold_names();
    let span = (TOP - 14.0, bottom);
    threshold(
        &mut svg,
        scale.at(thresholds.link),
        span,
        Anchor::Start,
        &link,
    );
    threshold(
        &mut svg,
        scale.at(thresholds.review),
        span,
        Anchor::End,
        &review,
    );
    svg.line("zero", (scale.at(0.0), TOP), (scale.at(0.0), bottom));
    for (at, row) in (0_u32..).zip(&rows) {
        draw(&mut svg, &scale, TOP + ROW * f64::from(at), row);
    }
    svg.finish()
}

/// Tells whether the hypothesis that the two are relatives gives the lesser sum, and so decided.
pub(in crate::command::link::report) fn is_kin(pair: &Pair) -> bool {
    sums(pair).1.is_some_and(|kin| kin < sums(pair).0)
}

/// Returns the sums against strangers and against relatives.
pub(in crate::command::link::report) fn sums(pair: &Pair) -> (f64, Option<f64>) {
    let total = |of: fn(&WaterfallStep) -> f64| pair.steps.iter().map(of).sum::<f64>();
    (
        pair.prior.0 + total(|step| step.stranger),
        pair.prior.1.map(|prior| prior + total(|step| step.kin)),
    )
}

fn rows(pair: &Pair) -> Vec<Row> {
    let kin = is_kin(pair);
    let prior = if kin {
        pair.prior.1.unwrap_or_default()
    } else {
        pair.prior.0
    };
    let mut rows = vec![Row {
        name: glossary::level("prior"),
        level: None,
        from: 0.0,
        to: prior,
        total: false,
    }];
    let mut at = prior;
    for step in &pair.steps {
        let added = if kin { step.kin } else { step.stranger };
        rows.push(Row {
            name: glossary::thing(&step.comparison),
            level: Some(glossary::level(&step.level)),
            from: at,
            to: at + added,
            total: false,
        });
        at += added;
    }
    // A definite rule lifts or sinks the sum to where it wants it.
    if let Some(rule) = &pair.rule {
        rows.push(Row {
            name: glossary::level("rule"),
            level: Some(Text::same(rule)),
            from: at,
            to: pair.weight,
            total: false,
        });
        at = pair.weight;
    }
    rows.push(Row {
        name: glossary::level("total"),
        level: None,
        from: 0.0,
        to: at,
        total: true,
    });
    rows
}

fn draw(svg: &mut Svg, scale: &Scale, top: f64, row: &Row) {
    let middle = top + ROW / 2.0;
    svg.words("label", (NAMES, middle + 4.0), Anchor::End, &row.name);
    if let Some(level) = &row.level {
        svg.words("tick", (NAMES + 10.0, middle + 4.0), Anchor::Start, level);
    }
    let added = row.to - row.from;
    let (from, to) = (scale.at(row.from), scale.at(row.to));
    let class = match (row.total, added < 0.0) {
        (true, _) => "total",
        (false, true) => "neg",
        (false, false) => "pos",
    };
    svg.bar(
        class,
        (from, middle - 8.0),
        (to, middle + 8.0),
        &bits(added),
    );
    if !row.total {
        // Leads the eye to where the next step begins.
        svg.line("lead", (to, middle - 8.0), (to, middle + ROW - 8.0));
    }
    let text = signed(added);
    if added < 0.0 {
        svg.number("value", (to - 4.0, middle + 4.0), Anchor::End, &text);
    } else {
        svg.number(
            "value",
            (to.max(from) + 4.0, middle + 4.0),
            Anchor::Start,
            &text,
        );
    }
}
