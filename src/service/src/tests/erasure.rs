//! A citizen's keys are destroyed, as two people decide; the log stays whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rabt_audit::{AuditEvent, Pseudonym};
use rabt_model::{CitizenId, ErrorClass, Pii};
use rabt_policy::{Assurance, Caller, Method, Role};
use rabt_storage::Storage;

use super::node::{
    Fragile, MONA, OMAR, Tables, approver, by_national_id, events, integrated, memory, operator,
    request, setup, source, start_with_agencies,
};
use crate::enquiry::lookup_citizen;
use crate::oversight::{
    OversightError, confirm_erasure, list_erasures, request_erasure, withdraw_erasure,
};
use crate::transparency::{
    NewCorrection, Subject, Viewer, create_correction, list_access_events, list_corrections,
};
use crate::{ErasureState, MasterKey, Services, Setup, VaultError, ingest, link};

const MOMENT: Duration = Duration::from_millis(50);

const NOBODY: &str = "29901010100015";
const NOBODY_ROW: [&str; 5] = ["9", "سمير فؤاد", NOBODY, "1999-01-01", "01212345678"];

async fn node() -> (Arc<Fragile>, Arc<Services>, Tables) {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    events(storage.as_ref()).await;
    (storage, services, tables)
}

fn officer() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "officer-1".into(),
        role: Role::SecurityOfficer,
    }
}

fn portal() -> Caller {
    Caller {
        agency: "egov".parse().unwrap(),
        system: "portal".into(),
        role: Role::System,
    }
}

fn named(number: &str) -> Subject {
    Subject::Identifier {
        scheme: "national_id".into(),
        value: Pii::new(number.to_owned()),
    }
}

fn viewer(number: &str) -> Viewer {
    Viewer {
        subject: named(number),
        assurance: Assurance::Substantial,
        request_id: String::new(),
    }
}

async fn ask(services: &Services, number: &str) {
    let question = request(Method::LookupCitizen, by_national_id(number));
    lookup_citizen(services, question).await.unwrap();
}

async fn seen(services: &Services, number: &str) -> usize {
    integrated(services.storage.as_ref()).await;
    let page = list_access_events(services, &portal(), &viewer(number), false, (100, "")).await;
    page.unwrap().events.len()
}

async fn shred(services: &Arc<Services>, number: &str) {
    let asked = request_erasure(services, &officer(), &named(number), "retention ended").await;
    let number = asked.unwrap().number;
    confirm_erasure(services, &approver(), number)
        .await
        .unwrap();
}

fn citizen(services: &Services, number: &str) -> CitizenId {
    let found = services.directory.by_identifier("national_id", number);
    found.unwrap().citizen
}

/// Returns everybody whom an entry of the log is about.
async fn subjects(storage: &dyn Storage) -> Vec<Pseudonym> {
    let events = events(storage).await;
    let subjects = events.iter().flat_map(|event| event.subjects().to_vec());
    subjects.collect()
}

#[tokio::test]
async fn who_is_erased_is_found_by_nobody_and_the_others_stay() {
    let (storage, services, tables) = node().await;
    ask(&services, NOBODY).await;
    ask(&services, "٢٩٩٠١٠١٠١٠٠٠١٥").await;
    // whoever was nobody is somebody now
    tables.set("registry", &[NOBODY_ROW, MONA, OMAR]);
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    for _ in 0..3 {
        ask(&services, NOBODY).await;
        ask(&services, OMAR[2]).await;
    }
    let wrong = NewCorrection {
        attribute: "birth.date".into(),
        wrong: Pii::new("خطأ".into()),
        evidence: String::new(),
    };
    let asked = create_correction(&services, &portal(), &viewer(NOBODY), wrong).await;
    asked.unwrap();
    assert_eq!(seen(&services, NOBODY).await, 5);
    assert_eq!(seen(&services, OMAR[2]).await, 3);
    let before = subjects(storage.as_ref()).await;
    let samir = citizen(&services, NOBODY);
    let keys = services.audit.pseudonyms();
    let persons = [
        keys.citizen(samir),
        keys.identifier(&"national_id".parse().unwrap(), NOBODY),
    ];
    let names = services.audit.names(&persons).await.unwrap();
    let about = |name: &Pseudonym| names.contains(&name.0);
    assert!(before.iter().filter(|name| about(name)).count() >= 6);

    shred(&services, NOBODY).await;
    assert_eq!(seen(&services, NOBODY).await, 0);
    assert_eq!(seen(&services, OMAR[2]).await, 3);
    let mine = list_corrections(&services, &portal(), &viewer(NOBODY)).await;
    assert!(mine.unwrap().is_empty());
    // with all keys and the whole log, what was about them is about no name that can be made
    let after = services.audit.names(&persons).await.unwrap();
    let old = &before;
    assert!(!old.iter().any(|name| after.contains(&name.0)));
    // nothing was taken out of the log, and no entry says who it was
    let still = subjects(storage.as_ref()).await;
    assert_eq!(still[..before.len()], before[..]);
    let told = events(storage.as_ref()).await;
    let erased = told.iter().find_map(|event| {
        let AuditEvent::ErasureMoved(moved) = event else {
            return None;
        };
        (moved.state == "done").then_some(moved)
    });
    assert!(erased.unwrap().keys.unwrap() >= 2);
    let listed = list_erasures(&services, &officer(), None, 9).await.unwrap();
    assert!(listed.iter().all(|one| one.citizen.is_none()));
    // what comes later begins a history anew
    ask(&services, NOBODY).await;
    assert_eq!(seen(&services, NOBODY).await, 1);
}

