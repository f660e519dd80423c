//! Clerks: what they are asked, what their word does, and how it is taken back.

mod cases;
mod guard;
mod two_people;

use rabt_audit::AuditEvent;
use rabt_model::{ChangeCause, ChangeKind, CitizenId, Judgement, Pii, RecordNumber};
use rabt_policy::{Caller, Role};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, events, memory, request, source, start, start_with_agencies,
};
use crate::change::list_changes;
use crate::review::{
    DecisionState, Outcome, TaskFilter, TaskView, claim_task, confirm_decision, get_decision,
    get_task, list_decisions_of, list_tasks, merge_citizens, preview_merge, release_task,
    resolve_task, split_citizen, undo_decision, withdraw_decision,
};
use crate::{Audited, ReviewError, Services, ingest, link};

/// A shorter name, another day of birth and no number: between the thresholds.
const MONA_PERHAPS: Row = ["T-1", "منى أحمد حسن", "", "1984-02-12", ""];
/// The same without a doubt.
const MONA_AT_TAX: Row = ["T-7", "منى أحمد محمود حسن", MONA[2], MONA[3], MONA[4]];

fn person(id: &str, role: Role) -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: id.into(),
        role,
    }
}

fn clerk(id: &str) -> Caller {
    person(id, Role::Clerk)
}

fn approver(id: &str) -> Caller {
    person(id, Role::Approver)
}

fn why() -> Pii<String> {
    Pii::new("رأيت الأوراق".to_owned())
}

async fn read(services: &std::sync::Arc<Services>, tables: &Tables, table: &str, rows: &[Row]) {
    tables.set(table, rows);
    ingest(services, &source(table)).await.unwrap();
    link(services).await.unwrap();
}

async fn tasks(services: &Services) -> Vec<TaskView> {
    let filter = TaskFilter::default();
    let tasks = list_tasks(services, &clerk("any"), &filter, None, 500).await;
    tasks.unwrap()
}

async fn kinds(services: &Services) -> Vec<(ChangeKind, ChangeCause)> {
    let asked = request(
        rabt_policy::Method::ListChanges,
        rabt_policy::Subject::Feed(Vec::new()),
    );
    let page = list_changes(services, asked, "", 500).await.unwrap();
    let rabt_policy::Content::Changes(changes) = page.told.content() else {
        panic!("changes");
    };
    let told = changes.iter();
    told.map(|told| (told.change.kind, told.change.cause))
        .collect()
}

async fn holders(services: &Services, records: &[i64]) -> Vec<CitizenId> {
    let mut tx = services.storage.snapshot().await.unwrap();
    let held = tx.memberships().await.unwrap();
    let of = |number: &i64| {
        held.iter()
            .find(|(record, _)| record.0 == *number)
            .unwrap()
            .1
    };
    records.iter().map(of).collect()
}

async fn fingerprint(services: &Services) -> String {
    crate::fingerprint(services.storage.as_ref()).await.unwrap()
}

/// Mona at the registry (record 1), with Omar (record 2), and perhaps Mona at tax (record 3).
async fn perhaps() -> (std::sync::Arc<Fragile>, Tables, std::sync::Arc<Services>) {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    read(&services, &tables, "tax", &[MONA_PERHAPS]).await;
    (storage, tables, services)
}

async fn answer(
    services: &Services,
    judgement: Judgement,
) -> Result<Audited<Outcome>, ReviewError> {
    let task = tasks(services).await[0].number;
    resolve_task(services, &clerk("a"), task, judgement, &why()).await
}

#[tokio::test]
async fn a_pair_between_the_thresholds_is_asked_and_the_answer_does_it() {
    let (storage, _, services) = perhaps().await;
    let before = fingerprint(&services).await;
    let [mona, perhaps] = holders(&services, &[1, 3]).await[..] else {
        panic!("two")
    };
    assert_ne!(mona, perhaps);
    let open = tasks(&services).await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].task.left.1, open[0].task.right.1), (mona, perhaps));
    let detail = get_task(&services, &clerk("a"), open[0].number)
        .await
        .unwrap();
    assert_eq!(detail.left.as_ref().unwrap().citizen, mona);
    assert_eq!(
        detail.explanation.as_ref().unwrap().weight.0,
        open[0].task.weight
    );
    assert!(!detail.protected);

    let outcome = answer(&services, Judgement::Same).await.unwrap();
    assert_eq!(outcome.state, DecisionState::Standing);
    assert_eq!(holders(&services, &[1, 3]).await, [mona, mona]);
    assert!(tasks(&services).await.is_empty());
    let told = kinds(&services).await;
    assert!(
        told.contains(&(ChangeKind::Merged, ChangeCause::Decision)),
        "{told:?}"
    );

    // undone, everything is as it was, under the old ids, and is asked again
    let undone = undo_decision(&services, &clerk("b"), outcome.decision, &why()).await;
    let undone = undone.unwrap();
    assert_eq!(undone.state, DecisionState::Undone);
    assert_eq!(holders(&services, &[1, 3]).await, [mona, perhaps]);
    assert_eq!(fingerprint(&services).await, before);
    assert_eq!(tasks(&services).await.len(), 1);
    let split = undone
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Split);
    assert!(split.unwrap().supersedes.is_some());
    assert_eq!(split.unwrap().cause, ChangeCause::Decision);

    let seen = events(storage.as_ref()).await;
    let mut actions = Vec::new();
    for event in seen {
        if let AuditEvent::Reviewed(reviewed) = event {
            assert_eq!(reviewed.subjects.len(), 2);
            actions.push(reviewed.action);
        }
    }
    assert_eq!(actions, ["read", "standing", "undone"]);
}

