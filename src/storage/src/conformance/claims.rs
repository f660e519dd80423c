//! Cases about the order of tasks, who works on them, and what waits for a second person.

use std::time::Duration;

use rabt_model::{DecisionNumber, ReviewKind, TaskNumber};

use super::reviews::{all, counts, people, put, task};
use super::sample::at;
use crate::repository::{Storage, Transaction};
use crate::review::{StoredTask, TaskFilter};

/// Opens tasks of these kinds, worths and weights, and returns their numbers in that order.
async fn open(tx: &mut dyn Transaction, kinds: &[(ReviewKind, u32, i32)]) -> Vec<TaskNumber> {
    let n = people(tx).await;
    let mut numbers = Vec::new();
    for (place, (kind, worth, weight)) in kinds.iter().enumerate() {
        let mut new = task(&n, place, place + 1);
        (new.kind, new.worth, new.weight) = (*kind, *worth, *weight);
        let citizens = [new.left.1];
        let mut tasks = vec![new];
        // The task before this one names the same citizen, and stays.
        let before = all(tx).await.into_iter().map(|stored| stored.task);
        tasks.extend(before.filter(|task| task.right.1 == citizens[0]));
        tx.put_tasks(&citizens, &tasks, at(1)).await.unwrap();
        let found = all(tx).await.into_iter().map(|stored| stored.number);
        numbers.push(found.max().unwrap());
    }
    numbers
}

fn numbers(tasks: &[StoredTask]) -> Vec<TaskNumber> {
    tasks.iter().map(|task| task.number).collect()
}

async fn filtered(tx: &mut dyn Transaction, filter: &TaskFilter) -> Vec<TaskNumber> {
    numbers(&tx.tasks_after(filter, None, 99).await.unwrap())
}

pub(super) async fn tasks_are_walked_in_their_order(storage: &dyn Storage) {
    use ReviewKind::{Ambiguous, Band};
    let mut tx = storage.begin().await.unwrap();
    let n = open(
        tx.as_mut(),
        &[
            (Band, 1, 5),
            (Band, 2, -7),
            (Band, 2, -7),
            (Ambiguous, 2, 3),
            (Band, 1, 5),
            (Band, u32::MAX, i32::MAX),
            (Band, 2, -7),
            (Band, 0, i32::MIN),
            (Band, u32::MAX, i32::MAX),
        ],
    )
    .await;
    let order = [5, 8, 3, 1, 2, 6, 0, 4, 7].map(|place: usize| n[place]);
    let found = all(tx.as_mut()).await;
    assert_eq!(numbers(&found), order);
    let filter = TaskFilter::default();
    // A page may begin behind any task, also behind one that is gone.
    for (place, task) in found.iter().enumerate() {
        for limit in [0, 1, 2, 99] {
            let page = tx.tasks_after(&filter, Some(task.place()), limit).await;
            let end = order.len().min(place + 1 + limit as usize);
            assert_eq!(numbers(&page.unwrap()), order[place + 1..end]);
        }
    }
    let mut gone = found[4].place();
    gone.number.0 = 0;
    let page = tx.tasks_after(&filter, Some(gone), 2).await.unwrap();
    assert_eq!(numbers(&page), order[3..5]);
    let band = TaskFilter {
        kind: Some(Band),
        ..TaskFilter::default()
    };
    let page = tx.tasks_after(&band, Some(found[1].place()), 2).await;
    assert_eq!(numbers(&page.unwrap()), order[3..5]);
    tx.commit().await.unwrap();
}

pub(super) async fn tasks_are_counted_by_kind(storage: &dyn Storage) {
    use ReviewKind::{Band, Conflict};
    let mut tx = storage.begin().await.unwrap();
    assert!(tx.count_tasks().await.unwrap().is_empty());
    open(
        tx.as_mut(),
        &[(Conflict, 1, 1), (Band, 1, 1), (Conflict, 2, 1)],
    )
    .await;
    let counts = tx.count_tasks().await.unwrap();
    assert_eq!(counts, [(Band, 1), (Conflict, 2)]);
    tx.commit().await.unwrap();
}

