//! Scored pairs by weight: true ones upwards, false ones downwards.

use super::{threshold, threshold_names, weight_axis};
use crate::command::link::report::data::{Thresholds, WeightBucket};
use crate::command::link::report::svg::{Anchor, Scale, Svg, float};
use crate::command::link::report::text::{Picture, Text, count, plain};

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 1064.0;
const TOP: f64 = 34.0;
const HALF: f64 = 150.0;

/// Draws the histogram. Counts differ a thousandfold, so their scale is logarithmic; true and false
/// pairs stand on two sides of one line because logarithms cannot be stacked.
pub(in crate::command::link::report) fn histogram(
    buckets: &[WeightBucket],
    thresholds: &Thresholds,
) -> Picture {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return Picture::default();
    };
    let known = buckets.iter().any(|bucket| bucket.right.is_some());
    let zero = TOP + if known { HALF } else { HALF * 1.6 };
    let bottom = if known { zero + HALF } else { zero };
    let most = buckets.iter().map(|bucket| bucket.count).max();
    let most = float(most.unwrap_or_default());
    let title = Text::new(
        "Scored pairs by match weight",
        "الأزواج المقيّمة حسب وزن التطابق",
    );
    let mut svg = Svg::new(WIDTH, bottom + 44.0, title);
    let across = Scale::linear((first.from, last.to), (LEFT, RIGHT));
    let up = Scale::counts(most, (zero, TOP));
    svg.axis_left(&up, (LEFT, RIGHT), &Text::new("pairs", "عدد الأزواج"));
    if known {
        let down = Scale::counts(most, (zero, bottom));
        for (value, label) in down.ticks().into_iter().skip(1) {
            let y = down.at(value);
            svg.line("grid", (LEFT, y), (RIGHT, y));
            svg.number("tick", (LEFT - 6.0, y + 4.0), Anchor::End, &label);
        }
        draw(&mut svg, buckets, &across, "neg", &down, |bucket| {
            bucket
                .right
                .map_or(0, |right| bucket.count - right.min(bucket.count))
        });
        draw(&mut svg, buckets, &across, "unknown", &up, |bucket| {
            bucket.right.map_or(bucket.count, |_| 0)
        });
    }
    draw(&mut svg, buckets, &across, "pos", &up, |bucket| {
        bucket.right.unwrap_or(if known { 0 } else { bucket.count })
    });
    svg.axis_below(&across, (TOP, bottom), &weight_axis());
    svg.line("zero", (LEFT, zero), (RIGHT, zero));
    if known {
        let (right, wrong) = (
            Text::new("▲ one person", "▲ شخص واحد"),
            Text::new("▼ two people", "▼ شخصان"),
        );
        // Above the bars, which may reach the top.
        svg.words("mark", (RIGHT, TOP - 14.0), Anchor::End, &right);
        svg.words("mark", (RIGHT, bottom - 6.0), Anchor::End, &wrong);
        if buckets.iter().any(|bucket| bucket.right.is_none()) {
            let unknown = Text::new("■ grey: not judged", "■ رمادي: دون حكم");
            svg.words("mark", (LEFT + 8.0, bottom - 6.0), Anchor::Start, &unknown);
        }
    }
    let (link, review) = threshold_names();
    let span = (TOP - 14.0, bottom);
    threshold(
        &mut svg,
        across.at(thresholds.link),
        span,
        Anchor::Start,
        &link,
    );
    threshold(
        &mut svg,
        across.at(thresholds.review),
        span,
        Anchor::End,
        &review,
    );
    svg.finish()
}

fn draw(
    svg: &mut Svg,
    buckets: &[WeightBucket],
    across: &Scale,
    class: &str,
    scale: &Scale,
    of: impl Fn(&WeightBucket) -> u64,
) {
    for bucket in buckets {
        let pairs = of(bucket);
        if pairs == 0 {
            continue;
        }
        let (from, to) = (across.at(bucket.from) + 0.6, across.at(bucket.to) - 0.6);
        let tip = format!(
            "{} … {} bit: {}",
            plain(bucket.from, 0.1),
            plain(bucket.to, 0.1),
            count(pairs)
        );
        let (base, end) = (scale.at(0.0), scale.at(float(pairs)));
        svg.bar(class, (from, base), (to, end), &tip);
    }
}
