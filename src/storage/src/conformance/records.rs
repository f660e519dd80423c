//! Cases about source records and rejections.

use rabt_model::{RecordNumber, RunId, SourceRecord};

use super::sample::{at, citizen, record, rejection, source, stream};
use crate::StorageError;
use crate::repository::{Storage, Transaction};
use crate::row::{Deletion, RejectionCount};

const RUN: RunId = RunId(1);

pub(super) async fn a_record_comes_back_as_it_went_in(storage: &dyn Storage) {
    let records = [
        record("tax", "a\u{1f}ب", 1),
        record("tax", "", 0),
        record("tax", "c", 3),
    ];
    let mut tx = storage.begin().await.unwrap();
    let outcome = tx.put_records(RUN, &records).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    for (number, expected) in outcome.numbers.iter().zip(&records) {
        let found = tx.get_records(&[*number]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].record, *expected);
        assert_eq!(found[0].number, *number);
        assert!(!found[0].linked);
    }
}

pub(super) async fn only_new_and_changed_records_become_unlinked(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let first = [
        record("tax", "b", 1),
        record("tax", "a", 1),
        record("civil", "a", 1),
    ];
    let put = tx.put_records(RUN, &first).await.unwrap();
    assert_eq!((put.inserted, put.updated, put.unchanged), (3, 0, 0));
    let assigned: Vec<_> = put.numbers.iter().map(|n| (*n, citizen(1))).collect();
    tx.assign(&assigned).await.unwrap();
    assert!(tx.unlinked_records(9).await.unwrap().is_empty());

    let second = [
        record("tax", "c", 1),
        record("tax", "a", 1),
        record("tax", "b", 2),
    ];
    let again = tx.put_records(RunId(2), &second).await.unwrap();
    assert_eq!((again.inserted, again.updated, again.unchanged), (1, 1, 1));
    assert_eq!(again.counted, [true, false, true]);
    assert_eq!(again.numbers[1], put.numbers[1]);
    assert_eq!(again.numbers[2], put.numbers[0]);
    let unlinked = tx.unlinked_records(9).await.unwrap();
    let unlinked: Vec<SourceRecord> = unlinked.into_iter().map(|row| row.record).collect();
    assert_eq!(unlinked, [second[2].clone(), second[0].clone()]);
    let all = tx.records_after(RecordNumber(0), 9).await.unwrap();
    let linked: Vec<bool> = all.iter().map(|row| row.linked).collect();
    let expected: Vec<bool> = all
        .iter()
        .map(|row| row.number != again.numbers[0] && row.number != again.numbers[2])
        .collect();
    assert_eq!(linked, expected);
    tx.commit().await.unwrap();
}

pub(super) async fn the_last_of_equal_ids_counts(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = [
        record("tax", "a", 1),
        record("tax", "b", 1),
        record("tax", "a", 2),
    ];
    let put = tx.put_records(RUN, &records).await.unwrap();
    assert_eq!((put.inserted, put.updated, put.unchanged), (2, 0, 1));
    assert_eq!(put.numbers[0], put.numbers[2]);
    let held = tx.get_records(&put.numbers).await.unwrap();
    assert_eq!(held.len(), 2);
    assert!(held.iter().any(|row| row.record == records[2]));
    assert_eq!(tx.put_records(RUN, &[]).await.unwrap().numbers, []);
    tx.put_rejections(RUN, &[]).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn pages_cover_every_record_once(storage: &dyn Storage) {
    let records: Vec<SourceRecord> = (0..333)
        .map(|key| record("tax", &format!("{:03}", key * 7 % 333), 1))
        .collect();
    let mut tx = storage.begin().await.unwrap();
    for step in records.chunks(200) {
        tx.put_records(RUN, step).await.unwrap();
    }
    let mut after = RecordNumber(0);
    let mut keys = Vec::new();
    loop {
        let page = tx.records_after(after, 50).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted_by_key(|row| row.number));
        assert!(after < page[0].number);
        after = last.number;
        keys.extend(page.into_iter().map(|row| row.record.id.key.into_exposed()));
    }
    keys.sort();
    assert_eq!(
        keys,
        (0..333).map(|key| format!("{key:03}")).collect::<Vec<_>>()
    );
    assert_eq!(tx.unlinked_records(40).await.unwrap().len(), 40);
    tx.commit().await.unwrap();
}

