//! The page: what the template is given, and its rendering.

use askama::Template;

use super::chart;
use super::data::{Language, ReportData};
use super::glossary;
use super::text::{Picture, Text};
use super::view::{self, Bin, GraphView, Line, PairList, Tile};

/// Digits of a fingerprint that are shown; the rest is in the tip.
const SHORT: usize = 12;

#[derive(Template)]
#[template(path = "link_report.html")]
struct Page<'a> {
    data: &'a ReportData,
    decision: Vec<Line>,
    tiles: Vec<Tile>,
    remarks: Vec<Line>,
    scores: Vec<Line>,
    facts: Vec<Line>,
    comparisons: Vec<(Text, Picture)>,
    histogram: Picture,
    thresholds: Picture,
    precision_recall: Picture,
    curve: Vec<Line>,
    calibration: Picture,
    bins: Vec<Bin>,
    calibration_facts: Vec<Line>,
    groups: Vec<GroupView>,
    pairs: Vec<PairList>,
    sizes: Picture,
    graphs: Vec<GraphView>,
    skipped: Vec<Line>,
    stages: Picture,
    run: Vec<Line>,
}

/// Errors of one grouping.
struct GroupView {
    name: Text,
    picture: Picture,
    ratios: Vec<Line>,
}

impl Page<'_> {
    /// Returns words in both languages; the template holds them side by side.
    #[expect(clippy::unused_self, reason = "a template calls methods of its page")]
    fn t(&self, english: &'static str, arabic: &'static str) -> Text {
        Text::new(english, arabic)
    }

    fn is_arabic(&self) -> bool {
        self.data.language == Language::Arabic
    }

    fn short_fingerprint(&self) -> &str {
        let fingerprint = &self.data.model.fingerprint;
        fingerprint.get(..SHORT).unwrap_or(fingerprint)
    }

    fn has_truth(&self) -> bool {
        self.data.quality.is_some()
    }
}

/// Draws every picture and renders the template.
pub(super) fn render(data: &ReportData) -> String {
    let decision = &data.thresholds;
    let span = chart::span_of_levels(&data.comparisons);
    let comparisons = data.comparisons.iter();
    let overall = data.quality.map(|quality| {
        let rates = quality.metrics.pairwise();
        [1.0 - rates.precision, 1.0 - rates.recall]
    });
    let groups = data.groups.iter().map(|table| GroupView {
        name: glossary::thing(&table.column),
        picture: chart::forest(table, overall),
        ratios: view::ratios(table),
    });
    let page = Page {
        data,
        decision: view::decision(data),
        tiles: view::tiles(data),
        remarks: view::remarks(data),
        scores: view::scores(data),
        facts: view::facts(data),
        comparisons: comparisons
            .map(|comparison| {
                let name = glossary::thing(&comparison.id);
                (name, chart::levels(comparison, span))
            })
            .collect(),
        histogram: chart::histogram(&data.histogram, decision),
        thresholds: data
            .curve
            .as_ref()
            .map(|curve| chart::thresholds(curve, decision))
            .unwrap_or_default(),
        precision_recall: data
            .curve
            .as_ref()
            .map(|curve| chart::precision_recall(curve, decision))
            .unwrap_or_default(),
        curve: view::curve(data),
        calibration: data
            .calibration
            .as_ref()
            .map(chart::calibration)
            .unwrap_or_default(),
        bins: view::bins(data),
        calibration_facts: view::calibration_facts(data),
        groups: groups.collect(),
        pairs: view::pairs(data),
        sizes: chart::sizes(&data.cluster_sizes, &data.person_sizes),
        graphs: view::graphs(data),
        skipped: view::skipped(data),
        stages: chart::stages(&data.stages),
        run: view::run(data),
    };
    // Rendering fails only where a formatter refuses, and none here does.
    page.render().unwrap_or_default()
}
