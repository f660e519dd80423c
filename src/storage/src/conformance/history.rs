//! Cases about what records and profiles were.

use std::collections::BTreeMap;

use rabt_model::{Change, ChangeCause, ChangeKind, CitizenId, RecordNumber, RunId};

use super::sample::{at, citizen, profile, record};
use crate::repository::{Storage, Transaction};
use crate::row::{Deletion, Horizon, RevisionPage, StoredProfile};

const RUN: RunId = RunId(1);

async fn tell(tx: &mut dyn Transaction, citizens: &[CitizenId], seconds: i64) -> u64 {
    let change = |citizen| Change::new(ChangeKind::Updated, citizen, ChangeCause::Link);
    let changes: Vec<Change> = citizens.iter().copied().map(change).collect();
    tx.put_changes(&changes, at(seconds)).await.unwrap()
}

pub(super) async fn versions_that_come_late_are_kept_and_not_applied(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let version = |version| record("tax", "a", version);
    let put = tx.put_records(RUN, &[version(3)]).await.unwrap();
    let number = put.numbers[0];
    tx.assign(&[(number, citizen(1))]).await.unwrap();
    for _ in 0..2 {
        let late = tx.put_records(RUN, &[version(2)]).await.unwrap();
        assert_eq!((late.late, late.updated, late.unchanged), (1, 0, 0));
        assert_eq!(late.numbers, [number]);
    }
    assert!(tx.unlinked_records(9).await.unwrap().is_empty());
    let held = tx.get_records(&[number]).await.unwrap();
    assert_eq!(held[0].record, version(3));
    let kept = tx.versions(number).await.unwrap();
    assert_eq!(kept.len(), 1, "the same late version is kept once");
    assert_eq!((&kept[0].0.record, kept[0].1), (&version(2), true));
    // Within one call the newest counts too, wherever it stands.
    let call = [version(5), version(4)];
    let put = tx.put_records(RUN, &call).await.unwrap();
    assert_eq!((put.updated, put.late, put.unchanged), (1, 1, 0));
    assert_eq!(put.numbers, [number, number]);
    let held = tx.get_records(&[number]).await.unwrap();
    assert_eq!(held[0].record, version(5));
    let late: Vec<bool> = tx
        .versions(number)
        .await
        .unwrap()
        .iter()
        .map(|v| v.1)
        .collect();
    assert_eq!(late, [true, false, true]);
    tx.commit().await.unwrap();
}

pub(super) async fn what_a_source_says_now_is_never_late(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let version = |version| record("tax", "a", version);
    let number = tx.put_records(RUN, &[version(9)]).await.unwrap().numbers[0];
    let put = tx.put_present_records(RUN, &[version(2)]).await.unwrap();
    assert_eq!((put.updated, put.late, put.unchanged), (1, 0, 0));
    let held = tx.get_records(&[number]).await.unwrap();
    assert_eq!(held[0].record, version(2));
    let kept = tx.versions(number).await.unwrap();
    assert_eq!((&kept[0].0.record, kept[0].1), (&version(9), false));
    // Within one call the last one counts, whatever its date.
    let call = [version(5), version(4)];
    tx.put_present_records(RUN, &call).await.unwrap();
    let held = tx.get_records(&[number]).await.unwrap();
    assert_eq!(held[0].record, version(4));
    tx.commit().await.unwrap();
}

pub(super) async fn versions_are_ordered_by_number_when_times_do_not_tell(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let version = |content: u8, version: Option<&str>| {
        let mut record = record("tax", "a", content);
        record.event_at = None;
        record.version = version.map(str::to_owned);
        record
    };
    tx.put_records(RUN, &[version(1, Some("10"))])
        .await
        .unwrap();
    let cases = [
        (version(2, Some("9")), (0, 1)),
        (version(3, Some("11")), (1, 0)),
        (version(4, Some("b")), (1, 0)),
        (version(5, Some("a")), (1, 0)),
        (version(6, None), (1, 0)),
    ];
    for (record, expected) in cases {
        let put = tx.put_records(RUN, &[record]).await.unwrap();
        assert_eq!((put.updated, put.late), expected);
    }
    tx.commit().await.unwrap();
}