pub(super) async fn tasks_are_filtered(storage: &dyn Storage) {
    use ReviewKind::{Ambiguous, Band, Conflict};
    let mut tx = storage.begin().await.unwrap();
    let kinds = [
        (Band, 4, 0),
        (Conflict, 3, 0),
        (Band, 2, 0),
        (Conflict, 1, 0),
    ];
    let n = open(tx.as_mut(), &kinds).await;
    for (place, by, until) in [(0, "mona", 10), (1, "mona", 20), (2, "omar", 30)] {
        let claimed = tx.claim_task(n[place], by, at(1), at(until)).await;
        assert!(claimed.unwrap());
    }
    for (kind, free_at, by, expected) in [
        (None, None, None, vec![0, 1, 2, 3]),
        (Some(Band), None, None, vec![0, 2]),
        (Some(Ambiguous), None, None, vec![]),
        // A claim until a time is no claim beyond it.
        (None, Some(9), None, vec![3]),
        (None, Some(10), None, vec![0, 3]),
        (None, Some(30), None, vec![0, 1, 2, 3]),
        (Some(Conflict), Some(10), None, vec![3]),
        (None, None, Some("mona"), vec![0, 1]),
        (None, None, Some("nobody"), vec![]),
        (Some(Band), None, Some("omar"), vec![2]),
        (None, Some(15), Some("mona"), vec![0]),
        (Some(Conflict), Some(15), Some("mona"), vec![]),
    ] {
        let filter = TaskFilter {
            kind,
            free_at: free_at.map(at),
            claimed_by: by.map(str::to_owned),
        };
        let expected: Vec<_> = expected.iter().map(|place: &usize| n[*place]).collect();
        assert_eq!(filtered(tx.as_mut(), &filter).await, expected, "{filter:?}");
    }
    let mona = TaskFilter {
        claimed_by: Some("mona".into()),
        ..TaskFilter::default()
    };
    let first = tx.tasks_after(&mona, None, 1).await.unwrap();
    assert_eq!(numbers(&first), n[..1]);
    let next = tx.tasks_after(&mona, Some(first[0].place()), 9).await;
    assert_eq!(numbers(&next.unwrap()), n[1..2]);
    tx.commit().await.unwrap();
}

pub(super) async fn a_claim_runs_out_and_is_released(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = open(tx.as_mut(), &[(ReviewKind::Band, 1, 1)]).await[0];
    let unknown = TaskNumber(n.0 + 1);
    // Who claims, at what time, until when, and whether they get it. Their own claim is theirs to
    // prolong; another's is free at the moment at which it ends.
    for (by, now, until, expected) in [
        ("mona", 1, 10, true),
        ("omar", 9, 99, false),
        ("mona", 5, 20, true),
        ("omar", 19, 99, false),
        ("omar", 20, 30, true),
        ("mona", 21, 40, false),
    ] {
        let claimed = tx.claim_task(n, by, at(now), at(until)).await.unwrap();
        assert_eq!(claimed, expected, "{by} at {now}");
        let claim = tx.get_task(n).await.unwrap().unwrap().claim;
        let (holder, end) = claim.unwrap();
        assert_eq!((holder == by && end == at(until)), expected);
    }
    assert!(!tx.claim_task(unknown, "mona", at(1), at(9)).await.unwrap());
    assert!(!tx.release_task(n, "mona").await.unwrap());
    assert!(!tx.release_task(unknown, "omar").await.unwrap());
    let claim = tx.get_task(n).await.unwrap().unwrap().claim;
    assert_eq!(claim, Some(("omar".into(), at(30))));
    assert!(tx.release_task(n, "omar").await.unwrap());
    assert!(!tx.release_task(n, "omar").await.unwrap());
    assert_eq!(tx.get_task(n).await.unwrap().unwrap().claim, None);
    // A name is one name, whatever is in it.
    assert!(tx.claim_task(n, "a'\0", at(1), at(9)).await.unwrap());
    assert!(tx.claim_task(n, "a'\0", at(2), at(9)).await.unwrap());
    let filter = TaskFilter {
        claimed_by: Some("a'\0".into()),
        ..TaskFilter::default()
    };
    assert_eq!(filtered(tx.as_mut(), &filter).await, [n]);
    assert!(tx.release_task(n, "a'\0").await.unwrap());
    tx.commit().await.unwrap();
}

