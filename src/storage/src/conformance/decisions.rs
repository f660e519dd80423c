//! Cases about what people decided.

use std::time::Duration;

use rabt_model::{DecisionNumber, Judgement, Pii, RecordNumber, RunId};

use super::sample::{at, record};
use crate::repository::{Storage, Transaction};
use crate::review::{DecisionOrigin, DecisionState, DecisionStep, NewDecision, StoredDecision};
use crate::row::Deletion;

async fn records(tx: &mut dyn Transaction) -> Vec<RecordNumber> {
    let records = ["a", "b", "c", "d"].map(|key| record("tax", key, 1));
    tx.put_records(RunId(1), &records).await.unwrap().numbers
}

fn step(state: DecisionState, seconds: i64) -> DecisionStep {
    DecisionStep {
        state,
        by: "clerk-1".into(),
        at: at(seconds),
        reason: Pii::new("the same mother".to_owned()),
    }
}

fn decision(state: DecisionState, pairs: &[(RecordNumber, RecordNumber)]) -> NewDecision {
    NewDecision {
        judgement: Judgement::Same,
        origin: DecisionOrigin::Task,
        pairs: pairs.to_vec(),
        step: step(state, 1),
    }
}

/// Returns a decision about these records that waits for a second person.
pub(super) fn proposed(pairs: &[(RecordNumber, RecordNumber)]) -> NewDecision {
    decision(DecisionState::Proposed, pairs)
}

fn stored(number: DecisionNumber, new: NewDecision) -> StoredDecision {
    StoredDecision {
        number,
        judgement: new.judgement,
        origin: new.origin,
        pairs: new.pairs,
        steps: vec![new.step],
    }
}

fn numbers(decisions: &[StoredDecision]) -> Vec<DecisionNumber> {
    decisions.iter().map(|decision| decision.number).collect()
}

async fn in_force(tx: &mut dyn Transaction) -> Vec<DecisionNumber> {
    let decisions = tx.decisions_in_force().await.unwrap();
    decisions.iter().map(|decision| decision.0).collect()
}

pub(super) async fn a_decision_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    let mut expected = Vec::new();
    let states = [DecisionState::Proposed, DecisionState::Standing];
    for judgement in Judgement::ALL {
        for (origin, state) in DecisionOrigin::ALL.into_iter().zip(states.repeat(2)) {
            let mut new = decision(state, &[(n[0], n[2]), (n[0], n[3]), (n[1], n[2])]);
            new.judgement = judgement;
            new.origin = origin;
            let number = tx.put_decision(&new).await.unwrap();
            expected.push(stored(number, new));
        }
    }
    // One about nothing says nothing, and is one all the same.
    let nothing = decision(DecisionState::Standing, &[]);
    let number = tx.put_decision(&nothing).await.unwrap();
    expected.push(stored(number, nothing));
    tx.commit().await.unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    for decision in &expected {
        let found = tx.get_decision(decision.number).await.unwrap();
        assert_eq!(found.as_ref(), Some(decision));
    }
    assert!(expected.is_sorted_by(|a, b| a.number < b.number));
    let unknown = DecisionNumber(expected[12].number.0 + 1);
    assert_eq!(tx.get_decision(unknown).await.unwrap(), None);
    let standing = expected.iter().filter(|d| d.state().is_in_force());
    let standing: Vec<_> = standing
        .map(|d| (d.number, d.judgement, d.pairs.clone()))
        .collect();
    assert_eq!(tx.decisions_in_force().await.unwrap(), standing);
}

