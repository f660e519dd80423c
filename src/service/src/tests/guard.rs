//! What callers did before, and what is left of today's budget.

use std::sync::Arc;

use futures::future::join_all;
use rabt_audit::{AuditEvent, Entry, LogVerifier};
use rabt_model::{Clock, ErrorClass, ManualClock, Pii};
use rabt_policy::{AccessRequest, Assurance, EndUser, Method};
use rabt_storage::Storage;

use super::node::{
    BUNDLE, Fragile, MONA, OMAR, Row, Tables, by_national_id, events, folder, memory, operator,
    register, request, setup, source, start, start_with_agencies,
};
use crate::agreement::import_agreements;
use crate::enquiry::lookup_citizen;
use crate::{EnquiryError, Services, Setup, ingest, link};

/// Sixteen people who were born on one day in one place.
const COHORT: [Row; 16] = [
    [
        "10",
        "سعاد علي حسن كامل",
        "28001010100013",
        "1980-01-01",
        "",
    ],
    [
        "11",
        "هاني فتحي زكي عوض",
        "28001010100021",
        "1980-01-01",
        "",
    ],
    [
        "12",
        "ليلى رمضان جابر سعد",
        "28001010100038",
        "1980-01-01",
        "",
    ],
    [
        "13",
        "طارق سمير نبيل فرج",
        "28001010100046",
        "1980-01-01",
        "",
    ],
    [
        "14",
        "نجلاء شوقي لطفي بدر",
        "28001010100054",
        "1980-01-01",
        "",
    ],
    [
        "15",
        "ماجد عادل رزق مينا",
        "28001010100062",
        "1980-01-01",
        "",
    ],
    [
        "16",
        "إيمان صبري فوزي دياب",
        "28001010100070",
        "1980-01-01",
        "",
    ],
    [
        "17",
        "وائل حامد سالم نصر",
        "28001010100089",
        "1980-01-01",
        "",
    ],
    [
        "18",
        "دعاء محمود ثابت شاكر",
        "28001010100097",
        "1980-01-01",
        "",
    ],
    [
        "19",
        "بسمة وجدي كمال راضي",
        "28001010100100",
        "1980-01-01",
        "",
    ],
    [
        "20",
        "رامي جلال مختار حلمي",
        "28001010100119",
        "1980-01-01",
        "",
    ],
    [
        "21",
        "سلمى عزت منير واصف",
        "28001010100127",
        "1980-01-01",
        "",
    ],
    [
        "22",
        "أشرف بهاء نور مرسي",
        "28001010100135",
        "1980-01-01",
        "",
    ],
    [
        "23",
        "هبة ياسر عماد غالي",
        "28001010100143",
        "1980-01-01",
        "",
    ],
    [
        "24",
        "شريف مراد رفعت حنا",
        "28001010100151",
        "1980-01-01",
        "",
    ],
    [
        "25",
        "منال أنور صلاح عيد",
        "28001010100160",
        "1980-01-01",
        "",
    ],
];

async fn node(terms: &str) -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    let people: Vec<Row> = [MONA, OMAR].into_iter().chain(COHORT).collect();
    tables.set("registry", &people);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    let bundle = BUNDLE.replacen("period", &format!("{terms}\nperiod"), 1);
    import_agreements(&services, &operator(), &bundle)
        .await
        .unwrap();
    (storage, tables, services)
}

/// A question of a clerk, in a case of its own.
fn of(clerk: &str, number: &str) -> AccessRequest {
    let mut question = request(Method::LookupCitizen, by_national_id(number));
    question.context.case_reference = number.to_owned();
    question.context.end_user = Some(EndUser {
        id: Pii::new(clerk.to_owned()),
        assurance: Assurance::High,
    });
    question
}