#[tokio::test]
async fn names_are_the_same_after_a_restart_and_unknown_with_another_master_key() {
    let (storage, services, tables) = node().await;
    for _ in 0..3 {
        ask(&services, MONA[2]).await;
    }
    services.stop("test").await;
    let services = Services::start(setup(&storage, &tables)).await.unwrap();
    ask(&services, MONA[2]).await;
    assert_eq!(seen(&services, MONA[2]).await, 4);
    let named: Vec<Pseudonym> = subjects(storage.as_ref()).await;
    let keys = services.audit.pseudonyms();
    // the node's own key alone names nobody
    let mona = keys.citizen(citizen(&services, MONA[2]));
    assert!(!named.contains(&mona));
    services.stop("test").await;
    let other = setup(&storage, &tables);
    let keys = crate::AuditKeys {
        master: MasterKey::new([5; 32]),
        ..other.keys
    };
    let refused = Services::start(Setup { keys, ..other }).await;
    let Err(crate::StartError::Vault(VaultError::Master)) = refused else {
        panic!("the node starts with another master key");
    };
}

#[tokio::test]
async fn an_erasure_takes_two_people_and_says_why() {
    let (_storage, services, _) = node().await;
    ask(&services, MONA[2]).await;
    let ask_for = |caller: Caller, reason: &'static str| {
        let services = Arc::clone(&services);
        async move { request_erasure(&services, &caller, &named(MONA[2]), reason).await }
    };
    for role in [Role::Operator, Role::Approver, Role::Clerk, Role::Auditor] {
        let caller = Caller { role, ..operator() };
        let refused = ask_for(caller, "x").await;
        assert!(matches!(refused, Err(OversightError::NotPermitted(_))));
    }
    for reason in ["", "  ", "about 28402110100028"] {
        let refused = ask_for(officer(), reason).await;
        assert!(
            matches!(refused, Err(OversightError::Invalid { .. })),
            "{reason}"
        );
    }
    let asked = ask_for(officer(), "court order 17/2026").await.unwrap();
    assert_eq!(asked.citizen, Some(citizen(&services, MONA[2])));
    let number = asked.number;
    // one person with two roles is one person
    let same = Caller {
        role: Role::Approver,
        ..officer()
    };
    let refused = confirm_erasure(&services, &same, number).await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::SecondPersonRequired);
    // the question of the agency, and the look of the officer
    assert_eq!(seen(&services, MONA[2]).await, 2, "nothing was destroyed");
    let withdrawn = withdraw_erasure(&services, &officer(), number).await;
    assert_eq!(withdrawn.unwrap().state, ErasureState::Withdrawn);
    let late = confirm_erasure(&services, &approver(), number).await;
    assert!(matches!(late, Err(OversightError::Decided)));
    let missing = confirm_erasure(&services, &approver(), 99).await;
    assert!(matches!(missing, Err(OversightError::NotFound(_))));
    assert_eq!(seen(&services, MONA[2]).await, 2);
}

/// Whether a number is somebody's is an answer: whoever it is about finds who asked.
#[tokio::test]
async fn whoever_is_looked_for_to_be_erased_sees_the_look() {
    let (storage, services, _) = node().await;
    let looks = async || {
        let mut looks = Vec::new();
        for event in events(storage.as_ref()).await {
            if let AuditEvent::Reviewed(look) = event
                && look.action == "request_erasure"
            {
                looks.push(look);
            }
        }
        looks
    };
    for number in [MONA[2], NOBODY] {
        let before = seen(&services, number).await;
        let asked = request_erasure(&services, &officer(), &named(number), "court order 17").await;
        assert_eq!(asked.is_ok(), number == MONA[2]);
        assert_eq!(seen(&services, number).await, before + 1);
    }
    let unknown = CitizenId::from_random(7);
    let nobody = Subject::Citizen(unknown.to_string());
    let asked = request_erasure(&services, &officer(), &nobody, "court order 17").await;
    assert!(matches!(asked, Err(OversightError::NotFound(_))));
    let keys = services.audit.pseudonyms();
    let persons = [
        keys.citizen(citizen(&services, MONA[2])),
        keys.identifier(&"national_id".parse().unwrap(), NOBODY),
        keys.citizen(unknown),
    ];
    let looks = looks().await;
    assert_eq!(looks.len(), persons.len());
    for (look, person) in looks.iter().zip(persons) {
        let names = services.audit.names(&[person]).await.unwrap();
        assert!(look.subjects.iter().all(|name| names.contains(&name.0)));
        assert_eq!(
            (look.subjects.len(), look.actor.as_str()),
            (1, "rabt:officer-1:security-officer")
        );
    }
    services.stop("test").await;
}

