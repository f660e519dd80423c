//! Cases about a transaction that links what it stores, whose writes may wait for each other.

use rabt_model::{Change, ChangeCause, ChangeKind, CitizenId, RecordNumber, RunId};

use super::sample::{at, citizen, profile, record, rejection, source};
use crate::repository::{Storage, Transaction};
use crate::row::Deletion;

fn change(kind: ChangeKind, of: CitizenId, other: Option<CitizenId>) -> Change {
    Change {
        other,
        ..Change::new(kind, of, ChangeCause::Link)
    }
}

/// Stores two records of two citizens, with all that linking writes.
async fn settle(tx: &mut dyn Transaction) -> Vec<RecordNumber> {
    let records = [record("tax", "a", 1), record("tax", "b", 1)];
    let numbers = tx.put_records(RunId(1), &records).await.unwrap().numbers;
    let [a, b] = numbers[..] else {
        panic!("two numbers")
    };
    let (one, two) = (citizen(1), citizen(2));
    tx.assign(&[(a, one), (b, two)]).await.unwrap();
    let born = [one, two].map(|citizen| change(ChangeKind::Born, citizen, None));
    tx.put_changes(&born, at(1)).await.unwrap();
    let profiles = [profile(one, a, 1), profile(two, b, 1)];
    tx.put_profiles(&profiles).await.unwrap();
    tx.put_step(7, &[one, two]).await.unwrap();
    tx.put_outbox(&[vec![1]]).await.unwrap();
    numbers
}

pub(super) async fn what_was_written_is_seen_at_once(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.links_at_once();
    let numbers = settle(tx.as_mut()).await;
    let (one, two) = (citizen(1), citizen(2));
    let memberships = [(numbers[0], one), (numbers[1], two)];
    assert_eq!(tx.memberships().await.unwrap(), memberships);
    assert_eq!(tx.count_profiles().await.unwrap(), 2);
    assert_eq!(tx.last_change().await.unwrap(), 2);
    let refused = [("tax", "a"), ("tax", "b"), ("civil", "c")];
    let refused = refused.map(|(source, key)| rejection(source, key, "DOB", "bad_date"));
    tx.put_rejections(RunId(1), &refused).await.unwrap();
    // a second arrival of the same transaction
    let changed = record("tax", "a", 2);
    let put = tx.put_records(RunId(2), &[changed]).await.unwrap();
    assert_eq!((put.updated, &put.numbers[..]), (1, &numbers[..1]));
    let counted = tx.count_rejections(&source("tax")).await.unwrap();
    assert_eq!(counted, [("bad_date".to_owned(), 1)]);
    assert_eq!(tx.versions(numbers[0]).await.unwrap().len(), 1);
    let new = tx.put_records(RunId(1), &[record("civil", "c", 1)]).await;
    let new = new.unwrap().numbers[0];
    assert!(new > numbers[1]);
    let gone = Deletion {
        id: record("tax", "b", 1).id,
        version: None,
        event_at: None,
    };
    let gone = tx.delete_records(&[gone], at(50)).await.unwrap();
    assert_eq!(gone.numbers, numbers[1..]);
    tx.assign(&[(new, one)]).await.unwrap();
    tx.release(&numbers[1..]).await.unwrap();
    tx.redirect(&[(two, one)]).await.unwrap();
    let told = [change(ChangeKind::Merged, one, Some(two))];
    assert_eq!(tx.put_changes(&told, at(2)).await.unwrap(), 3);
    tx.put_profiles(&[profile(one, new, 2)]).await.unwrap();
    tx.delete_profiles(&[two], at(2)).await.unwrap();
    let step = tx.put_step(7, &[one, two]).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = storage.snapshot().await.unwrap();
    let memberships = [(numbers[0], one), (new, one)];
    assert_eq!(tx.memberships().await.unwrap(), memberships);
    let departed = tx.departures(&numbers[1..]).await.unwrap();
    assert_eq!(departed, [(numbers[1], two)]);
    assert_eq!(tx.resolve(two).await.unwrap(), Some(one));
    assert_eq!(tx.revisions(one, 9).await.unwrap().len(), 2);
    assert_eq!(tx.count_profiles().await.unwrap(), 1);
    let head = tx.head().await.unwrap();
    assert_eq!((head.last_change, head.last_step), (3, step));
    assert_eq!(tx.outbox_after(0, 9).await.unwrap().len(), 1);
    assert_eq!(tx.changes_after(2, 9).await.unwrap()[0].change, told[0]);
}

pub(super) async fn a_record_that_came_back_is_remembered(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.links_at_once();
    let numbers = settle(tx.as_mut()).await;
    tx.release(&numbers).await.unwrap();
    let departed = tx.departures(&numbers).await.unwrap();
    assert_eq!(
        departed,
        [(numbers[0], citizen(1)), (numbers[1], citizen(2))]
    );
    tx.commit().await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    tx.links_at_once();
    let put = tx.put_records(RunId(1), &[record("tax", "a", 2)]).await;
    let departed = tx.departures(&put.unwrap().numbers).await.unwrap();
    assert_eq!(departed, [(numbers[0], citizen(1))]);
}

pub(super) async fn what_is_wrong_with_a_write_is_told_before_its_commit(storage: &dyn Storage) {
    let broken = RecordNumber(77);
    let stranger = [change(ChangeKind::Merged, citizen(1), Some(citizen(9)))];
    for round in 0..2 {
        let mut tx = storage.begin().await.unwrap();
        tx.links_at_once();
        settle(tx.as_mut()).await;
        let refused = match round {
            0 => tx.assign(&[(broken, citizen(1))]).await.is_err(),
            _ => tx.put_changes(&stranger, at(1)).await.is_err(),
        };
        if refused {
            continue;
        }
        // what waited is told by the next read, and not forgotten
        assert!(tx.memberships().await.is_err(), "in round {round}");
        assert!(tx.commit().await.is_err(), "in round {round}");
    }
}

pub(super) async fn what_waited_to_be_written_is_undone(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.links_at_once();
    settle(tx.as_mut()).await;
    drop(tx);
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 0);
    assert!(tx.memberships().await.unwrap().is_empty());
    assert!(tx.outbox_after(0, 9).await.unwrap().is_empty());
    assert_eq!(tx.last_change().await.unwrap(), 0);
}
