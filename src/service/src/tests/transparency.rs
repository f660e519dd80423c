//! What citizens see of what others see of them.

use std::sync::Arc;

use rabt_audit::{AuditEvent, Entry, LogVerifier, Receipt, Tree};
use rabt_model::{CitizenId, ErrorClass, ManualClock, Pii};
use rabt_policy::{Assurance, Caller, Method, Role};
use rabt_storage::{CorrectionState, NewEntry, Storage, StoredEntry};

use super::node::{
    Fragile, MONA, OMAR, Tables, by_national_id, events, keys, memory, operator, request, setup,
    source, start, start_with_agencies,
};
use crate::enquiry::lookup_citizen;
use crate::transparency::{
    AccessEvent, Correction, NewCorrection, Subject, TransparencyError, Viewer, answer_correction,
    count_withheld, create_correction, get_access_receipt, list_access_events,
    list_agency_corrections, list_corrections, list_holdings,
};
use crate::{Services, ingest, link};

const NOBODY: &str = "29901010100015";

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let tables = Tables::default();
    let storage = memory().await;
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    events(storage.as_ref()).await;
    (storage, services)
}

fn portal() -> Caller {
    Caller {
        agency: "egov".parse().unwrap(),
        system: "portal".into(),
        role: Role::System,
    }
}

fn viewer(number: &str) -> Viewer {
    Viewer {
        subject: Subject::Identifier {
            scheme: "national_id".into(),
            value: Pii::new(number.to_owned()),
        },
        assurance: Assurance::Substantial,
        request_id: "p-1".into(),
    }
}

async fn ask(services: &Services, number: &str) {
    let question = request(Method::LookupCitizen, by_national_id(number));
    lookup_citizen(services, question).await.unwrap();
}

async fn citizen(services: &Services, number: &str) -> CitizenId {
    let question = request(Method::LookupCitizen, by_national_id(number));
    let answer = lookup_citizen(services, question).await.unwrap();
    answer.facts().subjects()[0]
}

/// Follows the pages, two events each.
async fn history(services: &Services, viewer: &Viewer, own: bool) -> Vec<AccessEvent> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = list_access_events(services, &portal(), viewer, own, (2, &token)).await;
        let page = page.unwrap().into_inner();
        all.extend(page.events);
        token = page.next;
        if token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn a_citizen_sees_who_asked_and_nobody_elses() {
    let (_storage, services) = node().await;
    for _ in 0..5 {
        ask(&services, MONA[2]).await;
    }
    ask(&services, OMAR[2]).await;
    ask(&services, NOBODY).await;
    let seen = history(&services, &viewer(MONA[2]), false).await;
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a.leaf > b.leaf));
    let event = &seen[0];
    assert_eq!(
        (event.agency.as_str(), event.outcome.as_str()),
        ("health", "disclosed")
    );
    assert_eq!(
        event.agreement_title.as_ref().unwrap().en,
        "Hospital admission"
    );
    assert_eq!(
        (event.purpose.as_str(), event.legal_basis.as_str()),
        ("admission", "law-1")
    );
    assert!(
        event
            .attributes
            .iter()
            .any(|one| one.to_string() == "birth.date")
    );
    // that somebody asked about a number that nobody has is seen by whoever has it
    let seen = history(&services, &viewer(NOBODY), false).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].outcome, "absent");
    // the same citizen by id
    let by_id = Viewer {
        subject: Subject::Citizen(citizen(&services, OMAR[2]).await.to_string()),
        ..viewer("")
    };
    assert_eq!(history(&services, &by_id, false).await.len(), 2);
    // looks are entries, and shown when they are asked for
    let with_own = history(&services, &viewer(OMAR[2]), true).await;
    assert!(
        with_own
            .iter()
            .any(|event| event.own && event.agency.as_str() == "egov")
    );
    // a token of one is no token of another
    let first = list_access_events(&services, &portal(), &viewer(MONA[2]), false, (1, "")).await;
    let token = first.unwrap().into_inner().next;
    let page = (1, token.as_str());
    let other = list_access_events(&services, &portal(), &viewer(OMAR[2]), false, page).await;
    assert_eq!(other.unwrap_err().class(), ErrorClass::InvalidRequest);
}

