//! Whom a permitted question may be about, as one who asks and one who audits see it.

use std::sync::Arc;

use rabt_audit::{AuditEvent, Disclosed};
use rabt_model::{CitizenId, Pii};
use rabt_policy::{AccessRequest, Assurance, Content, EndUser, Method, Subject};
use rabt_storage::Storage;

use super::node::{
    BUNDLE, Fragile, MONA, OMAR, Tables, approver, by_national_id, events, memory, operator,
    request, source, start_with_agencies,
};
use crate::agreement::import_agreements;
use crate::change::list_changes;
use crate::enquiry::lookup_citizen;
use crate::review::protect_citizen;
use crate::{Services, ingest, link};

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    tables.set("health", &[OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    super::node::register(&services, super::node::folder("health")).await;
    for id in ["registry", "health"] {
        ingest(&services, &source(id)).await.unwrap();
    }
    link(&services).await.unwrap();
    (storage, services)
}

/// Returns the last answer of the log; what operators did comes into it by another way, and later.
async fn last(storage: &dyn Storage) -> Disclosed {
    let events = events(storage).await.into_iter().rev();
    let mut answers = events.filter_map(|event| {
        let AuditEvent::Disclosed(answer) = event else {
            return None;
        };
        Some(answer)
    });
    answers.next().unwrap()
}

fn about(number: &str) -> AccessRequest {
    request(Method::LookupCitizen, by_national_id(number))
}

async fn see(services: &Services, question: AccessRequest) -> Option<CitizenId> {
    let answer = lookup_citizen(services, question).await.unwrap();
    let Content::Citizen { citizen, .. } = answer.content() else {
        return None;
    };
    Some(*citizen)
}

#[tokio::test]
async fn whom_the_caller_holds_no_file_on_is_absent_to_it_and_not_to_the_log() {
    let (storage, services) = node().await;
    let strict = BUNDLE.replacen("exempt_purposes = [\"admission\"]\n", "", 1);
    import_agreements(&services, &operator(), &strict)
        .await
        .unwrap();
    assert!(see(&services, about(OMAR[2])).await.is_some());
    assert_eq!(see(&services, about(MONA[2])).await, None);
    let entry = last(storage.as_ref()).await;
    assert_eq!(
        (entry.outcome.as_str(), entry.subjects.len()),
        ("unrelated", 1)
    );
    assert_eq!((entry.released.len(), entry.withheld.len()), (0, 0));
    services.stop("test").await;
}

#[tokio::test]
async fn a_protected_citizen_is_seen_by_nobody_without_the_right() {
    let (storage, services) = node().await;
    let mona = see(&services, about(MONA[2])).await.unwrap();
    protect_citizen(&services, &approver(), mona, true)
        .await
        .unwrap();
    assert_eq!(see(&services, about(MONA[2])).await, None);
    assert_eq!(last(storage.as_ref()).await.outcome, "protected");
    assert!(see(&services, about(OMAR[2])).await.is_some());
    let told = async || {
        let question = request(Method::ListChanges, Subject::Feed(Vec::new()));
        let page = list_changes(&services, question, "", 500).await.unwrap();
        let Content::Changes(changes) = page.told.content() else {
            panic!("no changes");
        };
        changes.iter().any(|told| told.change.citizen == mona)
    };
    assert!(!told().await);

    let right = BUNDLE.replacen("period", "sees_protected = true\nperiod", 1);
    import_agreements(&services, &operator(), &right)
        .await
        .unwrap();
    assert!(see(&services, about(MONA[2])).await.is_some());
    assert!(told().await);
    services.stop("test").await;
}

#[tokio::test]
async fn an_emergency_is_seen_and_recorded_with_its_reason() {
    let (storage, services) = node().await;
    let terms = "break_glass = true\nperiod";
    let glass = BUNDLE.replacen("exempt_purposes = [\"admission\"]\n", "", 1);
    let glass = glass.replacen("period", terms, 1);
    import_agreements(&services, &operator(), &glass)
        .await
        .unwrap();
    let mut question = about(MONA[2]);
    question.context.break_glass = "unconscious".to_owned();
    assert!(lookup_citizen(&services, question.clone()).await.is_err());
    question.context.end_user = Some(EndUser {
        id: Pii::new("dr-7".to_owned()),
        assurance: Assurance::High,
    });
    assert!(see(&services, question).await.is_some());
    assert_eq!(
        last(storage.as_ref()).await.question.break_glass,
        "unconscious"
    );
    services.stop("test").await;
}

#[tokio::test]
async fn a_look_is_withheld_as_long_as_its_agreement_says() {
    let (storage, services) = node().await;
    see(&services, about(MONA[2])).await.unwrap();
    assert_eq!(last(storage.as_ref()).await.withheld_until, None);
    let terms = "withhold_days = 90\nperiod";
    let secret = BUNDLE.replacen("period", terms, 1);
    import_agreements(&services, &operator(), &secret)
        .await
        .unwrap();
    see(&services, about(MONA[2])).await.unwrap();
    let until = last(storage.as_ref()).await.withheld_until.unwrap();
    let days = until.duration_since(services.clock.now()).as_hours() / 24;
    assert_eq!(days, 90);
    services.stop("test").await;
}
