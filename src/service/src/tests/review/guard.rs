//! Who may, and what must not happen.

use super::*;
use crate::review::{list_decisions, protect_citizen};

/// Somebody else under the key of a record that was Mona's, perhaps.
const STRANGER_AT_TAX: Row = [
    "T-1",
    "فؤاد زكي جرجس بطرس",
    "27503050112345",
    "1975-03-05",
    "01512345678",
];

#[tokio::test]
async fn a_task_is_one_clerks_at_a_time() {
    let (_, _, services) = perhaps().await;
    let task = tasks(&services).await[0].number;
    let claimed = claim_task(&services, &clerk("a"), task).await.unwrap();
    assert_eq!(claimed.claim.as_ref().unwrap().0, "rabt:a");
    let refused = claim_task(&services, &clerk("b"), task).await;
    assert!(
        matches!(refused, Err(ReviewError::Claimed { .. })),
        "{refused:?}"
    );
    let refused = resolve_task(&services, &clerk("b"), task, Judgement::Same, &why()).await;
    assert!(
        matches!(refused, Err(ReviewError::Claimed { .. })),
        "{refused:?}"
    );
    let refused = release_task(&services, &clerk("b"), task).await;
    assert!(
        matches!(refused, Err(ReviewError::Invalid(_))),
        "{refused:?}"
    );
    release_task(&services, &clerk("a"), task).await.unwrap();
    claim_task(&services, &clerk("b"), task).await.unwrap();
    resolve_task(&services, &clerk("b"), task, Judgement::Same, &why())
        .await
        .unwrap();
    let gone = claim_task(&services, &clerk("b"), task).await;
    assert!(
        matches!(gone, Err(ReviewError::NotFound { .. })),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_protected_person_needs_two_people_both_ways() {
    let (_, _, services) = perhaps().await;
    let mona = holders(&services, &[1]).await[0];
    let refused = protect_citizen(&services, &clerk("a"), mona, true).await;
    assert!(matches!(refused, Err(ReviewError::NotPermitted(_))));
    protect_citizen(&services, &approver("q"), mona, true)
        .await
        .unwrap();
    let before = fingerprint(&services).await;
    let proposed = answer(&services, Judgement::Same).await.unwrap();
    assert_eq!(proposed.state, DecisionState::Proposed);
    assert!(proposed.changes.is_empty());
    assert_eq!(fingerprint(&services).await, before);
    let waiting = tasks(&services).await;
    assert_eq!(waiting[0].proposal, Some(proposed.decision));
    // the same person under another role is still the same person
    for same in [clerk("a"), approver("a")] {
        let refused = confirm_decision(&services, &same, proposed.decision, &why()).await;
        assert!(
            matches!(refused, Err(ReviewError::SecondPerson(_))),
            "{refused:?}"
        );
    }
    let done = confirm_decision(&services, &clerk("b"), proposed.decision, &why())
        .await
        .unwrap();
    assert_eq!(done.state, DecisionState::Standing);
    assert_eq!(holders(&services, &[1, 3]).await, [mona, mona]);
    let undo = undo_decision(&services, &clerk("b"), done.decision, &why())
        .await
        .unwrap();
    assert_eq!(undo.state, DecisionState::UndoProposed);
    assert_eq!(
        holders(&services, &[1, 3]).await,
        [mona, mona],
        "still in force"
    );
    // a refused undo leaves it in force; a confirmed one ends it
    withdraw_decision(&services, &clerk("a"), done.decision, &why())
        .await
        .unwrap();
    undo_decision(&services, &clerk("b"), done.decision, &why())
        .await
        .unwrap();
    confirm_decision(&services, &clerk("a"), done.decision, &why())
        .await
        .unwrap();
    assert_eq!(fingerprint(&services).await, before);
    let decision = get_decision(&services, &clerk("a"), done.decision)
        .await
        .unwrap();
    let steps = &decision.steps;
    assert_eq!(steps.len(), 6);
}

#[tokio::test]
async fn a_clerks_merge_waits_for_an_approver() {
    let (_, _, services) = perhaps().await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let proposed = merge_citizens(&services, &clerk("a"), (mona, omar), &why())
        .await
        .unwrap();
    assert_eq!(proposed.state, DecisionState::Proposed);
    let refused = confirm_decision(&services, &clerk("b"), proposed.decision, &why()).await;
    assert!(
        matches!(refused, Err(ReviewError::SecondPerson(_))),
        "{refused:?}"
    );
    withdraw_decision(&services, &approver("q"), proposed.decision, &why())
        .await
        .unwrap();
    let late = confirm_decision(&services, &approver("q"), proposed.decision, &why()).await;
    assert!(matches!(late, Err(ReviewError::State { .. })), "{late:?}");
    assert_ne!(
        holders(&services, &[1]).await,
        holders(&services, &[2]).await
    );
}

#[tokio::test]
async fn systems_and_auditors_decide_nothing() {
    let (storage, _, services) = perhaps().await;
    let task = tasks(&services).await[0].number;
    let others = [
        Role::System,
        Role::Auditor,
        Role::Operator,
        Role::SecurityOfficer,
    ];
    for role in others {
        let caller = person("x", role);
        let refused = resolve_task(&services, &caller, task, Judgement::Same, &why()).await;
        assert!(
            matches!(refused, Err(ReviewError::NotPermitted(_))),
            "{refused:?}"
        );
        let refused = get_task(&services, &caller, task).await;
        assert!(
            matches!(refused, Err(ReviewError::NotPermitted(_))),
            "{refused:?}"
        );
    }
    let denied = events(storage.as_ref()).await.into_iter();
    let denied = denied
        .filter(|event| matches!(event, AuditEvent::Denied(_)))
        .count();
    assert_eq!(denied, 8, "each refusal leaves an entry");
}

#[tokio::test]
async fn a_decision_without_a_reason_is_refused() {
    let (_, _, services) = perhaps().await;
    let task = tasks(&services).await[0].number;
    let none = Pii::new("  ".to_owned());
    let refused = resolve_task(&services, &clerk("a"), task, Judgement::Same, &none).await;
    assert!(
        matches!(refused, Err(ReviewError::Invalid(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_split_or_merged_is_named() {
    let (_, _, services) = perhaps().await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let q = approver("q");
    let mut texts = Vec::new();
    for records in [&[1][..], &[2], &[]] {
        let records: Vec<RecordNumber> = records.iter().map(|n| RecordNumber(*n)).collect();
        let refused = split_citizen(&services, &q, mona, &records, &why()).await;
        texts.push(refused.unwrap_err().to_string());
    }
    let refused = merge_citizens(&services, &q, (omar, omar), &why()).await;
    texts.push(refused.unwrap_err().to_string());
    let nobody = CitizenId::from_random(9);
    let refused = merge_citizens(&services, &q, (omar, nobody), &why()).await;
    texts.push(refused.unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_key_that_is_given_to_somebody_else_ends_what_was_decided_of_it() {
    let (storage, tables, services) = perhaps().await;
    let decided = answer(&services, Judgement::Same).await.unwrap();
    let mona = holders(&services, &[1]).await[0];
    read(&services, &tables, "tax", &[STRANGER_AT_TAX]).await;
    let now = holders(&services, &[1, 3]).await;
    assert_eq!(now[0], mona);
    assert_ne!(
        now[1], mona,
        "two strangers are not one person because one key was used again"
    );
    let decision = get_decision(&services, &clerk("a"), decided.decision)
        .await
        .unwrap();
    assert_eq!(decision.state(), DecisionState::Undone);
    assert_eq!(decision.steps[1].by, "rabt-linker");
    let ended = events(storage.as_ref()).await.into_iter().filter(|event| {
        matches!(event, AuditEvent::Reviewed(reviewed) if reviewed.actor == "rabt-linker:system")
    });
    assert_eq!(ended.count(), 1);
    assert!(tasks(&services).await.is_empty());
}

/// Whether the process ends between the reading and the link, or while the record is gone.
#[tokio::test]
async fn a_key_that_is_given_to_somebody_else_is_noticed_behind_a_restart() {
    for gone in [false, true] {
        let (storage, tables, services) = perhaps().await;
        let decided = answer(&services, Judgement::Same).await.unwrap();
        let mona = holders(&services, &[1]).await[0];
        if gone {
            delete(&services, &storage, 3).await;
            link(&services).await.unwrap();
        } else {
            tables.set("tax", &[STRANGER_AT_TAX]);
            ingest(&services, &source("tax")).await.unwrap();
        }
        services.stop("signal").await;
        let services = start(&storage, &tables).await;
        if gone {
            link(&services).await.unwrap();
        }
        read(&services, &tables, "tax", &[STRANGER_AT_TAX]).await;
        let now = holders(&services, &[1, 3]).await;
        assert_eq!(now[0], mona);
        assert_ne!(now[1], mona, "gone: {gone}");
        let ended = get_decision(&services, &clerk("a"), decided.decision).await;
        assert_eq!(ended.unwrap().state(), DecisionState::Undone);
    }
}

async fn delete(services: &Services, storage: &Fragile, number: i64) {
    use rabt_storage::Storage;
    let mut tx = storage.begin().await.unwrap();
    let held = tx.get_records(&[RecordNumber(number)]).await.unwrap();
    let gone = rabt_storage::Deletion {
        id: held[0].record.id.clone(),
        version: None,
        event_at: None,
    };
    tx.delete_records(&[gone], services.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let (_, _, services) = perhaps().await;
    let task = tasks(&services).await[0].number;
    let (a, b, why) = (clerk("a"), clerk("b"), why());
    let (one, two) = tokio::join!(
        resolve_task(&services, &a, task, Judgement::Same, &why),
        resolve_task(&services, &b, task, Judgement::Same, &why)
    );
    assert_eq!(i32::from(one.is_ok()) + i32::from(two.is_ok()), 1);
    let decisions = list_decisions(&services, &a, None, 10).await.unwrap();
    assert_eq!(decisions.len(), 1);
}

#[tokio::test]
async fn reading_a_decision_is_about_its_people_behind_a_restart_too() {
    let (storage, tables, services) = perhaps().await;
    let decided = answer(&services, Judgement::Different).await.unwrap();
    services.stop("signal").await;
    let services = start(&storage, &tables).await;
    get_decision(&services, &clerk("a"), decided.decision)
        .await
        .unwrap();
    let last = events(storage.as_ref()).await.pop();
    let Some(AuditEvent::Reviewed(reviewed)) = last else {
        panic!("{last:?}")
    };
    assert_eq!(reviewed.subjects.len(), 2);
}

#[tokio::test]
async fn a_word_that_could_not_be_kept_has_not_been_given() {
    use std::sync::atomic::Ordering;
    let (storage, _, services) = perhaps().await;
    let before = (fingerprint(&services).await, tasks(&services).await);
    storage.begins.store(0, Ordering::SeqCst);
    assert!(answer(&services, Judgement::Same).await.is_err());
    storage.begins.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(
        (fingerprint(&services).await, tasks(&services).await),
        before
    );
    // the index that had followed is not used again
    answer(&services, Judgement::Different).await.unwrap();
    assert_eq!(fingerprint(&services).await, before.0);
    assert!(tasks(&services).await.is_empty());
}