#[tokio::test]
async fn only_portals_that_are_sure_enough_are_answered_and_refusals_are_audited() {
    let (storage, services) = node().await;
    let stranger = Caller {
        system: "kiosk".into(),
        ..portal()
    };
    let person = Caller {
        role: Role::Auditor,
        ..portal()
    };
    let unsure = Viewer {
        assurance: Assurance::Low,
        ..viewer(MONA[2])
    };
    let cases = [
        (stranger, viewer(MONA[2]), ErrorClass::NotPermitted),
        (person, viewer(MONA[2]), ErrorClass::NotPermitted),
        (portal(), unsure, ErrorClass::StepUpRequired),
    ];
    for (caller, viewer, class) in cases {
        let before = storage.audit_log().size().await.unwrap();
        let page = (1, "");
        let errors = [
            list_access_events(&services, &caller, &viewer, false, page)
                .await
                .err(),
            count_withheld(&services, &caller, &viewer).await.err(),
            get_access_receipt(&services, &caller, &viewer, (0, 0))
                .await
                .err(),
            list_holdings(&services, &caller, &viewer).await.err(),
            create_correction(&services, &caller, &viewer, wrong("birth.date"))
                .await
                .err(),
            list_corrections(&services, &caller, &viewer).await.err(),
        ];
        for error in errors {
            assert_eq!(error.map(|error| error.class()), Some(class));
        }
        let log = storage.audit_log();
        let entries = log.entries(before, 100).await.unwrap();
        assert_eq!(entries.len(), 6);
        for (_, entry) in entries {
            let event = Entry::decode(&entry.body).unwrap().event;
            assert!(matches!(event, AuditEvent::Denied(_)));
        }
    }
}

#[tokio::test]
async fn a_receipt_is_of_an_event_about_the_citizen_only() {
    let (storage, services) = node().await;
    for _ in 0..3 {
        ask(&services, MONA[2]).await;
        ask(&services, OMAR[2]).await;
    }
    let seen = history(&services, &viewer(MONA[2]), false).await;
    for event in &seen {
        let place = (event.log, event.leaf);
        let receipt = get_access_receipt(&services, &portal(), &viewer(MONA[2]), place).await;
        let receipt = receipt.unwrap().into_inner();
        let verifier = receipt.verifier.parse().unwrap();
        let shown = Receipt::from_text(&receipt.text).unwrap().verify(&verifier);
        assert_eq!(shown.unwrap().event.method(), "LookupCitizen");
        let other = get_access_receipt(&services, &portal(), &viewer(OMAR[2]), place).await;
        assert_eq!(other.unwrap_err().class(), ErrorClass::NotFound);
    }
    let log = storage.audit_log();
    let size = log.size().await.unwrap();
    for place in [(0, size + 9), (7, 0), (0, 0)] {
        let none = get_access_receipt(&services, &portal(), &viewer(MONA[2]), place).await;
        assert_eq!(none.unwrap_err().class(), ErrorClass::NotFound);
    }
    // that there was nothing is an answer, and in the log
    let misses = log.entries(size, 9).await.unwrap().into_iter();
    let misses = misses.map(|(_, entry)| Entry::decode(&entry.body).unwrap().event);
    let misses = misses.filter(|event| event.outcome() == "absent");
    assert_eq!(misses.count(), 3);
}

/// The history of a citizen is that of all ids that lead there today.
#[tokio::test]
async fn history_follows_a_merge() {
    let (storage, services) = node().await;
    let mona = citizen(&services, MONA[2]).await;
    let omar = citizen(&services, OMAR[2]).await;
    let mut tx = storage.begin().await.unwrap();
    tx.redirect(&[(omar, mona)]).await.unwrap();
    tx.commit().await.unwrap();
    let seen = history(&services, &viewer(MONA[2]), false).await;
    assert_eq!(seen.len(), 2);
    let by_old_id = Viewer {
        subject: Subject::Citizen(omar.to_string()),
        ..viewer("")
    };
    assert_eq!(history(&services, &by_old_id, false).await, seen);
}

/// Puts an entry of a disclosure that is withheld behind the log of a node that has stopped, as that node
/// would have; returns its leaf.
async fn withhold(storage: &Fragile, citizen: CitizenId, until: &str) -> u64 {
    let log = storage.audit_log();
    let entries = log.entries(0, 1_000).await.unwrap();
    let entries = entries
        .into_iter()
        .map(|(_, entry)| Entry::decode(&entry.body).unwrap());
    let mut entries: Vec<Entry> = entries.collect();
    let is_answer = |entry: &&Entry| matches!(entry.event, AuditEvent::Disclosed(_));
    let mut entry = entries.iter().rfind(is_answer).unwrap().clone();
    let AuditEvent::Disclosed(disclosed) = &mut entry.event else {
        panic!("not a disclosure");
    };
    disclosed.withheld_until = Some(until.parse().unwrap());
    let encoded = entry.encode();
    entries.push(entry);
    let mut tree = Tree::new();
    for entry in &entries {
        tree.append(entry.encode().leaf_hash);
    }
    let note = keys().checkpoint.sign(tree.size(), tree.root());
    let stored = StoredEntry {
        body: encoded.body,
        leaf_hash: encoded.leaf_hash,
        outbox: None,
    };
    let new = NewEntry {
        entry: stored,
        subjects: vec![keys().pseudonyms.citizen(citizen).0],
        keys: Vec::new(),
        case: None,
        archive: None,
    };
    let leaf = tree.size() - 1;
    log.append(leaf, &[new], Some(&note)).await.unwrap();
    leaf
}