#[tokio::test]
async fn an_answer_is_sticky_and_outlives_the_node() {
    for judgement in Judgement::ALL {
        let (storage, tables, services) = perhaps().await;
        answer(&services, judgement).await.unwrap();
        let then = holders(&services, &[1, 3]).await;
        assert_eq!(then[0] == then[1], judgement == Judgement::Same);
        let state = fingerprint(&services).await;
        services.stop("test").await;
        let services = start(&storage, &tables).await;
        // the same rows again, then the row of the other person in all but name
        read(&services, &tables, "tax", &[MONA_PERHAPS]).await;
        assert_eq!(fingerprint(&services).await, state);
        assert!(tasks(&services).await.is_empty());
        // whom nobody could tell apart, better evidence may join; a word it may not change
        let closer = ["T-1", "منى أحمد محمود حسن", "", "1984-02-12", ""];
        read(&services, &tables, "tax", &[closer]).await;
        let now = holders(&services, &[1, 3]).await;
        assert_eq!(now[0] == now[1], judgement != Judgement::Different);
        assert!(tasks(&services).await.is_empty(), "{judgement:?}");
    }
}

#[tokio::test]
async fn a_split_holds_although_the_records_are_identical() {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let mona = holders(&services, &[1, 2]).await;
    assert_eq!(mona[0], mona[1]);
    let records = [RecordNumber(2)];
    let split = split_citizen(&services, &approver("q"), mona[0], &records, &why()).await;
    assert_eq!(split.unwrap().state, DecisionState::Standing);
    let parted = holders(&services, &[1, 2]).await;
    assert_ne!(parted[0], parted[1]);
    assert_eq!(parted[0], mona[0]);
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    services.stop("test").await;
    let services = start(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    assert_eq!(holders(&services, &[1, 2]).await, parted);
    assert!(tasks(&services).await.is_empty());
}

#[tokio::test]
async fn what_contradicts_is_refused_with_the_chain() {
    let (_, _, services) = perhaps().await;
    let [mona, omar, perhaps] = holders(&services, &[1, 2, 3]).await[..] else {
        panic!("three")
    };
    let q = approver("q");
    let apart = answer(&services, Judgement::Different).await.unwrap();
    merge_citizens(&services, &q, (perhaps, omar), &why())
        .await
        .unwrap();
    let before = fingerprint(&services).await;
    let refused = merge_citizens(&services, &q, (mona, omar), &why()).await;
    let text = refused.unwrap_err().to_string();
    insta::assert_snapshot!(text);
    assert_eq!(fingerprint(&services).await, before);
    // with the earlier decision undone it is possible
    undo_decision(&services, &q, apart.decision, &why())
        .await
        .unwrap();
    merge_citizens(&services, &q, (mona, omar), &why())
        .await
        .unwrap();
    assert_eq!(holders(&services, &[1, 2, 3]).await, [omar; 3]);
}

#[tokio::test]
async fn a_preview_tells_what_would_happen_and_changes_nothing() {
    let (_, _, services) = perhaps().await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let before = (fingerprint(&services).await, kinds(&services).await);
    let preview = preview_merge(&services, &clerk("a"), (mona, omar))
        .await
        .unwrap();
    assert!(
        preview.second_person,
        "a clerk's merge waits for an approver"
    );
    let told: Vec<ChangeKind> = preview.changes.iter().map(|change| change.kind).collect();
    assert!(told.contains(&ChangeKind::Merged), "{told:?}");
    assert_eq!(
        (fingerprint(&services).await, kinds(&services).await),
        before
    );
    let merged = merge_citizens(&services, &approver("q"), (mona, omar), &why()).await;
    assert_eq!(merged.unwrap().changes, preview.changes);
}

#[tokio::test]
async fn every_id_resolves_and_a_citizen_tells_how_they_came_to_be() {
    let (_, _, services) = perhaps().await;
    let [mona, perhaps] = holders(&services, &[1, 3]).await[..] else {
        panic!("two")
    };
    let outcome = answer(&services, Judgement::Same).await.unwrap();
    let of = list_decisions_of(&services, &clerk("a"), perhaps, 10)
        .await
        .unwrap();
    assert_eq!(of.len(), 1);
    assert_eq!(of[0].number, outcome.decision);
    assert_eq!(of[0].steps[0].by, "rabt:a");
    assert_eq!(of[0].steps[0].reason.expose(), why().expose());
    let mut tx = services.storage.snapshot().await.unwrap();
    assert_eq!(tx.resolve(perhaps).await.unwrap(), Some(mona));
}
