//! Cases about what is committed together and seen together.

use rabt_model::{RecordNumber, RunId};

use super::sample::{at, citizen, profile, record, source, stream};
use crate::repository::Storage;

/// Says whether the storage is one connection, on which snapshots and transactions exclude each
/// other.
async fn in_memory(storage: &dyn Storage) -> bool {
    let held = storage.begin().await.unwrap();
    let second = tokio::time::timeout(std::time::Duration::from_millis(300), storage.snapshot());
    let excluded = second.await.is_err();
    drop(held);
    excluded
}

pub(super) async fn what_is_not_committed_is_undone(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let put = tx.put_records(RunId(1), &[record("tax", "a", 1)]).await;
    tx.assign(&[(put.unwrap().numbers[0], citizen(1))])
        .await
        .unwrap();
    tx.put_profiles(&[profile(citizen(1), RecordNumber(1), 1)])
        .await
        .unwrap();
    let (tax, person) = (source("tax"), stream("person"));
    tx.put_position(&tax, &person, "p", 1).await.unwrap();
    tx.put_outbox(&[vec![1]]).await.unwrap();
    tx.start_run(&tax, at(1)).await.unwrap();
    drop(tx);
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 0);
    assert!(tx.memberships().await.unwrap().is_empty());
    assert_eq!(tx.resolve(citizen(1)).await.unwrap(), None);
    assert_eq!(tx.count_profiles().await.unwrap(), 0);
    assert_eq!(tx.get_position(&tax, &person).await.unwrap(), None);
    assert!(tx.outbox_after(0, 9).await.unwrap().is_empty());
    assert!(tx.runs(&tax, 9).await.unwrap().is_empty());
}

pub(super) async fn names_of_an_undone_transaction_are_not_used(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.put_records(RunId(1), &[record("tax", "a", 1)])
        .await
        .unwrap();
    drop(tx);
    // The numbers of the undone names may now belong to others.
    let expected = [record("civil", "a", 1), record("tax", "a", 1)];
    for record in &expected {
        let mut tx = storage.begin().await.unwrap();
        tx.put_records(RunId(1), std::slice::from_ref(record))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = storage.snapshot().await.unwrap();
    let found = tx.records_after(RecordNumber(0), 9).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|row| row.record).collect();
    assert_eq!(found, expected);
}

pub(super) async fn a_snapshot_sees_one_state(storage: &dyn Storage) {
    if in_memory(storage).await {
        return;
    }
    let mut snapshot = storage.snapshot().await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    tx.put_records(RunId(1), &[record("tax", "a", 1)])
        .await
        .unwrap();
    assert_eq!(snapshot.count_records().await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(snapshot.count_records().await.unwrap(), 0);
    let mut later = storage.snapshot().await.unwrap();
    assert_eq!(
        later.records_after(RecordNumber(0), 9).await.unwrap().len(),
        1
    );
}

pub(super) async fn a_snapshot_refuses_writes(storage: &dyn Storage) {
    if in_memory(storage).await {
        return;
    }
    let mut snapshot = storage.snapshot().await.unwrap();
    let refused = snapshot.put_bundle("r", "text", at(1)).await;
    assert!(matches!(refused, Err(crate::StorageError::ReadOnly { .. })));
}

pub(super) async fn writers_of_one_stream_wait_for_each_other(storage: &dyn Storage) {
    let records = [record("tax", "a", 1)];
    let mut tx = storage.begin().await.unwrap();
    // The first holds the stream before the second begins, however slow the machine is.
    let first = tx.put_records(RunId(1), &records).await.unwrap();
    let end_first = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        tx.commit().await.unwrap();
    };
    let second = async {
        let mut tx = storage.begin().await.unwrap();
        let put = tx.put_records(RunId(2), &records).await.unwrap();
        tx.commit().await.unwrap();
        put
    };
    let ((), second) = tokio::join!(end_first, second);
    assert_eq!((first.inserted, second.unchanged), (1, 1));
    assert_eq!(first.numbers, second.numbers);
}

pub(super) async fn outbox_numbers_grow_in_the_order_of_commits(storage: &dyn Storage) {
    let mut first = storage.begin().await.unwrap();
    first.put_outbox(&[vec![1]]).await.unwrap();
    let second = async {
        let mut second = storage.begin().await.unwrap();
        second.put_outbox(&[vec![2]]).await.unwrap();
        second.commit().await.unwrap();
    };
    let overtaking = tokio::time::timeout(std::time::Duration::from_millis(300), second);
    assert!(overtaking.await.is_err());
    first.commit().await.unwrap();
}

pub(super) async fn storage_answers_a_probe(storage: &dyn Storage) {
    storage.probe().await.unwrap();
    storage.analyse().await.unwrap();
    assert!(["sqlite", "postgres"].contains(&storage.backend()));
    storage.close().await;
    assert!(storage.probe().await.is_err());
}
