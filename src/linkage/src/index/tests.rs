mod decided;
mod once;

use std::cmp::Reverse;
use std::sync::Arc;

use proptest::prelude::*;
use rabt_model::RecordNumber;

use super::{Index, Linked};
use crate::model::LinkageModel;
use crate::weight::MatchWeight;

/// One row: national id, name, birth date, phone.
type Row = [Option<String>; 4];

const COLUMNS: [&str; 4] = [
    "identifier.national_id",
    "name.chain",
    "birth.date",
    "phone",
];

fn model() -> Arc<LinkageModel> {
    // Small caps, so that blocks cross them in small tests; most are split.
    let text = include_str!("../models/egypt.toml")
        .replace("cap = 12\n", "cap = 3\n")
        .replace("cap = 14\n", "cap = 4\n")
        .replace("cap = 100\n", "cap = 4\n");
    assert!(text.contains("cap = 3\nsplit") && text.contains("cap = 4\n"));
    Arc::new(LinkageModel::from_toml(&text).unwrap())
}

fn link(index: &mut Index, rows: &[(i64, &Row)]) -> Linked {
    let model = Arc::clone(&index.model);
    index.link_with(rows.len(), |at, push| {
        let (number, row) = &rows[at];
        push(
            RecordNumber(*number),
            &number.to_string(),
            &cells(&model, row),
        );
    })
}

fn cells<'a>(model: &LinkageModel, row: &'a Row) -> Vec<Option<&'a str>> {
    let mut cells = vec![None; model.columns.len()];
    for (id, value) in COLUMNS.iter().zip(row) {
        cells[model.column(id).unwrap()] = value.as_deref();
    }
    cells
}

/// Rows of few people and many slips, so that clusters form, chain and conflict.
fn row() -> impl Strategy<Value = Row> {
    let id = prop_oneof![
        Just(None),
        (0..4_usize, 0..3_u32).prop_map(|(person, slip)| {
            let id = [
                "29002110112357",
                "29002110112365",
                "30105051512348",
                "28803032100011",
            ][person];
            Some(if slip == 0 {
                id.replace('1', "7")
            } else {
                id.to_owned()
            })
        })
    ];
    let name = (0..3_usize, 0..3_usize, 0..2_usize).prop_map(|(a, b, c)| {
        let given = ["أحمد", "احمد", "محمود"][a];
        let father = ["محمد", "حسن", "على"][b];
        Some(format!("{given} {father} {}", ["البدري", "سالم"][c]))
    });
    let birth = prop_oneof![
        Just(None),
        (0..3_usize).prop_map(|at| Some(["1990-02-11", "1990-02-12", "2001-05-05"][at].to_owned()))
    ];
    let phone = prop_oneof![
        Just(None),
        (0..2_u32).prop_map(|at| Some(format!("0101234567{at}")))
    ];
    (id, name, birth, phone).prop_map(|(id, name, birth, phone)| [id, name, birth, phone])
}

/// Returns the clusters of all live records after linking `rows` in one batch.
fn at_once(rows: &[(i64, &Row)]) -> Vec<Vec<RecordNumber>> {
    let mut index = Index::new(model());
    link(&mut index, rows).clusters
}

/// Keeps the latest clusters of records as batches come.
fn merge(state: &mut Vec<Vec<RecordNumber>>, linked: Linked, gone: &[RecordNumber]) {
    state.retain(|cluster| {
        !cluster
            .iter()
            .any(|n| gone.contains(n) || linked.clusters.iter().any(|c| c.contains(n)))
    });
    state.extend(linked.clusters);
    state.sort_unstable();
}