pub(super) async fn records_are_found_by_number(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = [record("tax", "a", 1), record("tax", "b", 1)];
    let put = tx.put_records(RUN, &records).await.unwrap();
    let [a, b] = put.numbers[..] else {
        panic!("two numbers")
    };
    let found = tx
        .get_records(&[b, RecordNumber(999_999), a, b])
        .await
        .unwrap();
    let numbers: Vec<RecordNumber> = found.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [a.min(b), a.max(b)]);
    assert!(tx.get_records(&[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

pub(super) async fn records_are_counted_by_source(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 0);
    let mut other_stream = record("tax", "a", 1);
    other_stream.id.stream = super::sample::stream("company");
    let records = [record("tax", "a", 1), other_stream, record("civil", "a", 1)];
    tx.put_records(RUN, &records).await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 3);
    let counts = tx.count_records_by_source().await.unwrap();
    assert_eq!(counts, [(source("civil"), 1), (source("tax"), 2)]);
    tx.commit().await.unwrap();
}

pub(super) async fn a_source_has_one_agency(storage: &dyn Storage) {
    let mut foreign = record("tax", "b", 1);
    foreign.agency = "customs".parse().unwrap();
    for records in [
        vec![record("tax", "a", 1), foreign.clone()],
        vec![foreign.clone()],
    ] {
        let mut tx = storage.begin().await.unwrap();
        let refused = tx.put_records(RUN, &records).await;
        assert!(matches!(refused, Err(StorageError::Conflict { .. })));
        drop(tx);
        let mut tx = storage.begin().await.unwrap();
        tx.put_records(RUN, &[record("tax", "a", 1)]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(super) async fn a_key_with_a_nul_is_refused(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let refused = tx.put_records(RUN, &[record("tax", "a\0", 1)]).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, StorageError::Conflict { .. }));
    assert!(!format!("{error} {error:?}").contains("a\0"));
}

pub(super) async fn rejections_are_replaced_and_cleared(storage: &dyn Storage) {
    let count = async |tx: &mut dyn Transaction| {
        let counts = tx.count_rejections(&source("tax")).await.unwrap();
        let counts: Vec<String> = counts.iter().map(|(why, n)| format!("{why} {n}")).collect();
        counts.join(", ")
    };
    let mut tx = storage.begin().await.unwrap();
    let first = [
        rejection("tax", "a", "", "no_key"),
        rejection("tax", "b", "DOB", "bad_date"),
        rejection("tax", "b\0", "DOB", "bad_date"),
        rejection("tax", "b", "DOB", "not_a_date"),
        rejection("civil", "b", "DOB", "bad_date"),
    ];
    tx.put_rejections(RUN, &first).await.unwrap();
    assert_eq!(
        count(tx.as_mut()).await,
        "bad_date 1, no_key 1, not_a_date 1"
    );
    // A field may be rejected while its row is stored by the same run.
    tx.put_records(RUN, &[record("tax", "b", 1)]).await.unwrap();
    assert_eq!(
        count(tx.as_mut()).await,
        "bad_date 1, no_key 1, not_a_date 1"
    );
    let second = [rejection("tax", "b", "DOB", "bad_date")];
    tx.put_rejections(RunId(2), &second).await.unwrap();
    let records = [record("tax", "a", 1), record("tax", "b", 1)];
    tx.put_records(RunId(2), &records).await.unwrap();
    assert_eq!(count(tx.as_mut()).await, "bad_date 2");
    let by_column = tx.rejections_by_column(&source("tax")).await.unwrap();
    let shown = |one: &RejectionCount| {
        (
            one.column.clone(),
            one.reason.clone(),
            one.field_only,
            one.count,
        )
    };
    let by_column: Vec<_> = by_column.iter().map(shown).collect();
    assert_eq!(
        by_column,
        [("DOB".to_owned(), "bad_date".to_owned(), true, 2)]
    );
    let (tax, person) = (source("tax"), stream("person"));
    tx.forget_rejections(&tax, &person, RunId(2)).await.unwrap();
    assert_eq!(count(tx.as_mut()).await, "bad_date 1", "of the second run");
    let civil = tx.count_rejections(&source("civil")).await.unwrap();
    assert_eq!(civil.len(), 1, "another source's");
    tx.commit().await.unwrap();
}

/// Rows are found by their keys while they are there.
pub(super) async fn rows_are_found_by_key(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = [record("tax", "a", 1), record("tax", "b", 3)];
    let put = tx.put_records(RUN, &records).await.unwrap();
    let gone = Deletion {
        id: records[0].id.clone(),
        version: None,
        event_at: None,
    };
    let keys = ["b", "nobody", "a"];
    let (tax, person) = (source("tax"), stream("person"));
    let found = tx.find_records(&tax, &person, &keys).await.unwrap();
    assert_eq!(found, [Some(put.numbers[1]), None, Some(put.numbers[0])]);
    tx.delete_records(&[gone], at(2)).await.unwrap();
    let found = tx.find_records(&tax, &person, &keys).await.unwrap();
    assert_eq!(found, [Some(put.numbers[1]), None, None]);
    let found = tx.find_records(&source("water"), &person, &keys).await;
    assert_eq!(found.unwrap(), [None; 3]);
}