#[tokio::test]
async fn what_is_withheld_is_counted_and_shown_when_it_is_due() {
    let (storage, services) = node().await;
    let mona = citizen(&services, MONA[2]).await;
    services.stop("the test").await;
    let hidden = withhold(&storage, mona, "2026-07-01T00:00:00Z").await;
    let services = start(&storage, &Tables::default()).await;
    let me = viewer(MONA[2]);
    assert_eq!(history(&services, &me, false).await.len(), 1);
    let withheld = count_withheld(&services, &portal(), &me).await.unwrap();
    assert_eq!(withheld.count, 1);
    assert_eq!(withheld.next, Some("2026-07-01T00:00:00Z".parse().unwrap()));
    let receipt = get_access_receipt(&services, &portal(), &me, (0, hidden)).await;
    assert_eq!(receipt.unwrap_err().class(), ErrorClass::NotFound);
    services.stop("a month goes by").await;

    let mut setup = setup(&storage, &Tables::default());
    let later = "2026-07-01T00:00:00Z".parse().unwrap();
    setup.clock = Arc::new(ManualClock::at(later));
    let services = Services::start(setup).await.unwrap();
    assert_eq!(history(&services, &me, false).await.len(), 2);
    let withheld = count_withheld(&services, &portal(), &me).await.unwrap();
    assert_eq!(withheld.count, 0);
    let receipt = get_access_receipt(&services, &portal(), &me, (0, hidden)).await;
    assert!(receipt.is_ok());
}

fn wrong(attribute: &str) -> NewCorrection {
    NewCorrection {
        attribute: attribute.into(),
        wrong: Pii::new("the day is wrong".into()),
        evidence: "DOC-1".into(),
    }
}

#[tokio::test]
async fn what_a_citizen_says_is_wrong_reaches_the_agency_and_comes_back() {
    let (storage, services) = node().await;
    let me = viewer(MONA[2]);
    let made = create_correction(&services, &portal(), &me, wrong("birth.date")).await;
    let made = made.unwrap().into_inner().stored;
    assert_eq!(
        (made.agency.as_str(), made.record_key.expose().as_str()),
        ("registry", MONA[0])
    );
    for (attribute, class) in [
        ("facts.tax.debt", ErrorClass::NotFound),
        ("no attribute", ErrorClass::InvalidRequest),
    ] {
        let refused = create_correction(&services, &portal(), &me, wrong(attribute)).await;
        assert_eq!(refused.unwrap_err().class(), class, "{attribute}");
    }
    let of = |agency: &str| Caller {
        agency: agency.parse().unwrap(),
        ..operator()
    };
    let listed = list_agency_corrections(&services, &of("registry"), None, 9).await;
    assert_eq!(listed.unwrap()[0].stored, made);
    let others = list_agency_corrections(&services, &of("tax"), None, 9).await;
    assert!(others.unwrap().is_empty());
    let done = (CorrectionState::Corrected, "done");
    let foreign = answer_correction(&services, &of("tax"), made.number, done).await;
    assert_eq!(foreign.unwrap_err().class(), ErrorClass::NotFound);
    let by_portal = answer_correction(&services, &portal(), made.number, done).await;
    assert!(matches!(by_portal, Err(TransparencyError::NotPermitted(_))));
    answer_correction(&services, &of("registry"), made.number, done)
        .await
        .unwrap();
    let again = answer_correction(&services, &of("registry"), made.number, done).await;
    assert!(matches!(again, Err(TransparencyError::Answered)));
    let seen = list_corrections(&services, &portal(), &me).await.unwrap();
    assert_eq!(seen[0].stored.state, CorrectionState::Corrected);
    assert_eq!(
        (
            seen[0].stored.answer.as_str(),
            seen[0].stored.record_key.expose().as_str()
        ),
        ("done", "")
    );
    // what a citizen wrote is in no log, and that it was written is
    let moved = events(storage.as_ref()).await;
    let moved = moved
        .iter()
        .filter(|event| event.kind() == "correction_moved");
    assert_eq!(moved.count(), 2);
    let log = storage.audit_log();
    let all = log.entries(0, 1_000).await.unwrap();
    let check = all
        .iter()
        .all(|(_, entry)| !String::from_utf8_lossy(&entry.body).contains("the day"));
    assert!(check);
    let mut report = LogVerifier::new(services.audit.verifier(), log.checkpoints().await.unwrap());
    for (leaf, entry) in &all {
        report.entry(*leaf, &entry.body, &entry.leaf_hash);
    }
    assert!(report.finish().is_sound());
}

