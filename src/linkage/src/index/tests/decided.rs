//! What people decide holds, whatever else happens, and in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rabt_model::{DecisionNumber, Judgement, RecordNumber, RecordPair};

use super::{Row, link, model, row};
use crate::index::{Index, Linked};

#[derive(Debug, Clone)]
enum Deed {
    /// Records come, or change.
    Link(Vec<(i64, Row)>),
    Remove(i64),
    Decide(Judgement, Vec<(i64, i64)>),
    /// The decision at this place among those in force.
    Undo(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let record = 1..10_i64;
    let pair = (record.clone(), record.clone()).prop_filter("two", |(left, right)| left != right);
    let judgement = prop_oneof![
        3 => Just(Judgement::Same),
        3 => Just(Judgement::Different),
        1 => Just(Judgement::Ignore)
    ];
    prop_oneof![
        3 => prop::collection::vec((record.clone(), row()), 1..4).prop_map(Deed::Link),
        1 => record.prop_map(Deed::Remove),
        4 => (judgement, prop::collection::vec(pair, 1..3)).prop_map(|(j, pairs)| Deed::Decide(j, pairs)),
        1 => any::<usize>().prop_map(Deed::Undo),
    ]
}

/// What follows the index, as a registry does.
#[derive(Default)]
struct State {
    live: BTreeMap<i64, Row>,
    decisions: BTreeMap<DecisionNumber, (Judgement, Vec<RecordPair>)>,
    clusters: BTreeSet<Vec<RecordNumber>>,
    questions: BTreeSet<(RecordNumber, RecordNumber, i32)>,
}

impl State {
    fn follow(&mut self, linked: Linked, gone: &[RecordNumber]) {
        let told = linked.clusters.iter().flatten().chain(gone);
        let told: BTreeSet<RecordNumber> = told.copied().collect();
        self.clusters
            .retain(|cluster| cluster.iter().all(|record| !told.contains(record)));
        self.questions
            .retain(|(left, right, _)| !told.contains(left) && !told.contains(right));
        self.clusters.extend(linked.clusters);
        self.questions.extend(linked.questions);
    }

    fn apply(&mut self, index: &mut Index, deed: Deed) {
        match deed {
            Deed::Link(rows) => {
                let rows: BTreeMap<i64, Row> = rows.into_iter().collect();
                let batch: Vec<(i64, &Row)> = rows.iter().map(|(n, row)| (*n, row)).collect();
                let linked = link(index, &batch);
                self.live.extend(rows);
                self.follow(linked, &[]);
            }
            Deed::Remove(number) => {
                self.live.remove(&number);
                let gone = [RecordNumber(number)];
                let linked = index.remove(&gone);
                self.follow(linked, &gone);
            }
            Deed::Decide(judgement, pairs) => {
                let pairs = pairs.into_iter();
                let mut pairs: Vec<RecordPair> = pairs
                    .map(|(a, b)| (RecordNumber(a.min(b)), RecordNumber(a.max(b))))
                    .collect();
                pairs.sort_unstable();
                pairs.dedup();
                if index
                    .judgements()
                    .contradiction(judgement, &pairs)
                    .is_some()
                {
                    return;
                }
                let last = self.decisions.keys().next_back();
                let number = DecisionNumber(last.map_or(1, |last| last.0 + 1));
                let linked = index.decide(number, judgement, &pairs);
                self.decisions.insert(number, (judgement, pairs));
                self.follow(linked, &[]);
            }
            Deed::Undo(place) => {
                let count = self.decisions.len().max(1);
                let Some(number) = self.decisions.keys().nth(place % count).copied() else {
                    return;
                };
                self.decisions.remove(&number);
                let linked = index.undo(number);
                self.follow(linked, &[]);
            }
        }
    }

    /// Links what is live under what is in force, in one batch.
    fn at_once(&self) -> Linked {
        let mut index = Index::new(model());
        for (number, (judgement, pairs)) in &self.decisions {
            index.decide(*number, *judgement, pairs);
        }
        let rows: Vec<(i64, &Row)> = self.live.iter().map(|(n, row)| (*n, row)).collect();
        link(&mut index, &rows)
    }

