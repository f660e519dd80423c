//! The life of a source: described by one person, looked at, approved by another, read, ended.

mod again;

use std::sync::Arc;

use rabt_audit::AuditEvent;
use rabt_connect::Filter;
use rabt_model::ErrorClass;
use rabt_storage::{FolderState, SourceState};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, approver, events, folder, memory, operator, register, source,
    start,
};
use crate::operate::{
    NewSource, approve_source, check_source, create_source, discover_source, export_source,
    get_source, list_sources, pause_source, preview_source, propose_source, replay_source,
    retire_source, rewind_source, start_source, update_source, withdraw_source,
};
use crate::{OperateError, Services, ingest, link};

async fn node() -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    (storage, tables, services)
}

/// A folder that names no table and maps nothing.
fn draft(agency: &str) -> NewSource {
    let whole = folder(agency);
    let (head, _) = whole.manifest.split_once("[[stream]]").unwrap();
    NewSource {
        manifest: head.to_owned(),
        mapping: String::new(),
        ..whole
    }
}

async fn states(services: &Services, id: &str) -> (SourceState, Option<(u32, FolderState)>) {
    let view = get_source(services, &operator(), &source(id))
        .await
        .unwrap();
    (view.state, view.open.map(|open| (open.version, open.state)))
}

async fn people(services: &Services, tables: &Tables, id: &str, rows: &[Row]) {
    tables.set(id, rows);
    ingest(services, &source(id)).await.unwrap();
    link(services).await.unwrap();
}

/// Returns which looks at a database are in the log, with the rows that were read.
async fn looked(storage: &Arc<Fragile>) -> Vec<String> {
    let events = events(storage.as_ref()).await;
    let looks = events.iter().filter_map(|event| {
        let AuditEvent::SourceInspected(seen) = event else {
            return None;
        };
        Some(format!("{} {}", seen.method, seen.rows))
    });
    looks.collect()
}

#[tokio::test]
async fn nothing_is_read_before_a_second_person_approved_it() {
    let (_storage, tables, services) = node().await;
    tables.set("tax", &[MONA]);
    let views = create_source(&services, &operator(), folder("tax")).await;
    assert_eq!(views.unwrap()[0].state, SourceState::Mapped);
    let id = source("tax");
    let error = start_source(&services, &operator(), &id).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert!(
        error.to_string().contains("have its folder approved first"),
        "{error}"
    );
    assert!(ingest(&services, &id).await.is_err());

    // an operator may not approve, and an approver not what they handed in themselves
    let error = approve_source(&services, &operator(), &id, 1)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotPermitted);
    let other = NewSource {
        mapping: folder("tax").mapping.replace("\"trim\", ", ""),
        ..folder("tax")
    };
    update_source(&services, &approver(), other).await.unwrap();
    let error = approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::SecondPersonRequired);

    // nor what they did not see
    update_source(&services, &operator(), folder("tax"))
        .await
        .unwrap();
    let error = approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap_err();
    assert!(
        matches!(error, OperateError::Moved { version: 3, .. }),
        "{error}"
    );
    approve_source(&services, &approver(), &id, 3)
        .await
        .unwrap();
    assert_eq!(
        states(&services, "tax").await,
        (SourceState::Approved, None)
    );
    people(&services, &tables, "tax", &[MONA]).await;
    assert_eq!(states(&services, "tax").await.0, SourceState::Live);
    services.stop("test").await;
}

