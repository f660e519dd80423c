//! Cases about several processes on one database. `SQLite` has one process, which is always the
//! holder; there the cases hold it to that.

use std::time::Duration;

use rabt_model::RunId;

use super::sample::{at, citizen, record};
use crate::StorageError;
use crate::lease::{Holder, Lease};
use crate::repository::Storage;

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(200);

fn node(name: &str, process: i64) -> Holder {
    Holder {
        node: name.to_owned(),
        address: format!("https://{name}.example"),
        process,
    }
}

async fn take(storage: &dyn Storage, holder: &Holder, ttl: Duration) -> Lease {
    storage.leases().take("link", holder, ttl).await.unwrap()
}

/// Returns the epoch of a lease that is held.
async fn epoch(storage: &dyn Storage, holder: &Holder, ttl: Duration) -> u64 {
    match take(storage, holder, ttl).await {
        Lease::Held { epoch } => epoch,
        Lease::Elsewhere(leader) => panic!("{leader:?} has it"),
    }
}

pub(super) async fn a_lease_is_one_processes(storage: &dyn Storage) {
    let (one, two) = (node("one", 1), node("two", 2));
    let first = epoch(storage, &one, LONG).await;
    assert_eq!(epoch(storage, &one, LONG).await, first, "renewed");
    if !storage.leases().is_shared() {
        return;
    }
    let Lease::Elsewhere(leader) = take(storage, &two, LONG).await else {
        panic!("a lease that lasts is taken");
    };
    assert_eq!(
        (leader.node, leader.address),
        ("one".to_owned(), "https://one.example".to_owned())
    );
    assert!(leader.left > LONG / 2 && leader.left <= LONG);
    let again = node("one", 3);
    assert!(
        matches!(take(storage, &again, LONG).await, Lease::Elsewhere(_)),
        "another process of the same name"
    );
    let leases = storage.leases();
    leases.release("link", first + 1).await.unwrap();
    assert!(matches!(
        take(storage, &two, LONG).await,
        Lease::Elsewhere(_)
    ));
    leases.release("link", first).await.unwrap();
    assert_eq!(epoch(storage, &two, LONG).await, first + 1);
    assert_eq!(
        leases.take("other", &one, LONG).await.unwrap(),
        Lease::Held { epoch: 1 }
    );
}

pub(super) async fn a_lease_that_ran_out_is_taken_over(storage: &dyn Storage) {
    let (one, two) = (node("one", 1), node("two", 2));
    let first = epoch(storage, &one, SHORT).await;
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(epoch(storage, &one, SHORT).await, first, "nobody wanted it");
    if !storage.leases().is_shared() {
        return;
    }
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(epoch(storage, &two, LONG).await, first + 1);
    assert!(matches!(
        take(storage, &one, LONG).await,
        Lease::Elsewhere(_)
    ));
}

pub(super) async fn who_lost_a_lease_commits_nothing(storage: &dyn Storage) {
    let (one, two) = (node("one", 1), node("two", 2));
    let first = epoch(storage, &one, SHORT).await;
    let mut tx = storage.begin().await.unwrap();
    tx.put_records(RunId(1), &[record("tax", "a", 1)])
        .await
        .unwrap();
    if !storage.leases().is_shared() {
        tx.hold("link", first).await.unwrap();
        tx.commit().await.unwrap();
        return;
    }
    tokio::time::sleep(SHORT * 2).await;
    let second = epoch(storage, &two, LONG).await;
    assert_eq!(
        tx.hold("link", first).await,
        Err(StorageError::LeaseLost),
        "another process took it over meanwhile"
    );
    drop(tx);
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 0);
    tx.hold("link", second).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn a_successor_waits_for_a_commit_and_a_renewal_does_not(storage: &dyn Storage) {
    let (one, two) = (node("one", 1), node("two", 2));
    let first = epoch(storage, &one, LONG).await;
    let mut tx = storage.begin().await.unwrap();
    tx.hold("link", first).await.unwrap();
    let patience = Duration::from_secs(5);
    let renewal = tokio::time::timeout(patience, epoch(storage, &one, SHORT));
    assert_eq!(renewal.await.unwrap(), first);
    if !storage.leases().is_shared() {
        return;
    }
    tokio::time::sleep(SHORT * 2).await;
    let commit = async {
        tokio::time::sleep(SHORT * 3).await;
        tx.put_outbox(&[vec![1]]).await.unwrap();
        tx.commit().await.unwrap();
    };
    let succeed = async {
        let second = epoch(storage, &two, LONG).await;
        let mut after = storage.snapshot().await.unwrap();
        let rows = after.outbox_after(0, 9).await.unwrap().len();
        (second, rows)
    };
    let ((), found) = tokio::join!(commit, succeed);
    assert_eq!(
        found,
        (first + 1, 1),
        "the commit is there before the epoch"
    );
}

pub(super) async fn steps_are_read_in_their_order(storage: &dyn Storage) {
    let mut numbers = Vec::new();
    for step in 1..=3 {
        let mut tx = storage.begin().await.unwrap();
        let touched = [citizen(step), citizen(step + 10)];
        numbers.push(tx.put_step(-7, &touched).await.unwrap());
        tx.commit().await.unwrap();
    }
    let mut tx = storage.begin().await.unwrap();
    tx.put_step(-7, &[citizen(99)]).await.unwrap();
    drop(tx);
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    let steps = tx.steps_after(1, 9).await.unwrap();
    let expected = [
        (2, vec![citizen(2), citizen(12)]),
        (3, vec![citizen(3), citizen(13)]),
    ];
    assert_eq!(steps, expected);
    assert_eq!(tx.steps_after(0, 1).await.unwrap().len(), 1);
    let head = tx.head().await.unwrap();
    assert_eq!((head.first_step, head.last_step), (1, 3));
    assert_eq!(tx.process_of_step(3).await.unwrap(), Some(-7));
    assert_eq!(tx.process_of_step(4).await.unwrap(), None);
}

pub(super) async fn the_head_tells_of_every_change(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let before = tx.head().await.unwrap();
    tx.put_bundle("r-1", "text", at(1)).await.unwrap();
    let source = super::sources::stored("tax-city", crate::SourceState::Live);
    tx.put_source(&source).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    let after = tx.head().await.unwrap();
    if !storage.leases().is_shared() {
        assert_eq!(after, before);
        return;
    }
    assert_eq!(after.agreements, "r-1");
    assert_ne!(after.sources, before.sources);
    let state = crate::SourceState::Paused;
    tx.set_state(&source.id, state, at(3)).await.unwrap();
    assert_ne!(tx.head().await.unwrap().sources, after.sources);
}

pub(super) async fn memberships_are_found_by_citizen(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = ["a", "b", "c"].map(|key| record("tax", key, 1));
    let numbers = tx.put_records(RunId(1), &records).await.unwrap().numbers;
    let all = [
        (numbers[0], citizen(1)),
        (numbers[1], citizen(2)),
        (numbers[2], citizen(1)),
    ];
    tx.assign(&all).await.unwrap();
    let found = tx.memberships_of(&[citizen(1), citizen(9)]).await.unwrap();
    assert_eq!(found, [all[0], all[2]]);
    assert!(tx.memberships_of(&[]).await.unwrap().is_empty());
}
