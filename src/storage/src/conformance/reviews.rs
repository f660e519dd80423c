//! Cases about the questions that are open to clerks.

use std::time::Duration;

use rabt_model::{RecordNumber, ReviewKind, RunId, TaskNumber};

use super::sample::{at, citizen, record};
use crate::repository::{Storage, Transaction};
use crate::review::{NewTask, StoredTask, TaskCounts, TaskFilter};

/// Returns ten records; the citizen of the record at place `n` is `10 - n`, so who was known first
/// is not who has the lower id, and often not who is named first.
pub(super) async fn people(tx: &mut dyn Transaction) -> Vec<RecordNumber> {
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let records = keys.map(|key| record("tax", key, 1));
    let numbers = tx.put_records(RunId(1), &records).await.unwrap().numbers;
    let odd_last = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    for place in odd_last {
        let membership = (numbers[place], citizen(10 - place as u64));
        tx.assign(&[membership]).await.unwrap();
    }
    numbers
}

/// Returns a task about the records at two places, the lower one first.
pub(super) fn task(n: &[RecordNumber], left: usize, right: usize) -> NewTask {
    NewTask {
        kind: ReviewKind::Band,
        left: (n[left], citizen(10 - left as u64)),
        right: (n[right], citizen(10 - right as u64)),
        weight: -1024,
        pairs: 1,
        worth: 1,
    }
}

pub(super) fn counts(opened: u64, kept: u64, closed: u64) -> TaskCounts {
    TaskCounts {
        opened,
        kept,
        closed,
    }
}

/// Makes `tasks` the ones of everybody whom they name.
pub(super) async fn put(tx: &mut dyn Transaction, tasks: &[NewTask]) -> TaskCounts {
    let citizens = tasks.iter().flat_map(|task| [task.left.1, task.right.1]);
    let citizens: Vec<_> = citizens.collect();
    tx.put_tasks(&citizens, tasks, at(1)).await.unwrap()
}

pub(super) async fn all(tx: &mut dyn Transaction) -> Vec<StoredTask> {
    let filter = TaskFilter::default();
    tx.tasks_after(&filter, None, 99).await.unwrap()
}

fn asked(tasks: &[StoredTask]) -> Vec<NewTask> {
    tasks.iter().map(|task| task.task.clone()).collect()
}

pub(super) async fn a_task_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    let mut tasks = Vec::new();
    for (place, kind) in ReviewKind::ALL.into_iter().enumerate() {
        let mut new = task(&n, 2 * place, 2 * place + 1);
        new.kind = kind;
        (new.weight, new.pairs, new.worth) = (i32::MIN, u32::MAX, u32::MAX);
        tasks.push(new);
    }
    tasks[1].weight = i32::MAX;
    (tasks[2].pairs, tasks[2].worth) = (0, 0);
    assert_eq!(put(tx.as_mut(), &tasks).await, counts(3, 0, 0));
    tx.commit().await.unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    let found = all(tx.as_mut()).await;
    let order = [tasks[1].clone(), tasks[0].clone(), tasks[2].clone()];
    assert_eq!(asked(&found), order);
    for stored in &found {
        assert_eq!((stored.created_at, &stored.claim), (at(1), &None));
        assert_eq!(stored.proposal, None);
        let again = tx.get_task(stored.number).await.unwrap();
        assert_eq!(again.as_ref(), Some(stored));
    }
    let last = found.iter().map(|task| task.number.0).max().unwrap();
    assert_eq!(tx.get_task(TaskNumber(last + 1)).await.unwrap(), None);
}

