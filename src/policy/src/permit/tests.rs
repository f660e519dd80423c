mod laws;

use std::fmt::Write as _;

use proptest::prelude::*;
use rabt_model::{
    Address, Attribute, Attributed, CitizenId, Holding, Label, Name, OtherValue, Pii, Profile,
    Provenance, RecordNumber, Rule, Timestamp, Value,
};

use super::{Band, Claim, Permit, says_no_more};
use crate::{
    AccessRequest, Caller, Content, Criteria, Decision, DenialReason, Disclosure, ExplainedOther,
    Found, Method, Outcome, PastProfile, Policy, RequestContext, Restricted, Role, Subject,
    Verdict,
};

fn instant() -> Timestamp {
    "2026-05-01T09:00:00Z".parse().unwrap()
}

fn policy(default: &[String], maximum: &[String]) -> Policy {
    let mut text = r#"
[[agreement]]
id = "A"
title = { en = "t", ar = "ت" }
agency = "tax"
systems = ["s"]
purposes = ["p"]
legal_bases = ["l"]
services = ["v"]
channels = ["system"]
period = { from = "2026-01-01", until = "2026-12-31" }
feed = { events = ["born"], population = "all" }
"#
    .to_owned();
    let methods: Vec<&str> = Method::ALL.iter().map(|method| method.as_str()).collect();
    write!(
        text,
        "methods = {methods:?}\nfields = {{ default = {default:?}, maximum = {maximum:?} }}\n"
    )
    .unwrap();
    Policy::from_bundle(&text, "a.toml").unwrap()
}

fn request(method: Method, fields: Option<Vec<String>>) -> AccessRequest {
    let citizen = || CitizenId::from_random(7).to_string();
    let criteria = Criteria {
        name: Some("منى سعيد".to_owned()),
        birth_date: Some("1984-02-11".to_owned()),
        ..Criteria::default()
    };
    AccessRequest {
        caller: Caller {
            agency: "tax".parse().unwrap(),
            system: "s".to_owned(),
            role: Role::System,
        },
        method,
        context: RequestContext {
            agreement: "A".to_owned(),
            purpose: "p".to_owned(),
            legal_basis: "l".to_owned(),
            service: "v".to_owned(),
            channel: "system".to_owned(),
            ..RequestContext::default()
        },
        fields,
        subject: match method {
            Method::LookupCitizen | Method::BatchLookupCitizens => Subject::Identifier {
                scheme: "national_id".to_owned(),
                value: "1".to_owned().into(),
            },
            Method::SearchCitizens => Subject::Criteria(criteria.into()),
            Method::GetCitizen
            | Method::VerifyAttributes
            | Method::ListSourceReferences
            | Method::ExplainField
            | Method::ListCitizenRevisions => Subject::Citizen(citizen()),
            Method::ListChanges | Method::WatchChanges | Method::ExportSnapshot => {
                Subject::Feed(Vec::new())
            }
        },
        at: instant(),
    }
}

fn permit(policy: &Policy, method: Method, fields: &[&str]) -> Permit {
    let fields = fields.iter().map(|path| (*path).to_owned()).collect();
    match policy.decide(request(method, Some(fields))) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("{:?}", denial.reason()),
    }
}

fn attributed(attribute: &str, value: Value) -> Attributed {
    Attributed {
        attribute: attribute.parse().unwrap(),
        value: Pii::new(value),
        provenance: Provenance {
            agency: "tax".parse().unwrap(),
            source: "tax".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(1),
            column: "C".to_owned(),
            observed_at: instant(),
            event_at: None,
        },
        rule: Rule::OnlyValue,
        disputed: false,
        supporters: 1,
    }
}

fn other(attribute: &str) -> ExplainedOther {
    let held = attributed(attribute, Value::Text("x".to_owned()));
    ExplainedOther {
        other: OtherValue {
            attribute: held.attribute,
            value: held.value,
            holders: vec![held.provenance],
            rule: Rule::Majority,
            disputes: true,
        },
        sentences: Vec::new(),
    }
}