#[tokio::test]
async fn a_database_of_which_only_the_place_is_known_comes_to_be_linked() {
    let (storage, tables, services) = node().await;
    register(&services, folder("registry")).await;
    people(&services, &tables, "registry", &[MONA, OMAR]).await;
    let strange: Row = [
        "7",
        "سعاد محمود",
        "28501010101234",
        "1985-01-01",
        "0100000000",
    ];
    tables.set("tax", &[MONA, OMAR, strange]);
    let id = source("tax");

    create_source(&services, &operator(), draft("tax"))
        .await
        .unwrap();
    assert_eq!(states(&services, "tax").await.0, SourceState::Draft);
    let error = preview_source(&services, &operator(), &id, 10)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    check_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(states(&services, "tax").await.0, SourceState::Checked);
    let filter = Filter::default();
    let seen = discover_source(&services, &operator(), &id, &filter, 5)
        .await
        .unwrap();
    assert_eq!(seen.tables[0].shapes.as_ref().unwrap().rows, 3);
    assert_eq!(states(&services, "tax").await.0, SourceState::Discovered);

    let seen = propose_source(&services, &operator(), &id, &filter, false)
        .await
        .unwrap();
    assert!(seen.text.is_some() && seen.folder.is_none());
    assert!(!seen.text.as_ref().unwrap().manifest.contains("/data"));
    assert_eq!(
        states(&services, "tax").await.1,
        Some((1, FolderState::Discovered))
    );
    let seen = propose_source(&services, &operator(), &id, &filter, true)
        .await
        .unwrap();
    assert_eq!(seen.folder.as_ref().unwrap().version, 2);
    assert_eq!(
        states(&services, "tax").await,
        (SourceState::Mapped, Some((2, FolderState::Mapped)))
    );

    let seen = preview_source(&services, &operator(), &id, 10)
        .await
        .unwrap();
    let (stream, rows) = &seen.streams[0];
    assert_eq!(
        (stream.as_str(), rows.rows, rows.rejected_rows),
        ("persons", 3, 0)
    );
    assert_eq!(
        (seen.forecast.links, seen.forecast.new),
        (2, 1),
        "{:?}",
        seen.forecast
    );
    let shown = format!("{:?}", seen.streams);
    assert!(
        !shown.contains(MONA[2]) && !shown.contains(MONA[1]),
        "{shown}"
    );
    assert_eq!(states(&services, "tax").await.0, SourceState::Previewed);

    approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap();
    let mut text = export_source(&services, &operator(), &id, 0).await.unwrap();
    text.manifest.push('\n');
    let again = NewSource {
        manifest: text.manifest,
        mapping: text.mapping,
        base: "/data".into(),
    };
    let same = update_source(&services, &operator(), again).await.unwrap();
    assert_eq!(same[0].open, None, "what was exported is what is in force");
    ingest(&services, &id).await.unwrap();
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 3);
    assert_eq!(
        looked(&storage).await,
        [
            "CheckSource 0",
            "DiscoverSource 3",
            "ProposeSource 3",
            "ProposeSource 3",
            "PreviewSource 3"
        ]
    );
    services.stop("test").await;
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_a_finding_and_stays_a_draft() {
    let (_storage, _tables, services) = node().await;
    let mut new = draft("tax");
    new.manifest = new
        .manifest
        .replace("table = \"tax\"", "table = \"broken\"");
    create_source(&services, &operator(), new).await.unwrap();
    let id = source("tax");
    let found = check_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(found[0].remedy.as_deref(), Some("mend it"));
    let filter = Filter::default();
    let error = discover_source(&services, &operator(), &id, &filter, 5)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::SourceUnreachable);
    assert_eq!(states(&services, "tax").await.0, SourceState::Draft);
    let error = approve_source(&services, &approver(), &id, 1)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    services.stop("test").await;
}

#[tokio::test]
async fn what_is_taken_back_leaves_what_is_in_force() {
    let (_storage, tables, services) = node().await;
    register(&services, folder("tax")).await;
    people(&services, &tables, "tax", &[MONA]).await;
    let id = source("tax");
    let other = NewSource {
        mapping: folder("tax").mapping.replace("\"trim\", ", ""),
        ..folder("tax")
    };
    update_source(&services, &operator(), other.clone())
        .await
        .unwrap();
    let text = export_source(&services, &operator(), &id, 0).await.unwrap();
    assert_eq!((text.folder.version, &text.mapping), (2, &other.mapping));
    assert_eq!(text.manifest.trim_end(), other.manifest.trim_end());
    assert!(
        !text.manifest.contains("/data"),
        "the base is the server's own"
    );
    withdraw_source(&services, &operator(), &id, 2)
        .await
        .unwrap();
    let text = export_source(&services, &operator(), &id, 0).await.unwrap();
    assert_eq!(
        (text.folder.version, text.mapping),
        (1, folder("tax").mapping)
    );
    let error = withdraw_source(&services, &operator(), &id, 2)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert_eq!(states(&services, "tax").await, (SourceState::Live, None));

    // a new agency that is taken back is as if it had never been there
    create_source(&services, &operator(), draft("customs"))
        .await
        .unwrap();
    withdraw_source(&services, &operator(), &source("customs"), 1)
        .await
        .unwrap();
    let held = list_sources(&services, &operator()).await.unwrap();
    assert_eq!(held.len(), 1);
    services.stop("test").await;
}