pub(super) async fn a_task_that_is_asked_again_keeps_its_place(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    put(tx.as_mut(), &[task(&n, 0, 1), task(&n, 2, 3)]).await;
    let mut before = all(tx.as_mut()).await;
    let number = before[0].number;
    let claimed = tx.claim_task(number, "mona", at(2), at(60)).await;
    assert!(claimed.unwrap());
    let decision = super::decisions::proposed(&[(n[0], n[1])]);
    let decision = tx.put_decision(&decision).await.unwrap();
    assert!(tx.propose(number, Some(decision)).await.unwrap());
    before[0] = tx.get_task(number).await.unwrap().unwrap();
    assert_eq!(before[0].claim, Some(("mona".into(), at(60))));
    assert_eq!(before[0].proposal, Some(decision));
    // The same question, then one about other records of the same citizens, the other way round.
    let same = [before[0].task.clone()];
    let named = [same[0].right.1];
    let put_same = tx.put_tasks(&named, &same, at(9)).await;
    assert_eq!(put_same.unwrap(), counts(0, 1, 0));
    assert_eq!(all(tx.as_mut()).await, before);
    tx.assign(&[(n[8], citizen(10)), (n[9], citizen(9))])
        .await
        .unwrap();
    let changed = NewTask {
        kind: ReviewKind::Conflict,
        left: (n[1], citizen(9)),
        right: (n[8], citizen(10)),
        weight: 5,
        pairs: 6,
        worth: 7,
    };
    let replaced = tx.put_tasks(&named, std::slice::from_ref(&changed), at(9));
    assert_eq!(replaced.await.unwrap(), counts(0, 1, 0));
    before[0].task = changed;
    assert_eq!(all(tx.as_mut()).await, before);
    // One field is enough.
    for field in 0..5 {
        let new = &mut before[0].task;
        match field {
            0 => new.weight += 1,
            1 => new.pairs += 1,
            2 => new.worth += 1,
            3 => new.kind = ReviewKind::Ambiguous,
            _ => new.right.0 = n[9],
        }
        let new = [new.clone()];
        assert_eq!(put(tx.as_mut(), &new).await, counts(0, 1, 0));
        assert_eq!(all(tx.as_mut()).await, before, "{field}");
    }
    tx.commit().await.unwrap();
}

pub(super) async fn what_is_asked_no_more_is_removed(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    let tasks = [(0, 1), (0, 2), (1, 2), (3, 4)].map(|(l, r)| task(&n, l, r));
    put(tx.as_mut(), &tasks).await;
    let none = tx.put_tasks(&[], &[], at(2)).await.unwrap();
    assert_eq!(none, counts(0, 0, 0));
    let of_nobody = [citizen(3), citizen(3), citizen(77)];
    let none = tx.put_tasks(&of_nobody, &[], at(2)).await.unwrap();
    assert_eq!(none, counts(0, 0, 0));
    // One of the two citizens is enough: here the one who was known first, then the other.
    let first = [tasks[0].left.1];
    let left = tx.put_tasks(&first, &tasks[..1], at(2)).await.unwrap();
    assert_eq!(left, counts(0, 1, 1));
    let second = [tasks[3].left.1];
    let left = tx.put_tasks(&second, &[], at(2)).await.unwrap();
    assert_eq!(left, counts(0, 0, 1));
    let rest = all(tx.as_mut()).await;
    assert_eq!(asked(&rest), [tasks[0].clone(), tasks[2].clone()]);
    // A number is never used again.
    let highest = rest.iter().map(|task| task.number).max().unwrap();
    assert_eq!(put(tx.as_mut(), &tasks[3..]).await, counts(1, 0, 0));
    let newest = all(tx.as_mut()).await;
    let newest = newest.iter().map(|task| task.number).max().unwrap();
    assert!(newest > highest);
    let gone = tx.put_tasks(&second, &[], at(3)).await.unwrap();
    assert_eq!(gone, counts(0, 0, 1));
    assert_eq!(tx.get_task(newest).await.unwrap(), None);
    assert_eq!(put(tx.as_mut(), &tasks[3..]).await, counts(1, 0, 0));
    let again = all(tx.as_mut()).await;
    assert!(again.iter().all(|task| task.number != newest));
    tx.commit().await.unwrap();
}