pub(super) async fn a_step_is_taken_from_where_the_decision_stands(storage: &dyn Storage) {
    use DecisionState::{Proposed, Standing, UndoProposed, Undone, Withdrawn};
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    let mut expected = decision(Proposed, &[(n[0], n[1])]);
    let number = tx.put_decision(&expected).await.unwrap();
    let other = tx.put_decision(&expected).await.unwrap();
    assert!(in_force(tx.as_mut()).await.is_empty());
    let path = [Standing, UndoProposed, Standing, UndoProposed, Undone];
    let mut steps = vec![expected.step.clone()];
    let mut from = Proposed;
    for (seconds, to) in (2..).zip(path) {
        let next = step(to, seconds);
        for wrong in DecisionState::ALL
            .into_iter()
            .filter(|state| *state != from)
        {
            assert!(!tx.step_decision(number, wrong, &next).await.unwrap());
        }
        assert!(tx.step_decision(number, from, &next).await.unwrap());
        let found = in_force(tx.as_mut()).await;
        assert_eq!(found.contains(&number), to.is_in_force(), "{to:?}");
        steps.push(next);
        from = to;
    }
    let unknown = DecisionNumber(other.0 + 1);
    let withdrawn = step(Withdrawn, 9);
    let missed = tx.step_decision(unknown, Proposed, &withdrawn).await;
    assert!(!missed.unwrap());
    let taken_back = tx.step_decision(other, Proposed, &withdrawn).await;
    assert!(taken_back.unwrap());
    assert!(in_force(tx.as_mut()).await.is_empty());
    expected.step = steps[0].clone();
    let mut whole = stored(number, expected);
    whole.steps = steps;
    assert_eq!(tx.get_decision(number).await.unwrap(), Some(whole));
    let other = tx.get_decision(other).await.unwrap().unwrap();
    assert_eq!((other.state(), other.steps.len()), (Withdrawn, 2));
    tx.commit().await.unwrap();
}

pub(super) async fn of_two_steps_at_once_one_is_taken(storage: &dyn Storage) {
    use DecisionState::{Proposed, Standing, Withdrawn};
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    let new = decision(Proposed, &[(n[0], n[1])]);
    let number = tx.put_decision(&new).await.unwrap();
    tx.commit().await.unwrap();
    let mut first = storage.begin().await.unwrap();
    let confirm = step(Standing, 2);
    assert!(
        first
            .step_decision(number, Proposed, &confirm)
            .await
            .unwrap()
    );
    let second = async {
        let mut second = storage.begin().await.unwrap();
        let refuse = step(Withdrawn, 2);
        let taken = second.step_decision(number, Proposed, &refuse).await;
        second.commit().await.unwrap();
        taken.unwrap()
    };
    let mut second = Box::pin(second);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(early.is_err());
    first.commit().await.unwrap();
    assert!(!second.await);
    let mut tx = storage.snapshot().await.unwrap();
    let found = tx.get_decision(number).await.unwrap().unwrap();
    assert_eq!((found.state(), found.steps.len()), (Standing, 2));
}

pub(super) async fn a_decision_needs_its_records(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    tx.commit().await.unwrap();
    let unknown = RecordNumber(n[3].0 + 1);
    // The lower record is first, and a pair is named once.
    let wrong = [
        vec![(n[0], unknown)],
        vec![(n[1], n[0])],
        vec![(n[0], n[0])],
        vec![(n[0], n[1]), (n[0], n[1])],
    ];
    for pairs in wrong {
        let mut tx = storage.begin().await.unwrap();
        let new = decision(DecisionState::Standing, &pairs);
        assert!(tx.put_decision(&new).await.is_err(), "{pairs:?}");
    }
    let mut tx = storage.begin().await.unwrap();
    assert!(tx.protect(&[n[0], unknown], "clerk", at(1)).await.is_err());
    drop(tx);
    // One that is deleted has existed.
    let mut tx = storage.begin().await.unwrap();
    let gone = Deletion {
        id: record("tax", "a", 1).id,
        version: None,
        event_at: None,
    };
    tx.delete_records(&[gone], at(5)).await.unwrap();
    let new = decision(DecisionState::Standing, &[(n[0], n[1])]);
    tx.put_decision(&new).await.unwrap();
    tx.protect(&n[..1], "clerk", at(1)).await.unwrap();
    assert_eq!(tx.protected(&n).await.unwrap(), n[..1]);
    tx.commit().await.unwrap();
}

