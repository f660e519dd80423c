use serde_json::Value;

use super::{Entry, EntryError};
use crate::tree::leaf_hash;
use crate::{
    AgreementMoved, ArchiveMoved, AuditEvent, BundleActivated, CallerStopped, CorrectionMoved,
    Denied, Disclosed, EmergencyReviewed, ErasureMoved, FolderMoved, LinkFinished, LogRead, Moved,
    Pseudonym, Question, RunFinished, SourceChanged, SourceCreated, SourceInspected, SourceStarted,
    Started, Stopped, Witnessed,
};

fn question() -> Question {
    Question {
        agency: "tax".parse().unwrap(),
        agreement: Some("AG-TAX-001".parse().unwrap()),
        assurance: "high".to_owned(),
        break_glass: String::new(),
        case_reference: "ملف \"17\"\\/\u{1f}".to_owned(),
        channel: "portal".to_owned(),
        end_user: Some(Pseudonym([3; 32])),
        legal_basis: "income-tax-act".to_owned(),
        method: "LookupCitizen".to_owned(),
        policy: "ab".repeat(32),
        purpose: "assessment".to_owned(),
        represented_party: "x".to_owned(),
        request_id: "r-1".to_owned(),
        role: "system".to_owned(),
        service: "tax-return".to_owned(),
        system: "assessment".to_owned(),
    }
}

/// The events about the evidence itself, and about what citizens ask for.
fn evidence() -> Vec<AuditEvent> {
    let text = |text: &str| text.to_owned();
    vec![
        AuditEvent::LogRead(LogRead {
            actor: text("rabt:huda:auditor"),
            leaves: Some((3, 90)),
            method: text("ListEvents"),
        }),
        AuditEvent::Witnessed(Witnessed {
            actor: text("rabt:huda:auditor"),
            size: 91,
            witness: text("parliament.example/w1"),
        }),
        AuditEvent::CorrectionMoved(CorrectionMoved {
            actor: text("egov:portal:system"),
            attribute: "birth.date".parse().unwrap(),
            correction: 4,
            state: text("asked"),
            subjects: vec![Pseudonym([1; 32])],
        }),
        AuditEvent::ErasureMoved(ErasureMoved {
            actor: text("rabt:ali:approver"),
            erasure: 3,
            keys: Some(2),
            proposer: text("rabt:huda"),
            reason: text("retention ended"),
            state: text("done"),
        }),
        AuditEvent::EmergencyReviewed(EmergencyReviewed {
            actor: text("health:ali:approver"),
            agency: "health".parse().unwrap(),
            leaf: 71,
            log: text("node.example/log"),
            state: text("disputed"),
        }),
        AuditEvent::ArchiveMoved(ArchiveMoved {
            actor: text("rabt:ali:approver"),
            archive: 2,
            cutoff: text("2026-01-01T00:00:00Z"),
            moved: Some(Moved {
                folder: text("node.example-log-000000000000-000000000512"),
                from: 0,
                root: [7; 32],
                to: 512,
            }),
            proposer: text("rabt:huda"),
            reason: text("retention ended"),
            state: text("confirmed"),
        }),
    ]
}

/// One event of every kind, with every field set.
fn all() -> Vec<AuditEvent> {
    [catalogue(), of_the_node(), evidence()].concat()
}

/// The events of questions and of sources.
fn catalogue() -> Vec<AuditEvent> {
    let text = |text: &str| text.to_owned();
    let source = || "tax".parse().unwrap();
    vec![
        AuditEvent::Disclosed(Disclosed {
            changes: Some((3, 5)),
            model: text("m"),
            outcome: text("disclosed"),
            question: question(),
            released: vec!["birth.date".parse().unwrap(), "name.chain".parse().unwrap()],
            subjects: vec![Pseudonym([1; 32])],
            withheld: vec!["facts.tax.debt".parse().unwrap()],
            withheld_until: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        }),
        AuditEvent::Denied(Denied {
            question: question(),
            reason: text("PURPOSE"),
        }),
        AuditEvent::CallerStopped(CallerStopped {
            pattern: text("SEQUENCE"),
            question: question(),
        }),
        AuditEvent::SourceCreated(SourceCreated {
            actor: text("operator:mona"),
            agency: "tax".parse().unwrap(),
            kind: text("sqlite"),
            manifest: "cd".repeat(32),
            source: source(),
        }),
        AuditEvent::SourceChanged(SourceChanged {
            actor: text("operator:mona"),
            records: None,
            source: source(),
            state: text("PAUSED"),
            streams: Vec::new(),
        }),
        AuditEvent::SourceChanged(SourceChanged {
            actor: text("operator:mona"),
            records: Some(5_000),
            source: source(),
            state: text("forgetting"),
            streams: vec!["person".parse().unwrap()],
        }),
        AuditEvent::SourceInspected(SourceInspected {
            actor: text("operator:mona"),
            failure: None,
            method: text("PreviewSource"),
            rows: 500,
            source: source(),
        }),
        AuditEvent::SourceInspected(SourceInspected {
            actor: text("operator:mona"),
            failure: Some(text("SOURCE_UNREACHABLE")),
            method: text("DiscoverSource"),
            rows: 0,
            source: source(),
        }),
        AuditEvent::FolderMoved(FolderMoved {
            actor: text("approver:ali"),
            agency: "tax".parse().unwrap(),
            author: text("rabt:mona"),
            from: text("previewed"),
            manifest: "ef".repeat(32),
            to: text("approved"),
            version: 3,
        }),
    ]
}

