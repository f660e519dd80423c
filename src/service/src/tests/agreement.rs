//! The life of an access agreement, and what questions see of it.

use std::sync::Arc;

use rabt_audit::AuditEvent;
use rabt_model::{AgreementId, ErrorClass};
use rabt_policy::{Caller, DenialReason, Method, Role};

use super::node::{
    BUNDLE, Fragile, MONA, Tables, approver, by_national_id, events, memory, operator, request,
    start, start_with_agencies,
};
use crate::agreement::{
    AgreementView, Question, Simulated, activate_agreement, approve_agreement, create_agreement,
    end_agreement, export_register, get_agreement, import_agreements, list_agreements,
    list_my_permissions, list_services, resume_agreement, simulate_policy, suspend_agreement,
    update_agreement, withdraw_agreement,
};
use crate::enquiry::lookup_citizen;
use crate::{EnquiryError, Services, ingest, link};

/// A second approver.
fn other() -> Caller {
    Caller {
        system: "other".to_owned(),
        ..approver()
    }
}

/// An agreement of the test system, under this id.
fn text(id: &str) -> String {
    let (first, _) = BUNDLE.split_once("[[agreement]]\nid = \"AG-2\"").unwrap();
    first.replace("id = \"AG-1\"", &format!("id = \"{id}\""))
}

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &"registry".parse().unwrap())
        .await
        .unwrap();
    link(&services).await.unwrap();
    (storage, services)
}

const NOT_ACTIVE: Result<(), ErrorClass> = Err(ErrorClass::AgreementNotActive);

async fn view(services: &Services, id: &AgreementId) -> AgreementView {
    get_agreement(services, &operator(), id).await.unwrap()
}

