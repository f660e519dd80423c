//! Cases about the feed of what happened to citizens.

use rabt_model::{Attribute, Change, ChangeCause, ChangeKind, RecordNumber, RunId};

use super::sample::{at, citizen, record};
use crate::repository::{Storage, Transaction};
use crate::row::Deletion;

async fn people(tx: &mut dyn Transaction) -> Vec<RecordNumber> {
    let records = ["a", "b", "c"].map(|key| record("tax", key, 1));
    let mut numbers = tx.put_records(RunId(1), &records).await.unwrap().numbers;
    let other = [record("civil", "a", 1)];
    numbers.extend(tx.put_records(RunId(1), &other).await.unwrap().numbers);
    let memberships: Vec<_> = numbers
        .iter()
        .copied()
        .zip([1, 2, 2, 3].map(citizen))
        .collect();
    tx.assign(&memberships).await.unwrap();
    numbers
}

fn born(number: u64) -> Change {
    Change::new(ChangeKind::Born, citizen(number), ChangeCause::Link)
}

pub(super) async fn a_change_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let numbers = people(tx.as_mut()).await;
    let mut merged = Change::new(ChangeKind::Merged, citizen(2), ChangeCause::Decision);
    merged.other = Some(citizen(1));
    merged.joined = numbers[..1].to_vec();
    merged.left = numbers[1..].to_vec();
    merged.supersedes = Some(1);
    let mut moved = Change::new(ChangeKind::Moved, citizen(2), ChangeCause::Deletion);
    moved.attributes = vec![Attribute::Address, Attribute::national_id()];
    let changes = [born(1), merged, moved];
    assert_eq!(tx.last_change().await.unwrap(), 0);
    assert_eq!(tx.put_changes(&changes, at(7)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    let found = tx.changes_after(0, 9).await.unwrap();
    assert_eq!(
        found.iter().map(|c| c.sequence).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(found.iter().all(|change| change.recorded_at == at(7)));
    let found: Vec<Change> = found.into_iter().map(|stored| stored.change).collect();
    assert_eq!(found, changes);
    let identity = tx.identity_changes(&[citizen(2), citizen(1)], 0).await;
    let identity: Vec<u64> = identity.unwrap().iter().map(|c| c.sequence).collect();
    assert_eq!(identity, [2]);
    let later = tx.identity_changes(&[citizen(2)], 2).await.unwrap();
    assert!(later.is_empty());
}

pub(super) async fn changes_are_numbered_without_a_gap(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    people(tx.as_mut()).await;
    tx.put_changes(&[born(1)], at(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut undone = storage.begin().await.unwrap();
    undone
        .put_changes(&[born(2), born(3)], at(2))
        .await
        .unwrap();
    drop(undone);
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.put_changes(&[], at(2)).await.unwrap(), 1);
    let many = vec![born(3); 300];
    assert_eq!(tx.put_changes(&many, at(2)).await.unwrap(), 301);
    assert_eq!(tx.last_change().await.unwrap(), 301);
    let page = tx.changes_after(299, 9).await.unwrap();
    let page: Vec<u64> = page.iter().map(|change| change.sequence).collect();
    assert_eq!(page, [300, 301]);
    assert_eq!(tx.changes_after(100, 50).await.unwrap().len(), 50);
    tx.commit().await.unwrap();
}

pub(super) async fn the_feed_grows_in_the_order_of_commits(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    people(tx.as_mut()).await;
    tx.commit().await.unwrap();
    let mut first = storage.begin().await.unwrap();
    first.put_changes(&[born(1)], at(1)).await.unwrap();
    let second = async {
        let mut second = storage.begin().await.unwrap();
        let last = second.put_changes(&[born(2)], at(1)).await.unwrap();
        second.commit().await.unwrap();
        last
    };
    let mut second = Box::pin(second);
    let patience = std::time::Duration::from_millis(300);
    let overtaking = tokio::time::timeout(patience, &mut second);
    assert!(overtaking.await.is_err());
    first.commit().await.unwrap();
    assert_eq!(second.await, 2);
}

pub(super) async fn a_change_of_somebody_unknown_is_refused(storage: &dyn Storage) {
    let mut merged = Change::new(ChangeKind::Merged, citizen(1), ChangeCause::Link);
    merged.other = Some(citizen(77));
    for change in [born(77), merged] {
        let mut tx = storage.begin().await.unwrap();
        people(tx.as_mut()).await;
        assert!(tx.put_changes(&[change], at(1)).await.is_err());
    }
}

pub(super) async fn whose_records_and_citizens_are_is_told(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let numbers = people(tx.as_mut()).await;
    let all = [citizen(1), citizen(2), citizen(3), citizen(9)];
    let mut held = tx.agencies_of_citizens(&all).await.unwrap();
    held.sort_unstable();
    let agency = |name: &str| name.parse().unwrap();
    let mut expected = [
        (citizen(1), agency("tax")),
        (citizen(2), agency("tax")),
        (citizen(3), agency("civil")),
    ];
    expected.sort_unstable();
    assert_eq!(held, expected);
    let gone = Deletion {
        id: record("tax", "a", 1).id,
        version: None,
        event_at: None,
    };
    tx.delete_records(&[gone], at(2)).await.unwrap();
    let held = tx.agencies_of_citizens(&all[..2]).await.unwrap();
    assert_eq!(
        held,
        [(citizen(2), agency("tax"))],
        "a deleted record holds nobody"
    );
    let asked = [numbers[3], numbers[0], numbers[1], numbers[0]];
    let records = tx.agencies_of_records(&asked).await.unwrap();
    let records: Vec<_> = records.iter().map(|(n, of)| (*n, of.as_str())).collect();
    let expected = [
        (numbers[0], "tax"),
        (numbers[1], "tax"),
        (numbers[3], "civil"),
    ];
    assert_eq!(records, expected, "whose a deleted record was is known");
    tx.commit().await.unwrap();
}
