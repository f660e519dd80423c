//! Figures: tiles, scores, thresholds, bins, what was skipped and what it cost.

use rabt_linkage::evaluation::{CurvePoint, Rate, Rates};

use super::{Bin, Line, Tile};
use crate::command::link::report::data::{GroupTable, ReportData};
use crate::command::link::report::text::{Number, Text, count, percent, plain, seconds, signed};

/// A table of thresholds shows about so many.
const ROWS: usize = 20;

/// Returns the prior and the thresholds.
pub(in crate::command::link::report) fn decision(data: &ReportData) -> Vec<Line> {
    let line = |english, arabic, bits: f64| Line {
        name: Text::new(english, arabic),
        values: vec![Number(signed(bits))],
    };
    let decision = &data.thresholds;
    let mut lines = vec![
        line("link from", "الربط من", decision.link),
        line("review from", "المراجعة من", decision.review),
        line("prior", "الاحتمال المسبق", decision.prior),
    ];
    let kin = decision.kin_prior;
    lines.extend(kin.map(|prior| line("against relatives", "مقابل الأقارب", prior)));
    lines
}

/// Returns the figures at the head of the page.
pub(in crate::command::link::report) fn tiles(data: &ReportData) -> Vec<Tile> {
    let counts = &data.counts;
    let tile = |english, arabic, value: u64| Tile {
        name: Text::new(english, arabic),
        value: value.into(),
        note: String::new(),
    };
    let mut tiles = vec![
        tile("records", "سجل", counts.records),
        tile("clusters", "مجموعة", counts.clusters),
        tile("candidate pairs", "زوج مرشح", counts.candidate_pairs),
        tile("links", "رابط", counts.links),
        tile("pairs for review", "زوج للمراجعة", counts.reviews),
    ];
    if let Some(quality) = &data.quality {
        let over = quality.metrics.over_merge();
        let rates = quality.metrics.pairwise();
        let rate = |english, arabic, value: f64, note: String| Tile {
            name: Text::new(english, arabic),
            value: Number(percent(value)),
            note,
        };
        tiles.extend([
            tile("true people", "شخص حقيقي", quality.metrics.people),
            rate(
                "precision of pairs",
                "دقة الأزواج",
                rates.precision,
                String::new(),
            ),
            rate(
                "recall of pairs",
                "استدعاء الأزواج",
                rates.recall,
                String::new(),
            ),
            rate("F1 of pairs", "F1 للأزواج", rates.f1(), String::new()),
            rate(
                "people over-merged",
                "أشخاص دُمجوا مع غيرهم",
                over.rate,
                interval(&over),
            ),
        ]);
    }
    tiles
}

/// Returns what a reader should know of the data and the links; nothing when there is nothing.
pub(in crate::command::link::report) fn remarks(data: &ReportData) -> Vec<Line> {
    let remarks = [
        (
            Text::new(
                "values stand for nothing (000…, “unknown”) and were taken as absent.",
                "قيمة لا معنى لها (000… أو «غير معروف») اعتُبرت غير موجودة.",
            ),
            data.counts.placeholders,
        ),
        (
            Text::new(
                "links were not followed because the rest of their cluster spoke against them.",
                "رابط لم يُعتمد لأن بقية المجموعة تعارضه.",
            ),
            data.counts.contradicted,
        ),
    ];
    let remarks = remarks.into_iter().filter(|(_, count)| *count > 0);
    remarks
        .map(|(name, count)| Line {
            name,
            values: vec![count.into()],
        })
        .collect()
}

/// Returns precision, recall and F1 by what is counted.
pub(in crate::command::link::report) fn scores(data: &ReportData) -> Vec<Line> {
    let Some(quality) = &data.quality else {
        return Vec::new();
    };
    let metrics = &quality.metrics;
    let line = |english, arabic, rates: Rates| Line {
        name: Text::new(english, arabic),
        values: [rates.precision, rates.recall, rates.f1()]
            .map(|rate| Number(format!("{rate:.5}")))
            .into(),
    };
    vec![
        line("pairs of records", "أزواج السجلات", metrics.pairwise()),
        line("records (B-cubed)", "السجلات (B-cubed)", metrics.b_cubed()),
        line("whole clusters", "المجموعات الكاملة", metrics.cluster()),
    ]
}

/// Returns what else is known of the quality.
pub(in crate::command::link::report) fn facts(data: &ReportData) -> Vec<Line> {
    let Some(quality) = &data.quality else {
        return Vec::new();
    };
    let metrics = &quality.metrics;
    let (over, split) = (metrics.over_merge(), metrics.under_merge());
    let distance = metrics.merge_distance();
    let line = |english, arabic, value: String, note: String| Line {
        name: Text::new(english, arabic),
        values: vec![Number(value), Number(note)],
    };
    let shown = |rate: &Rate| percent(rate.rate);
    let operations = format!("{} + {}", count(distance.splits), count(distance.merges));
    let mut facts = vec![
        line(
            "people whose cluster is exactly theirs",
            "أشخاص مجموعتهم مطابقة تمامًا",
            percent(metrics.exact_rate()),
            count(metrics.exact),
        ),
        line(
            "people who share a cluster (over-merged), 95 %",
            "أشخاص دُمجوا مع غيرهم، ٪95",
            shown(&over),
            interval(&over),
        ),
        line(
            "people in several clusters (under-merged), 95 %",
            "أشخاص موزعون على عدة مجموعات، ٪95",
            shown(&split),
            interval(&split),
        ),
        line(
            "merge distance for each record; splits + merges",
            "مسافة الدمج لكل سجل؛ فصل + دمج",
            format!("{:.5}", distance.per_record()),
            operations,
        ),
    ];
    if let Some(blocking) = &quality.blocking {
        facts.push(line(
            "true pairs among the candidates; with chains",
            "الأزواج الصحيحة ضمن المرشحة؛ مع السلاسل",
            percent(blocking.recall()),
            percent(blocking.closed_recall()),
        ));
        facts.push(line(
            "best F1 any scorer could reach; with chains",
            "أفضل F1 ممكن لأي مقيّم؛ مع السلاسل",
            format!("{:.5}", blocking.ceiling()),
            format!("{:.5}", blocking.closed_ceiling()),
        ));
    }
    facts
}

