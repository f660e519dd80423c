//! Cases about the audit log.

use rabt_model::RunId;

use super::sample::record;
use crate::StorageError;
use crate::repository::Storage;
use crate::row::StoredEntry;

fn entry(number: u8) -> StoredEntry {
    StoredEntry {
        body: vec![number; 20],
        leaf_hash: [number; 32],
        outbox: number.is_multiple_of(2).then_some(i64::from(number) * 10),
        subject: (!number.is_multiple_of(3)).then_some([number; 32]),
    }
}

pub(super) async fn entries_come_back_in_order(storage: &dyn Storage) {
    let log = storage.audit_log();
    assert_eq!(log.size().await.unwrap(), 0);
    assert_eq!(log.last_outbox().await.unwrap(), None);
    let entries: Vec<StoredEntry> = (0..200).map(entry).collect();
    log.append(0, &entries[..150], None).await.unwrap();
    log.append(150, &entries[150..], None).await.unwrap();
    assert_eq!(log.size().await.unwrap(), 200);
    assert_eq!(log.last_outbox().await.unwrap(), Some(1980));
    let page = log.entries(145, 10).await.unwrap();
    let expected: Vec<_> = (145..155)
        .map(|leaf| (u64::from(leaf), entry(leaf)))
        .collect();
    assert_eq!(page, expected);
    assert_eq!(
        log.leaf_hashes(198, 9).await.unwrap(),
        [[198; 32], [199; 32]]
    );
    assert!(log.entries(200, 9).await.unwrap().is_empty());
}

pub(super) async fn a_second_writer_is_refused(storage: &dyn Storage) {
    let log = storage.audit_log();
    log.append(0, &[entry(1), entry(2)], None).await.unwrap();
    for first_leaf in [0, 1, 3] {
        let refused = log.append(first_leaf, &[entry(3)], Some(b"head")).await;
        let size = 2;
        assert_eq!(refused, Err(StorageError::LeafTaken { first_leaf, size }));
    }
    assert_eq!(log.size().await.unwrap(), 2);
    assert_eq!(log.latest_checkpoint().await.unwrap(), None);
}

pub(super) async fn the_latest_checkpoint_is_of_the_largest_tree(storage: &dyn Storage) {
    let log = storage.audit_log();
    assert_eq!(log.latest_checkpoint().await.unwrap(), None);
    log.append(0, &[entry(1)], Some(b"one")).await.unwrap();
    log.append(1, &[entry(2)], None).await.unwrap();
    log.append(2, &[entry(3)], Some(b"three")).await.unwrap();
    log.append(3, &[], Some(b"three again")).await.unwrap();
    let latest = log.latest_checkpoint().await.unwrap();
    assert_eq!(latest.as_deref(), Some(&b"three again"[..]));
    let all = log.checkpoints().await.unwrap();
    assert_eq!(all, [(1, b"one".to_vec()), (3, b"three again".to_vec())]);
}

pub(super) async fn a_transaction_does_not_delay_the_log(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.put_records(RunId(1), &[record("tax", "a", 1)])
        .await
        .unwrap();
    let log = storage.audit_log();
    let entries = [entry(1)];
    let append = log.append(0, &entries, None);
    let patience = std::time::Duration::from_secs(5);
    tokio::time::timeout(patience, append)
        .await
        .unwrap()
        .unwrap();
    drop(tx);
    // What the log holds does not depend on what becomes of the transaction.
    assert_eq!(log.size().await.unwrap(), 1);
}
