//! Cases about records that disappear at their source.

use std::time::Duration;

use rabt_model::{RecordNumber, RunId, SourceRecord};

use super::sample::{at, citizen, record, source};
use crate::repository::{Storage, Transaction};
use crate::row::{Deletion, StoredRecord};

const RUN: RunId = RunId(1);

fn deletion(record: &SourceRecord, seconds: Option<i64>) -> Deletion {
    Deletion {
        id: record.id.clone(),
        version: None,
        event_at: seconds.map(at),
    }
}

async fn put(tx: &mut dyn Transaction, records: &[SourceRecord]) -> Vec<RecordNumber> {
    tx.put_records(RUN, records).await.unwrap().numbers
}

pub(super) async fn a_deleted_record_is_nowhere_but_among_versions(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = [record("tax", "a", 1), record("tax", "b", 1)];
    let numbers = put(tx.as_mut(), &records).await;
    let all: Vec<_> = numbers.iter().map(|n| (*n, citizen(1))).collect();
    tx.assign(&all).await.unwrap();
    let unknown = [record("tax", "z", 1), record("civil", "a", 1)];
    let deletions = [
        deletion(&records[0], None),
        deletion(&unknown[0], None),
        deletion(&unknown[1], None),
    ];
    let outcome = tx.delete_records(&deletions, at(50)).await.unwrap();
    assert_eq!(
        (outcome.deleted, outcome.unchanged, outcome.late),
        (1, 2, 0)
    );
    let again = tx.delete_records(&deletions[..1], at(51)).await.unwrap();
    assert_eq!((again.deleted, again.unchanged), (0, 1));
    tx.delete_records(&[], at(51)).await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 1);
    let counts = tx.count_records_by_source().await.unwrap();
    assert_eq!(counts, [(source("tax"), 1)]);
    assert_eq!(tx.get_records(&numbers).await.unwrap().len(), 1);
    let page = tx.records_after(RecordNumber(0), 9).await.unwrap();
    assert_eq!(page[0].record, records[1]);
    assert!(tx.unlinked_records(9).await.unwrap().is_empty());
    let (tax, person) = (&records[1].id.source, &records[1].id.stream);
    assert_eq!(
        tx.streams_of(tax).await.unwrap(),
        std::slice::from_ref(person)
    );
    let keys = tx.keys_after(tax, person, None, 9).await.unwrap();
    assert_eq!(keys, [records[1].id.key.clone()]);
    let behind = tx.keys_after(tax, person, Some(&keys[0]), 9).await.unwrap();
    assert!(behind.is_empty());
    assert_eq!(tx.departed_records(9).await.unwrap(), numbers[..1]);
    let versions = tx.versions(numbers[0]).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!((&versions[0].0.record, versions[0].1), (&records[0], false));
    tx.delete_records(&[deletion(&records[1], None)], at(52))
        .await
        .unwrap();
    assert!(tx.count_records_by_source().await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

pub(super) async fn what_is_linked_at_once_never_becomes_unlinked(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let waiting = tx.put_records(RUN, &[record("tax", "waits", 1)]).await;
    let waiting = waiting.unwrap().numbers;
    tx.commit().await.unwrap();

    let mut tx = storage.begin().await.unwrap();
    tx.links_at_once();
    let mut given = record("tax", "a", 1);
    given.observed_at += Duration::from_nanos(999);
    let records = [given, record("tax", "b", 1)];
    let put = tx.put_records(RUN, &records).await.unwrap();
    assert_eq!(put.counted, [true, true]);
    let held = tx.get_records(&put.numbers).await.unwrap();
    for (held, (number, given)) in held.iter().zip(put.numbers.iter().zip(&records)) {
        assert_eq!(held.record, StoredRecord::unlinked(*number, given).record);
    }
    tx.assign(&[(put.numbers[0], citizen(1))]).await.unwrap();
    let gone = tx
        .delete_records(&[deletion(&records[1], None)], at(50))
        .await;
    assert_eq!(gone.unwrap().numbers, put.numbers[1..]);
    tx.release(&put.numbers[1..]).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = storage.begin().await.unwrap();
    let unlinked = tx.unlinked_records(9).await.unwrap();
    assert_eq!(
        unlinked.iter().map(|row| row.number).collect::<Vec<_>>(),
        waiting
    );
    assert!(tx.departed_records(9).await.unwrap().is_empty());
    assert_eq!(
        tx.memberships().await.unwrap(),
        [(put.numbers[0], citizen(1))]
    );
}

pub(super) async fn a_deleted_record_comes_back_under_its_number(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let a = record("tax", "a", 1);
    let number = put(tx.as_mut(), std::slice::from_ref(&a)).await[0];
    tx.assign(&[(number, citizen(1))]).await.unwrap();
    tx.delete_records(&[deletion(&a, None)], at(50))
        .await
        .unwrap();
    tx.release(&[number]).await.unwrap();
    let back = tx.put_records(RUN, std::slice::from_ref(&a)).await.unwrap();
    assert_eq!((back.updated, back.unchanged), (1, 0));
    assert_eq!(back.numbers, [number]);
    let unlinked = tx.unlinked_records(9).await.unwrap();
    assert_eq!(unlinked[0].record, a);
    assert!(tx.departed_records(9).await.unwrap().is_empty());
    assert_eq!(tx.versions(number).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

pub(super) async fn deletions_that_come_late_change_nothing(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let [old, a] = [1, 5].map(|version| record("tax", "a", version));
    let number = put(tx.as_mut(), std::slice::from_ref(&a)).await[0];
    let late = tx.delete_records(&[deletion(&a, Some(4))], at(50)).await;
    assert_eq!(late.unwrap().late, 1);
    assert_eq!(tx.count_records().await.unwrap(), 1);
    let after = tx.delete_records(&[deletion(&a, Some(9))], at(50)).await;
    assert_eq!(after.unwrap().deleted, 1);
    // What was written before the deletion and arrives after it does not bring the record back.
    for version in [old, a, record("tax", "a", 8)] {
        let put = tx.put_records(RUN, &[version]).await.unwrap();
        assert_eq!((put.late, put.updated), (1, 0));
    }
    assert_eq!(tx.count_records().await.unwrap(), 0);
    let back = put(tx.as_mut(), &[record("tax", "a", 10)]).await;
    assert_eq!(back, [number]);
    assert_eq!(tx.count_records().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

pub(super) async fn a_released_record_is_no_member_and_remembered(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = [record("tax", "a", 1), record("tax", "b", 1)];
    let numbers = put(tx.as_mut(), &records).await;
    let all: Vec<_> = numbers.iter().map(|n| (*n, citizen(1))).collect();
    tx.assign(&all).await.unwrap();
    let gone = records.each_ref().map(|record| deletion(record, None));
    tx.delete_records(&gone, at(50)).await.unwrap();
    assert_eq!(tx.departed_records(1).await.unwrap(), numbers[..1]);
    assert_eq!(tx.members_of(citizen(1)).await.unwrap(), numbers);
    tx.release(&numbers).await.unwrap();
    tx.release(&[]).await.unwrap();
    assert!(tx.departed_records(9).await.unwrap().is_empty());
    assert!(tx.memberships().await.unwrap().is_empty());
    assert_eq!(tx.departures(&numbers).await.unwrap(), all);
    assert!(
        tx.departures(&[RecordNumber(999)])
            .await
            .unwrap()
            .is_empty()
    );
    // The id still stands for itself: a citizen without records is not nobody.
    assert_eq!(tx.resolve(citizen(1)).await.unwrap(), Some(citizen(1)));
    tx.commit().await.unwrap();
}