pub(super) async fn decisions_are_walked_and_found_by_record(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    let mut all = Vec::new();
    for (state, pairs) in [
        (DecisionState::Standing, vec![(n[0], n[1]), (n[0], n[2])]),
        (DecisionState::Proposed, vec![(n[1], n[2])]),
        (DecisionState::Standing, vec![(n[2], n[3])]),
        (DecisionState::Standing, vec![(n[1], n[3])]),
    ] {
        all.push(tx.put_decision(&decision(state, &pairs)).await.unwrap());
    }
    let undone = step(DecisionState::Undone, 3);
    let done = tx.step_decision(all[0], DecisionState::Standing, &undone);
    assert!(done.await.unwrap());
    let newest = tx.decisions_before(None, 3).await.unwrap();
    assert_eq!(numbers(&newest), [all[3], all[2], all[1]]);
    let again = tx.get_decision(all[2]).await.unwrap();
    assert_eq!(Some(&newest[1]), again.as_ref());
    let rest = tx.decisions_before(Some(all[1]), 3).await.unwrap();
    assert_eq!(numbers(&rest), all[..1]);
    let none = tx.decisions_before(Some(all[0]), 3).await.unwrap();
    assert!(none.is_empty());
    // Whether a record is the lower or the higher one, and how often it is named, does not matter.
    for (records, limit, expected) in [
        (&n[..1], 9, vec![0]),
        (&n[3..], 9, vec![3, 2]),
        (&[n[2], n[0], n[2]], 9, vec![2, 1, 0]),
        (&n[..], 9, vec![3, 2, 1, 0]),
        (&n[..], 2, vec![3, 2]),
        (&[], 9, vec![]),
        (&[RecordNumber(n[3].0 + 1)], 9, vec![]),
    ] {
        let expected: Vec<_> = expected.iter().map(|place: &usize| all[*place]).collect();
        let found = tx.decisions_of(records, limit).await.unwrap();
        assert_eq!(numbers(&found), expected, "{records:?}");
    }
    let of_first = tx.decisions_of(&n[..1], 9).await.unwrap();
    assert_eq!((of_first[0].pairs.len(), of_first[0].steps.len()), (2, 2));
    assert_eq!(in_force(tx.as_mut()).await, all[2..]);
    tx.commit().await.unwrap();
}

pub(super) async fn reasons_are_kept_in_any_words(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    let long = "سجل".repeat(20_000);
    for (reason, kept) in [
        ("", ""),
        (
            "أخته «منى» — \u{202b}نفس العنوان\u{202c}",
            "أخته «منى» — \u{202b}نفس العنوان\u{202c}",
        ),
        (
            "it's \"his\" \\ $1 {} %s\r\n\t🙂",
            "it's \"his\" \\ $1 {} %s\r\n\t🙂",
        ),
        (long.as_str(), long.as_str()),
        // PostgreSQL holds no NUL in a text, so no backend does.
        ("a\0b", "a\u{fffd}b"),
    ] {
        let mut new = decision(DecisionState::Standing, &[(n[0], n[1])]);
        new.step.reason = Pii::new(reason.to_owned());
        new.step.by = reason.to_owned();
        let number = tx.put_decision(&new).await.unwrap();
        let mut undone = new.step.clone();
        undone.state = DecisionState::Undone;
        let taken = tx.step_decision(number, DecisionState::Standing, &undone);
        assert!(taken.await.unwrap());
        let found = tx.get_decision(number).await.unwrap().unwrap();
        assert_eq!(found.steps.len(), 2);
        for step in found.steps {
            assert_eq!(
                (step.reason.expose().as_str(), step.by.as_str()),
                (kept, kept)
            );
        }
    }
    tx.commit().await.unwrap();
}

pub(super) async fn protected_records_are_told(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = records(tx.as_mut()).await;
    assert!(tx.protected(&n).await.unwrap().is_empty());
    let twice = [n[2], n[0], n[2]];
    tx.protect(&twice, "clerk-1", at(1)).await.unwrap();
    tx.protect(&n[..2], "clerk\0", at(2)).await.unwrap();
    tx.protect(&[], "clerk-2", at(2)).await.unwrap();
    assert_eq!(tx.protected(&n).await.unwrap(), n[..3]);
    assert_eq!(tx.all_protected().await.unwrap(), n[..3]);
    let asked = [n[3], n[2], n[0], n[2]];
    assert_eq!(tx.protected(&asked).await.unwrap(), [n[0], n[2]]);
    assert!(tx.protected(&[]).await.unwrap().is_empty());
    tx.unprotect(&[n[0], n[3], n[0]]).await.unwrap();
    tx.unprotect(&[]).await.unwrap();
    assert_eq!(tx.protected(&n).await.unwrap(), n[1..3]);
    tx.commit().await.unwrap();
}