pub(super) async fn two_citizens_have_one_task(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    let mut last = task(&n, 0, 1);
    (last.left.1, last.right.1, last.weight) = (last.right.1, last.left.1, 7);
    let twice = [task(&n, 0, 1), last.clone()];
    assert_eq!(put(tx.as_mut(), &twice).await, counts(1, 0, 0));
    assert_eq!(asked(&all(tx.as_mut()).await), [last]);
    // When one citizen becomes another, the questions about both become one: ids that lead
    // elsewhere are not followed, and what names them goes when they are named.
    let tasks = [task(&n, 2, 4), task(&n, 3, 4)];
    put(tx.as_mut(), &tasks).await;
    let (old, heir) = (tasks[0].left.1, tasks[1].left.1);
    tx.redirect(&[(old, heir)]).await.unwrap();
    let number = |tasks: &[StoredTask], wanted: &NewTask| {
        let found = tasks.iter().find(|stored| stored.task == *wanted);
        found.map(|stored| stored.number)
    };
    let before = number(&all(tx.as_mut()).await, &tasks[1]);
    let merged = tx.put_tasks(&[old, heir], &tasks[1..], at(3)).await;
    assert_eq!(merged.unwrap(), counts(0, 1, 1));
    let after = all(tx.as_mut()).await;
    assert_eq!(number(&after, &tasks[1]), before);
    assert_eq!(number(&after, &tasks[0]), None);
    tx.commit().await.unwrap();
}

pub(super) async fn a_task_needs_two_known_citizens(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    tx.commit().await.unwrap();
    let mut unknown = task(&n, 0, 1);
    unknown.right.1 = citizen(77);
    let mut alone = task(&n, 0, 1);
    alone.right.1 = alone.left.1;
    let mut no_record = task(&n, 0, 1);
    no_record.right.0 = RecordNumber(n[9].0 + 1);
    for wrong in [unknown, alone, no_record] {
        let mut tx = storage.begin().await.unwrap();
        let named = [wrong.left.1];
        assert!(tx.put_tasks(&named, &[wrong], at(1)).await.is_err());
    }
}

pub(super) async fn many_tasks_are_put_at_once(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records: Vec<_> = (0..400)
        .map(|place| record("tax", &format!("{place}"), 1))
        .collect();
    let n = tx.put_records(RunId(1), &records).await.unwrap().numbers;
    let memberships: Vec<_> = n.iter().copied().zip((0..).map(citizen)).collect();
    tx.assign(&memberships).await.unwrap();
    let tasks: Vec<NewTask> = (0..200)
        .map(|place| NewTask {
            left: memberships[2 * place],
            right: memberships[2 * place + 1],
            ..task(&n, 0, 1)
        })
        .collect();
    let citizens: Vec<_> = memberships.iter().map(|(_, citizen)| *citizen).collect();
    for (tasks, expected) in [
        (&tasks[..150], counts(150, 0, 0)),
        (&tasks[50..], counts(50, 100, 50)),
        (&[], counts(0, 0, 150)),
    ] {
        let became = tx.put_tasks(&citizens, tasks, at(1)).await.unwrap();
        assert_eq!(became, expected);
        let found = tx.tasks_after(&TaskFilter::default(), None, 999).await;
        assert_eq!(asked(&found.unwrap()).len(), tasks.len());
    }
    tx.commit().await.unwrap();
}

pub(super) async fn a_second_writer_of_tasks_misses_none(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let n = people(tx.as_mut()).await;
    tx.commit().await.unwrap();
    let mut first = storage.begin().await.unwrap();
    put(first.as_mut(), &[task(&n, 0, 1)]).await;
    let second = async {
        let mut second = storage.begin().await.unwrap();
        let named = [task(&n, 0, 1).left.1];
        let became = second.put_tasks(&named, &[], at(2)).await.unwrap();
        second.commit().await.unwrap();
        became
    };
    let mut second = Box::pin(second);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(early.is_err());
    first.commit().await.unwrap();
    assert_eq!(second.await, counts(0, 0, 1));
}