fn profile(values: Vec<Attributed>) -> Profile {
    Profile {
        citizen: CitizenId::from_random(7),
        values,
        holdings: vec![Holding {
            agency: "tax".parse().unwrap(),
            source: "tax".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(1),
            observed_at: instant(),
        }],
        composed_at: instant(),
    }
}

fn sample() -> Profile {
    profile(vec![
        attributed("name.chain", Value::Name(Name::whole("منى سعيد"))),
        attributed("birth.date", Value::Date("1984-02-11".parse().unwrap())),
        attributed(
            "identifier.national_id",
            Value::Text("28402110112345".to_owned()),
        ),
        attributed("address", Value::Address(Address::default())),
        attributed("phone", Value::Text("+201001234567".to_owned())),
        attributed("phone", Value::Text("+201007654321".to_owned())),
    ])
}

fn all() -> Policy {
    let maximum = ["name.*", "birth.*", "identifier.*", "phone", "sex"].map(str::to_owned);
    policy(&["name.chain".to_owned()], &maximum)
}

fn known(profile: Profile) -> Found {
    Found {
        profile,
        protected: false,
        restricted: Restricted::default(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that permits take")]
fn found(profile: Profile) -> Option<Found> {
    Some(known(profile))
}

fn past(profile: Profile) -> PastProfile {
    PastProfile {
        revision: 1,
        sequence: 1,
        ended_at: None,
        profile,
    }
}

/// Every value in an answer.
fn released(disclosure: &Disclosure) -> Vec<&Attributed> {
    match disclosure.content() {
        Content::Citizen { values, .. } => values.iter().collect(),
        Content::Candidates(found) => found.iter().flat_map(|c| &c.values).collect(),
        Content::Explained { values, .. } => values.iter().map(|e| &e.value).collect(),
        Content::Snapshot(known) => known.iter().flat_map(|k| &k.values).collect(),
        Content::Revisions { revisions, .. } => revisions.iter().flat_map(|r| &r.values).collect(),
        Content::Absent | Content::Verified(_) | Content::Holdings { .. } | Content::Changes(_) => {
            Vec::new()
        }
    }
}

fn ids(attributes: &[Attribute]) -> String {
    let ids: Vec<String> = attributes.iter().map(ToString::to_string).collect();
    ids.join(" ")
}

#[test]
fn a_disclosure_keeps_what_the_permit_allows() {
    let disclosure =
        permit(&all(), Method::GetCitizen, &["phone", "name"]).disclose(found(sample()));
    let kept: Vec<String> = released(&disclosure)
        .iter()
        .map(|v| v.attribute.to_string())
        .collect();
    assert_eq!(kept, ["name.chain", "phone", "phone"]);
    let facts = disclosure.facts();
    assert_eq!(facts.outcome(), Outcome::Disclosed);
    assert_eq!(ids(facts.released()), "name.chain phone");
    assert_eq!(
        ids(facts.withheld()),
        "identifier.national_id birth.date address"
    );
    assert_eq!(facts.subjects(), [CitizenId::from_random(7)]);
}

#[test]
fn an_absent_citizen_is_a_disclosure() {
    let disclosure = permit(&all(), Method::LookupCitizen, &[]).disclose(None);
    assert!(matches!(disclosure.content(), Content::Absent));
    assert_eq!(disclosure.facts().outcome(), Outcome::Absent);
    assert!(disclosure.facts().subjects().is_empty());
    let none = permit(&all(), Method::SearchCitizens, &[]).candidates(Vec::new());
    assert_eq!(none.facts().outcome(), Outcome::Candidates);
}

fn etag(fields: &[&str], profile: Profile) -> String {
    let disclosure = permit(&all(), Method::GetCitizen, fields).disclose(found(profile));
    let Content::Citizen { etag, .. } = disclosure.content() else {
        panic!("no citizen");
    };
    etag.clone()
}

/// Answers that were told hold etags. A compiler, or a change of the values, that makes others of the same content
/// would have every one of them seem to be another answer.
#[test]
fn the_etag_of_a_profile_is_what_it_was() {
    let known = [
        "0b52cf2bf2d9c0108ce63eaf",
        "42f11a4002ef53f2da31637d",
        "f3173934b3543a1aec4e93c8",
    ];
    let fields: [&[&str]; 3] = [&[], &["sex", "phone"], &["identifier"]];
    assert_eq!(fields.map(|fields| etag(fields, sample())), known);
}

#[test]
fn the_etag_follows_profile_and_mask() {
    let mut again = sample();
    again.composed_at = "2026-05-02T09:00:00Z".parse().unwrap();
    again.values[0].provenance.observed_at = again.composed_at;
    let mut other = sample();
    for value in &mut other.values {
        value.supporters += 1;
    }
    assert_eq!(etag(&["phone"], sample()), etag(&["phone"], again));
    assert_ne!(etag(&["phone"], sample()), etag(&["phone"], other));
    assert_ne!(etag(&["sex"], sample()), etag(&["sex", "phone"], sample()));
    assert_ne!(
        etag(&["identifier"], sample()),
        etag(&["identifier.national_id"], sample())
    );
}

#[test]
fn claims_are_judged_by_their_kind() {
    let claims = [
        ("birth.date", "1984", Verdict::Match),
        ("birth.date", " 1984-02-11 ", Verdict::Match),
        ("birth.date", "1984-02-12", Verdict::NoMatch),
        ("birth.date", "11/02/1984", Verdict::NoMatch),
        ("identifier.national_id", " 28402110112345", Verdict::Match),
        ("identifier.national_id", "", Verdict::NoMatch),
        ("identifier.tax", "1", Verdict::NotHeld),
        ("phone", "+201007654321", Verdict::Match),
        ("phone", "01001234567", Verdict::Match),
        ("phone", "01111111111", Verdict::NoMatch),
        ("name.chain", "مني سعيد", Verdict::Match),
        ("name.chain", "منى", Verdict::NoMatch),
        ("sex", "female", Verdict::NotHeld),
        ("address", "Cairo", Verdict::NotHeld),
        ("no.such", "x", Verdict::NotHeld),
    ];
    let permit = permit(
        &all(),
        Method::VerifyAttributes,
        &[
            "birth.date",
            "identifier.national_id",
            "identifier.tax",
            "phone",
            "name.chain",
            "sex",
        ],
    );
    let given: Vec<Claim> = claims
        .iter()
        .map(|(attribute, value, _)| Claim {
            attribute: (*attribute).to_owned(),
            value: Pii::new((*value).to_owned()),
        })
        .collect();
    let same = |attribute: &Attribute, held: &Value, claim: &str| {
        if *attribute == Attribute::NameChain {
            return held.to_line().replace('ى', "ي") == claim.replace('ى', "ي");
        }
        held.to_line().ends_with(claim.trim_start_matches('0'))
    };
    let disclosure = permit.verify(found(sample()), &given, &same);
    let Content::Verified(verdicts) = disclosure.content() else {
        panic!("nothing was verified");
    };
    for ((claim, verdict), (attribute, value, expected)) in verdicts.iter().zip(claims) {
        assert_eq!((claim.as_str(), *verdict), (attribute, expected), "{value}");
    }
    assert_eq!(verdicts.len(), claims.len());
    let facts = disclosure.facts();
    assert_eq!(ids(facts.withheld()), "address");
    assert_eq!(facts.outcome(), Outcome::Verified);
}

#[test]
fn a_claim_may_say_less_than_is_held_and_not_more() {
    for (claim, held, right) in [
        ("1984", "1984-02-11", true),
        ("1984-02", "1984-02-11", true),
        ("1984-03", "1984-02-11", false),
        ("1984-02-11", "1984-02", false),
        ("1984-02-11", "1984", false),
        ("1984", "1984", true),
    ] {
        assert_eq!(
            says_no_more(claim.parse().unwrap(), held.parse().unwrap()),
            right,
            "{claim} {held}"
        );
    }
}

#[test]
fn holdings_and_explanations() {
    let disclosure = permit(&all(), Method::ListSourceReferences, &[]).holdings(found(sample()));
    assert!(
        matches!(disclosure.content(), Content::Holdings { holdings, .. } if holdings.len() == 1)
    );
    assert!(disclosure.facts().released().is_empty());

    let asked = std::cell::RefCell::new(Vec::new());
    let lineage = |value: &Attributed| {
        asked.borrow_mut().push(value.attribute.to_string());
        vec![Label::new("en", "ar")]
    };
    let disclosure = permit(&all(), Method::ExplainField, &["phone"]).explain(
        found(sample()),
        vec![other("phone"), other("sex")],
        &lineage,
    );
    assert_eq!(*asked.borrow(), ["phone", "phone"]);
    let Content::Explained { others, .. } = disclosure.content() else {
        panic!("{:?}", disclosure.content());
    };
    let kept: Vec<&Attribute> = others.iter().map(|kept| &kept.other.attribute).collect();
    assert_eq!(kept, [&Attribute::Phone], "nothing outside the fields");
    assert_eq!(ids(disclosure.facts().released()), "phone");
}

#[test]
fn a_permit_answers_only_its_own_question() {
    for method in Method::ALL {
        let fields: &[&str] = match method {
            Method::VerifyAttributes | Method::ExplainField => &["phone"],
            Method::LookupCitizen
            | Method::GetCitizen
            | Method::BatchLookupCitizens
            | Method::SearchCitizens
            | Method::ListSourceReferences
            | Method::ListCitizenRevisions
            | Method::ListChanges
            | Method::WatchChanges
            | Method::ExportSnapshot => &[],
        };
        let policy = all();
        let permit = || permit(&policy, method, fields);
        let never = |_: &Attribute, _: &Value, _: &str| panic!("compared");
        let answers = [
            permit().disclose(found(sample())),
            permit().candidates(vec![(known(sample()), Band::High)]),
            permit().verify(found(sample()), &[], &never),
            permit().holdings(found(sample())),
            permit().explain(found(sample()), Vec::new(), &|_| Vec::new()),
            permit().revisions(found(sample()), vec![past(sample())]),
            permit().changes(Vec::new()),
            permit().snapshot(1, vec![(known(sample()), true)]),
        ];
        let given = answers
            .iter()
            .filter(|a| !matches!(a.content(), Content::Absent))
            .count();
        assert_eq!(given, 1, "{method:?}");
    }
}

#[test]
fn a_permit_can_be_refused_afterwards() {
    let denial = permit(&all(), Method::LookupCitizen, &[]).refuse(DenialReason::BadIdentifier);
    assert_eq!(denial.facts().outcome(), Outcome::Denied);
    assert_eq!(denial.facts().purpose(), "p");
}

fn attribute_id() -> impl Strategy<Value = String> {
    let mut known: Vec<String> = Attribute::plain().map(|a| a.to_string()).collect();
    for more in [
        "identifier.national_id",
        "identifier.passport",
        "facts.tax.debt",
        "facts.tax.file",
        "facts.pension.kind",
    ] {
        known.push(more.to_owned());
    }
    prop::sample::select(known)
}

fn pattern() -> impl Strategy<Value = String> {
    let groups = [
        "name.*",
        "birth.*",
        "identifier.*",
        "facts.tax.*",
        "facts.pension.*",
    ];
    prop_oneof![3 => attribute_id(), 1 => prop::sample::select(groups.map(str::to_owned).to_vec())]
}