async fn ask(services: &Services, question: AccessRequest) -> Result<(), ErrorClass> {
    match lookup_citizen(services, question).await {
        Ok(_) => Ok(()),
        Err(EnquiryError::Denied(denial)) => Err(denial.class()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn numbers_one_after_the_other_are_stopped_and_nobody_else_is() {
    let (storage, _tables, services) = node("").await;
    let mut answered = 0;
    for row in &COHORT {
        answered += usize::from(ask(&services, of("clerk-1", row[2])).await.is_ok());
    }
    assert_eq!(answered, 7);
    let stopped = Err(ErrorClass::DisclosureBudgetExceeded);
    assert_eq!(ask(&services, of("clerk-1", MONA[2])).await, stopped);
    assert_eq!(ask(&services, of("clerk-2", MONA[2])).await, Ok(()));
    let events = events(storage.as_ref()).await;
    let stops: Vec<&str> = events
        .iter()
        .filter_map(|event| {
            let AuditEvent::CallerStopped(stopped) = event else {
                return None;
            };
            assert!(stopped.question.end_user.is_some());
            Some(stopped.pattern.as_str())
        })
        .collect();
    assert_eq!(stops, ["SEQUENCE"]);
    services.stop("test").await;
}

#[tokio::test]
async fn numbers_that_cannot_be_are_tried_in_vain() {
    let (_storage, _tables, services) = node("").await;
    let mut last = Ok(());
    for number in 0..20 {
        last = ask(&services, of("clerk-1", &format!("9{number:013}"))).await;
    }
    assert_eq!(last, Err(ErrorClass::DisclosureBudgetExceeded));
    services.stop("test").await;
}

#[tokio::test]
async fn a_budget_is_exact_whatever_is_asked_at_once_and_outlives_a_restart() {
    let terms = "budget = { per_day = 12, per_end_user = 5 }";
    let (storage, tables, services) = node(terms).await;
    let asks = (0..40).map(|number| {
        let clerk = format!("clerk-{}", number % 4);
        let row = if number % 2 == 0 { MONA } else { OMAR };
        let (tasks, services) = (services.tasks.clone(), Arc::clone(&services));
        tasks.spawn(async move { ask(&services, of(&clerk, row[2])).await })
    });
    let answers = join_all(asks).await;
    let answered = answers.iter().filter(|answer| matches!(answer, Ok(Ok(()))));
    assert_eq!(answered.count(), 12);
    let spent = Err(ErrorClass::DisclosureBudgetExceeded);
    assert_eq!(ask(&services, of("clerk-9", MONA[2])).await, spent);
    services.stop("test").await;

    let services = start(&storage, &tables).await;
    assert_eq!(ask(&services, of("clerk-9", MONA[2])).await, spent);
    // nobody is free, and costs nothing
    assert_eq!(
        ask(&services, of("clerk-9", "30001010100012")).await,
        Ok(())
    );
    services.stop("test").await;
}

#[tokio::test]
async fn one_clerk_does_not_spend_the_budget_of_the_others() {
    let (_storage, _tables, services) = node("budget = { per_end_user = 3 }").await;
    let mut answered = [0; 2];
    for row in COHORT.iter().take(6) {
        for (clerk, answered) in ["clerk-1", "clerk-2"].iter().zip(&mut answered) {
            *answered += usize::from(ask(&services, of(clerk, row[2])).await.is_ok());
        }
    }
    assert_eq!(answered, [3, 3]);
    let mut nobody = of("", MONA[2]);
    nobody.context.end_user = None;
    let refused = ask(&services, nobody).await;
    assert_eq!(refused, Err(ErrorClass::DisclosureBudgetExceeded));
    services.stop("test").await;
}

/// A system that names somebody else for each question shows no pattern, and has so many end users a day.
#[tokio::test]
async fn an_agreement_says_how_many_end_users_it_has_in_a_day() {
    let (storage, tables, services) = node("budget = { end_users = 3 }").await;
    let spent = Err(ErrorClass::DisclosureBudgetExceeded);
    for number in 0..6 {
        let asked = ask(&services, of(&format!("clerk-{number}"), MONA[2])).await;
        assert_eq!(asked, if number < 3 { Ok(()) } else { spent }, "{number}");
    }
    // whoever asked before asks on
    assert_eq!(ask(&services, of("clerk-2", OMAR[2])).await, Ok(()));
    let mut nobody = of("", MONA[2]);
    nobody.context.end_user = None;
    assert_eq!(ask(&services, nobody).await, spent);
    services.stop("test").await;
    let services = start(&storage, &tables).await;
    assert_eq!(ask(&services, of("clerk-1", MONA[2])).await, Ok(()));
    assert_eq!(ask(&services, of("clerk-9", MONA[2])).await, spent);
    services.stop("test").await;
}

/// A request id is the caller's own mark, and whoever sends a question again has asked twice.
#[tokio::test]
async fn a_request_id_that_is_sent_again_is_a_question_of_its_own() {
    let (storage, _tables, services) = node("budget = { per_day = 2 }").await;
    let again = || {
        let mut question = of("clerk-1", MONA[2]);
        question.context.request_id = "r-7".to_owned();
        question
    };
    assert_eq!(ask(&services, again()).await, Ok(()));
    assert_eq!(ask(&services, again()).await, Ok(()));
    let spent = Err(ErrorClass::DisclosureBudgetExceeded);
    assert_eq!(ask(&services, again()).await, spent);
    let events = events(storage.as_ref()).await;
    let of_id = events.iter().filter_map(|event| {
        let question = event.question()?;
        (question.request_id == "r-7").then_some(event.outcome())
    });
    let of_id: Vec<&str> = of_id.collect();
    assert_eq!(of_id, ["disclosed", "disclosed", "BUDGET"]);
    services.stop("test").await;
}

#[tokio::test]
async fn a_clock_that_is_moved_back_gives_no_second_budget_and_mixes_no_log() {
    let (storage, tables) = (memory().await, Tables::default());
    let clock = Arc::new(ManualClock::at("2026-06-02T10:00:00Z".parse().unwrap()));
    let setup = Setup {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..setup(&storage, &tables)
    };
    let services = Services::start(setup).await.unwrap();
    register(&services, folder("registry")).await;
    tables.set("registry", &[MONA, OMAR]);
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    let bundle = BUNDLE.replacen("period", "budget = { per_day = 1 }\nperiod", 1);
    import_agreements(&services, &operator(), &bundle)
        .await
        .unwrap();
    let now = async || {
        let question = AccessRequest {
            at: services.clock.now(),
            ..of("clerk-1", MONA[2])
        };
        ask(&services, question).await
    };
    let spent = Err(ErrorClass::DisclosureBudgetExceeded);
    assert_eq!((now().await, now().await), (Ok(()), spent));
    for moved in [-86_400, 86_400] {
        clock.advance(moved);
        assert_eq!(now().await, spent, "moved by {moved} seconds");
    }
    clock.advance(86_400);
    assert_eq!(now().await, Ok(()));
    // entries stand in the order in which they were written, whatever the clock said
    let log = storage.audit_log();
    let size = log.size().await.unwrap();
    let checkpoints = log.checkpoints().await.unwrap();
    let mut report = LogVerifier::new(services.audit.verifier(), checkpoints);
    let mut times = Vec::new();
    for (leaf, stored) in log.entries(0, size).await.unwrap() {
        report.entry(leaf, &stored.body, &stored.leaf_hash);
        times.push(Entry::decode(&stored.body).unwrap().at);
    }
    assert!(report.finish().is_sound() && !times.is_sorted());
    services.stop("test").await;
}
