use rabt_audit::AuditEvent;
use rabt_connect::ConnectError;
use rabt_model::ErrorClass;
use rabt_policy::{Content, Method, Subject};
use rabt_storage::{RunState, SourceState, Storage};

use super::node::{
    MONA, OMAR, Row, Tables, events, memory, operator, request, source, start, start_with_agencies,
};
use crate::enquiry::get_citizen;
use crate::operate::{get_source, list_runs};
use crate::{IngestError, fingerprint, ingest, ingest_all, link};

const MONA_AT_TAX: Row = [
    "T-77",
    "مني احمد محمود حسن",
    "٢٨٤٠٢١١٠١٠٠٠٢٨",
    "1984-02-11",
    "",
];

#[tokio::test]
async fn records_of_two_agencies_become_one_citizen() {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    tables.set("tax", &[MONA_AT_TAX]);
    let services = start_with_agencies(&storage, &tables).await;
    for (id, result) in ingest_all(&services, 2).await {
        let summary = result.unwrap();
        assert_eq!(summary.counts.rejected, 0, "{id}");
    }
    let linked = link(&services).await.unwrap();
    assert_eq!((linked.records, linked.new_citizens), (3, 2));
    assert_eq!(services.citizens(), 2);
    let again = link(&services).await.unwrap();
    assert_eq!((again.records, again.profiles), (0, 0));
    // a node that starts anew serves the same
    let before = fingerprint(storage.as_ref()).await.unwrap();
    services.stop("finished").await;
    let restarted = start(&storage, &tables).await;
    assert_eq!(restarted.citizens(), 2);
    let relinked = link(&restarted).await.unwrap();
    assert_eq!(
        relinked.profiles, 0,
        "nothing differs from what storage holds"
    );
    assert_eq!(fingerprint(storage.as_ref()).await.unwrap(), before);
}

#[tokio::test]
async fn every_row_is_counted_once() {
    let (storage, tables) = (memory().await, Tables::default());
    let bad_id = ["3", "سارة علي", "123", "1990-01-01", ""];
    let no_key = ["", "سارة علي", "", "1990-01-01", ""];
    // the connector sends three rows a batch, so this key comes again in another batch
    let again = ["1", "غادة فؤاد", "", "1970-01-01", ""];
    tables.set("registry", &[MONA, OMAR, bad_id, no_key, again]);
    let services = start_with_agencies(&storage, &tables).await;
    let summary = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(summary.counts.rows, 5);
    assert_eq!(summary.counts.records, 3);
    assert_eq!(summary.duplicates, 1);
    assert_eq!(
        summary.counts.rejected, 3,
        "a field, a row without a key, a key twice"
    );
    let view = get_source(&services, &operator(), &source("registry"))
        .await
        .unwrap();
    assert_eq!(view.rejections.iter().map(|one| one.count).sum::<u64>(), 3);
    assert_eq!(view.records, 3);
    assert_eq!(view.state, SourceState::Live);
    let again = ingest(&services, &source("registry")).await.unwrap();
    assert_eq!(
        (again.counts.records, again.counts.unchanged),
        (0, 3),
        "reading again is free"
    );
}

#[tokio::test]
async fn a_stream_with_too_many_rejections_is_not_taken() {
    let (storage, tables) = (memory().await, Tables::default());
    let no_key = ["", "سارة علي", "", "1990-01-01", ""];
    let nor_this = ["", "ليلى علي", "", "1991-01-01", ""];
    tables.set("registry", &[MONA, no_key, nor_this]);
    let services = start_with_agencies(&storage, &tables).await;
    let error = ingest(&services, &source("registry")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert!(matches!(
        error,
        IngestError::Connect {
            error: ConnectError::Data { .. },
            ..
        }
    ));
    let id = source("registry");
    let view = get_source(&services, &operator(), &id).await.unwrap();
    assert_eq!((view.records, view.state), (0, SourceState::Quarantined));
    assert_eq!(view.rejections.iter().map(|one| one.count).sum::<u64>(), 2);
    let runs = list_runs(&services, &operator(), &id, 10).await.unwrap();
    assert_eq!(runs[0].state, RunState::Failed);
    assert!(
        runs[0]
            .error
            .as_ref()
            .unwrap()
            .summary
            .contains("2 of 3 rows were rejected")
    );
}

#[tokio::test]
async fn a_changed_row_changes_the_profile() {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    let renumbered = ["2", OMAR[1], "29107150200999", OMAR[3], OMAR[4]];
    tables.set("registry", &[MONA, renumbered]);
    ingest(&services, &source("registry")).await.unwrap();
    let linked = link(&services).await.unwrap();
    assert_eq!(
        (linked.records, linked.profiles, linked.new_citizens),
        (1, 1, 0)
    );
    let find = |number| services.directory.by_identifier("national_id", number);
    assert!(find(OMAR[2]).is_none());
    assert!(find(renumbered[2]).is_some());
}

#[tokio::test]
async fn a_citizen_who_was_merged_is_found_after_a_restart() {
    let (storage, tables) = (memory().await, Tables::default());
    let namesake = [
        "9",
        "ناهد صبري فوزي كامل",
        "28402110199999",
        "1961-05-05",
        "",
    ];
    tables.set("registry", &[MONA, namesake]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    let find = |number| services.directory.by_identifier("national_id", number);
    let ids = [MONA[2], namesake[2]].map(|number| find(number).unwrap().citizen);
    // the row was wrong: it is Mona's
    tables.set(
        "registry",
        &[MONA, ["9", MONA[1], MONA[2], MONA[3], MONA[4]]],
    );
    ingest(&services, &source("registry")).await.unwrap();
    let linked = link(&services).await.unwrap();
    assert_eq!((linked.merged_citizens, services.citizens()), (1, 1));
    services.stop("finished").await;
    let restarted = start(&storage, &tables).await;
    let mut found = Vec::new();
    for id in ids {
        let subject = Subject::Citizen(id.to_string());
        let answer = get_citizen(&restarted, request(Method::GetCitizen, subject))
            .await
            .unwrap();
        found.push(matches!(answer.content(), Content::Citizen { .. }));
    }
    assert_eq!(found, [true, true]);
}

#[tokio::test]
async fn a_link_that_was_given_up_does_not_leave_the_directory_behind() {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    for polls in 0..60 {
        let mut linking = Box::pin(link(&services));
        for _ in 0..polls {
            if futures::poll!(&mut linking).is_ready() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        }
    }
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 2);
}

#[tokio::test]
async fn what_a_transaction_says_is_in_the_log_once() {
    let tables = Tables::default();
    let storage = memory().await;
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    services.stop("finished").await;
    let kinds = kinds(storage.as_ref()).await;
    let restarted = start(&storage, &tables).await;
    link(&restarted).await.unwrap();
    restarted.stop("finished").await;
    let more = super::flow::kinds(storage.as_ref()).await;
    let expected = [
        "started",
        // handed in, approved, in force: two agencies
        "folder_moved",
        "folder_moved",
        "source_created",
        "folder_moved",
        "folder_moved",
        "source_created",
        // two checkpoints and the end
        "run_finished",
        "run_finished",
        "run_finished",
        "linked",
        "stopped",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(more[expected.len()..], ["started", "linked", "stopped"]);
}

async fn kinds(storage: &dyn Storage) -> Vec<&'static str> {
    events(storage).await.iter().map(AuditEvent::kind).collect()
}
