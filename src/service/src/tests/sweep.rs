//! Rows that are no longer at their source.

use std::sync::Arc;

use rabt_model::{ManualClock, Timestamp};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, folder, memory, operator, register, setup, source, start,
    start_with_agencies,
};
use crate::operate::{NewSource, get_source, list_runs, resume_source};
use crate::{Services, Setup, SourceState, ingest, link};

/// Returns as many rows as wanted, with keys of their own.
fn many(count: usize) -> Vec<Row> {
    let row = |number: usize| -> Row {
        let key: &'static str = Box::leak(format!("{number:03}").into_boxed_str());
        [key, MONA[1], "", "1984-02-11", ""]
    };
    (0..count).map(row).collect()
}

async fn held(services: &Services) -> u64 {
    let (caller, id) = (operator(), source("registry"));
    let view = get_source(services, &caller, &id).await;
    view.unwrap().records
}

async fn node(rows: &[Row]) -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", rows);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    (storage, tables, services)
}

#[tokio::test]
async fn a_row_that_is_gone_leaves_its_citizen_and_comes_back_to_them() {
    let (_storage, tables, services) = node(&[MONA, OMAR]).await;
    link(&services).await.unwrap();
    let find = || services.directory.by_identifier("national_id", OMAR[2]);
    let omar = find().unwrap().citizen;
    tables.set("registry", &[MONA]);
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!((read.counts.deleted, read.counts.unchanged), (1, 1));
    link(&services).await.unwrap();
    assert!(find().is_none());
    tables.set("registry", &[MONA, OMAR]);
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    assert_eq!(find().unwrap().citizen, omar);
}

#[tokio::test]
async fn a_row_that_cannot_be_taken_is_there_all_the_same() {
    let (_storage, tables, services) = node(&[MONA, OMAR]).await;
    let (no_name, no_number) = (["2", "", "", "", ""], ["1", MONA[1], "12", MONA[3], ""]);
    tables.set("registry", &[no_number, no_name]);
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 0);
    assert_eq!(held(&services).await, 2);
}

#[tokio::test]
async fn a_source_that_loses_its_rows_is_quarantined_and_nothing_is_deleted() {
    let rows = many(40);
    let (storage, tables, services) = node(&rows).await;
    tables.set("registry", &rows[..10]);
    let error = ingest(&services, &source("registry")).await.unwrap_err();
    insta::assert_snapshot!(error.to_string());
    assert_eq!(held(&services).await, 40);
    let view = get_source(&services, &operator(), &source("registry")).await;
    assert_eq!(view.unwrap().state, SourceState::Quarantined);
    let runs = list_runs(&services, &operator(), &source("registry"), 1).await;
    assert!(runs.unwrap()[0].error.is_some());

    // a person says that it is right
    let mut allowed = folder("registry");
    allowed.manifest = allowed
        .manifest
        .replace("max_reject", "max_vanish = \"100 %\"\nmax_reject");
    register(&services, allowed).await;
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 30);
    assert_eq!(held(&services).await, 10);
    services.stop("test").await;
    let services = start(&storage, &tables).await;
    assert_eq!(held(&services).await, 10);
}

#[tokio::test]
async fn few_rows_may_go_at_once_and_a_stream_may_keep_them() {
    let rows = many(12);
    let (_storage, tables, services) = node(&rows).await;
    tables.set("registry", &rows[10..]);
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 10);

    let mut kept = folder("tax");
    kept.manifest = kept
        .manifest
        .replace("[stream.guard]", "deletes = \"never\"\n[stream.guard]");
    register(&services, kept).await;
    tables.set("tax", &rows);
    ingest(&services, &source("tax")).await.unwrap();
    tables.set("tax", &rows[..1]);
    let read = ingest(&services, &source("tax")).await.unwrap();
    assert_eq!(read.counts.deleted, 0);
}

#[tokio::test]
async fn a_reading_that_goes_on_from_its_middle_deletes_nothing() {
    let rows = many(9);
    let (_storage, tables, services) = node(&rows).await;
    // three rows a checkpoint: behind the first, there are more rejections than the guard allows
    let no_key: Row = ["", MONA[1], "", "1984-02-11", ""];
    tables.set("registry", &[&rows[1..4], &[no_key; 6]].concat());
    ingest(&services, &source("registry")).await.unwrap_err();
    let mut tx = services.storage.snapshot().await.unwrap();
    let positions = tx.positions(&source("registry")).await.unwrap();
    assert_eq!(positions[0].rows, 6);
    drop(tx);
    tables.set("registry", &rows[1..]);
    resume_source(&services, &operator(), &source("registry"))
        .await
        .unwrap();
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!((read.counts.rows, read.counts.deleted), (2, 0));
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 1, "the next whole one sees it");
}

/// The folder of the registry as an incremental stream that sweeps, with what else it says.
fn sweeping(more: &str) -> NewSource {
    let mut folder = folder("registry");
    let incremental = format!(
        "mode = \"incremental\"\ndeletes = \"sweep\"\n[stream.incremental]\ncursor = \"dob\"\n{more}"
    );
    folder.manifest = folder.manifest.replace("mode = \"snapshot\"", &incremental);
    folder
}

#[tokio::test]
async fn an_incremental_stream_sees_by_its_keys_what_is_gone() {
    let rows = many(120);
    let (_storage, tables, services) = node(&rows).await;
    register(&services, sweeping("")).await;
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!((read.counts.rows, read.counts.deleted), (120, 0));
    tables.set("registry", &rows[2..]);
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!((read.counts.rows, read.counts.deleted), (0, 2));
    assert_eq!(held(&services).await, 118);
    // The guard is that of a snapshot.
    tables.set("registry", &rows[50..]);
    let error = ingest(&services, &source("registry")).await.unwrap_err();
    assert!(error.to_string().contains("nothing was deleted"), "{error}");
    assert_eq!(held(&services).await, 118);
}

#[tokio::test]
async fn keys_are_read_when_they_are_due() {
    let rows = many(12);
    let (storage, tables, services) = node(&rows).await;
    let folder = sweeping("[stream.sweep]\nevery = \"2h\"\n");
    register(&services, folder).await;
    ingest(&services, &source("registry")).await.unwrap();
    tables.set("registry", &rows[1..]);
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 0, "not yet");
    services.stop("finished").await;
    let later: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let setup = Setup {
        clock: Arc::new(ManualClock::at(later)),
        ..setup(&storage, &tables)
    };
    let services = Services::start(setup).await.unwrap();
    let read = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(read.counts.deleted, 1);
}
