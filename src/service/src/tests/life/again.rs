//! Folders that change, come again, or contend.

use rabt_audit::AuditEvent;
use rabt_model::{ErrorClass, StreamId};
use rabt_storage::{FolderState, SourceState};

use super::super::node::{
    MONA, OMAR, Row, approver, events, folder, operator, register, source, start,
};
use super::{draft, node, people, states};
use crate::operate::{
    NewSource, approve_source, create_source, discover_source, export_source, get_source,
    pause_source, preview_source, resume_source, retire_source, rewind_source, update_source,
};
use crate::registry::{Known, Registry};
use crate::services::Services;
use crate::{Audited, OperateError};

/// The folder of `tax` with these offices and this rank.
fn offices(names: &str, rank: u8) -> NewSource {
    let new = folder("tax");
    let kind = format!("kind = \"memory\"\noffices = [{names}]");
    let steward = format!("rank = {rank}\nsteward");
    let manifest = new.manifest.replace("kind = \"memory\"", &kind);
    NewSource {
        manifest: manifest.replacen("steward", &steward, 1),
        ..new
    }
}

fn rank(services: &Services) -> u8 {
    use rabt_linkage::Standing;
    services.registry.current().rank(&"tax".parse().unwrap())
}

#[tokio::test]
async fn after_a_restart_each_source_is_read_by_the_folder_that_is_in_force_for_it() {
    let (storage, tables, mut services) = node().await;
    register(&services, offices("\"cairo\", \"giza\"", 90)).await;
    // the text without `giza` sorts before and behind the first one, by its rank
    for now in [10, 99] {
        let new = offices("\"cairo\"", now);
        let new = NewSource {
            mapping: new.mapping.replace("\"trim\", ", ""),
            ..new
        };
        register(&services, new).await;
        let spec = |services: &Services, id: &str| {
            let registered = services.registry.current().source(&source(id)).unwrap();
            format!("{:?}", registered.spec.streams)
        };
        let before = (spec(&services, "tax-cairo"), spec(&services, "tax-giza"));
        assert_ne!(before.0, before.1, "only one of them has the new mapping");
        assert_eq!(rank(&services), now);
        services.stop("test").await;
        services = start(&storage, &tables).await;
        let after = (spec(&services, "tax-cairo"), spec(&services, "tax-giza"));
        assert_eq!(after, before);
        assert_eq!(rank(&services), now, "a retired office has no say");
    }
    services.stop("test").await;
}

#[tokio::test]
async fn a_retired_source_comes_back_by_the_folder_that_it_had() {
    let (_storage, tables, services) = node().await;
    register(&services, folder("tax")).await;
    people(&services, &tables, "tax", &[MONA]).await;
    let id = source("tax");
    retire_source(&services, &operator(), &id, false)
        .await
        .unwrap();
    create_source(&services, &operator(), folder("tax"))
        .await
        .unwrap();
    assert_eq!(
        states(&services, "tax").await,
        (SourceState::Retired, Some((2, FolderState::Mapped)))
    );
    approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap();
    assert_eq!(states(&services, "tax").await.0, SourceState::Approved);
    people(&services, &tables, "tax", &[MONA, OMAR]).await;
    assert_eq!(services.citizens(), 2);
    services.stop("test").await;
}

