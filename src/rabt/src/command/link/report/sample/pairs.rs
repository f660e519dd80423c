//! Invented pairs and clusters. Nobody has these names and numbers together.

use rabt_linkage::Verdict;

use crate::command::link::report::data::{
    CellPair, ClusterGraph, ClusterReason, Fault, GraphEdge, Node, Pair, WaterfallStep,
};

/// A value that would do harm on a page that does not escape.
pub(in crate::command::link::report) const HOSTILE: &str = "<script>alert('1')</script>";

fn cells(values: &[(&str, &str, &str)]) -> Vec<CellPair> {
    let value = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let cell = |(column, left, right): &(&str, &str, &str)| CellPair {
        column: (*column).to_owned(),
        values: [value(left), value(right)],
    };
    values.iter().map(cell).collect()
}

fn steps(values: &[(&str, &str, f64, f64)]) -> Vec<WaterfallStep> {
    let step = |(comparison, level, stranger, kin): &(&str, &str, f64, f64)| WaterfallStep {
        comparison: (*comparison).to_owned(),
        level: (*level).to_owned(),
        stranger: *stranger,
        kin: *kin,
    };
    values.iter().map(step).collect()
}

fn pair(ids: [&str; 2], cells: Vec<CellPair>, steps: Vec<WaterfallStep>) -> Pair {
    let prior = (-19.0, Some(-1.5));
    let stranger = prior.0 + steps.iter().map(|step| step.stranger).sum::<f64>();
    let kin = -1.5 + steps.iter().map(|step| step.kin).sum::<f64>();
    let weight = stranger.min(kin);
    let odds = weight.exp2();
    Pair {
        ids: ids.map(Into::into),
        cells,
        weight,
        probability: odds / (1.0 + odds),
        verdict: if weight >= 3.0 {
            Verdict::Link
        } else if weight >= -3.0 {
            Verdict::Review
        } else {
            Verdict::NonLink
        },
        fault: None,
        reason: None,
        blocking: vec!["national-id".to_owned()],
        prior,
        steps,
        rule: None,
    }
}

/// Returns two brothers who were taken for one.
pub(in crate::command::link::report) fn false_links() -> Vec<Pair> {
    let cells = cells(&[
        (
            "name.chain",
            "محمد أحمد عبد الرحمن السيد",
            "محمد أحمد عبدالرحمن السيد",
        ),
        ("name.latin", "Mohamed Ahmed", "Mohammed Ahmad"),
        ("birth.date", "1991-04-12", "12/04/1991"),
        ("identifier.national_id", "29104120101234", ""),
        ("mother.name", "فاطمة حسن علي", "فاطمة حسن علي"),
        ("phone", "+201001234567", "+201001234567"),
        ("address", "١٢ شارع النيل", "12 ش النيل، شقة 4"),
    ]);
    let steps = steps(&[
        ("given-name", "equal", 6.4, 4.9),
        ("father-name", "equal", 5.9, 0.0),
        ("lineage", "two", 9.1, 0.1),
        ("mother", "both", 9.7, 0.2),
        ("national-id", "absent", 0.0, 0.0),
        ("birth-date", "equal", 13.8, 6.2),
        ("sex", "equal", 1.0, 0.9),
        ("phone", "equal", 12.2, 0.8),
        ("residence", "street", 7.3, 0.4),
    ]);
    let mut pair = pair(["CIV-0018823", "HLT-77120"], cells, steps);
    pair.fault = Some(Fault::FalseLink);
    vec![pair]
}