/// The agencies of whoever asked and of whoever holds a record are concerned, and no other.
#[tokio::test]
async fn an_approver_of_an_agency_that_an_erasure_does_not_concern_decides_nothing() {
    let (storage, services, _) = node().await;
    let of = |agency: &str| Caller {
        agency: agency.parse().unwrap(),
        ..approver()
    };
    let asked = request_erasure(&services, &officer(), &named(MONA[2]), "retention ended").await;
    let number = asked.unwrap().number;
    let foreign = confirm_erasure(&services, &of("tax"), number).await;
    assert!(matches!(foreign, Err(OversightError::NotPermitted(_))));
    let foreign = withdraw_erasure(&services, &of("tax"), number).await;
    assert!(matches!(foreign, Err(OversightError::NotPermitted(_))));
    let events = events(storage.as_ref()).await;
    let refused = events
        .iter()
        .filter(|event| matches!(event, AuditEvent::Denied(denied) if denied.reason == "AGENCY"));
    assert_eq!(refused.count(), 2);
    let shown = async |caller: &Caller| {
        let listed = list_erasures(&services, caller, None, 9).await.unwrap();
        listed[0].citizen.is_some()
    };
    assert!(!shown(&of("tax")).await);
    assert!(shown(&of("registry")).await && shown(&officer()).await);
    let done = confirm_erasure(&services, &of("registry"), number).await;
    assert_eq!(done.unwrap().state, ErasureState::Done);
    services.stop("test").await;
}

/// Entries of before there were keys of persons name them under the node's own key.
#[tokio::test]
async fn entries_of_before_are_found_under_the_old_names() {
    let (storage, services, _) = node().await;
    ask(&services, MONA[2]).await;
    let log = storage.audit_log();
    let size = log.size().await.unwrap();
    let found = log.entries(size - 1, 1).await.unwrap();
    let mut entry = rabt_audit::Entry::decode(&found[0].1.body).unwrap();
    let old = services
        .audit
        .pseudonyms()
        .citizen(citizen(&services, MONA[2]));
    entry.event.subjects_mut()[0] = old;
    let encoded = entry.encode();
    let new = rabt_storage::NewEntry {
        entry: rabt_storage::StoredEntry {
            body: encoded.body,
            leaf_hash: encoded.leaf_hash,
            outbox: None,
        },
        subjects: vec![old.0],
        keys: Vec::new(),
        case: None,
        archive: None,
    };
    log.append(size, &[new], None).await.unwrap();
    let keys = services.audit.pseudonyms();
    let persons = [keys.citizen(citizen(&services, MONA[2]))];
    let names = services.audit.names(&persons).await.unwrap();
    let about = log.entries_about(&names, None, 10).await.unwrap();
    assert!(about.iter().any(|(leaf, _)| *leaf == size));
    assert!(about.len() >= 2);
}

/// What a second person confirmed is done, however often it is cut off.
#[tokio::test]
async fn an_erasure_that_was_cut_off_goes_on_and_is_not_taken_back() {
    let (storage, services, _) = node().await;
    ask(&services, MONA[2]).await;
    let asked = request_erasure(&services, &officer(), &named(MONA[2]), "retention ended").await;
    let number = asked.unwrap().number;
    storage.log().torn.store(1, Ordering::SeqCst);
    let cut = confirm_erasure(&services, &approver(), number).await;
    assert!(matches!(cut, Err(OversightError::NotAudited(_))));
    assert_eq!(seen(&services, MONA[2]).await, 0);
    let listed = list_erasures(&services, &officer(), None, 9).await.unwrap();
    assert_eq!(listed[0].state, ErasureState::Confirmed);
    assert_eq!(listed[0].decider, crate::event::person(&approver()));
    let late = withdraw_erasure(&services, &officer(), number).await;
    assert!(matches!(late, Err(OversightError::Decided)));
    let same = confirm_erasure(&services, &officer(), number).await;
    assert!(matches!(same, Err(OversightError::SecondPerson(_))));
    let done = confirm_erasure(&services, &approver(), number).await;
    let done = done.unwrap().into_inner();
    assert_eq!((done.state, done.citizen), (ErasureState::Done, None));
    let told = events(storage.as_ref()).await;
    let moved = told.iter().filter_map(|event| {
        let AuditEvent::ErasureMoved(moved) = event else {
            return None;
        };
        Some((moved.state.as_str(), moved.keys))
    });
    let moved: Vec<_> = moved.collect();
    let [("asked", None), ("confirmed", Some(1..)), ("done", None)] = moved.as_slice() else {
        panic!("{moved:?}");
    };
}