pub(super) async fn a_replaced_profile_is_a_past_revision(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let a = tx
        .put_records(RUN, &[record("tax", "a", 1)])
        .await
        .unwrap()
        .numbers[0];
    tx.assign(&[(a, citizen(1))]).await.unwrap();
    let states = [1, 2].map(|seconds| profile(citizen(1), a, seconds));
    for state in &states {
        tell(tx.as_mut(), &[citizen(1)], 1).await;
        tx.put_profiles(std::slice::from_ref(state)).await.unwrap();
    }
    let found = tx.revisions(citizen(1), 9).await.unwrap();
    assert_eq!(found.len(), 2);
    let numbers: Vec<_> = found.iter().map(|r| (r.revision, r.sequence)).collect();
    assert_eq!(numbers, [(2, 2), (1, 1)]);
    assert_eq!(found[0].profile, states[1]);
    assert_eq!((found[0].ended_at, found[1].ended_at), (None, Some(at(2))));
    let present = tx.present_revisions(&[citizen(1), citizen(7)]).await;
    assert_eq!(present.unwrap(), found[..1]);
    assert_eq!(tx.revisions(citizen(1), 1).await.unwrap(), found[..1]);
    tell(tx.as_mut(), &[citizen(1)], 3).await;
    tx.delete_profiles(&[citizen(1), citizen(1)], at(3))
        .await
        .unwrap();
    let past = tx.revisions(citizen(1), 9).await.unwrap();
    assert_eq!((past.len(), past[0].ended_at), (2, Some(at(3))));
    assert!(
        tx.present_revisions(&[citizen(1)])
            .await
            .unwrap()
            .is_empty()
    );
    tx.put_profiles(&states[..1]).await.unwrap();
    let again = tx.revisions(citizen(1), 9).await.unwrap();
    assert_eq!((again.len(), again[0].revision), (3, 3));
    tx.commit().await.unwrap();
}

pub(super) async fn a_profile_belongs_to_its_citizens_own_change(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let records = ["a", "b", "c"].map(|key| record("tax", key, 1));
    let numbers = tx.put_records(RUN, &records).await.unwrap().numbers;
    let people = [1, 2, 3].map(citizen);
    let memberships: Vec<_> = numbers.iter().copied().zip(people).collect();
    tx.assign(&memberships).await.unwrap();
    tell(tx.as_mut(), &people[..2], 1).await;
    let put = async |tx: &mut dyn Transaction, seconds| {
        let all = memberships.iter();
        let all: Vec<_> = all.map(|(n, who)| profile(*who, *n, seconds)).collect();
        tx.put_profiles(&all).await.unwrap();
    };
    put(tx.as_mut(), 1).await;
    tx.commit().await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    tell(tx.as_mut(), &people[..1], 2).await;
    put(tx.as_mut(), 2).await;
    let mut found = Vec::new();
    for person in people {
        let revisions = tx.revisions(person, 9).await.unwrap();
        found.push(revisions.iter().map(|r| r.sequence).collect::<Vec<_>>());
    }
    assert_eq!(found, [[3, 1], [2, 2], [0, 0]]);
    // what was known at a place is found by the commits, whoever they told of
    let nobody = tx.revisions_at(1, 0, 9).await.unwrap();
    assert_eq!(nobody, RevisionPage::default());
    let known = tx.revisions_at(2, 0, 9).await.unwrap().revisions;
    let known: Vec<_> = known.iter().map(|r| (r.revision, r.sequence)).collect();
    assert_eq!(known, [(1, 1), (1, 2), (1, 0)]);
    tx.commit().await.unwrap();
}

pub(super) async fn records_are_found_as_a_profile_saw_them(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let version = |version| record("tax", "a", version);
    let a = tx.put_records(RUN, &[version(1)]).await.unwrap().numbers[0];
    tx.assign(&[(a, citizen(1))]).await.unwrap();
    tx.put_profiles(&[profile(citizen(1), a, 1)]).await.unwrap();
    tx.put_records(RUN, &[version(3)]).await.unwrap();
    tx.put_records(RUN, &[version(2)]).await.unwrap();
    tx.put_profiles(&[profile(citizen(1), a, 2)]).await.unwrap();
    tx.put_records(RUN, &[version(4)]).await.unwrap();
    let gone = Deletion {
        id: version(4).id,
        version: None,
        event_at: None,
    };
    tx.delete_records(&[gone], at(9)).await.unwrap();
    tx.put_profiles(&[profile(citizen(1), a, 3)]).await.unwrap();
    let mut wanted: Vec<(RecordNumber, Horizon)> = Vec::new();
    for revision in tx.revisions(citizen(1), 9).await.unwrap() {
        wanted.push((a, revision.horizon));
    }
    wanted.push((RecordNumber(999), Horizon(0)));
    let found = tx.records_at(&wanted).await.unwrap();
    let said: Vec<_> = found
        .into_iter()
        .map(|record| record.map(|record| record.record))
        .collect();
    assert_eq!(said, [None, Some(version(3)), Some(version(1)), None]);
    tx.commit().await.unwrap();
}