#[tokio::test]
async fn a_citizen_sees_who_holds_a_file_and_may_not_ask_without_end() {
    let (_storage, services) = node().await;
    let me = viewer(MONA[2]);
    let holdings = list_holdings(&services, &portal(), &me).await.unwrap();
    let agencies: Vec<&str> = holdings
        .iter()
        .map(|one| one.holding.agency.as_str())
        .collect();
    assert_eq!(agencies, ["registry"]);
    assert!(
        list_holdings(&services, &portal(), &viewer(NOBODY))
            .await
            .unwrap()
            .is_empty()
    );
    for _ in 0..20 {
        create_correction(&services, &portal(), &me, wrong("birth.date"))
            .await
            .unwrap();
    }
    let refused = create_correction(&services, &portal(), &me, wrong("birth.date")).await;
    assert_eq!(refused.unwrap_err().class(), ErrorClass::QuotaExceeded);
}

#[tokio::test]
async fn what_a_citizen_wrote_is_sealed_in_storage() {
    let (storage, services) = node().await;
    let new = NewCorrection {
        attribute: "birth.date".into(),
        wrong: Pii::new("ولدت في العاشر".into()),
        evidence: String::new(),
    };
    let asked = create_correction(&services, &portal(), &viewer(MONA[2]), new).await;
    let asked = asked.unwrap().into_inner();
    let mut tx = storage.snapshot().await.unwrap();
    let held = tx
        .get_correction(asked.stored.number)
        .await
        .unwrap()
        .unwrap();
    drop(tx);
    assert!(held.wrong.expose().starts_with("sealed:"));
    assert!(held.record_key.expose().starts_with("sealed:"));
    let mine = list_corrections(&services, &portal(), &viewer(MONA[2])).await;
    assert_eq!(mine.unwrap()[0].stored.wrong.expose(), "ولدت في العاشر");
}

/// A text belongs to its row: whoever writes to the database cannot put it elsewhere.
#[tokio::test]
async fn a_sealed_text_opens_in_no_other_row() {
    let (storage, services) = node().await;
    let ask = async |wrong: &str| {
        let new = NewCorrection {
            attribute: "birth.date".into(),
            wrong: Pii::new(wrong.into()),
            evidence: String::new(),
        };
        let asked = create_correction(&services, &portal(), &viewer(MONA[2]), new).await;
        asked.unwrap().stored.number
    };
    let listed = async || {
        let listed = list_corrections(&services, &portal(), &viewer(MONA[2])).await;
        let texts = |one: &Correction| one.stored.wrong.expose().clone();
        listed.map(|listed| listed.iter().map(texts).collect::<Vec<_>>())
    };
    let (first, second) = (ask("التاريخ").await, ask("النوع").await);
    let mut tx = storage.begin().await.unwrap();
    let held = tx.get_correction(first).await.unwrap().unwrap();
    let other = tx.get_correction(second).await.unwrap().unwrap();
    let key = other.record_key.expose();
    tx.word_correction(second, key, held.wrong.expose())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let moved = listed().await.unwrap_err();
    assert!(moved.to_string().contains("belongs elsewhere"), "{moved}");
    assert_eq!(moved.class(), ErrorClass::Configuration);

    // what an earlier release sealed for any row of the citizen opens all the same
    let place = [
        b"rabt/correction/wrong/".as_slice(),
        &other.citizen.bits().to_be_bytes(),
    ];
    let sealed = services.vault.seal(&place.concat(), "قديم".as_bytes());
    let sealed = format!("sealed:{}", data_encoding::BASE64.encode(&sealed));
    let mut tx = storage.begin().await.unwrap();
    tx.word_correction(second, key, &sealed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listed().await.unwrap(), ["قديم", "التاريخ"]);
}
