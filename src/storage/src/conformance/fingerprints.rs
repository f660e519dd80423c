//! Cases about the fingerprint of the linked state.

use rabt_model::{RecordNumber, RunId};

use super::sample::{citizen, profile, record};
use crate::fingerprint;
use crate::repository::Storage;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// Replaces the state: records in the order of `order`, clusters {a, b}, {c}, {d}, where the
/// profile of the first comes from `chosen` and citizens are numbered from `first`.
async fn state(storage: &dyn Storage, order: &[usize], chosen: usize, first: u64) -> String {
    let mut tx = storage.begin().await.unwrap();
    let mut numbers = [RecordNumber(0); 4];
    for index in order {
        let put = tx
            .put_records(RunId(1), &[record("tax", KEYS[*index], 1)])
            .await;
        numbers[*index] = put.unwrap().numbers[0];
    }
    let [a, b, c, d] = numbers;
    let people = [first, first + 1, first + 2].map(citizen);
    let old = tx.memberships().await.unwrap();
    let old: Vec<_> = old.into_iter().map(|(_, citizen)| citizen).collect();
    tx.delete_profiles(&old, super::sample::at(9))
        .await
        .unwrap();
    tx.assign(&[
        (a, people[0]),
        (b, people[0]),
        (c, people[1]),
        (d, people[2]),
    ])
    .await
    .unwrap();
    let profiles = [
        profile(people[1], c, i64::from(first == 1)),
        profile(people[0], numbers[chosen], 3),
    ];
    tx.put_profiles(&profiles).await.unwrap();
    tx.commit().await.unwrap();
    fingerprint(storage).await.unwrap()
}

pub(super) async fn order_of_arrival_does_not_matter(storage: &dyn Storage) {
    let empty = fingerprint(storage).await.unwrap();
    assert_eq!(empty.len(), 64);
    let one = state(storage, &[3, 1, 0, 2], 0, 1).await;
    let other = super::Scratch::memory().await;
    let two = state(other.storage(), &[0, 1, 2, 3], 0, 100).await;
    assert_eq!(one, two);
    assert_ne!(one, empty);
    other.remove().await;
}

pub(super) async fn every_difference_shows(storage: &dyn Storage) {
    let order = [0, 1, 2, 3];
    let before = state(storage, &order, 0, 1).await;
    assert_eq!(state(storage, &order, 0, 50).await, before);
    let other_record = state(storage, &order, 1, 1).await;
    assert_ne!(other_record, before);

    let mut tx = storage.begin().await.unwrap();
    let put = tx.put_records(RunId(1), &[record("tax", "d", 1)]).await;
    let d = put.unwrap().numbers[0];
    tx.assign(&[(d, citizen(2))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(fingerprint(storage).await.unwrap(), other_record);
}