#[tokio::test]
async fn an_id_that_another_agency_asks_for_is_refused() {
    let (_storage, _tables, services) = node().await;
    create_source(&services, &operator(), offices("\"cairo\"", 50))
        .await
        .unwrap();
    let error = create_source(&services, &operator(), folder("tax-cairo"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::AlreadyExists);
    services.stop("test").await;
}

#[tokio::test]
async fn a_folder_that_names_no_place_stays_where_it_was() {
    let (_storage, _tables, services) = node().await;
    register(&services, folder("tax")).await;
    let other = NewSource {
        mapping: folder("tax").mapping.replace("\"trim\", ", ""),
        base: "".into(),
        ..folder("tax")
    };
    update_source(&services, &operator(), other).await.unwrap();
    let text = export_source(&services, &operator(), &source("tax"), 0)
        .await
        .unwrap();
    assert_eq!(text.folder.version, 2);
    assert_eq!(text.folder.base, std::path::Path::new("/data"));
    services.stop("test").await;
}

#[tokio::test]
async fn an_approval_comes_to_its_end_when_nobody_waits_for_it() {
    let (_storage, _tables, services) = node().await;
    register(&services, folder("tax")).await;
    let id = source("tax");
    for polls in 1..12 {
        let mapping = folder("tax").mapping;
        let mapping = match polls % 2 {
            0 => mapping,
            _ => mapping.replace("\"trim\", ", ""),
        };
        let new = NewSource {
            mapping: mapping.clone(),
            ..folder("tax")
        };
        update_source(&services, &operator(), new).await.unwrap();
        let approver = approver();
        let mut approval = Box::pin(approve_source(&services, &approver, &id, polls + 1));
        for _ in 0..polls {
            if futures::poll!(&mut approval).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(approval);
        let states = services.states.lock().await;
        let stored = Registry::load(services.storage.as_ref()).await.unwrap();
        let spec = |known: &Known| format!("{:?}", known.source(&id).unwrap().spec.streams);
        assert_eq!(
            spec(&services.registry.current()),
            spec(&stored.current()),
            "what is in force is what is known, after {polls} polls"
        );
        let mut tx = services.storage.snapshot().await.unwrap();
        let held = tx.get_source(&id).await.unwrap().unwrap();
        drop(tx);
        if held.mapping != mapping {
            // it had not begun
            drop(states);
            let _ = approve_source(&services, &approver, &id, polls + 1).await;
        }
    }
    services.stop("test").await;
}

#[tokio::test]
async fn what_is_forgotten_leaves_no_key_of_a_row() {
    let (storage, tables, services) = node().await;
    let bad: Row = ["2", "عمر علي", "123", "1990-13-45", "011"];
    register(&services, folder("tax")).await;
    people(&services, &tables, "tax", &[MONA, bad]).await;
    let id = source("tax");
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert!(!view.rejections.is_empty() && !view.quality.columns.is_empty());
    rewind_source(&services, &operator(), &id, None)
        .await
        .unwrap();
    let view = retire_source(&services, &operator(), &id, true)
        .await
        .unwrap();
    assert_eq!(view.rejections, []);
    assert_eq!(view.quality.columns, []);
    let events = events(storage.as_ref()).await;
    let changed = events.iter().filter_map(|event| {
        let AuditEvent::SourceChanged(changed) = event else {
            return None;
        };
        let streams: Vec<&str> = changed.streams.iter().map(StreamId::as_str).collect();
        let (state, records) = (&changed.state, changed.records);
        Some(format!("{state} {streams:?} {records:?}"))
    });
    assert_eq!(
        changed.collect::<Vec<_>>(),
        [
            "rewound [\"person\"] None",
            "retired [] None",
            "forgetting [\"person\"] Some(2)",
            "forgotten [\"person\"] None"
        ]
    );
    services.stop("test").await;
}

#[tokio::test]
async fn what_was_refused_of_a_row_ends_with_the_row() {
    let (_storage, tables, services) = node().await;
    let bad: Row = ["2", "عمر علي", "123", "1990-13-45", "011"];
    register(&services, folder("tax")).await;
    people(&services, &tables, "tax", &[MONA, OMAR, bad]).await;
    let id = source("tax");
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert!(!view.rejections.is_empty());
    people(&services, &tables, "tax", &[MONA, OMAR]).await;
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(view.rejections, []);
    services.stop("test").await;
}

#[tokio::test]
async fn a_source_that_rested_is_live_again_when_it_was_read_whole() {
    let (_storage, tables, services) = node().await;
    register(&services, folder("tax")).await;
    let id = source("tax");
    let rest = async || {
        pause_source(&services, &operator(), &id).await.unwrap();
        let resumed = resume_source(&services, &operator(), &id).await.unwrap();
        resumed.state
    };
    assert_eq!(rest().await, SourceState::Approved);
    people(&services, &tables, "tax", &[MONA]).await;
    assert_eq!(rest().await, SourceState::Live);
    services.stop("test").await;
}

#[tokio::test]
async fn a_look_that_fails_is_in_the_log() {
    let (storage, _tables, services) = node().await;
    let mut new = folder("tax");
    new.manifest = new
        .manifest
        .replace("table = \"tax\"", "table = \"broken\"");
    create_source(&services, &operator(), new).await.unwrap();
    let mut new = draft("customs");
    new.manifest = new
        .manifest
        .replace("table = \"customs\"", "table = \"broken\"");
    create_source(&services, &operator(), new).await.unwrap();
    let filter = rabt_connect::Filter::default();
    let error = discover_source(&services, &operator(), &source("customs"), &filter, 5)
        .await
        .unwrap_err();
    let class = error.class();
    let looked: Result<Audited<_>, OperateError> =
        preview_source(&services, &operator(), &source("tax"), 10).await;
    assert_eq!(looked.unwrap_err().class(), class);
    let events = events(storage.as_ref()).await;
    let looks = events.iter().filter_map(|event| {
        let AuditEvent::SourceInspected(seen) = event else {
            return None;
        };
        Some((seen.method.as_str(), seen.failure.clone()))
    });
    let failed = Some(class.reason().to_owned());
    assert_eq!(
        looks.collect::<Vec<_>>(),
        [
            ("DiscoverSource", failed.clone()),
            ("PreviewSource", failed)
        ]
    );
    services.stop("test").await;
}