#[tokio::test]
async fn offices_that_a_folder_no_longer_names_are_retired_and_rest_is_kept() {
    let (storage, tables, services) = node().await;
    let offices = |names: &str| {
        let new = folder("tax");
        let kind = format!("kind = \"memory\"\noffices = [{names}]");
        NewSource {
            manifest: new.manifest.replace("kind = \"memory\"", &kind),
            ..new
        }
    };
    register(&services, offices("\"cairo\", \"giza\"")).await;
    pause_source(&services, &operator(), &source("tax-cairo"))
        .await
        .unwrap();
    register(&services, offices("\"cairo\"")).await;
    assert_eq!(states(&services, "tax-cairo").await.0, SourceState::Paused);
    assert_eq!(states(&services, "tax-giza").await.0, SourceState::Retired);
    let error = start_source(&services, &operator(), &source("tax-giza"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    services.stop("test").await;
    let services = start(&storage, &tables).await;
    assert_eq!(states(&services, "tax-giza").await.0, SourceState::Retired);
    services.stop("test").await;
}

#[tokio::test]
async fn a_retired_source_keeps_its_records_or_takes_them_along() {
    let (_storage, tables, services) = node().await;
    for (agency, rows) in [("registry", [MONA]), ("tax", [OMAR])] {
        register(&services, folder(agency)).await;
        people(&services, &tables, agency, &rows).await;
    }
    assert_eq!(services.citizens(), 2);
    let id = source("tax");
    let view = retire_source(&services, &operator(), &id, false)
        .await
        .unwrap();
    assert_eq!((view.state, view.records), (SourceState::Retired, 1));
    assert_eq!(services.citizens(), 2);
    assert!(ingest(&services, &id).await.is_err());
    let view = retire_source(&services, &operator(), &id, true)
        .await
        .unwrap();
    assert_eq!((view.state, view.records), (SourceState::Retired, 0));
    assert_eq!(services.citizens(), 1);

    // a folder that is approved once more brings it back
    let other = NewSource {
        mapping: folder("tax").mapping.replace("\"trim\", ", ""),
        ..folder("tax")
    };
    register(&services, other).await;
    people(&services, &tables, "tax", &[OMAR]).await;
    assert_eq!(services.citizens(), 2);
    services.stop("test").await;
}

#[tokio::test]
async fn what_a_folder_before_read_is_forgotten_too() {
    let (_storage, tables, services) = node().await;
    register(&services, folder("tax")).await;
    people(&services, &tables, "tax", &[MONA]).await;
    let new = folder("tax");
    let other = NewSource {
        manifest: new.manifest.replace("id = \"person\"", "id = \"payer\""),
        mapping: new.mapping.replace("[person]", "[payer]"),
        ..new
    };
    register(&services, other).await;
    people(&services, &tables, "tax", &[MONA, OMAR]).await;
    let id = source("tax");
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(view.records, 3, "of both streams");
    let view = retire_source(&services, &operator(), &id, true)
        .await
        .unwrap();
    assert_eq!((view.records, services.citizens()), (0, 0));
    services.stop("test").await;
}

#[tokio::test]
async fn no_folder_comes_into_force_while_its_source_is_read() {
    let (_storage, _tables, services) = node().await;
    register(&services, folder("tax")).await;
    let id = source("tax");
    let other = NewSource {
        mapping: folder("tax").mapping.replace("\"trim\", ", ""),
        ..folder("tax")
    };
    update_source(&services, &operator(), other).await.unwrap();
    let turn = services.reading.claim(&id).unwrap();
    let error = approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    drop(turn);
    approve_source(&services, &approver(), &id, 2)
        .await
        .unwrap();
    services.stop("test").await;
}

#[tokio::test]
async fn what_was_mended_is_taken_out_of_quarantine() {
    let (_storage, tables, services) = node().await;
    let bad: Row = ["2", "عمر علي", "123", "1990-13-45", "011"];
    register(&services, folder("tax")).await;
    let id = source("tax");
    let error = replay_source(&services, &operator(), &id)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    people(&services, &tables, "tax", &[MONA, bad]).await;
    let view = get_source(&services, &operator(), &id).await.unwrap();
    let columns: Vec<_> = view
        .rejections
        .iter()
        .map(|one| one.column.as_str())
        .collect();
    assert_eq!(columns, ["dob", "nid"]);
    tables.set("tax", &[MONA, OMAR]);
    let run = replay_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(run.source, id);
    while !services.reading.is_idle() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(view.rejections, []);

    let nothing = "nothing".parse().unwrap();
    let error = rewind_source(&services, &operator(), &id, Some(&nothing)).await;
    assert_eq!(error.unwrap_err().class(), ErrorClass::NotFound);
    let rewound = rewind_source(&services, &operator(), &id, None)
        .await
        .unwrap();
    assert_eq!(rewound.positions, []);
    services.stop("test").await;
}

#[tokio::test]
async fn an_id_of_another_agency_is_refused() {
    let (_storage, _tables, services) = node().await;
    let new = folder("tax");
    let offices = NewSource {
        manifest: new.manifest.replace(
            "kind = \"memory\"",
            "kind = \"memory\"\noffices = [\"cairo\"]",
        ),
        ..new
    };
    register(&services, offices).await;
    let error = create_source(&services, &operator(), folder("tax-cairo"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::AlreadyExists);
    services.stop("test").await;
}
