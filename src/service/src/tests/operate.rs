use rabt_audit::AuditEvent;
use rabt_model::ErrorClass;
use rabt_policy::{Method, Role};
use rabt_storage::RunState;

use super::node::{
    BUNDLE, MONA, OMAR, Tables, by_national_id, events, folder, memory, operator, request, source,
    start, start_with_agencies,
};
use crate::agreement::import_agreements;
use crate::enquiry::lookup_citizen;
use crate::operate::{create_source, list_runs, list_sources, start_source, update_source};
use crate::{AgreementError, OperateError};

#[tokio::test]
async fn all_problems_of_a_folder_come_at_once() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    let mut new = folder("tax");
    new.manifest = new
        .manifest
        .replace("rank", "rnk")
        .replace("steward", "stewart");
    new.mapping = new.mapping.replace("digits_ascii", "digit_ascii");
    let error = create_source(&services, &operator(), new)
        .await
        .unwrap_err();
    let OperateError::Problems(problems) = &error else {
        panic!("{error}");
    };
    assert!(problems.len() >= 2, "{problems:?}");
    assert!(
        problems.iter().all(|problem| problem.line > 0),
        "{problems:?}"
    );
    assert!(problems.iter().any(|problem| problem.suggestion.is_some()));
    assert!(
        list_sources(&services, &operator())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_source_is_created_once_and_updated_on_purpose() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let views = create_source(&services, &operator(), folder("tax")).await;
    assert_eq!(views.unwrap()[0].open, None, "it is as it was approved");
    let mut other = folder("tax");
    other.mapping = other.mapping.replace("\"trim\", ", "");
    let again = create_source(&services, &operator(), other.clone())
        .await
        .unwrap_err();
    assert_eq!(again.class(), ErrorClass::AlreadyExists);
    let views = update_source(&services, &operator(), other).await.unwrap();
    assert_eq!(views[0].agency_label.en, "Agency tax");
    let events = events(storage.as_ref()).await;
    let count = |kind: &str| events.iter().filter(|event| event.kind() == kind).count();
    assert_eq!(count("source_created"), 2);
    assert_eq!(count("folder_moved"), 6);
}

#[tokio::test]
async fn only_operators_operate_and_refusals_are_audited() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    let mut caller = operator();
    caller.role = Role::System;
    let error = create_source(&services, &caller, folder("tax"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotPermitted);
    let Some(AuditEvent::Denied(entry)) = events(storage.as_ref()).await.pop() else {
        panic!("no denial");
    };
    assert_eq!(
        (entry.question.method.as_str(), entry.reason.as_str()),
        ("CreateSource", "ROLE")
    );
}

#[tokio::test]
async fn a_started_source_is_read_and_linked_in_the_background() {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    let id = source("registry");
    let run = start_source(&services, &operator(), &id).await.unwrap();
    assert_eq!(run.state, RunState::Running);
    for _ in 0..500 {
        if services.citizens() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(services.citizens(), 2);
    let runs = list_runs(&services, &operator(), &id, 5).await.unwrap();
    assert_eq!((runs[0].run, runs[0].state), (run.run, RunState::Succeeded));
    let missing = start_source(&services, &operator(), &source("nowhere"))
        .await
        .unwrap_err();
    assert_eq!(missing.class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn a_bundle_is_in_force_from_its_activation_also_after_a_restart() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    let narrow = BUNDLE.replace("\"LookupCitizen\", ", "");
    let bad = import_agreements(&services, &operator(), "[[agreement]]\nid = 3")
        .await
        .unwrap_err();
    assert!(matches!(bad, AgreementError::Problems(_)));
    import_agreements(&services, &operator(), &narrow)
        .await
        .unwrap();
    let question = || request(Method::LookupCitizen, by_national_id(MONA[2]));
    assert!(lookup_citizen(&services, question()).await.is_err());
    services.stop("finished").await;
    let services = start(&storage, &tables).await;
    assert!(lookup_citizen(&services, question()).await.is_err());
}
