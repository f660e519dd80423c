use rabt_model::{Attribute, Change, ChangeCause, ChangeKind, CitizenId, RecordNumber, Timestamp};

use super::Happening;
use crate::{
    AccessRequest, Caller, Content, Decision, DenialReason, Disclosure, Method, Policy,
    RequestContext, Role, Subject,
};

const BUNDLE: &str = r#"
[[agreement]]
id = "AG-1"
title = { en = "Feed", ar = "تغذية" }
agency = "tax"
systems = ["desk"]
methods = ["ListChanges"]
purposes = ["p"]
legal_bases = ["l"]
services = ["s"]
channels = ["system"]
fields = { default = ["address"], maximum = ["address", "death.date"] }
feed = { events = ["born", "moved", "died"], population = "held" }
period = { from = "2026-01-01", until = "2026-12-31" }
"#;

fn decide(events: &[&str], fields: &[&str]) -> Decision {
    let policy = Policy::from_bundle(BUNDLE, "test.toml").unwrap();
    policy.decide(AccessRequest {
        caller: Caller {
            agency: "tax".parse().unwrap(),
            system: "desk".into(),
            role: Role::System,
        },
        method: Method::ListChanges,
        context: RequestContext {
            agreement: "AG-1".into(),
            purpose: "p".into(),
            legal_basis: "l".into(),
            service: "s".into(),
            channel: "system".into(),
            ..RequestContext::default()
        },
        fields: Some(fields.iter().map(|path| (*path).to_owned()).collect()),
        subject: Subject::Feed(events.iter().map(|code| (*code).to_owned()).collect()),
        at: "2026-06-01T00:00:00Z".parse().unwrap(),
    })
}

fn happening(sequence: u64, kind: ChangeKind, attributes: &[Attribute], held: bool) -> Happening {
    let citizen = CitizenId::from_random(u128::from(sequence));
    let mut change = Change::new(kind, citizen, ChangeCause::Link);
    change.attributes = attributes.to_vec();
    change.joined = vec![RecordNumber(1)];
    Happening {
        sequence,
        recorded_at: Timestamp::default(),
        change,
        held,
        protected: false,
        sees_all: true,
    }
}

fn told(events: &[&str], fields: &[&str]) -> Disclosure {
    let Decision::Permit(permit) = decide(events, fields) else {
        panic!("permitted");
    };
    permit.changes(vec![
        happening(1, ChangeKind::Born, &[], true),
        happening(2, ChangeKind::Born, &[], false),
        happening(
            3,
            ChangeKind::Moved,
            &[Attribute::Address, Attribute::Sex],
            true,
        ),
        happening(4, ChangeKind::Died, &[Attribute::DeathDate], true),
        happening(5, ChangeKind::Merged, &[], true),
    ])
}

fn sequences(disclosure: &Disclosure) -> Vec<u64> {
    let Content::Changes(changes) = disclosure.content() else {
        panic!("changes");
    };
    changes.iter().map(|told| told.sequence).collect()
}

#[test]
fn only_permitted_kinds_attributes_and_people_are_told() {
    let default = told(&[], &[]);
    assert_eq!(
        sequences(&default),
        [1, 3],
        "death is not in the default set"
    );
    let Content::Changes(changes) = default.content() else {
        panic!("changes");
    };
    assert_eq!(changes[1].change.attributes, [Attribute::Address]);
    assert!(changes.iter().all(|told| told.change.joined.is_empty()));
    let facts = default.facts();
    assert_eq!(facts.changes(), Some((1, 3)));
    assert_eq!(facts.subjects().len(), 2);
    assert_eq!(facts.released(), [Attribute::Address]);
    assert_eq!(sequences(&told(&[], &["death.date"])), [1, 4]);
    assert_eq!(sequences(&told(&["moved"], &[])), [3]);
}

#[test]
fn what_the_agreement_does_not_name_is_refused() {
    let reason = |events: &[&str], fields: &[&str]| match decide(events, fields) {
        Decision::Permit(_) => None,
        Decision::Deny(denial) => Some(denial.reason()),
    };
    assert_eq!(reason(&["merged"], &[]), Some(DenialReason::Fields));
    assert_eq!(reason(&["x"], &[]), Some(DenialReason::BadKind));
    assert_eq!(reason(&[], &["sex"]), Some(DenialReason::Fields));
}

#[test]
fn terms_of_the_feed_belong_to_its_methods() {
    let without = BUNDLE.replace("feed = {", "#");
    assert!(Policy::from_bundle(&without, "t").is_err());
    let useless = BUNDLE.replace("\"ListChanges\"", "\"GetCitizen\"");
    assert!(Policy::from_bundle(&useless, "t").is_err());
    let wrong = BUNDLE.replace("\"moved\"", "\"mooved\"");
    let problems = Policy::from_bundle(&wrong, "t").unwrap_err();
    assert!(problems[0].to_string().contains("mooved"));
}
