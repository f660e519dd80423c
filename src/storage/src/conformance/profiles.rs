//! Cases about golden records.

use std::collections::BTreeSet;

use rabt_model::RecordNumber;

use super::sample::{at, citizen, profile};
use crate::repository::Storage;

const RECORD: RecordNumber = RecordNumber(1);

pub(super) async fn a_profile_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let mut empty = profile(citizen(2), RECORD, 1);
    empty.values.clear();
    let old = profile(citizen(1), RECORD, 1);
    let new = profile(citizen(1), RecordNumber(5), 2);
    tx.put_profiles(&[old.clone(), empty.clone()])
        .await
        .unwrap();
    assert_eq!(tx.get_profile(citizen(1)).await.unwrap(), Some(old.clone()));
    assert_eq!(tx.get_profile(citizen(2)).await.unwrap(), Some(empty));
    assert_eq!(tx.get_profile(citizen(3)).await.unwrap(), None);
    tx.put_profiles(&[old, new.clone()]).await.unwrap();
    assert_eq!(tx.get_profile(citizen(1)).await.unwrap(), Some(new));
    tx.put_profiles(&[]).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn a_removed_profile_is_gone(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let profiles = [1, 2, 3].map(|number| profile(citizen(number), RECORD, 1));
    tx.put_profiles(&profiles).await.unwrap();
    tx.delete_profiles(&[citizen(2), citizen(7)], at(2))
        .await
        .unwrap();
    tx.delete_profiles(&[], at(3)).await.unwrap();
    assert_eq!(tx.get_profile(citizen(2)).await.unwrap(), None);
    assert_eq!(tx.count_profiles().await.unwrap(), 2);
    let wanted = [citizen(1), citizen(2), citizen(3), citizen(1)];
    assert_eq!(tx.get_profiles(&wanted).await.unwrap().len(), 2);
    // The place of a removed profile still tells where a page begins.
    let page = tx.profiles_after(Some(citizen(2)), 9).await.unwrap();
    assert_eq!(page, profiles[2..]);
    tx.commit().await.unwrap();
}

pub(super) async fn pages_cover_every_profile_once(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let profiles: Vec<_> = (0..300)
        .map(|number| profile(citizen(number), RECORD, 1))
        .collect();
    tx.put_profiles(&profiles).await.unwrap();
    let mut seen = BTreeSet::new();
    let mut after = None;
    loop {
        let page = tx.profiles_after(after, 70).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.citizen);
        for profile in page {
            assert!(seen.insert(profile.citizen));
        }
    }
    assert_eq!(seen.len(), profiles.len());
    let unknown = tx.profiles_after(Some(citizen(999)), 9).await.unwrap();
    assert!(unknown.is_empty());
    tx.commit().await.unwrap();
}