proptest! {
    // A case links a file several times over.
    #![proptest_config(crate::soak::at_most(200, 100_000))]

    #[test]
    fn online_equals_batch_in_any_order(
        rows in prop::collection::vec(row(), 1..24),
        order in any::<u64>(),
        size in 1..6_usize,
    ) {
        let all: Vec<(i64, &Row)> = (1..).zip(&rows).collect();
        let expected = at_once(&all);
        let mut shuffled = all.clone();
        shuffled.sort_by_key(|(number, _)| order.rotate_left(u32::try_from(number * 7 % 64).unwrap()) ^ number.unsigned_abs());
        let mut index = Index::new(model());
        let mut state = Vec::new();
        for batch in shuffled.chunks(size) {
            let linked = link(&mut index, batch);
            merge(&mut state, linked, &[]);
        }
        prop_assert_eq!(&state, &expected);
        let mut pairs = Index::new(model());
        link(&mut pairs, &all);
        prop_assert_eq!(index.pairs(), pairs.pairs());
    }

    #[test]
    fn replacing_and_removing_leave_what_is_live(
        rows in prop::collection::vec(row(), 4..20),
        later in prop::collection::vec(row(), 2..4),
    ) {
        let all: Vec<(i64, &Row)> = (1..).zip(&rows).collect();
        let mut index = Index::new(model());
        let mut state = Vec::new();
        let linked = link(&mut index, &all);
        merge(&mut state, linked, &[]);
        let changed: Vec<(i64, &Row)> = (1..).zip(&later).collect();
        let linked = link(&mut index, &changed);
        merge(&mut state, linked, &[]);
        let last = RecordNumber(i64::try_from(rows.len()).unwrap());
        let linked = index.remove(&[last]);
        merge(&mut state, linked, &[last]);
        let live: Vec<(i64, &Row)> = all.iter().take(rows.len() - 1)
            .map(|(number, row)| (*number, later.get(usize::try_from(number - 1).unwrap()).unwrap_or(row)))
            .collect();
        prop_assert_eq!(state, at_once(&live));
    }

    #[test]
    fn a_search_finds_what_linking_would_and_leaves_nothing_behind(
        rows in prop::collection::vec(row(), 1..8),
        mut wanted in row(),
        odd in "[ابتع]{0,6}",
    ) {
        // Caps above the number of rows, so that the record itself closes no block.
        let model = Arc::new(LinkageModel::shipped("egypt").unwrap());
        wanted[1] = wanted[1].take().map(|name| format!("{name} {odd}"));
        let all: Vec<(i64, &Row)> = (1..).zip(&rows).collect();
        let mut index = Index::new(Arc::clone(&model));
        link(&mut index, &all);
        let words = index.data.known_texts();
        let found = index.search(&cells(&model, &wanted));
        prop_assert_eq!(index.data.known_texts(), words);
        prop_assert_eq!(index.data.len(), rows.len());
        prop_assert_eq!(&index.search(&cells(&model, &wanted)), &found);
        link(&mut index, &[(99, &wanted)]);
        let pairs = index.pairs().into_iter();
        let mut expected: Vec<_> = pairs
            .filter(|(_, right, _)| *right == RecordNumber(99))
            .map(|(left, _, weight)| (left, MatchWeight(weight)))
            .collect();
        expected.sort_unstable_by_key(|(number, weight)| (Reverse(*weight), *number));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn explanations_reproduce_the_weight(rows in prop::collection::vec(row(), 2..8)) {
        let all: Vec<(i64, &Row)> = (1..).zip(&rows).collect();
        let mut index = Index::new(model());
        link(&mut index, &all);
        for (left, right, weight) in index.pairs() {
            let explanation = index.explain(left, right).unwrap();
            prop_assert_eq!(explanation.weight.0, weight);
            let (stranger, kin) = explanation.sums();
            prop_assert_eq!(kin.map_or(stranger, |kin| kin.min(stranger)), weight);
        }
    }
}

#[test]
fn nothing_in_nothing_out() {
    assert_eq!(at_once(&[]), Vec::<Vec<RecordNumber>>::new());
    let mut index = Index::new(model());
    assert!(link(&mut index, &[]).clusters.is_empty());
    assert!(index.remove(&[RecordNumber(1)]).clusters.is_empty());
}
