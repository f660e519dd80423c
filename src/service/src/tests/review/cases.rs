//! The behaviours that people expect of a registry of persons, case by case: the first twenty-one are
//! those that `SanteDB` documents for its master data, the rest are complaints of users of other
//! systems. Cases about what a source may say of itself stand with golden records.

use super::*;
use crate::{Arrival, Setup, upsert};
use rabt_linkage::LinkageModel;
use rabt_model::RunId;
use rabt_storage::Storage;

const MONA_ELSEWHERE: Row = ["1", MONA[1], MONA[2], MONA[3], "01077777777"];
const STRANGER: Row = [
    "9",
    "ناهد صبري فوزي كامل",
    "26105050199999",
    "1961-05-05",
    "",
];

async fn registry_of(rows: &[Row]) -> (std::sync::Arc<Fragile>, Tables, std::sync::Arc<Services>) {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", rows).await;
    (storage, tables, services)
}

async fn resolve(services: &Services, citizen: CitizenId) -> Option<CitizenId> {
    let mut tx = services.storage.snapshot().await.unwrap();
    tx.resolve(citizen).await.unwrap()
}

#[tokio::test]
async fn case_1_a_new_person_is_one_citizen() {
    let (_, _, services) = registry_of(&[MONA, OMAR]).await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    assert_ne!(mona, omar);
    assert_eq!(services.citizens(), 2);
}