pub(super) async fn of_two_claims_at_once_one_is_given(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = open(tx.as_mut(), &[(ReviewKind::Band, 1, 1)]).await[0];
    tx.commit().await.unwrap();
    let mut first = storage.begin().await.unwrap();
    assert!(first.claim_task(n, "mona", at(1), at(9)).await.unwrap());
    let second = async {
        let mut second = storage.begin().await.unwrap();
        let claimed = second.claim_task(n, "omar", at(1), at(9)).await.unwrap();
        second.commit().await.unwrap();
        claimed
    };
    let mut second = Box::pin(second);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(early.is_err());
    first.commit().await.unwrap();
    assert!(!second.await);
    let mut tx = storage.snapshot().await.unwrap();
    let claim = tx.get_task(n).await.unwrap().unwrap().claim;
    assert_eq!(claim, Some(("mona".into(), at(9))));
}

pub(super) async fn a_claim_survives_linking_at_the_same_time(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    put(tx.as_mut(), &[task(&n, 0, 1)]).await;
    let number = all(tx.as_mut()).await[0].number;
    tx.commit().await.unwrap();
    let mut claiming = storage.begin().await.unwrap();
    let claimed = claiming.claim_task(number, "mona", at(2), at(60)).await;
    assert!(claimed.unwrap());
    let mut changed = task(&n, 0, 1);
    changed.weight = 9;
    let linking = async {
        let mut tx = storage.begin().await.unwrap();
        let became = put(tx.as_mut(), &[changed]).await;
        tx.commit().await.unwrap();
        became
    };
    let mut linking = Box::pin(linking);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut linking).await;
    assert!(early.is_err());
    claiming.commit().await.unwrap();
    assert_eq!(linking.await, counts(0, 1, 0));
    let mut tx = storage.snapshot().await.unwrap();
    let found = tx.get_task(number).await.unwrap().unwrap();
    assert_eq!(found.claim, Some(("mona".into(), at(60))));
    assert_eq!(found.task.weight, 9);
}

pub(super) async fn a_proposal_waits_on_its_task(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    put(tx.as_mut(), &[task(&n, 0, 1), task(&n, 2, 3)]).await;
    let tasks = numbers(&all(tx.as_mut()).await);
    let new = super::decisions::proposed(&[(n[0], n[1])]);
    let decision = tx.put_decision(&new).await.unwrap();
    assert!(tx.propose(tasks[0], Some(decision)).await.unwrap());
    let proposals = |tasks: Vec<StoredTask>| -> Vec<Option<DecisionNumber>> {
        tasks.iter().map(|task| task.proposal).collect()
    };
    assert_eq!(proposals(all(tx.as_mut()).await), [Some(decision), None]);
    assert!(tx.propose(tasks[0], None).await.unwrap());
    assert_eq!(proposals(all(tx.as_mut()).await), [None, None]);
    let unknown = TaskNumber(tasks[1].0 + 1);
    assert!(!tx.propose(unknown, Some(decision)).await.unwrap());
    // The decision stays when its task is closed.
    assert!(tx.propose(tasks[0], Some(decision)).await.unwrap());
    let named = [task(&n, 0, 1).left.1];
    tx.put_tasks(&named, &[], at(2)).await.unwrap();
    assert!(tx.get_decision(decision).await.unwrap().is_some());
    tx.commit().await.unwrap();
}