/// Asks under an agreement; returns why not when it is refused.
async fn ask(services: &Services, id: &str) -> Result<(), ErrorClass> {
    let mut question = request(Method::LookupCitizen, by_national_id(MONA[2]));
    question.context.agreement = id.to_owned();
    match lookup_citizen(services, question).await {
        Ok(_) => Ok(()),
        Err(EnquiryError::Denied(denial)) => Err(denial.class()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_agreement_is_in_force_from_its_activation_to_its_suspension() {
    let (storage, services) = node().await;
    let id: AgreementId = "AG-NEW".parse().unwrap();
    let (mona, ali) = (operator(), approver());
    create_agreement(&services, &mona, &text("AG-NEW"))
        .await
        .unwrap();
    assert_eq!(
        ask(&services, "AG-NEW").await,
        Err(ErrorClass::NotPermitted)
    );

    let draft = view(&services, &id).await;
    let early = activate_agreement(&services, &mona, &id, &draft.etag).await;
    assert_eq!(early.unwrap_err().class(), ErrorClass::Configuration);
    let own = approve_agreement(&services, &mona, &id, &draft.etag).await;
    assert_eq!(
        own.unwrap_err().class(),
        ErrorClass::NotPermitted,
        "an operator"
    );
    let stale = approve_agreement(&services, &ali, &id, "00").await;
    assert_eq!(stale.unwrap_err().class(), ErrorClass::EtagMismatch);
    let approved = approve_agreement(&services, &ali, &id, &draft.etag)
        .await
        .unwrap();
    assert_eq!(approved.standing.as_str(), "approved");
    assert_eq!(ask(&services, "AG-NEW").await, NOT_ACTIVE);
    activate_agreement(&services, &mona, &id, &approved.etag)
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-NEW").await, Ok(()));
    assert_eq!(ask(&services, "AG-1").await, Ok(()), "the others stay");

    let wordless = suspend_agreement(&services, &ali, &id, "  ").await;
    assert_eq!(wordless.unwrap_err().class(), ErrorClass::InvalidRequest);
    let stopped = suspend_agreement(&services, &ali, &id, "complaint 7")
        .await
        .unwrap();
    assert_eq!(stopped.stored.reason, "complaint 7");
    assert_eq!(ask(&services, "AG-NEW").await, NOT_ACTIVE);
    let alone = resume_agreement(&services, &ali, &id, &stopped.etag).await;
    assert_eq!(alone.unwrap_err().class(), ErrorClass::SecondPersonRequired);
    let again = resume_agreement(&services, &other(), &id, &stopped.etag)
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-NEW").await, Ok(()));
    end_agreement(&services, &mona, &id, &again.etag, "over")
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-NEW").await, NOT_ACTIVE);

    let moves = events(storage.as_ref()).await;
    let moves = moves.iter().filter_map(|event| {
        let AuditEvent::AgreementMoved(step) = event else {
            return None;
        };
        Some(format!(
            "{} {} to {}",
            step.agreement, step.version, step.to
        ))
    });
    let moves: Vec<String> = moves.filter(|moved| moved.starts_with("AG-NEW")).collect();
    assert_eq!(
        moves,
        [
            "AG-NEW 1 to draft",
            "AG-NEW 1 to approved",
            "AG-NEW 1 to active",
            "AG-NEW 1 to suspended",
            "AG-NEW 1 to active",
            "AG-NEW 1 to ended"
        ]
    );
    services.stop("test").await;
}

#[tokio::test]
async fn nobody_approves_what_they_handed_in() {
    let (_storage, services) = node().await;
    let id: AgreementId = "AG-NEW".parse().unwrap();
    let ali = approver();
    let new = create_agreement(&services, &ali, &text("AG-NEW"))
        .await
        .unwrap();
    let own = approve_agreement(&services, &ali, &id, &new.etag).await;
    assert_eq!(own.unwrap_err().class(), ErrorClass::SecondPersonRequired);
    // the same name in another role is the same person
    let same = Caller {
        role: Role::Approver,
        ..operator()
    };
    let new = update_agreement(&services, &operator(), &text("AG-NEW"), &new.etag)
        .await
        .unwrap();
    let own = approve_agreement(&services, &same, &id, &new.etag).await;
    assert_eq!(own.unwrap_err().class(), ErrorClass::SecondPersonRequired);
    approve_agreement(&services, &ali, &id, &new.etag)
        .await
        .unwrap();
    services.stop("test").await;
}

#[tokio::test]
async fn another_version_takes_the_place_of_the_one_in_force_when_it_is_activated() {
    let (_storage, services) = node().await;
    let id: AgreementId = "AG-1".parse().unwrap();
    let narrow = text("AG-1").replace("\"LookupCitizen\", ", "");
    create_agreement(&services, &operator(), &text("AG-9"))
        .await
        .unwrap();
    let exists = create_agreement(&services, &operator(), &narrow).await;
    assert_eq!(exists.unwrap_err().class(), ErrorClass::AlreadyExists);
    let held = view(&services, &id).await;
    let draft = update_agreement(&services, &operator(), &narrow, &held.etag)
        .await
        .unwrap();
    assert_eq!(
        (draft.stored.version, draft.held.map(|held| held.0)),
        (2, Some(1))
    );
    let late = update_agreement(&services, &operator(), &narrow, &held.etag).await;
    assert_eq!(late.unwrap_err().class(), ErrorClass::EtagMismatch);
    let approved = approve_agreement(&services, &approver(), &id, &draft.etag)
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-1").await, Ok(()));

    // what is suspended is not brought back by another version
    suspend_agreement(&services, &operator(), &id, "stop")
        .await
        .unwrap();
    let round = activate_agreement(&services, &operator(), &id, &approved.etag).await;
    assert_eq!(round.unwrap_err().class(), ErrorClass::Configuration);
    let taken = withdraw_agreement(&services, &operator(), &id, &approved.etag)
        .await
        .unwrap();
    assert_eq!(taken.standing.as_str(), "suspended");
    services.stop("test").await;
}

#[tokio::test]
async fn the_file_of_the_node_says_what_is_in_force_and_undoes_no_suspension() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    import_agreements(&services, &operator(), BUNDLE)
        .await
        .unwrap();
    let listed = async |services: &Services| {
        let views = list_agreements(services, &operator(), true).await.unwrap();
        let shown = |view: &AgreementView| {
            format!(
                "{} {} {}",
                view.stored.id,
                view.stored.version,
                view.standing.as_str()
            )
        };
        views.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(listed(&services).await, ["AG-1 1 active", "AG-2 1 active"]);
    let revision = services.policy.current().revision().to_owned();
    let id: AgreementId = "AG-2".parse().unwrap();
    suspend_agreement(&services, &approver(), &id, "stop")
        .await
        .unwrap();
    services.stop("test").await;

    let services = start(&storage, &tables).await;
    import_agreements(&services, &operator(), BUNDLE)
        .await
        .unwrap();
    assert_eq!(
        listed(&services).await,
        ["AG-1 1 active", "AG-2 1 suspended"]
    );
    assert_ne!(services.policy.current().revision(), revision);
    let other = BUNDLE.replace("Tax files", "Files");
    import_agreements(&services, &operator(), &other)
        .await
        .unwrap();
    assert_eq!(
        listed(&services).await,
        ["AG-1 1 active", "AG-2 2 suspended"]
    );
    import_agreements(&services, &operator(), &text("AG-1"))
        .await
        .unwrap();
    assert_eq!(listed(&services).await, ["AG-1 1 active", "AG-2 2 ended"]);

    let strange = text("AG-1").replace("[\"care\"]", "[\"gossip\"]");
    let error = import_agreements(&services, &operator(), &strange)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`gossip`, which is not in the catalogue"),
        "{error}"
    );
    services.stop("test").await;
}

/// Returns under which agreement, and for which reason, the last questions were refused.
async fn refusals(storage: &Fragile, last: usize) -> Vec<String> {
    let events = events(storage).await.into_iter();
    let refused = events.filter_map(|event| {
        let AuditEvent::Denied(denied) = event else {
            return None;
        };
        let under = denied.question.agreement;
        let under = under.map(|id| format!("{id} ")).unwrap_or_default();
        Some(format!("{under}{}", denied.reason))
    });
    let mut refused: Vec<String> = refused.collect();
    refused.split_off(refused.len().saturating_sub(last))
}

#[tokio::test]
async fn the_log_tells_an_agreement_that_is_not_in_force_from_one_that_there_is_not() {
    let (storage, services) = node().await;
    import_agreements(&services, &operator(), BUNDLE)
        .await
        .unwrap();
    let id: AgreementId = "AG-1".parse().unwrap();
    suspend_agreement(&services, &approver(), &id, "stop")
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-1").await, NOT_ACTIVE);
    assert_eq!(ask(&services, "AG-0").await, Err(ErrorClass::NotPermitted));
    let mut strange = request(Method::LookupCitizen, by_national_id(MONA[2]));
    strange.caller.system = "stranger".to_owned();
    let strange = lookup_citizen(&services, strange).await;
    assert_eq!(strange.unwrap_err().class(), ErrorClass::NotPermitted);
    let told = [
        "AG-1 AGREEMENT_NOT_ACTIVE",
        "UNKNOWN_AGREEMENT",
        "AG-1 NOT_PARTY",
    ];
    assert_eq!(refusals(&storage, 3).await, told);

    // a version that is handed in and approved says nothing else, and withdrawing it neither
    let held = view(&services, &id).await;
    let next = update_agreement(&services, &operator(), &text("AG-1"), &held.etag)
        .await
        .unwrap();
    let next = approve_agreement(&services, &approver(), &id, &next.etag)
        .await
        .unwrap();
    withdraw_agreement(&services, &operator(), &id, &next.etag)
        .await
        .unwrap();
    let revision = services.policy.current().revision().to_owned();
    services.stop("test").await;

    // it is known after a restart, by the same revision
    let services = start(&storage, &Tables::default()).await;
    assert_eq!(services.policy.current().revision(), revision);
    assert_eq!(ask(&services, "AG-1").await, NOT_ACTIVE);
    let held = view(&services, &id).await;
    end_agreement(&services, &operator(), &id, &held.etag, "over")
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-1").await, NOT_ACTIVE);
    // a draft is nobody's, whoever it names
    create_agreement(&services, &operator(), &text("AG-7"))
        .await
        .unwrap();
    assert_eq!(ask(&services, "AG-7").await, Err(ErrorClass::NotPermitted));
    let listed = format!(
        "{}\n[[dormant]]\nid = \"AG-8\"\nagency = \"tax\"\nsystems = [\"desk\"]\n",
        text("AG-9")
    );
    for refused in [
        create_agreement(&services, &operator(), &listed)
            .await
            .map(|_| ()),
        import_agreements(&services, &operator(), &listed)
            .await
            .map(|_| ()),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("`[[dormant]]`"), "{error}");
    }
    services.stop("test").await;
}

#[tokio::test]
async fn an_agreement_whose_period_is_over_has_expired() {
    let (_storage, services) = node().await;
    let id: AgreementId = "AG-OLD".parse().unwrap();
    let old = text("AG-OLD").replace("until = \"2026-12-31\"", "until = \"2026-02-28\"");
    let new = create_agreement(&services, &operator(), &old)
        .await
        .unwrap();
    let approved = approve_agreement(&services, &approver(), &id, &new.etag)
        .await
        .unwrap();
    let held = activate_agreement(&services, &operator(), &id, &approved.etag)
        .await
        .unwrap();
    assert_eq!(held.standing.as_str(), "expired");
    assert_eq!(
        ask(&services, "AG-OLD").await,
        Err(ErrorClass::AgreementNotActive)
    );
    services.stop("test").await;
}

#[tokio::test]
async fn what_would_be_said_is_what_is_said() {
    let (_storage, services) = node().await;
    let asked = request(Method::LookupCitizen, by_national_id(MONA[2]));
    let question = Question {
        caller: asked.caller.clone(),
        method: asked.method,
        context: asked.context.clone(),
        fields: None,
        at: None,
    };
    let auditor = Caller {
        role: Role::Auditor,
        ..operator()
    };
    let said = simulate_policy(&services, &auditor, question.clone(), None)
        .await
        .unwrap();
    let Simulated::Permitted(fields) = said else {
        panic!("{said:?}");
    };
    assert_eq!(fields.to_string(), "birth.date name.chain");
    let narrow = text("AG-1").replace("\"LookupCitizen\", ", "");
    let said = simulate_policy(&services, &auditor, question, Some(&narrow))
        .await
        .unwrap();
    assert!(
        matches!(said, Simulated::Denied(DenialReason::Method)),
        "{said:?}"
    );
    assert_eq!(ask(&services, "AG-1").await, Ok(()), "nothing changed");

    let mine = list_my_permissions(&services, &asked.caller);
    assert_eq!(mine.len(), 1, "{mine:?}");
    assert_eq!(mine[0].agreement.as_str(), "AG-1");
    assert_eq!(list_my_permissions(&services, &operator()).len(), 0);
    assert_eq!(list_services(&services)[0].id(), "care");
    services.stop("test").await;
}

#[tokio::test]
async fn the_register_says_what_is_in_force_and_what_is_stopped() {
    let (_storage, services) = node().await;
    import_agreements(&services, &operator(), BUNDLE)
        .await
        .unwrap();
    let id: AgreementId = "AG-2".parse().unwrap();
    suspend_agreement(&services, &approver(), &id, "stop")
        .await
        .unwrap();
    let register = export_register(&services, &operator()).await.unwrap();
    let shown: Vec<String> = register
        .entries
        .iter()
        .map(|entry| {
            let service = &entry.services[0].ar;
            format!(
                "{} {} {} {service}",
                entry.agreement,
                entry.standing.as_str(),
                entry.recipient.en
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "AG-1 active health رعاية",
            "AG-2 suspended Agency tax رعاية"
        ]
    );
    assert_eq!(register.revision, services.policy.current().revision());
    services.stop("test").await;
}

#[tokio::test]
async fn what_somebody_ended_is_not_brought_back_by_the_file() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start(&storage, &tables).await;
    let node = Caller {
        system: "node".to_owned(),
        ..operator()
    };
    import_agreements(&services, &node, BUNDLE).await.unwrap();
    let id: AgreementId = "AG-1".parse().unwrap();
    let held = view(&services, &id).await;
    end_agreement(&services, &operator(), &id, &held.etag, "over")
        .await
        .unwrap();
    services.stop("test").await;
    let services = start(&storage, &tables).await;
    import_agreements(&services, &node, BUNDLE).await.unwrap();
    assert_eq!(view(&services, &id).await.standing.as_str(), "ended");
    // what the file itself ended comes back with it
    import_agreements(&services, &node, "schema = 1\nagreement = []\n")
        .await
        .unwrap();
    import_agreements(&services, &node, BUNDLE).await.unwrap();
    let other: AgreementId = "AG-2".parse().unwrap();
    assert_eq!(view(&services, &other).await.standing.as_str(), "active");
    services.stop("test").await;
}
