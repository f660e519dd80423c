//! The order in which what was read becomes durable, and what follows when it cannot.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rabt_model::RunId;

use super::node::{Tables, folder, memory, register, source, start};
use crate::ingest::{Place, Unit};
use crate::lead::Tenure;
use crate::services::Services;

/// A unit of a run that moves the position of `person` and holds nothing else.
fn unit(services: &Services, run: RunId, tenure: Tenure, position: &str) -> Unit {
    Unit {
        run,
        tenure,
        source: source("tax"),
        stream: "person".parse().unwrap(),
        records: Vec::new(),
        present: true,
        deletions: Vec::new(),
        rejections: Vec::new(),
        columns: Vec::new(),
        begins: false,
        ends: false,
        place: Place::At(position.to_owned(), 1),
        rows: 1,
        at: services.clock.now(),
    }
}

async fn start_run(services: &Services) -> (RunId, Tenure) {
    let tenure = services.lead.tenure().unwrap();
    let mut tx = services.storage.begin().await.unwrap();
    let at = services.clock.now();
    let run = tx.start_run(&source("tax"), at).await.unwrap();
    tx.commit().await.unwrap();
    (run, tenure)
}

async fn position(services: &Services) -> Option<String> {
    let stream = "person".parse().unwrap();
    let mut tx = services.storage.snapshot().await.unwrap();
    tx.get_position(&source("tax"), &stream).await.unwrap()
}

#[tokio::test]
async fn behind_a_unit_that_could_not_be_written_nothing_of_its_run_is() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    register(&services, folder("tax")).await;
    let (run, tenure) = start_run(&services).await;
    let write = async |run, at| {
        let unit = unit(&services, run, tenure, at);
        services.writer.submit(unit).await.unwrap().await.unwrap()
    };
    write(run, "a").await.unwrap();
    storage.begins.store(0, Ordering::SeqCst);
    write(run, "b").await.unwrap_err();
    storage.begins.store(u64::MAX, Ordering::SeqCst);
    // storage is well again, and what came between is not there
    write(run, "c").await.unwrap_err();
    assert_eq!(position(&services).await.as_deref(), Some("a"));
    assert_eq!(services.writer.end(run).await.unwrap().rows, 1);
    let (next, _) = start_run(&services).await;
    write(next, "b").await.unwrap();
    assert_eq!(position(&services).await.as_deref(), Some("b"));
    services.stop("test").await;
}

#[tokio::test]
async fn a_run_ends_behind_everything_that_it_handed_over() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    register(&services, folder("tax")).await;
    let (run, tenure) = start_run(&services).await;
    let turn = services.turn.lock().await;
    for at in ["a", "b", "c"] {
        let unit = unit(&services, run, tenure, at);
        // nobody waits for it, as when a reading is stopped
        drop(services.writer.submit(unit).await.unwrap());
    }
    let mut end = Box::pin(services.writer.end(run));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut end).await;
    assert!(early.is_err(), "three units are on their way");
    drop(turn);
    assert_eq!(end.await.unwrap().rows, 3);
    assert_eq!(position(&services).await.as_deref(), Some("c"));
    services.stop("test").await;
}
