//! Rows that their owner replaced by others.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_model::Pii;
use rabt_policy::{Caller, Role};

use super::super::node::{
    Fragile, MONA, OMAR, Row, Tables, folder, memory, operator, register, start,
};
use super::{citizens, read, start_with_agencies};
use crate::operate::{NewSource, get_source};
use crate::review::{
    DecisionOrigin, DecisionState, list_decisions_of, split_citizen, undo_decision,
};
use crate::{Services, fingerprint};

/// The last column of these agencies says which row takes a row's place.
fn replacing(agency: &str) -> NewSource {
    let folder = folder(agency);
    let (values, _) = folder.mapping.rsplit_once("\"phone\"").unwrap();
    NewSource {
        mapping: format!("{values}replaced_by = \"tel\"\n"),
        ..folder
    }
}

async fn node() -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start(&storage, &tables).await;
    for agency in ["registry", "tax"] {
        let folder = replacing(agency);
        register(&services, folder).await;
    }
    (storage, tables, services)
}

const fn said(row: Row, by: &'static str) -> Row {
    [row[0], row[1], row[2], row[3], by]
}

fn approver() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "head".into(),
        role: Role::Approver,
    }
}

async fn refusals(services: &Services, agency: &str) -> Vec<(String, u64)> {
    let view = get_source(services, &operator(), &agency.parse().unwrap()).await;
    let counts = view.unwrap().rejections.into_iter();
    counts.map(|one| (one.reason, one.count)).collect()
}

#[tokio::test]
async fn the_owner_of_two_rows_may_say_that_they_are_one_and_take_it_back() {
    let (storage, tables, services) = node().await;
    let (mona, omar) = (said(MONA, ""), said(OMAR, ""));
    read(&services, &tables, "registry", &[mona, omar]).await;
    let before = citizens(&services).await;
    let apart = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_ne!(before[0], before[1]);

    read(&services, &tables, "registry", &[said(MONA, "2"), omar]).await;
    let merged = citizens(&services).await;
    assert_eq!(merged[0], merged[1]);
    assert!(before.contains(&merged[0]), "one of the two goes on");
    let decisions = list_decisions_of(&services, &approver(), merged[0], 10).await;
    let decisions = decisions.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].origin, DecisionOrigin::Agency);
    assert_eq!(decisions[0].steps[0].by, "rabt-linker");
    let together = fingerprint(services.storage.as_ref()).await.unwrap();
    services.stop("test").await;

    // It stands over a restart, and over a reading that says the same.
    let services = start(&storage, &tables).await;
    read(&services, &tables, "registry", &[said(MONA, "2"), omar]).await;
    let same = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_eq!(same, together);

    read(&services, &tables, "registry", &[mona, omar]).await;
    assert_eq!(
        citizens(&services).await,
        before,
        "who was merged away is back"
    );
    let undone = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_eq!(undone, apart);
    let decisions = list_decisions_of(&services, &approver(), before[0], 10).await;
    assert_eq!(decisions.unwrap()[0].state(), DecisionState::Undone);
    services.stop("test").await;
}

#[tokio::test]
async fn nobody_may_merge_the_rows_of_another_owner() {
    let (_storage, tables, services) = node().await;
    read(&services, &tables, "registry", &[said(MONA, "")]).await;
    let before = citizens(&services).await;
    // Row 1 is the registry's; the tax office has none of this key.
    let foreign: Row = ["T-7", OMAR[1], OMAR[2], OMAR[3], "1"];
    let own: Row = [
        "T-8",
        "سارة علي حسين فؤاد",
        "29503030100145",
        "1995-03-03",
        "T-8",
    ];
    read(&services, &tables, "tax", &[foreign, own]).await;
    let after = citizens(&services).await;
    assert_eq!(after[0], before[0]);
    assert_eq!(services.citizens(), 3, "nothing was merged");
    assert_eq!(
        refusals(&services, "tax").await,
        [
            ("replaced_by_itself".to_owned(), 1),
            ("unknown_replacement".to_owned(), 1)
        ]
    );
    let decided = list_decisions_of(&services, &approver(), before[0], 10).await;
    assert!(decided.unwrap().is_empty());
    services.stop("test").await;
}