pub(super) async fn the_state_at_a_change_is_walked_in_pages(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let people: Vec<CitizenId> = (1..=5).map(citizen).collect();
    let state = |number: usize, seconds| profile(people[number], RecordNumber(1), seconds);
    let births: Vec<_> = (0..4).map(|number| state(number, 1)).collect();
    tx.put_profiles(&births).await.unwrap();
    let pinned = tell(tx.as_mut(), &people[..4], 1).await;
    tx.put_profiles(&births).await.unwrap();
    tell(tx.as_mut(), &people[1..3], 2).await;
    tx.put_profiles(&[state(1, 2)]).await.unwrap();
    tx.delete_profiles(&people[2..3], at(2)).await.unwrap();
    tx.put_profiles(&[state(4, 2)]).await.unwrap();
    assert_eq!(walk(tx.as_mut(), pinned, 3).await, births);
    let now = tx.last_change().await.unwrap();
    let today = walk(tx.as_mut(), now, 9).await;
    let today: Vec<CitizenId> = today.iter().map(|profile| profile.citizen).collect();
    assert_eq!(today, [people[0], people[1], people[3], people[4]]);
    let nobody = tx.revisions_at(now, 1_000, 9).await.unwrap();
    assert_eq!(nobody, RevisionPage::default());
    tx.commit().await.unwrap();
}

/// Walks everybody who was known at a place in the feed.
async fn walk(tx: &mut dyn Transaction, sequence: u64, limit: u32) -> Vec<StoredProfile> {
    let mut walked = Vec::new();
    let mut next = Some(0);
    while let Some(after) = next {
        let page = tx.revisions_at(sequence, after, limit).await.unwrap();
        assert!(page.revisions.len() <= limit as usize);
        walked.extend(page.revisions.into_iter().map(|revision| revision.profile));
        next = page.next;
    }
    walked
}

/// One citizen changes often, one goes and returns, one changes twice in a commit: at every place,
/// each page size finds what was present there.
pub(super) async fn every_state_is_found_at_its_place(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let people: Vec<CitizenId> = (1..=3).map(citizen).collect();
    let mut expected: Vec<Vec<StoredProfile>> = vec![Vec::new()];
    let mut known: BTreeMap<CitizenId, StoredProfile> = BTreeMap::new();
    tx.put_profiles(&[profile(people[0], RecordNumber(1), 0)])
        .await
        .unwrap();
    tx.delete_profiles(&people[..1], at(0)).await.unwrap();
    tx.redirect(&[(people[1], people[0]), (people[2], people[0])])
        .await
        .unwrap();
    for seconds in 1..40 {
        tell(tx.as_mut(), &people[..1], seconds).await;
        let state = |who: usize, part| profile(people[who], RecordNumber(part), seconds);
        let mut puts = vec![state(0, 1)];
        if seconds % 4 == 0 {
            let twice = [state(1, 2), state(1, 3)];
            tx.put_profiles(&twice[..1]).await.unwrap();
            puts.extend_from_slice(&twice[1..]);
        }
        if seconds % 10 == 5 {
            puts.push(state(2, 4));
        } else if seconds % 10 == 0 {
            tx.delete_profiles(&people[2..], at(seconds)).await.unwrap();
            known.remove(&people[2]);
        }
        tx.put_profiles(&puts).await.unwrap();
        known.extend(puts.into_iter().map(|put| (put.citizen, put)));
        let mut now: Vec<StoredProfile> = known.values().cloned().collect();
        now.sort_by_key(|profile| people.iter().position(|who| *who == profile.citizen));
        expected.push(now);
    }
    for (sequence, expected) in expected.iter().enumerate() {
        for limit in [1, 2, 9] {
            let found = walk(tx.as_mut(), sequence as u64, limit).await;
            assert_eq!(&found, expected, "at {sequence}, by {limit}");
        }
    }
    tx.commit().await.unwrap();
}
