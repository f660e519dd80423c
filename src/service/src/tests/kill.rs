use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_audit::AuditEvent;
use rabt_storage::Storage;

use super::node::{Row, Tables, events, memory, source, start, start_with_agencies};
use crate::{Services, fingerprint, ingest, link};

/// Seven people at the registry, of whom some are at the tax office too.
fn tables() -> Tables {
    let registry: [Row; 7] = [
        [
            "1",
            "منى أحمد محمود حسن",
            "28402110100028",
            "1984-02-11",
            "01012345678",
        ],
        [
            "2",
            "عمر خالد إبراهيم السيد",
            "29107150200131",
            "1991-07-15",
            "01112345678",
        ],
        [
            "3",
            "سارة علي حسين فؤاد",
            "29503030100145",
            "1995-03-03",
            "",
        ],
        [
            "4",
            "يوسف سمير عادل نجيب",
            "27812250100159",
            "1978-12-25",
            "",
        ],
        [
            "5",
            "هدى مصطفى كامل رزق",
            "28808080100162",
            "1988-08-08",
            "",
        ],
        [
            "6",
            "كريم طارق فتحي زكي",
            "29909090100177",
            "1999-09-09",
            "",
        ],
        [
            "7",
            "نادية شوقي لطفي بدر",
            "27001010100181",
            "1970-01-01",
            "",
        ],
    ];
    let tax: [Row; 4] = [
        [
            "A",
            "مني احمد محمود حسن",
            "28402110100028",
            "1984-02-11",
            "",
        ],
        [
            "B",
            "عمر خالد ابراهيم السيد",
            "29107150200131",
            "1991-07-15",
            "",
        ],
        [
            "C",
            "سارة على حسين فؤاد",
            "29503030100145",
            "1995-03-03",
            "",
        ],
        [
            "D",
            "وليد رمضان جابر عوض",
            "28606060100193",
            "1986-06-06",
            "",
        ],
    ];
    let tables = Tables::default();
    tables.set("registry", &registry);
    tables.set("tax", &tax);
    tables
}

/// Everything a night does; any step may fail.
async fn night(services: &Arc<Services>) -> Result<(), String> {
    for id in ["registry", "tax"] {
        let read = ingest(services, &source(id)).await;
        read.map_err(|error| error.to_string())?;
        link(services).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Begins that a night needs when nothing fails, and what it ends in.
async fn undisturbed() -> (u64, String) {
    let storage = memory().await;
    let services = start_with_agencies(&storage, &tables()).await;
    let before = storage.begins.load(Ordering::SeqCst);
    night(&services).await.unwrap();
    let begins = before - storage.begins.load(Ordering::SeqCst);
    (begins, fingerprint(storage.as_ref()).await.unwrap())
}

#[tokio::test]
async fn a_kill_before_any_transaction_changes_nothing_in_the_end() {
    let (begins, expected) = undisturbed().await;
    assert!(begins >= 6, "the night has {begins} transactions");
    for survive in 0..begins {
        let storage = memory().await;
        let services = start_with_agencies(&storage, &tables()).await;
        storage.begins.store(survive, Ordering::SeqCst);
        assert!(
            night(&services).await.is_err(),
            "killed before transaction {survive}"
        );
        // the killed process is gone; what it spawned must not write any more
        services.stop("signal").await;
        storage.begins.store(u64::MAX, Ordering::SeqCst);
        let services = start(&storage, &tables()).await;
        night(&services).await.unwrap();
        assert_eq!(
            fingerprint(storage.as_ref()).await.unwrap(),
            expected,
            "after {survive}"
        );
        assert_eq!(services.citizens(), 8);
        services.stop("finished").await;
        check_log(storage.as_ref()).await;
    }
}

/// No outbox row is in the log twice, and no run's checkpoint is missing.
async fn check_log(storage: &dyn Storage) {
    let entries = storage.audit_log().entries(0, 10_000).await.unwrap();
    let outbox: Vec<i64> = entries
        .iter()
        .filter_map(|(_, entry)| entry.outbox)
        .collect();
    assert!(
        outbox.windows(2).all(|pair| pair[0] < pair[1]),
        "{outbox:?}"
    );
    let mut committed = 0;
    for event in events(storage).await {
        if let AuditEvent::RunFinished(run) = event
            && run.outcome == "running"
        {
            committed += run.records;
        }
    }
    assert_eq!(committed, 11, "every record was reported once");
}

#[tokio::test]
async fn a_dropped_reading_leaves_whole_checkpoints() {
    let storage = memory().await;
    let services = start_with_agencies(&storage, &tables()).await;
    for polls in 0..40 {
        let id = source("registry");
        let mut reading = Box::pin(ingest(&services, &id));
        for _ in 0..polls {
            if futures::poll!(&mut reading).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(reading);
    }
    night(&services).await.unwrap();
    let (_, expected) = undisturbed().await;
    assert_eq!(fingerprint(storage.as_ref()).await.unwrap(), expected);
}
