//! Expected against observed.

use rabt_linkage::evaluation::{Calibration, CalibrationBin};

use crate::command::link::report::svg::{Scale, Svg};
use crate::command::link::report::text::{Picture, Text};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 392.0;
const SHARES: (f64, f64) = (0.002, 0.999_99);

/// Draws the diagram of reliability, by odds: links are decided between 99 % and 99.99 %, which on
/// an even scale are one point.
pub(in crate::command::link::report) fn calibration(calibration: &Calibration) -> Picture {
    let title = Text::new(
        "Calibration: expected against observed",
        "المعايرة: المتوقع مقابل المشاهد",
    );
    let mut svg = Svg::new(WIDTH, HEIGHT, title);
    let across = Scale::odds(SHARES, (LEFT, RIGHT));
    let up = Scale::odds(SHARES, (BOTTOM, TOP));
    let expected = Text::new("said to be one person", "الاحتمال المعلن أنهما شخص واحد");
    svg.axis_below(&across, (TOP, BOTTOM), &expected);
    let observed = Text::new("are one person", "هما شخص واحد فعلًا");
    svg.axis_left(&up, (LEFT, RIGHT), &observed);
    svg.line("ideal", (LEFT, BOTTOM), (RIGHT, TOP));
    let bins = calibration.bins.iter();
    let bins: Vec<&CalibrationBin> = bins.filter(|bin| bin.observed.of > 0).collect();
    let place = |bin: &CalibrationBin| (across.at(bin.expected), up.at(bin.observed.rate));
    let points: Vec<(f64, f64)> = bins.iter().map(|bin| place(bin)).collect();
    svg.path("line recall", &points, false);
    for bin in bins {
        let (x, y) = place(bin);
        let (low, high) = (
            up.at(bin.observed.interval.low),
            up.at(bin.observed.interval.high),
        );
        svg.line("whisker", (x, low), (x, high));
        for end in [low, high] {
            svg.line("whisker", (x - 4.0, end), (x + 4.0, end));
        }
        // A share of nothing or all lies at the edge of the picture, and beyond it in truth.
        let beyond = bin.observed.rate <= SHARES.0 || bin.observed.rate >= SHARES.1;
        svg.circle(if beyond { "dot hollow" } else { "dot" }, (x, y), 5.0);
    }
    svg.finish()
}