    fn home(&self, record: RecordNumber) -> Option<&Vec<RecordNumber>> {
        self.clusters.iter().find(|rows| rows.contains(&record))
    }
}

proptest! {
    // A case links a file several times over.
    #![proptest_config(crate::soak::at_most(200, 100_000))]

    #[test]
    fn decisions_hold_and_online_equals_batch(deeds in prop::collection::vec(deed(), 1..24)) {
        let mut index = Index::new(model());
        let mut state = State::default();
        for deed in deeds {
            state.apply(&mut index, deed);
            let at_once = state.at_once();
            let clusters: BTreeSet<_> = at_once.clusters.into_iter().collect();
            prop_assert_eq!(&state.clusters, &clusters);
            let questions: BTreeSet<_> = at_once.questions.into_iter().collect();
            prop_assert_eq!(&state.questions, &questions);
            let decisions = state.decisions.values();
            for (judgement, (left, right)) in decisions.flat_map(|(j, pairs)| pairs.iter().map(move |pair| (j, pair))) {
                if let (Some(one), Some(two)) = (state.home(*left), state.home(*right)) {
                    prop_assert!(*judgement == Judgement::Ignore || (one == two) == (*judgement == Judgement::Same));
                }
            }
        }
    }
}

fn person(id: &str, name: &str) -> Row {
    [Some(id.to_owned()), Some(name.to_owned()), None, None]
}

#[test]
fn a_word_joins_two_clusters_whole_and_lets_evidence_go_on() {
    let (ahmed, salem) = ("أحمد محمد البدري", "محمود على سالم");
    let one = person("29002110112357", ahmed);
    let two = person("30105051512348", salem);
    let mut index = Index::new(model());
    let mut state = State::default();
    let rows = vec![
        (1, one.clone()),
        (2, one.clone()),
        (3, two.clone()),
        (4, two),
    ];
    state.apply(&mut index, Deed::Link(rows));
    assert_eq!(state.clusters.len(), 2);
    state.apply(&mut index, Deed::Decide(Judgement::Same, vec![(1, 3)]));
    let all = [1, 2, 3, 4].map(RecordNumber).to_vec();
    assert_eq!(state.clusters, BTreeSet::from([all.clone()]));
    // a record of one of the two identifiers comes to the person of both
    state.apply(&mut index, Deed::Link(vec![(5, one)]));
    assert_eq!(state.home(RecordNumber(5)), state.home(RecordNumber(4)));
    // one that no longer fits goes, whatever was said of others
    let other = person("28803032100011", "سعاد إبراهيم منصور");
    state.apply(&mut index, Deed::Link(vec![(2, other)]));
    assert_eq!(state.home(RecordNumber(2)).unwrap().len(), 1);
    state.apply(&mut index, Deed::Undo(0));
    assert_eq!(state.clusters.len(), 3);
}

#[test]
fn a_word_keeps_apart_what_is_identical() {
    let row = person("29002110112357", "أحمد محمد البدري");
    let mut index = Index::new(model());
    let mut state = State::default();
    state.apply(&mut index, Deed::Decide(Judgement::Different, vec![(1, 2)]));
    state.apply(
        &mut index,
        Deed::Link(vec![(1, row.clone()), (2, row.clone())]),
    );
    assert_eq!(state.clusters.len(), 2);
    assert_eq!(state.questions.len(), 1, "a clerk may still see the pair");
    // a third record joins one of the two and never makes them one
    state.apply(&mut index, Deed::Link(vec![(3, row)]));
    assert_eq!(state.clusters.len(), 2);
}

#[test]
fn a_giant_component_keeps_what_people_decided() {
    let row = person("29002110112357", "أحمد محمد البدري");
    let rows: Vec<(i64, Row)> = (1..=200).map(|number| (number, row.clone())).collect();
    let mut index = Index::new(model());
    let mut state = State::default();
    state.apply(
        &mut index,
        Deed::Decide(Judgement::Different, vec![(7, 150)]),
    );
    state.apply(&mut index, Deed::Decide(Judgement::Same, vec![(150, 201)]));
    state.apply(
        &mut index,
        Deed::Decide(Judgement::Different, vec![(201, 8)]),
    );
    state.apply(&mut index, Deed::Link(rows));
    let strange = person("30105051512348", "محمود على سالم");
    state.apply(&mut index, Deed::Link(vec![(201, strange)]));
    let with = |record| state.home(RecordNumber(record)).unwrap();
    assert_eq!(with(150), with(201));
    assert_ne!(with(7), with(150));
    assert_ne!(with(8), with(150));
    assert_eq!(
        state.clusters,
        state.at_once().clusters.into_iter().collect()
    );
}

#[test]
fn a_record_that_comes_to_describe_somebody_else_is_named() {
    let one = person("29002110112357", "أحمد محمد البدري");
    let mut moved = one.clone();
    moved[3] = Some("01012345671".to_owned());
    let other = person("30105051512348", "محمود على سالم");
    let mut index = Index::new(model());
    let rows = [1, 2, 3].map(|number| (number, &one));
    link(&mut index, &rows);
    index.decide(
        DecisionNumber(1),
        Judgement::Different,
        &[(RecordNumber(1), RecordNumber(2))],
    );
    let estranged = |linked: Linked| linked.estranged;
    assert!(estranged(link(&mut index, &[(1, &moved)])).is_empty());
    let named = estranged(link(&mut index, &[(1, &other), (3, &other)]));
    assert_eq!(named, [RecordNumber(1)], "nobody decided about the third");
    // also when it was gone in between
    index.remove(&[RecordNumber(2)]);
    assert_eq!(
        estranged(link(&mut index, &[(2, &other)])),
        [RecordNumber(2)]
    );
}
