use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use proptest::prelude::{any, proptest};
use rabt_audit::AuditEvent;
use rabt_model::ErrorClass;
use rabt_policy::Method;
use rabt_storage::Storage;

use super::node::{
    Fragile, MONA, Tables, by_national_id, events, memory, request, setup, source, start,
    start_with_agencies,
};
use crate::enquiry::lookup_citizen;
use crate::{AuditError, EnquiryError, Services, StartError, ingest, link};

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let tables = Tables::default();
    let storage = memory().await;
    tables.set("registry", &[MONA]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    // what the outbox holds is on its way into the log; let it arrive
    events(storage.as_ref()).await;
    (storage, services)
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]
    /// Whatever is asked, allowed or given up, every answer has its entry.
    #[test]
    fn no_answer_without_an_entry(asks in proptest::collection::vec((any::<bool>(), 0..4_usize), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (storage, services) = node().await;
            let answers = AtomicU64::new(0);
            let before = storage.audit_log().size().await.unwrap();
            let questions = asks.iter().map(|(permitted, polls)| {
                let mut question = request(Method::LookupCitizen, by_national_id(MONA[2]));
                if !permitted {
                    question.context.agreement = "AG-9".into();
                }
                let (services, answers) = (&services, &answers);
                async move {
                    let asked = async {
                        let answer = lookup_citizen(services, question).await;
                        assert_eq!(answer.is_ok(), *permitted);
                        answers.fetch_add(1, Ordering::SeqCst);
                    };
                    // some callers go away while their entry is on its way
                    let gone = async {
                        for _ in 0..*polls {
                            tokio::task::yield_now().await;
                        }
                        if *polls == 0 {
                            std::future::pending::<()>().await;
                        }
                    };
                    tokio::select! { () = asked => {}, () = gone => {} }
                }
            });
            join_all(questions).await;
            let entries = storage.audit_log().size().await.unwrap() - before;
            assert!(entries >= answers.load(Ordering::SeqCst));
        });
    }
}

#[tokio::test]
async fn pressure_is_shed_and_nothing_is_lost() {
    let (storage, services) = node().await;
    let before = storage.audit_log().size().await.unwrap();
    storage.log().close_gate().await;
    let ask = || {
        lookup_citizen(
            &services,
            request(Method::LookupCitizen, by_national_id(MONA[2])),
        )
    };
    let asked = join_all((0..6_000).map(|_| ask()));
    let open = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        storage.log().open_gate();
    };
    let (answers, ()) = tokio::join!(asked, open);
    let shed = answers.iter().filter(|answer| {
        matches!(
            answer,
            Err(EnquiryError::NotAudited(AuditError::Overloaded))
        )
    });
    let (shed, answered) = (shed.count(), answers.iter().filter(|a| a.is_ok()).count());
    assert_eq!(shed + answered, 6_000);
    assert!(
        shed > 0 && answered >= 4_096,
        "{shed} shed, {answered} answered"
    );
    let entries = storage.audit_log().size().await.unwrap() - before;
    assert_eq!(entries, answered as u64);
}

#[tokio::test]
async fn an_append_of_unknown_outcome_withholds_its_answers_only() {
    let (storage, services) = node().await;
    let ask = || {
        lookup_citizen(
            &services,
            request(Method::LookupCitizen, by_national_id(MONA[2])),
        )
    };
    storage.log().lies.store(1, Ordering::SeqCst);
    let error = ask().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Overloaded);
    ask().await.unwrap();
    services.stop("finished").await;
    let services = start(&storage, &Tables::default()).await;
    assert_eq!(services.citizens(), 1, "the tree fits its checkpoint");
}

#[tokio::test]
async fn a_log_of_another_key_is_refused() {
    let (storage, services) = node().await;
    services.stop("finished").await;
    let mut other = setup(&storage, &Tables::default());
    let seed = [9; 32];
    other.keys.checkpoint = rabt_audit::CheckpointKey::from_seed("rabt.test", &seed).unwrap();
    let refused = Services::start(other).await;
    assert!(matches!(
        refused,
        Err(StartError::Audit(AuditError::Unusable(_)))
    ));
}

/// Ends a process without a goodbye: what it spawned is gone, its outbox is as it was.
#[test]
fn an_outbox_that_outlived_its_process_is_integrated_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rabt.db").display());
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let logged = first.block_on(async {
        let storage = Fragile::over(rabt_storage::open(&url).await.unwrap());
        let tables = Tables::default();
        tables.set("registry", &[MONA]);
        let services = start_with_agencies(&storage, &tables).await;
        let logged = events(storage.as_ref()).await.len();
        storage.log().close_gate().await;
        ingest(&services, &source("registry")).await.unwrap();
        link(&services).await.unwrap();
        assert_eq!(storage.audit_log().size().await.unwrap(), logged as u64);
        logged
    });
    first.shutdown_background();
    runtime().block_on(async {
        for restart in 1..3 {
            let storage = Fragile::over(rabt_storage::open(&url).await.unwrap());
            let services = start(&storage, &Tables::default()).await;
            assert_eq!(services.citizens(), 1);
            let kinds: Vec<&str> = events(storage.as_ref())
                .await
                .iter()
                .map(AuditEvent::kind)
                .collect();
            let count = |kind: &str| kinds[logged..].iter().filter(|k| **k == kind).count();
            assert_eq!(
                [count("run_finished"), count("linked")],
                [3, 1],
                "{kinds:?}"
            );
            assert_eq!(count("started"), restart);
            services.stop("the test").await;
        }
    });
}

/// Whoever an entry is about finds it: by the disclosure of one, of a search and of a feed, and by what
/// clerks do, which goes through the outbox.
#[tokio::test]
async fn everybody_finds_the_entries_about_them() {
    let (storage, services) = node().await;
    lookup_citizen(
        &services,
        request(Method::LookupCitizen, by_national_id(MONA[2])),
    )
    .await
    .unwrap();
    let mut watch = request(Method::ListChanges, rabt_policy::Subject::Feed(Vec::new()));
    watch.fields = None;
    crate::change::list_changes(&services, watch, "", 100)
        .await
        .unwrap();
    let log = storage.audit_log();
    let entries = log.entries(0, 1_000).await.unwrap();
    let mut named = 0;
    for (leaf, entry) in &entries {
        let event = rabt_audit::Entry::decode(&entry.body).unwrap().event;
        for subject in event.subjects() {
            let found = log.entries_about(&[subject.0], None, 1_000).await.unwrap();
            assert!(found.iter().any(|(found, _)| found == leaf), "leaf {leaf}");
            named += 1;
        }
    }
    assert!(named >= 2, "{named}");
    assert_eq!(log.indexed().await.unwrap(), entries.len() as u64);
}