#[tokio::test]
async fn case_2_a_duplicate_comes_to_the_same_citizen() {
    let (_, tables, services) = registry_of(&[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let both = holders(&services, &[1, 2]).await;
    assert_eq!(both[0], both[1]);
    assert_eq!(services.citizens(), 1);
}

#[tokio::test]
async fn case_3_a_suspected_duplicate_is_a_citizen_of_its_own_and_asked_about() {
    let (_, _, services) = perhaps().await;
    let both = holders(&services, &[1, 3]).await;
    assert_ne!(both[0], both[1]);
    assert_eq!(tasks(&services).await.len(), 1);
}

#[tokio::test]
async fn case_4_a_sole_record_that_is_rewritten_keeps_its_citizen() {
    let (_, tables, services) = registry_of(&[MONA]).await;
    let before = holders(&services, &[1]).await;
    let rewritten = ["1", STRANGER[1], STRANGER[2], STRANGER[3], ""];
    read(&services, &tables, "registry", &[rewritten]).await;
    assert_eq!(holders(&services, &[1]).await, before);
}

#[tokio::test]
async fn case_5_a_suspect_that_comes_to_match_is_merged_and_both_ids_lead_on() {
    let (_, tables, services) = perhaps().await;
    let [mona, suspect] = holders(&services, &[1, 3]).await[..] else {
        panic!("two")
    };
    let now = ["T-1", MONA[1], MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "tax", &[now]).await;
    assert_eq!(holders(&services, &[1, 3]).await, [mona, mona]);
    assert_eq!(resolve(&services, suspect).await, Some(mona));
    assert!(tasks(&services).await.is_empty());
    let told = kinds(&services).await;
    assert!(told.contains(&(ChangeKind::Merged, ChangeCause::Link)));
}

#[tokio::test]
async fn case_6_a_record_that_no_longer_matches_leaves_and_the_citizen_stays() {
    let (_, tables, services) = registry_of(&[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let mona = holders(&services, &[1]).await[0];
    let other = ["T-7", STRANGER[1], STRANGER[2], STRANGER[3], ""];
    read(&services, &tables, "tax", &[other]).await;
    let now = holders(&services, &[1, 2]).await;
    assert_eq!(now[0], mona);
    assert_ne!(now[1], mona);
    let told = kinds(&services).await;
    assert!(
        told.contains(&(ChangeKind::Split, ChangeCause::Link)),
        "{told:?}"
    );
}

#[tokio::test]
async fn case_7_a_clerk_who_confirms_makes_it_so() {
    let (_, _, services) = perhaps().await;
    let outcome = answer(&services, Judgement::Same).await.unwrap();
    assert_eq!(outcome.state, DecisionState::Standing);
    let both = holders(&services, &[1, 3]).await;
    assert_eq!(both[0], both[1]);
}

#[tokio::test]
async fn case_8_what_a_clerk_confirmed_stays_when_the_evidence_weakens() {
    let (_, tables, services) = perhaps().await;
    answer(&services, Judgement::Same).await.unwrap();
    let weaker = ["T-1", "منى أحمد", "", "", ""];
    read(&services, &tables, "tax", &[weaker]).await;
    let both = holders(&services, &[1, 3]).await;
    assert_eq!(both[0], both[1]);
}

#[tokio::test]
async fn case_9_what_a_clerk_refused_is_not_asked_again_though_it_be_identical() {
    let (_, tables, services) = perhaps().await;
    answer(&services, Judgement::Different).await.unwrap();
    let identical = ["T-1", MONA[1], MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "tax", &[identical]).await;
    let both = holders(&services, &[1, 3]).await;
    assert_ne!(both[0], both[1]);
    assert!(tasks(&services).await.is_empty());
}

#[tokio::test]
async fn case_10_what_a_clerk_parted_is_never_joined_again_by_itself() {
    let (_, tables, services) = registry_of(&[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let mona = holders(&services, &[1]).await[0];
    split_citizen(&services, &approver("q"), mona, &[RecordNumber(2)], &why())
        .await
        .unwrap();
    read(&services, &tables, "registry", &[MONA_ELSEWHERE]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let both = holders(&services, &[1, 2]).await;
    assert_ne!(both[0], both[1]);
}

#[tokio::test]
async fn case_16_merging_citizens_needs_more_than_a_clerk() {
    let (_, _, services) = registry_of(&[MONA, OMAR]).await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let asked = merge_citizens(&services, &clerk("a"), (mona, omar), &why())
        .await
        .unwrap();
    assert_eq!(asked.state, DecisionState::Proposed);
    assert_eq!(holders(&services, &[1, 2]).await, [mona, omar]);
    confirm_decision(&services, &approver("q"), asked.decision, &why())
        .await
        .unwrap();
    assert_eq!(holders(&services, &[1, 2]).await, [mona, mona]);
}

#[tokio::test]
async fn case_19_links_are_not_edited_by_systems() {
    let (_, _, services) = registry_of(&[MONA, OMAR]).await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let system = person("desk", Role::System);
    let refused = merge_citizens(&services, &system, (mona, omar), &why()).await;
    assert!(matches!(refused, Err(ReviewError::NotPermitted(_))));
    assert_eq!(holders(&services, &[1, 2]).await, [mona, omar]);
}

#[tokio::test]
async fn case_21_records_that_come_together_are_stored_together_or_not_at_all() {
    use std::sync::atomic::Ordering;
    let (storage, _, services) = registry_of(&[MONA, OMAR]).await;
    let mut tx = storage.snapshot().await.unwrap();
    let held = tx.records_after(RecordNumber(0), 9).await.unwrap();
    drop(tx);
    let records = held.into_iter().map(|stored| {
        let mut record = stored.record;
        record.id.source = source("tax");
        record
    });
    let arrival = Arrival {
        run: RunId(1),
        records: records.collect(),
        deletions: Vec::new(),
    };
    storage.begins.store(0, Ordering::SeqCst);
    assert!(upsert(&services, arrival.clone()).await.is_err());
    storage.begins.store(u64::MAX, Ordering::SeqCst);
    let mut tx = storage.snapshot().await.unwrap();
    assert_eq!(tx.count_records().await.unwrap(), 2);
    drop(tx);
    upsert(&services, arrival).await.unwrap();
    let all = holders(&services, &[1, 2, 3, 4]).await;
    assert_eq!((all[0], all[1]), (all[2], all[3]));
}

/// HAPI: accepting two possible matches gave one record two golden records.
#[tokio::test]
async fn complaint_two_accepted_matches_never_put_a_record_in_two_citizens() {
    let (_, tables, services) = registry_of(&[MONA, OMAR, STRANGER]).await;
    read(&services, &tables, "tax", &[MONA_PERHAPS]).await;
    answer(&services, Judgement::Same).await.unwrap();
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    merge_citizens(&services, &approver("q"), (mona, omar), &why())
        .await
        .unwrap();
    let mut tx = services.storage.snapshot().await.unwrap();
    let memberships = tx.memberships().await.unwrap();
    let mut records: Vec<_> = memberships.iter().map(|(record, _)| *record).collect();
    records.dedup();
    assert_eq!(records.len(), 4, "every record once");
    drop(tx);
    let all = holders(&services, &[1, 2, 4]).await;
    assert!(all.iter().all(|citizen| *citizen == all[0]));
}

/// HAPI: rejecting the second possible match failed once the first had been accepted.
#[tokio::test]
async fn complaint_a_second_match_may_be_refused_after_the_first_was_accepted() {
    let (_, tables, services) = perhaps().await;
    answer(&services, Judgement::Same).await.unwrap();
    let sister = ["5", "سعاد أحمد محمود حسن", "", MONA[3], ""];
    read(&services, &tables, "registry", &[MONA, OMAR, sister]).await;
    assert_eq!(tasks(&services).await.len(), 1);
    answer(&services, Judgement::Different).await.unwrap();
    assert!(tasks(&services).await.is_empty());
}

/// HAPI: clearing left orphans behind, and what was submitted again lost its history.
#[tokio::test]
async fn complaint_what_goes_and_comes_back_is_who_it_was() {
    let (storage, tables, services) = registry_of(&[MONA, OMAR]).await;
    let before = holders(&services, &[1, 2]).await;
    let mut tx = storage.begin().await.unwrap();
    let held = tx.records_after(RecordNumber(0), 9).await.unwrap();
    let gone: Vec<_> = held
        .iter()
        .map(|stored| rabt_storage::Deletion {
            id: stored.record.id.clone(),
            version: None,
            event_at: None,
        })
        .collect();
    let at = services.clock.now();
    tx.delete_records(&gone, at).await.unwrap();
    tx.commit().await.unwrap();
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 0);
    assert_eq!(resolve(&services, before[0]).await, Some(before[0]));
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    assert_eq!(holders(&services, &[1, 2]).await, before);
}

/// `OpenCR`: new rules changed nothing until a record was sent again.
#[tokio::test]
async fn complaint_another_model_links_everything_anew_and_keeps_ids() {
    let (storage, tables, services) = perhaps().await;
    let before = holders(&services, &[1, 2, 3]).await;
    let text = include_str!("../../../../linkage/src/models/egypt.toml");
    let text = text.replace("link = 3.0", "link = -2.9");
    let shadow = crate::shadow_model(&services, &approver("q"), &text)
        .await
        .unwrap();
    assert_eq!(
        (shadow.records, shadow.citizens, shadow.citizens_then),
        (3, 3, 2)
    );
    assert_eq!((shadow.moved_records, shadow.merged_citizens), (1, 1));
    assert_eq!(
        (shadow.splits, shadow.merges, shadow.split_citizens),
        (0, 1, 0)
    );
    assert_eq!(
        holders(&services, &[1, 2, 3]).await,
        before,
        "a shadow changes nothing"
    );
    services.stop("test").await;
    let model = std::sync::Arc::new(LinkageModel::from_toml(&text).unwrap());
    let setup = super::super::node::setup(&storage, &tables);
    let services = Services::start(Setup { model, ..setup }).await.unwrap();
    link(&services).await.unwrap();
    let now = holders(&services, &[1, 2, 3]).await;
    assert_eq!(now, [before[0], before[1], before[0]]);
    assert_eq!(resolve(&services, before[2]).await, Some(before[0]));
    assert!(tasks(&services).await.is_empty());
    let wrong = crate::shadow_model(&services, &approver("q"), "schema = 99").await;
    assert!(matches!(wrong, Err(crate::OperateError::Problems(_))));
}
