//! What other thresholds would have given.

use rabt_linkage::evaluation::{Curve, CurvePoint};

use super::{threshold, threshold_names, weight_axis};
use crate::command::link::report::data::Thresholds;
use crate::command::link::report::svg::{Anchor, Scale, Svg};
use crate::command::link::report::text::{Picture, Text};

const HEIGHT: f64 = 360.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 312.0;
/// The ends of both axes of rates. They run by odds: what is worth a decision lies between 99 % and
/// 99.99 %, which on an even scale is one line. Rates beyond the ends lie at the ends.
const SHARES: (f64, f64) = (0.05, 0.999_95);

/// The three lines, each with its class, how to read it, and its name.
type Measure = fn(&CurvePoint) -> f64;
static LINES: [(&str, Measure, Text); 3] = [
    (
        "precision",
        |point| point.rates.precision,
        Text::new("precision", "الدقة"),
    ),
    (
        "recall",
        |point| point.rates.recall,
        Text::new("recall", "الاستدعاء"),
    ),
    ("f1", |point| point.rates.f1(), Text::new("F1", "F1")),
];

/// Draws precision, recall and F1 by threshold.
pub(in crate::command::link::report) fn thresholds(
    curve: &Curve,
    decision: &Thresholds,
) -> Picture {
    const RIGHT: f64 = 660.0;
    let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
        return Picture::default();
    };
    let title = Text::new(
        "Precision, recall and F1 by threshold",
        "الدقة والاستدعاء و F1 حسب العتبة",
    );
    let mut svg = Svg::new(680.0, HEIGHT, title);
    let (from, to) = (first.threshold.as_bits(), last.threshold.as_bits());
    let across = Scale::linear((from, to), (LEFT, RIGHT));
    let up = Scale::odds(SHARES, (BOTTOM, TOP));
    svg.axis_below(&across, (TOP, BOTTOM), &weight_axis());
    svg.axis_left(&up, (LEFT, RIGHT), &Text::new("rate", "النسبة"));
    let (link, review) = threshold_names();
    for (weight, anchor, name) in [
        (decision.link, Anchor::Start, link),
        (decision.review, Anchor::End, review),
    ] {
        if (from..=to).contains(&weight) {
            threshold(
                &mut svg,
                across.at(weight),
                (TOP - 14.0, BOTTOM),
                anchor,
                &name,
            );
        }
    }
    let mut legend = 230.0;
    for (class, measure, name) in &LINES {
        let points = curve.points.iter();
        let points: Vec<(f64, f64)> = points
            .map(|point| (across.at(point.threshold.as_bits()), up.at(measure(point))))
            .collect();
        svg.path(&format!("line {class}"), &points, false);
        svg.path(
            &format!("line {class}"),
            &[(legend, 18.0), (legend + 34.0, 18.0)],
            false,
        );
        svg.words("mark", (legend + 42.0, 22.0), Anchor::Start, name);
        legend += 140.0;
    }
    if let Some(best) = &curve.best {
        let at = (across.at(best.threshold.as_bits()), up.at(best.rates.f1()));
        svg.circle("best", at, 6.0);
    }
    svg.finish()
}

/// Draws precision against recall.
pub(in crate::command::link::report) fn precision_recall(
    curve: &Curve,
    decision: &Thresholds,
) -> Picture {
    const RIGHT: f64 = 420.0;
    if curve.points.is_empty() {
        return Picture::default();
    }
    let title = Text::new("Precision against recall", "الدقة مقابل الاستدعاء");
    let mut svg = Svg::new(440.0, HEIGHT, title);
    let across = Scale::odds(SHARES, (LEFT, RIGHT));
    let up = Scale::odds(SHARES, (BOTTOM, TOP));
    svg.axis_below(&across, (TOP, BOTTOM), &Text::new("recall", "الاستدعاء"));
    svg.axis_left(&up, (LEFT, RIGHT), &Text::new("precision", "الدقة"));
    let place = |point: &CurvePoint| (across.at(point.rates.recall), up.at(point.rates.precision));
    let points: Vec<(f64, f64)> = curve.points.iter().map(place).collect();
    svg.path("line f1", &points, false);
    if let Some(best) = &curve.best {
        svg.circle("best", place(best), 6.0);
    }
    let chosen = curve.points.iter();
    let chosen = chosen.min_by(|left, right| {
        let away = |point: &CurvePoint| (point.threshold.as_bits() - decision.link).abs();
        away(left).total_cmp(&away(right))
    });
    if let Some(point) = chosen {
        let (x, y) = place(point);
        let corners = [(x, y - 7.0), (x + 7.0, y), (x, y + 7.0), (x - 7.0, y)];
        svg.path("chosen", &corners, true);
    }
    svg.finish()
}
