//! Emergencies are worked off by somebody else than whoever looked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_audit::AuditEvent;
use rabt_model::{ErrorClass, ManualClock, Pii};
use rabt_policy::{Assurance, Caller, EndUser, Method, Role};

use super::node::{
    BUNDLE, Fragile, MONA, OMAR, Tables, by_national_id, events, folder, memory, operator,
    register, request, setup, source,
};
use crate::agreement::import_agreements;
use crate::enquiry::lookup_citizen;
use crate::oversight::{Emergency, OversightError, list_emergencies, review_emergency};
use crate::transparency::{Subject, Viewer, list_access_events};
use crate::{CaseState, Services, Setup, ingest, link};

async fn node() -> (Arc<Fragile>, Arc<Services>, Arc<ManualClock>) {
    let (storage, tables) = (memory().await, Tables::default());
    let clock = Arc::new(ManualClock::at("2026-06-01T10:00:00Z".parse().unwrap()));
    let setup = Setup {
        clock: Arc::clone(&clock) as Arc<dyn rabt_model::Clock>,
        ..setup(&storage, &tables)
    };
    let services = Services::start(setup).await.unwrap();
    register(&services, folder("registry")).await;
    let glass = BUNDLE.replacen("exempt_purposes = [\"admission\"]\n", "", 1);
    let glass = glass.replacen("period", "break_glass = true\nperiod", 1);
    let imported = import_agreements(&services, &operator(), &glass).await;
    imported.unwrap();
    tables.set("registry", &[MONA, OMAR]);
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    events(storage.as_ref()).await;
    (storage, services, clock)
}

/// Looks in an emergency, as a person of the hospital.
async fn look(services: &Services, who: &str) {
    let mut question = request(Method::LookupCitizen, by_national_id(MONA[2]));
    question.at = services.clock.now();
    question.context.break_glass = "unconscious".to_owned();
    question.context.end_user = Some(EndUser {
        id: Pii::new(who.to_owned()),
        assurance: Assurance::High,
    });
    lookup_citizen(services, question).await.unwrap();
}

fn person(agency: &str, id: &str, role: Role) -> Caller {
    Caller {
        agency: agency.parse().unwrap(),
        system: id.into(),
        role,
    }
}

fn officer() -> Caller {
    person("rabt", "officer-1", Role::SecurityOfficer)
}

async fn listed(services: &Services, caller: &Caller, open: bool) -> Vec<Emergency> {
    let found = list_emergencies(services, caller, open, (100, "")).await;
    found.unwrap().into_inner().emergencies
}

async fn seen(services: &Services) -> Option<CaseState> {
    let portal = person("egov", "portal", Role::System);
    let viewer = Viewer {
        subject: Subject::Identifier {
            scheme: "national_id".into(),
            value: Pii::new(MONA[2].to_owned()),
        },
        assurance: Assurance::Substantial,
        request_id: String::new(),
    };
    let page = list_access_events(services, &portal, &viewer, false, (9, "")).await;
    page.unwrap().events[0].emergency
}

#[tokio::test]
async fn an_emergency_waits_until_a_second_person_says_what_it_was() {
    let (storage, services, clock) = node().await;
    assert!(listed(&services, &officer(), true).await.is_empty());
    look(&services, " Dr-7 ").await;
    let found = listed(&services, &officer(), true).await;
    let [case] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (case.reason.as_str(), case.agency.as_str()),
        ("unconscious", "health")
    );
    assert!(case.state == CaseState::Open && !case.overdue && case.end_user.is_some());
    assert_eq!(seen(&services).await, Some(CaseState::Open));
    clock.advance(8 * 24 * 3_600);
    assert!(listed(&services, &officer(), true).await[0].overdue);

    let place = (case.log, case.leaf);
    let said = (CaseState::Confirmed, "came by ambulance, ملف 17");
    // who looked, whichever role their certificate has
    let same = person("health", "dr-7", Role::Approver);
    let refused = review_emergency(&services, &same, place, said)
        .await
        .unwrap_err();
    assert_eq!(refused.class(), ErrorClass::SecondPersonRequired);
    for role in [Role::Approver, Role::SecurityOfficer] {
        let same = person("health", "DR-7", role);
        let refused = review_emergency(&services, &same, place, said).await;
        assert!(matches!(refused, Err(OversightError::SecondPerson(_))));
    }
    let chief = person("health", "chief", Role::Approver);
    let reviewed = review_emergency(&services, &chief, place, said)
        .await
        .unwrap();
    assert_eq!(reviewed.text.expose(), said.1);
    let again = review_emergency(&services, &officer(), place, said).await;
    assert!(matches!(again, Err(OversightError::Decided)));
    assert!(listed(&services, &officer(), true).await.is_empty());
    let all = listed(&services, &chief, false).await;
    assert_eq!(
        (all[0].state, all[0].reviewer.as_str()),
        (CaseState::Confirmed, "health:chief")
    );
    assert_eq!(all[0].text.expose(), said.1);
    assert_eq!(seen(&services).await, Some(CaseState::Confirmed));
    // what was said is in no log, that it was is
    let told = events(storage.as_ref()).await;
    let reviewed = told.iter().find_map(|event| {
        let AuditEvent::EmergencyReviewed(reviewed) = event else {
            return None;
        };
        Some(reviewed)
    });
    assert_eq!(reviewed.unwrap().leaf, place.1);
    let text = format!("{told:?}");
    assert!(!text.contains("ambulance"), "{text}");
}