/// The events of operators and of the node.
fn of_the_node() -> Vec<AuditEvent> {
    let text = |text: &str| text.to_owned();
    let source = || "tax".parse().unwrap();
    vec![
        AuditEvent::SourceStarted(SourceStarted {
            actor: text("operator:mona"),
            run: 1,
            source: source(),
        }),
        AuditEvent::RunFinished(RunFinished {
            deleted: 1,
            late: 2,
            outcome: text("SUCCEEDED"),
            records: 2,
            rejected: 1,
            rows: 3,
            run: 1,
            source: source(),
            unchanged: 0,
        }),
        AuditEvent::Linked(LinkFinished {
            candidate_pairs: 9,
            links: 4,
            model: text("m"),
            profiles: 3,
            records: 7,
            redirects: 0,
        }),
        AuditEvent::AgreementMoved(AgreementMoved {
            actor: text("approver:rabt/ali"),
            agreement: "AG-TAX-001".parse().unwrap(),
            author: text("operator:rabt/mona"),
            from: text("draft"),
            text: "ab".repeat(32),
            to: text("approved"),
            version: 2,
        }),
        AuditEvent::BundleActivated(BundleActivated {
            actor: text("approver:said"),
            agreements: 3,
            revision: "ab".repeat(32),
        }),
        AuditEvent::Started(Started {
            model: text("m"),
            policy: "ab".repeat(32),
            size: 12,
            version: text("0.1.0"),
        }),
        AuditEvent::Stopped(Stopped {
            cause: text("signal"),
        }),
    ]
}

fn entry(event: AuditEvent) -> Entry {
    Entry {
        at: "2026-05-01T09:00:00.25Z".parse().unwrap(),
        event,
        request: Some([7; 32]),
        response: Some([8; 32]),
    }
}

fn assert_sorted(value: &Value, body: &str) {
    match value {
        Value::Object(map) => {
            let places: Vec<usize> = map
                .keys()
                .map(|key| body.find(&format!("\"{key}\":")).unwrap())
                .collect();
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            let mut ordered: Vec<(usize, &String)> = places.into_iter().zip(map.keys()).collect();
            ordered.sort_unstable();
            assert!(ordered.iter().map(|(_, key)| *key).eq(keys), "{body}");
            map.values().for_each(|value| assert_sorted(value, body));
        }
        Value::Array(list) => list.iter().for_each(|value| assert_sorted(value, body)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_kind_of_event_comes_back() {
    for event in all() {
        let entry = entry(event);
        let encoded = entry.encode();
        assert_eq!(encoded.leaf_hash, leaf_hash(&encoded.body));
        assert_eq!(Entry::decode(&encoded.body), Ok(entry));
    }
}

#[test]
fn canonical_bytes_are_compact_with_sorted_keys() {
    let mut bodies = Vec::new();
    for event in all() {
        let body = String::from_utf8(entry(event).encode().body).unwrap();
        let value: Value = serde_json::from_str(&body).unwrap();
        assert_sorted(&value, &body);
        assert_eq!(body.len(), value.to_string().len());
        bodies.push(body);
    }
    insta::assert_snapshot!("catalogue", bodies.join("\n"));
}

#[test]
fn other_forms_are_refused() {
    let body = |change: &dyn Fn(String) -> String| {
        let plain = Entry::new(
            "2026-05-01T09:00:00Z".parse().unwrap(),
            AuditEvent::Stopped(Stopped {
                cause: "signal".to_owned(),
            }),
        );
        change(String::from_utf8(plain.encode().body).unwrap()).into_bytes()
    };
    let replaced = |from: &'static str, to: &'static str| {
        Entry::decode(&body(&|text| {
            assert!(text.contains(from), "{text}");
            text.replace(from, to)
        }))
    };
    assert_eq!(replaced("\"v\":1", "\"v\":2"), Err(EntryError::Version));
    assert_eq!(replaced("\"stopped\"", "\"halted\""), Err(EntryError::Kind));
    assert_eq!(replaced("cause", "because"), Err(EntryError::Fields));
    assert_eq!(replaced("00:00Z", "00:00.0Z"), Err(EntryError::Form));
    assert_eq!(replaced("\"v\":1", "\"v\": 1"), Err(EntryError::Form));
    assert_eq!(replaced("signal", "sign\\u0061l"), Err(EntryError::Form));
    assert!(matches!(
        replaced("\"v\":1", "\"w\":1"),
        Err(EntryError::Shape(_))
    ));
    assert!(matches!(Entry::decode(b"\xff"), Err(EntryError::Shape(_))));
}
