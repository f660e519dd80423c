//! Cases about citizens and their records.

use rabt_model::{RecordNumber, RunId};

use super::sample::{citizen, record};
use crate::repository::{Storage, Transaction};

async fn put(tx: &mut dyn Transaction, keys: &[&str], version: u8) -> Vec<RecordNumber> {
    let records: Vec<_> = keys.iter().map(|key| record("tax", key, version)).collect();
    tx.put_records(RunId(1), &records).await.unwrap().numbers
}

pub(super) async fn records_move_between_citizens(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = put(tx.as_mut(), &["a", "b", "c"], 1).await;
    let [a, b, c] = records[..] else {
        panic!("three numbers")
    };
    tx.assign(&[
        (c, citizen(1)),
        (a, citizen(2)),
        (a, citizen(1)),
        (b, citizen(2)),
    ])
    .await
    .unwrap();
    assert_eq!(tx.members_of(citizen(1)).await.unwrap(), [a, c]);
    tx.assign(&[(c, citizen(2))]).await.unwrap();
    tx.assign(&[]).await.unwrap();
    assert_eq!(tx.members_of(citizen(2)).await.unwrap(), [b, c]);
    assert_eq!(tx.members_of(citizen(9)).await.unwrap(), []);
    let expected = [(a, citizen(1)), (b, citizen(2)), (c, citizen(2))];
    assert_eq!(tx.memberships().await.unwrap(), expected);
    let asked = [c, RecordNumber(77), a, c];
    let of = tx.citizens_of(&asked).await.unwrap();
    assert_eq!(of, [(a, citizen(1)), (c, citizen(2))]);
    assert!(tx.citizens_of(&[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

pub(super) async fn a_membership_needs_its_record(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let refused = tx.assign(&[(RecordNumber(77), citizen(1))]).await;
    assert!(refused.is_err());
}

pub(super) async fn a_changed_record_keeps_its_citizen(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let a = put(tx.as_mut(), &["a"], 1).await[0];
    tx.assign(&[(a, citizen(1))]).await.unwrap();
    put(tx.as_mut(), &["x"], 1).await;
    assert!(tx.citizens_of_unlinked().await.unwrap().is_empty());
    put(tx.as_mut(), &["a"], 2).await;
    assert_eq!(tx.citizens_of_unlinked().await.unwrap(), [citizen(1)]);
    assert_eq!(tx.unlinked_records(9).await.unwrap().len(), 2);
    assert_eq!(tx.memberships().await.unwrap(), [(a, citizen(1))]);
    tx.mark_linked(&[a]).await.unwrap();
    assert!(tx.citizens_of_unlinked().await.unwrap().is_empty());
    assert_eq!(tx.unlinked_records(9).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

pub(super) async fn redirects_are_followed_to_their_end(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let a = put(tx.as_mut(), &["a"], 1).await[0];
    tx.assign(&[(a, citizen(3))]).await.unwrap();
    tx.redirect(&[(citizen(1), citizen(2)), (citizen(2), citizen(3))])
        .await
        .unwrap();
    tx.redirect(&[(citizen(4), citizen(4))]).await.unwrap();
    for old in [1, 2, 3] {
        assert_eq!(tx.resolve(citizen(old)).await.unwrap(), Some(citizen(3)));
    }
    assert_eq!(tx.resolve(citizen(4)).await.unwrap(), None);
    tx.commit().await.unwrap();
}

pub(super) async fn an_id_that_is_used_again_leads_to_itself(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let a = put(tx.as_mut(), &["a"], 1).await[0];
    tx.redirect(&[(citizen(1), citizen(2))]).await.unwrap();
    tx.assign(&[(a, citizen(1))]).await.unwrap();
    assert_eq!(tx.resolve(citizen(1)).await.unwrap(), Some(citizen(1)));
    tx.redirect(&[(citizen(1), citizen(2))]).await.unwrap();
    tx.redirect(&[(citizen(2), citizen(1))]).await.unwrap();
    assert_eq!(tx.resolve(citizen(2)).await.unwrap(), Some(citizen(1)));
    tx.commit().await.unwrap();
}

pub(super) async fn every_id_that_leads_to_a_citizen_is_found(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let redirects = [(1, 2), (2, 3), (4, 3), (5, 6)].map(|(from, to)| (citizen(from), citizen(to)));
    for redirect in redirects {
        tx.redirect(&[redirect]).await.unwrap();
    }
    let mut all = [1, 2, 3, 4].map(citizen);
    all.sort_unstable();
    assert_eq!(tx.ids_of(citizen(3)).await.unwrap(), all);
    assert_eq!(tx.ids_of(citizen(1)).await.unwrap(), [citizen(1)]);
    assert!(tx.ids_of(citizen(9)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}
