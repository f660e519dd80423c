//! A stream that holds each person once, in any order and with what people decided.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rabt_model::{DecisionNumber, Judgement, Pii, RecordId, RecordNumber};

use super::{Row, link, merge, model, row};
use crate::index::{Index, Linked};

/// Rows of even numbers are of the register, the others of another stream.
fn id(number: i64) -> RecordId {
    RecordId {
        source: "civil".parse().unwrap(),
        stream: ["person", "card"][usize::from(number % 2 != 0)]
            .parse()
            .unwrap(),
        key: Pii::new(number.to_string()),
    }
}

fn register() -> Index {
    let person = id(0);
    Index::with_registers(model(), BTreeSet::from([(person.source, person.stream)]))
}

fn feed(index: &mut Index, rows: &[(i64, &Row)]) -> Linked {
    for (number, _) in rows {
        index.once.note(RecordNumber(*number), &id(*number));
    }
    link(index, rows)
}

fn mona() -> Row {
    [
        Some("28402110100028".to_owned()),
        Some("منى أحمد محمود حسن".to_owned()),
        Some("1984-02-11".to_owned()),
        None,
    ]
}

#[test]
fn two_rows_of_a_register_are_two_people_until_somebody_says_otherwise() {
    let row = mona();
    let mut index = register();
    let linked = feed(&mut index, &[(2, &row), (4, &row), (3, &row)]);
    assert_eq!(linked.clusters.len(), 2, "{:?}", linked.clusters);
    let asked = linked.questions.iter();
    assert!(
        asked
            .clone()
            .any(|(left, right, _)| (left.0, right.0) == (2, 4)),
        "a clerk is asked"
    );
    let pair = [(RecordNumber(2), RecordNumber(4))];
    let decided = index.decide(DecisionNumber(1), Judgement::Same, &pair);
    assert_eq!(decided.clusters, [[2, 3, 4].map(RecordNumber).to_vec()]);
    let undone = index.undo(DecisionNumber(1));
    assert_eq!(undone.clusters, linked.clusters);
}

proptest! {
    #![proptest_config(crate::soak::at_most(100, 20_000))]

    #[test]
    fn no_cluster_has_two_rows_of_a_register_in_any_order(
        rows in prop::collection::vec(row(), 2..14),
        same in prop::option::of((0..14_i64, 0..14_i64)),
        size in 1..6_usize,
        seed in any::<u64>(),
    ) {
        let mut rows: Vec<(i64, &Row)> = (0..).zip(&rows).collect();
        let same = same.filter(|(left, right)| left != right);
        let same = same.map(|(a, b)| (RecordNumber(a.min(b)), RecordNumber(a.max(b))));
        let decide = |index: &mut Index| {
            if let Some(pair) = same {
                index.decide(DecisionNumber(1), Judgement::Same, &[pair]);
            }
        };
        let mut whole = register();
        decide(&mut whole);
        let at_once = feed(&mut whole, &rows).clusters;
        rows.sort_by_key(|(number, _)| number.wrapping_mul(seed.cast_signed() | 1));
        let (mut index, mut state) = (register(), Vec::new());
        for batch in rows.chunks(size) {
            let linked = feed(&mut index, batch);
            merge(&mut state, linked, &[]);
        }
        if let Some(pair) = same {
            let linked = index.decide(DecisionNumber(1), Judgement::Same, &[pair]);
            merge(&mut state, linked, &[]);
        }
        prop_assert_eq!(&state, &at_once);
        let decided = |one: RecordNumber, other: RecordNumber| same == Some((one, other));
        for cluster in &state {
            let of_register: Vec<_> = cluster.iter().filter(|n| n.0 % 2 == 0).collect();
            for (at, one) in of_register.iter().enumerate() {
                for other in &of_register[at + 1..] {
                    prop_assert!(decided(**one, **other), "{one:?} {other:?} in {cluster:?}");
                }
            }
        }
    }
}