#[tokio::test]
async fn emergencies_are_for_those_they_concern() {
    let (_storage, services, _) = node().await;
    look(&services, "dr-7").await;
    let case = listed(&services, &officer(), true).await.remove(0);
    let place = (case.log, case.leaf);
    let said = (CaseState::Disputed, "nobody was brought in");
    let other = person("tax", "chief", Role::Approver);
    assert!(listed(&services, &other, false).await.is_empty());
    let refused = review_emergency(&services, &other, place, said).await;
    assert!(matches!(refused, Err(OversightError::NotFound(_))));
    for role in [Role::Operator, Role::Clerk, Role::Auditor, Role::System] {
        let caller = person("health", "x", role);
        let refused = list_emergencies(&services, &caller, true, (9, "")).await;
        assert!(matches!(refused, Err(OversightError::NotPermitted(_))));
        let refused = review_emergency(&services, &caller, place, said).await;
        assert!(matches!(refused, Err(OversightError::NotPermitted(_))));
    }
    for wrong in [(CaseState::Open, "x"), (CaseState::Confirmed, " ")] {
        let refused = review_emergency(&services, &officer(), place, wrong).await;
        assert!(matches!(refused, Err(OversightError::Invalid { .. })));
    }
    for nowhere in [(0, 0), (7, 1)] {
        let refused = review_emergency(&services, &officer(), nowhere, said).await;
        assert!(matches!(refused, Err(OversightError::NotFound(_))));
    }
    let disputed = review_emergency(&services, &officer(), place, said).await;
    assert_eq!(disputed.unwrap().state, CaseState::Disputed);
    assert_eq!(seen(&services).await, Some(CaseState::Disputed));
}

#[tokio::test]
async fn emergencies_are_listed_page_by_page_for_the_caller_who_began() {
    let (_storage, services, clock) = node().await;
    for _ in 0..3 {
        look(&services, "dr-7").await;
        clock.advance(25 * 3_600);
        look(&services, "dr-8").await;
        clock.advance(25 * 3_600);
    }
    let (officer, chief) = (officer(), person("health", "chief", Role::Approver));
    for open in [true, false] {
        let whole = listed(&services, &officer, open).await;
        let whole: Vec<u64> = whole.iter().map(|one| one.leaf).collect();
        assert_eq!((whole.len(), whole.is_sorted()), (6, open));
        let (mut seen, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = list_emergencies(&services, &officer, open, (4, &token)).await;
            let page = page.unwrap().into_inner();
            seen.extend(page.emergencies.iter().map(|one| one.leaf));
            sizes.push(page.emergencies.len());
            if page.next.is_empty() {
                break;
            }
            token = page.next;
        }
        assert_eq!((seen, sizes), (whole, vec![4, 2]));
        // for nobody else, for no other list, and not bent
        let bent = token.replacen(
            &token[..1],
            if token.starts_with('0') { "1" } else { "0" },
            1,
        );
        for (caller, open, token) in [
            (&chief, open, &token),
            (
                &person("rabt", "officer-2", Role::SecurityOfficer),
                open,
                &token,
            ),
            (&person("rabt", "officer-1", Role::Approver), open, &token),
            (&officer, !open, &token),
            (&officer, open, &bent),
        ] {
            let refused = list_emergencies(&services, caller, open, (4, token)).await;
            assert!(matches!(refused, Err(OversightError::Invalid { .. })));
        }
        // a page that is exactly full is the last one
        let page = list_emergencies(&services, &officer, open, (6, "")).await;
        assert_eq!(page.unwrap().next, "");
    }
    // one that is judged between two pages moves no other
    let first = list_emergencies(&services, &chief, true, (2, "")).await;
    let first = first.unwrap().into_inner();
    let judged = (first.emergencies[0].log, first.emergencies[0].leaf);
    let said = (CaseState::Confirmed, "came by ambulance");
    review_emergency(&services, &chief, judged, said)
        .await
        .unwrap();
    let second = list_emergencies(&services, &chief, true, (9, &first.next)).await;
    assert_eq!(second.unwrap().emergencies.len(), 4);
}

/// The other node's word came between this node's look at the case and its own.
#[tokio::test]
async fn of_two_nodes_that_judge_at_once_the_second_is_told_so() {
    let (storage, services, _) = node().await;
    look(&services, "dr-7").await;
    let case = listed(&services, &officer(), true).await.remove(0);
    let place = (case.log, case.leaf);
    let first = (CaseState::Confirmed, "came by ambulance");
    let chief = person("health", "chief", Role::Approver);
    review_emergency(&services, &chief, place, first)
        .await
        .unwrap();
    storage.log().early.store(1, Ordering::SeqCst);
    let second = (CaseState::Disputed, "nobody was brought in");
    let late = review_emergency(&services, &officer(), place, second).await;
    assert!(matches!(late, Err(OversightError::Decided)), "{late:?}");
    let stands = listed(&services, &officer(), false).await.remove(0);
    assert_eq!(
        (
            stands.state,
            stands.reviewer.as_str(),
            stands.text.expose().as_str()
        ),
        (first.0, "health:chief", first.1)
    );
}