/// Returns a pair that scored too little and one that was never scored.
pub(in crate::command::link::report) fn misses() -> Vec<Pair> {
    let wedding = cells(&[
        ("name.chain", "هدى محمود إبراهيم", "Hoda Mahmoud"),
        ("birth.date", "1984-01-01", "1984-09-23"),
        ("phone", "+201229876543", "+201115550001"),
        ("address.governorate", "القاهرة", "أسوان"),
    ]);
    let steps = steps(&[
        ("given-name", "close", 6.8, 5.1),
        ("father-name", "close", 5.1, 0.2),
        ("lineage", "absent", 0.0, 0.0),
        ("birth-date", "year_known", 4.0, 2.4),
        ("sex", "equal", 1.0, 0.9),
        ("phone", "different", -1.9, -0.9),
        ("residence", "different_region", -3.1, -2.2),
    ]);
    let mut scored = pair(["CIV-0441209", "EDU-5519"], wedding, steps);
    scored.fault = Some(Fault::Missed);
    let empty = cells(&[
        ("name.chain", "سعاد", "سعاد عبد الله"),
        ("birth.date", "", "1950"),
    ]);
    let mut never = pair(["HLT-2", "EDU-<9>"], empty, Vec::new());
    never.fault = Some(Fault::Missed);
    vec![scored, never]
}

/// Returns a pair that was asked for, with values that would do harm.
pub(in crate::command::link::report) fn chosen() -> Vec<Pair> {
    let cells = cells(&[
        ("name.chain", HOSTILE, "Robert \"Bob\" & Söhne"),
        ("sex", "m", "m"),
    ]);
    let steps = steps(&[
        ("given-name", "different", -6.0, -5.0),
        ("membership-no", "equal", 14.0, 11.0),
    ]);
    vec![pair(["A-1", "A-2"], cells, steps)]
}

fn node(id: &str, label: &str, person: usize) -> Node {
    Node {
        id: id.into(),
        label: label.into(),
        person: Some(person),
    }
}

fn edge(left: usize, right: usize, weight: f64) -> GraphEdge {
    GraphEdge {
        ends: [left, right],
        weight,
        bridge: false,
    }
}

/// Returns a cluster with a weak bridge, a large one, and one of a single pair.
pub(in crate::command::link::report) fn graphs() -> Vec<ClusterGraph> {
    let mut edges: Vec<GraphEdge> = [
        (0, 1, 21.5),
        (0, 2, 17.0),
        (1, 2, 24.1),
        (3, 4, 19.9),
        (3, 5, 12.4),
        (4, 5, 16.0),
        (1, 5, -1.2),
    ]
    .map(|(left, right, weight)| edge(left, right, weight))
    .into();
    edges.push(GraphEdge {
        bridge: true,
        ..edge(2, 3, 3.4)
    });
    let names = [
        "محمد أحمد",
        "محمد أحمد السيد",
        "Mohamed Ahmed",
        "محمود أحمد",
        "محمود أحمد السيد",
        "Mahmoud Ahmed",
    ];
    let bridge = ClusterGraph {
        name: "CIV-0018823".into(),
        reason: ClusterReason::WeakBridge,
        nodes: (0..6)
            .map(|at| node(&format!("CIV-{at}"), names[at], at / 3))
            .collect(),
        edges,
    };
    let large = (0..11).flat_map(|left| (left + 1..11).map(move |right| (left, right)));
    let large = large.filter(|(left, right)| (left * 7 + right * 5) % 4 != 0);
    let large = ClusterGraph {
        name: "CIV-0000017".into(),
        reason: ClusterReason::Largest,
        nodes: (0..11)
            .map(|at| {
                node(
                    &format!("HLT-{at}"),
                    "سعاد عبد الله",
                    usize::from(at == 9) * 2 + usize::from(at == 10) * 3,
                )
            })
            .collect(),
        edges: large
            .map(|(left, right)| edge(left, right, if left + right > 9 { 24.0 } else { 9.0 }))
            .collect(),
    };
    let two = ClusterGraph {
        name: HOSTILE.into(),
        reason: ClusterReason::Mixed,
        nodes: vec![node("A", HOSTILE, 0), node("B", "", 1)],
        edges: vec![edge(0, 1, 4.0)],
    };
    vec![bridge, large, two]
}