fn interval(rate: &Rate) -> String {
    let (low, high) = (rate.interval.low, rate.interval.high);
    format!("{} – {}", percent(low), percent(high))
}

/// Returns the table behind the curve: evenly thinned, and the best threshold.
pub(in crate::command::link::report) fn curve(data: &ReportData) -> Vec<Line> {
    let Some(curve) = &data.curve else {
        return Vec::new();
    };
    let line = |name: Text, point: &CurvePoint| {
        let rates = [point.rates.precision, point.rates.recall, point.rates.f1()];
        let mut values = vec![
            Number(signed(point.threshold.as_bits())),
            point.found.into(),
        ];
        values.extend(rates.map(|rate| Number(format!("{rate:.5}"))));
        Line { name, values }
    };
    let best = curve.best.iter();
    let best = best.map(|point| line(Text::new("best F1", "أفضل F1"), point));
    let step = curve.points.len().div_ceil(ROWS).max(1);
    let others = curve.points.iter().step_by(step);
    best.chain(others.map(|point| line(Text::same(""), point)))
        .collect()
}

/// Returns the table behind the diagram of calibration.
pub(in crate::command::link::report) fn bins(data: &ReportData) -> Vec<Bin> {
    let bins = data.calibration.iter().flat_map(|all| &all.bins);
    let bins = bins.filter(|bin| bin.observed.of > 0);
    bins.map(|bin| Bin {
        range: Number(format!("{} – {}", bin.from, bin.to)),
        values: vec![
            bin.observed.of.into(),
            Number(percent(bin.expected)),
            Number(percent(bin.observed.rate)),
            Number(interval(&bin.observed)),
        ],
    })
    .collect()
}

/// Returns what the calibration amounts to.
pub(in crate::command::link::report) fn calibration_facts(data: &ReportData) -> Vec<Line> {
    let facts = data.calibration.iter().flat_map(|all| {
        [
            (
                "expected calibration error",
                "متوسط خطأ المعايرة",
                all.error,
            ),
            ("Brier score", "مقياس Brier", all.brier),
        ]
    });
    facts
        .map(|(english, arabic, value)| Line {
            name: Text::new(english, arabic),
            values: vec![Number(format!("{value:.5}"))],
        })
        .collect()
}

/// Returns how far apart the groups of one column are.
pub(in crate::command::link::report) fn ratios(table: &GroupTable) -> Vec<Line> {
    let ratios = [
        (
            Text::new(
                "false links: highest rate over lowest",
                "الروابط الخاطئة: أعلى نسبة إلى أدنى نسبة",
            ),
            table.false_ratio,
        ),
        (
            Text::new(
                "missed links: highest rate over lowest",
                "الروابط الفائتة: أعلى نسبة إلى أدنى نسبة",
            ),
            table.missed_ratio,
        ),
    ];
    let known = ratios.into_iter();
    known
        .filter_map(|(name, ratio)| {
            let values = vec![Number(format!("{:.2} ×", ratio?))];
            Some(Line { name, values })
        })
        .collect()
}

/// Returns the blocks that made no pairs.
pub(in crate::command::link::report) fn skipped(data: &ReportData) -> Vec<Line> {
    let line = |block: &crate::command::link::report::data::Skipped| Line {
        name: Text::same(&block.rule),
        values: vec![
            block.records.into(),
            block.cap.into(),
            (block.records * block.records.saturating_sub(1) / 2).into(),
        ],
    };
    data.skipped.iter().map(line).collect()
}

/// Returns what the run cost in all.
pub(in crate::command::link::report) fn run(data: &ReportData) -> Vec<Line> {
    let line = |english, arabic, value: String| Line {
        name: Text::new(english, arabic),
        values: vec![Number(value)],
    };
    let cpu: f64 = data.stages.iter().map(|stage| stage.cpu_seconds).sum();
    let wall: f64 = data.stages.iter().map(|stage| stage.wall_seconds).sum();
    let mut lines = Vec::new();
    if !data.stages.is_empty() {
        lines.push(line(
            "processor, all threads",
            "المعالج، كل الخيوط",
            seconds(cpu),
        ));
        lines.push(line("wall clock", "الزمن الفعلي", seconds(wall)));
    }
    if let Some(bytes) = data.peak_memory {
        let megabytes = crate::command::link::report::svg::float(bytes >> 20);
        let text = format!("{} MiB", plain(megabytes, 1.0));
        lines.push(line("largest memory in use", "أقصى ذاكرة مستخدمة", text));
    }
    lines
}