#[tokio::test]
async fn an_erasure_goes_on_when_whoever_confirmed_it_goes_away() {
    let (_storage, services, _) = node().await;
    ask(&services, MONA[2]).await;
    let asked = request_erasure(&services, &officer(), &named(MONA[2]), "retention ended").await;
    let number = asked.unwrap().number;
    let held = services.states.lock().await;
    let confirming = Arc::clone(&services);
    let confirming = services
        .tasks
        .spawn(async move { confirm_erasure(&confirming, &approver(), number).await });
    tokio::time::sleep(MOMENT).await;
    confirming.abort();
    drop(held);
    for _ in 0..100 {
        let listed = list_erasures(&services, &officer(), None, 9).await.unwrap();
        if listed[0].state == ErasureState::Done {
            return;
        }
        tokio::time::sleep(MOMENT).await;
    }
    panic!("it stopped with the request");
}

/// A key on its way becomes durable, and is destroyed behind that, whether or not somebody waits for the answer.
#[tokio::test]
async fn a_request_that_goes_away_brings_no_destroyed_key_back() {
    let (storage, services, _) = node().await;
    let keys = services.audit.pseudonyms();
    let nobody = [keys.identifier(&"national_id".parse().unwrap(), NOBODY)];
    storage.log().close_gate().await;
    let asking = Arc::clone(&services);
    let asking = services
        .tasks
        .spawn(async move { ask(&asking, NOBODY).await });
    tokio::time::sleep(MOMENT).await;
    asking.abort();
    let early = tokio::time::timeout(MOMENT, services.audit.erase(&nobody)).await;
    assert!(early.is_err(), "the key is not durable yet");
    let early = tokio::time::timeout(MOMENT, services.audit.forget_names()).await;
    assert!(early.is_err(), "the key is not durable yet");
    storage.log().open_gate();
    assert_eq!(services.audit.erase(&nobody).await.unwrap(), 1);
    assert_eq!(services.audit.count_keys(&nobody).await.unwrap(), 0);
    ask(&services, NOBODY).await;
    assert_eq!(services.audit.count_keys(&nobody).await.unwrap(), 1);
}

/// An identifier of long ago leads to entries too, however often the profile has changed since.
#[tokio::test]
async fn an_identifier_of_many_revisions_ago_is_erased_too() {
    let (_storage, services, tables) = node().await;
    ask(&services, NOBODY).await;
    let keys = services.audit.pseudonyms();
    let past = [keys.identifier(&"national_id".parse().unwrap(), NOBODY)];
    assert_eq!(services.audit.count_keys(&past).await.unwrap(), 1);
    let read = async |row: [&'static str; 5]| {
        tables.set("registry", &[row, OMAR]);
        ingest(&services, &source("registry")).await.unwrap();
        link(&services).await.unwrap();
    };
    read([MONA[0], MONA[1], NOBODY, MONA[3], MONA[4]]).await;
    let then = citizen(&services, NOBODY);
    for change in 0..=crate::enquiry::REVISIONS {
        let phone = ["01012345678", "01012345679"][usize::from(change % 2 == 0)];
        read([MONA[0], MONA[1], MONA[2], MONA[3], phone]).await;
    }
    assert_eq!(citizen(&services, MONA[2]), then);
    shred(&services, MONA[2]).await;
    assert_eq!(services.audit.count_keys(&past).await.unwrap(), 0);
}

/// Whoever reads a state of before keeps what was destroyed in the journal for a while; it is destroyed all the same.
#[tokio::test]
async fn an_erasure_is_done_while_somebody_reads_the_journal() {
    let (storage, services, _) = node().await;
    ask(&services, MONA[2]).await;
    storage.log().busy.store(1, Ordering::SeqCst);
    shred(&services, MONA[2]).await;
    assert_eq!(storage.log().busy.load(Ordering::SeqCst), 0, "it was tried");
    assert_eq!(seen(&services, MONA[2]).await, 0);
    let listed = list_erasures(&services, &officer(), None, 9).await.unwrap();
    assert_eq!(listed[0].state, ErasureState::Done);
}
