//! Pairs of records side by side, and clusters.

use rabt_linkage::Verdict;

use super::{CellView, GraphView, NodeView, PairList, PairView};
use crate::command::link::report::chart::{self, is_kin, sums};
use crate::command::link::report::data::{
    CellPair, ClusterGraph, ClusterReason, Fault, Pair, Reason, ReportData, Thresholds,
};
use crate::command::link::report::glossary;
use crate::command::link::report::text::{Number, Text, percent, signed};

/// The shapes of people in the picture of a cluster, in the order of their numbers.
const SHAPES: [&str; 4] = ["●", "■", "◆", "▲"];

/// Returns the pairs of the page, list by list; lists without pairs are left out.
pub(in crate::command::link::report) fn pairs(data: &ReportData) -> Vec<PairList> {
    let list = |anchor, title, intro, pairs: &[Pair]| PairList {
        anchor,
        title,
        intro,
        pairs: pairs
            .iter()
            .map(|pair| view(pair, &data.thresholds))
            .collect(),
    };
    let lists = [
        list(
            "false-links",
            Text::new("Worst false links", "أسوأ الروابط الخاطئة"),
            Text::new(
                "Two people, linked, the heaviest first. Somebody would be given another's file.",
                "شخصان رُبطا معًا، الأثقل وزنًا أولًا. أي أن أحدهما قد يُنسب إليه ملف غيره.",
            ),
            &data.false_links,
        ),
        list(
            "misses",
            Text::new("Worst misses", "أسوأ الروابط الفائتة"),
            Text::new(
                "One person, not linked, the lightest first.",
                "شخص واحد لم تُربط سجلاته، الأخف وزنًا أولًا.",
            ),
            &data.misses,
        ),
        list(
            "chosen",
            Text::new("Chosen pairs", "أزواج مختارة"),
            Text::new(
                "The pairs next to the link threshold and those that were asked for, and why they \
                 have their weight.",
                "الأزواج الأقرب إلى عتبة الربط وما طُلب عرضه، ولماذا لها هذا الوزن.",
            ),
            &data.chosen,
        ),
    ];
    lists
        .into_iter()
        .filter(|list| !list.pairs.is_empty())
        .collect()
}

fn view(pair: &Pair, thresholds: &Thresholds) -> PairView {
    let (verdict, verdict_class) = match pair.verdict {
        Verdict::Link => (Text::new("link", "ربط"), "good"),
        Verdict::Review => (Text::new("review", "مراجعة"), "fair"),
        Verdict::NonLink => (Text::new("no link", "بلا ربط"), "none"),
    };
    let fault = pair.fault.map(|fault| match fault {
        Fault::FalseLink => Text::new("two people", "شخصان مختلفان"),
        Fault::Missed => Text::new("one person", "شخص واحد"),
    });
    let reason = pair.reason.map(|reason| match reason {
        Reason::Asked => Text::new("asked for", "طُلب عرضه"),
        Reason::WeakestLink => Text::new("weakest link", "أضعف رابط مقبول"),
        Reason::StrongestRejected => Text::new("strongest rejected", "أقوى زوج مرفوض"),
    });
    let (stranger, kin) = sums(pair);
    let scored = !pair.steps.is_empty();
    PairView {
        ids: pair.ids.clone(),
        weight: Number(signed(pair.weight)),
        probability: Number(percent(pair.probability)),
        verdict,
        verdict_class,
        fault,
        reason,
        rule: pair.rule.as_deref().map(Text::same),
        never: scored && pair.blocking.is_empty(),
        cells: pair.cells.iter().map(cell).collect(),
        picture: chart::waterfall(pair, thresholds),
        scored,
        sums: kin
            .filter(|_| scored && pair.rule.is_none())
            .map(|kin| [Number(signed(stranger)), Number(signed(kin))]),
        kin: is_kin(pair),
    }
}

fn cell(cell: &CellPair) -> CellView {
    // A sign beside the colour, for readers and printers without colours.
    let (class, sign) = match &cell.values {
        [Some(left), Some(right)] if left == right => ("same", "="),
        [Some(_), Some(_)] => ("differ", "≠"),
        _ => ("absent", "·"),
    };
    CellView {
        column: glossary::thing(&cell.column),
        values: cell.values.clone(),
        class,
        sign,
    }
}

/// Returns the clusters of the page.
pub(in crate::command::link::report) fn graphs(data: &ReportData) -> Vec<GraphView> {
    let graphs = data.graphs.iter();
    graphs.map(|graph| graph_view(graph, data)).collect()
}

fn graph_view(graph: &ClusterGraph, data: &ReportData) -> GraphView {
    let nodes = graph.nodes.iter().enumerate().map(|(at, node)| NodeView {
        number: at + 1,
        id: node.id.clone(),
        label: node.label.clone(),
        shape: node
            .person
            .map_or("", |person| SHAPES[person % SHAPES.len()]),
    });
    GraphView {
        name: graph.name.clone(),
        reason: match graph.reason {
            ClusterReason::Largest => Text::new("among the largest", "من أكبر المجموعات"),
            ClusterReason::WeakBridge => {
                Text::new("held together by a weak bridge", "يصلها جسر ضعيف")
            }
            ClusterReason::Mixed => Text::new("several people", "عدة أشخاص"),
        },
        picture: chart::graph(graph, &data.thresholds),
        nodes: nodes.collect(),
    }
}