#[tokio::test]
async fn a_row_may_name_one_that_comes_later() {
    let (storage, tables, services) = node().await;
    read(&services, &tables, "registry", &[said(MONA, "2")]).await;
    assert_eq!(
        refusals(&services, "registry").await,
        [("unknown_replacement".to_owned(), 1)]
    );
    read(
        &services,
        &tables,
        "registry",
        &[said(MONA, "2"), said(OMAR, "")],
    )
    .await;
    let merged = citizens(&services).await;
    assert_eq!((merged.len(), services.citizens()), (2, 1));
    assert!(
        refusals(&services, "registry").await.is_empty(),
        "it is there now"
    );
    services.stop("test").await;
    // What was decided is not made twice by a node that knows nothing of it but storage.
    let services = start(&storage, &tables).await;
    crate::link(&services).await.unwrap();
    assert_eq!(citizens(&services).await, merged);
    let decided = list_decisions_of(&services, &approver(), merged[0], 10).await;
    assert_eq!(decided.unwrap().len(), 1);
    services.stop("test").await;
}

#[tokio::test]
async fn what_a_person_decided_stands_above_what_the_owner_says() {
    let (_storage, tables, services) = node().await;
    let (mona, omar) = (said(MONA, ""), said(OMAR, ""));
    read(&services, &tables, "registry", &[said(MONA, "2"), omar]).await;
    let merged = citizens(&services).await;
    let decided = list_decisions_of(&services, &approver(), merged[0], 10).await;
    let number = decided.unwrap()[0].number;
    let why = Pii::new("رأيت الأوراق".to_owned());
    undo_decision(&services, &approver(), number, &why)
        .await
        .unwrap();
    assert_eq!(services.citizens(), 2);
    // The row says the same again, with something else that is new.
    let again: Row = ["1", MONA[1], MONA[2], "1984-02-13", "2"];
    read(&services, &tables, "registry", &[again, omar]).await;
    assert_eq!(services.citizens(), 2, "a person took it back");

    // Of two that a person parted, the owner cannot say that they are one.
    let twin: Row = ["3", MONA[1], MONA[2], MONA[3], ""];
    read(&services, &tables, "registry", &[mona, omar, twin]).await;
    let held = citizens(&services).await;
    assert_eq!(held[0], held[2]);
    let mut tx = services.storage.snapshot().await.unwrap();
    let record = tx.memberships().await.unwrap()[2].0;
    drop(tx);
    split_citizen(&services, &approver(), held[0], &[record], &why)
        .await
        .unwrap();
    let twin: Row = ["3", MONA[1], MONA[2], MONA[3], "1"];
    read(&services, &tables, "registry", &[mona, omar, twin]).await;
    assert_eq!(services.citizens(), 3);
    assert_eq!(
        refusals(&services, "registry").await,
        [("contradicted_replacement".to_owned(), 1)]
    );
    services.stop("test").await;
}

#[tokio::test]
async fn a_kill_while_a_replacement_is_followed_changes_nothing_in_the_end() {
    async fn ready() -> (Arc<Fragile>, Tables, Arc<Services>) {
        let (storage, tables, services) = node().await;
        read(
            &services,
            &tables,
            "registry",
            &[said(MONA, ""), said(OMAR, "")],
        )
        .await;
        tables.set("registry", &[said(MONA, "2"), said(OMAR, "")]);
        crate::ingest(&services, &super::source("registry"))
            .await
            .unwrap();
        (storage, tables, services)
    }
    let (storage, _, services) = ready().await;
    let before = storage.begins.load(Ordering::SeqCst);
    crate::link(&services).await.unwrap();
    let begins = before - storage.begins.load(Ordering::SeqCst);
    let expected = fingerprint(storage.as_ref()).await.unwrap();
    assert_eq!((begins >= 2, services.citizens()), (true, 1));
    services.stop("test").await;
    for survive in 0..begins {
        let (storage, tables, services) = ready().await;
        storage.begins.store(survive, Ordering::SeqCst);
        assert!(crate::link(&services).await.is_err());
        services.stop("signal").await;
        storage.begins.store(u64::MAX, Ordering::SeqCst);
        let services = start(&storage, &tables).await;
        crate::link(&services).await.unwrap();
        let after = fingerprint(storage.as_ref()).await.unwrap();
        assert_eq!(after, expected, "after {survive}");
        let held = citizens(&services).await;
        let decided = list_decisions_of(&services, &approver(), held[0], 10).await;
        assert_eq!(decided.unwrap().len(), 1, "decided once");
        services.stop("test").await;
    }
}

#[tokio::test]
async fn agencies_that_say_nothing_of_it_are_as_before() {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    assert_eq!(services.citizens(), 2);
    services.stop("test").await;
}
