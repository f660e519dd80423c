//! The judgement for people.

use std::fmt::Write as _;

use rabt_linkage::evaluation::{Calibration, Rate, SizeCount};

use super::result::{Edged, Evaluation, Gap, Grouped, Scores};
use crate::render::table;

/// Sizes that are shown one by one; larger ones are added up.
const SIZES: u64 = 12;

/// Returns the judgement as tables.
pub(super) fn of(result: &Evaluation) -> String {
    let mut text = format!(
        "{} records, {} people, {} clusters\n\n",
        result.counts.judged, result.people, result.clusters
    );
    let scores = [
        ("pairs of records", &result.pairwise),
        ("records (B-cubed)", &result.b_cubed),
        ("whole clusters", &result.cluster),
    ];
    let rows = scores.map(|(name, scores)| row(name, scores));
    text += &table(&["counted by", "precision", "recall", "F1"], rows);
    let _ = write!(
        text,
        "\n\n{} pairs found, {} of them true, {} in the truth\n\
         {} of {} people have a cluster that is exactly theirs\n\
         {} people share a cluster with somebody else (over-merged): {}\n\
         {} people lie in several clusters (under-merged): {}\n\
         merge distance {}: {} splits and {} merges, {:.4} for each record\n\n",
        result.pairs.found,
        result.pairs.right,
        result.pairs.known,
        result.exact_clusters,
        result.people,
        result.over_merged.count,
        percent(&result.over_merged),
        result.split.count,
        percent(&result.split),
        result.merge_distance.total,
        result.merge_distance.splits,
        result.merge_distance.merges,
        result.merge_distance.per_record,
    );
    text += &sizes(&result.cluster_sizes, &result.person_sizes);
    if let Some(edges) = &result.edges {
        text += "\n\n";
        text += &of_edges(edges);
    }
    for grouped in &result.groups {
        text += "\n\n";
        text += &of_groups(grouped);
    }
    text
}

fn row(name: &str, scores: &Scores) -> Vec<String> {
    let rates = [scores.rates.precision, scores.rates.recall, scores.f1];
    let mut row = vec![name.to_owned()];
    row.extend(rates.map(|rate| format!("{rate:.5}")));
    row
}

/// Returns a share with its interval: `1.20 % (0.90–1.60)`; a dash of none.
fn percent(rate: &Rate) -> String {
    if rate.of == 0 {
        return "–".to_owned();
    }
    format!(
        "{:.3} % ({:.3}–{:.3})",
        rate.rate * 100.0,
        rate.interval.low * 100.0,
        rate.interval.high * 100.0
    )
}

fn sizes(found: &[SizeCount], known: &[SizeCount]) -> String {
    let count = |sizes: &[SizeCount], wanted: &dyn Fn(u64) -> bool| -> u64 {
        let of_size = sizes.iter().filter(|entry| wanted(entry.size));
        of_size.map(|entry| entry.count).sum()
    };
    let mut rows = Vec::new();
    for size in 1..=SIZES {
        let same = |other: u64| other == size;
        let (found, known) = (count(found, &same), count(known, &same));
        if found + known > 0 {
            rows.push(vec![size.to_string(), found.to_string(), known.to_string()]);
        }
    }
    let larger = |size: u64| size > SIZES;
    let (more_found, more_known) = (count(found, &larger), count(known, &larger));
    if more_found + more_known > 0 {
        rows.push(vec![
            format!("more than {SIZES}"),
            more_found.to_string(),
            more_known.to_string(),
        ]);
    }
    table(&["records", "clusters", "people"], rows)
}

fn of_edges(edges: &Edged) -> String {
    let mut text = format!(
        "{} edges judged, {} of them true: {:.5} of the true pairs, {:.5} with chains\n\
         the best F1 any threshold or scorer could reach on these edges: {:.5}, {:.5} with chains\n",
        edges.blocking.candidate_pairs,
        edges.blocking.true_pairs,
        edges.recall,
        edges.blocking.closed_recall(),
        edges.ceiling_f1,
        edges.closed_ceiling_f1,
    );
    if let Some(best) = &edges.best {
        let _ = writeln!(
            text,
            "the best threshold is {:.2} bits: precision {:.5}, recall {:.5}, F1 {:.5}",
            best.weight_bits, best.scores.rates.precision, best.scores.rates.recall, best.scores.f1
        );
    }
    let _ = write!(
        text,
        "calibration error {:.5}, Brier score {:.5}\n\n",
        edges.calibration.error, edges.calibration.brier
    );
    text + &calibration(&edges.calibration)
}

fn calibration(calibration: &Calibration) -> String {
    let bins = calibration.bins.iter().filter(|bin| bin.observed.of > 0);
    let rows = bins.map(|bin| {
        vec![
            format!("{}–{}", bin.from, bin.to),
            bin.observed.of.to_string(),
            format!("{:.3} %", bin.expected * 100.0),
            percent(&bin.observed),
        ]
    });
    let head = ["probability", "edges", "expected true", "true (95 %)"];
    table(&head, rows.collect::<Vec<_>>())
}

fn of_groups(grouped: &Grouped) -> String {
    let rows = grouped.values.iter().map(|line| {
        vec![
            line.value.clone(),
            line.records.to_string(),
            line.false_links.count.to_string(),
            percent(&line.false_links),
            line.missed_links.count.to_string(),
            percent(&line.missed_links),
        ]
    });
    let head = [
        grouped.column.as_str(),
        "records",
        "false",
        "of links found (95 %)",
        "missed",
        "of true links (95 %)",
    ];
    let mut text = table(&head, rows.collect::<Vec<_>>());
    for (what, gap) in [
        ("false links", &grouped.false_link_gap),
        ("missed links", &grouped.missed_link_gap),
    ] {
        if let Some(gap) = gap {
            let _ = write!(text, "\n{what}: {}", of_gap(gap));
        }
    }
    text
}

fn of_gap(gap: &Gap) -> String {
    let sure = if gap.intervals_apart {
        "the intervals are apart"
    } else {
        "the intervals overlap, it may be chance"
    };
    let (highest, lowest) = (&gap.highest, &gap.lowest);
    if gap.highest_rate.count == 0 {
        return "none in any group".to_owned();
    }
    match gap.ratio {
        Some(ratio) => format!("{highest} has {ratio:.2} times the rate of {lowest}; {sure}"),
        None => format!("{highest} has some, {lowest} has none; {sure}"),
    }
}
