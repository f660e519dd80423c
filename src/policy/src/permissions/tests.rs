use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rabt_model::{Pii, Timestamp};

use crate::{
    AccessRequest, Assurance, Caller, Channel, Decision, EndUser, Method, Policy, RequestContext,
    Role, Subject,
};

const SYSTEMS: [&str; 2] = ["desk", "batch"];
const AGENCIES: [&str; 2] = ["tax", "health"];
const PURPOSES: [&str; 3] = ["p1", "p2", "p3"];
const BASES: [&str; 3] = ["law-1", "law-2", "law-3"];
const SERVICES: [&str; 3] = ["s1", "s2", "s3"];
const FIELDS: [&str; 5] = ["name.chain", "birth.date", "sex", "phone", "address"];
/// Questions about one citizen by id, and the one that verifies.
const METHODS: [&str; 4] = [
    "GetCitizen",
    "VerifyAttributes",
    "ListSourceReferences",
    "ListCitizenRevisions",
];

fn some(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(from.to_vec(), 1..=from.len())
}

fn channels() -> impl Strategy<Value = Vec<&'static str>> {
    let all: Vec<&str> = Channel::ALL.map(Channel::as_str).to_vec();
    let most = all.len();
    subsequence(all, 1..=most)
}

fn level() -> impl Strategy<Value = Assurance> {
    select(Assurance::ALL.to_vec())
}

/// A bundle of up to three agreements; its services may be in its catalogue.
fn bundle() -> impl Strategy<Value = String> {
    let agreement = (
        select(AGENCIES.to_vec()),
        some(&SYSTEMS),
        some(&METHODS),
        (some(&PURPOSES), some(&BASES), some(&SERVICES)),
        channels(),
        some(&FIELDS),
        level(),
    );
    let service = (channels(), some(&BASES), some(&FIELDS), level());
    let services = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(service, SERVICES.len())
    ];
    (services, prop::collection::vec(agreement, 1..=3)).prop_map(|(services, agreements)| {
        let mut text = "schema = 1\n".to_owned();
        for (id, (channels, bases, fields, level)) in SERVICES.iter().zip(services) {
            let level = level.as_str();
            let _ = writeln!(
                text,
                "[[service]]\nid = {id:?}\ntitle = {{ en = \"S\", ar = \"خ\" }}\nagency = \"tax\"\n\
                 channels = {channels:?}\nlegal_bases = {bases:?}\nfields = {fields:?}\n\
                 minimum_assurance = {level:?}"
            );
        }
        for (number, parts) in agreements.into_iter().enumerate() {
            let (agency, systems, methods, (purposes, bases, services), channels, fields, level) =
                parts;
            // an agreement whose channels only verify may not have other methods
            let methods = match channels.as_slice() {
                ["call_centre"] => vec!["VerifyAttributes"],
                _ => methods,
            };
            let (default, level) = (&fields[..1], level.as_str());
            let _ = writeln!(
                text,
                "[[agreement]]\nid = \"AG-{number}\"\ntitle = {{ en = \"A\", ar = \"ا\" }}\n\
                 agency = {agency:?}\nsystems = {systems:?}\nmethods = {methods:?}\n\
                 purposes = {purposes:?}\nlegal_bases = {bases:?}\nservices = {services:?}\n\
                 channels = {channels:?}\nminimum_assurance = {level:?}\n\
                 fields = {{ default = {default:?}, maximum = {fields:?} }}\n\
                 period = {{ from = \"2026-01-01\", until = \"2026-12-31\" }}"
            );
        }
        text
    })
}

fn question() -> impl Strategy<Value = AccessRequest> {
    let who = (
        select(AGENCIES.to_vec()),
        select(SYSTEMS.to_vec()),
        prop::bool::weighted(0.95),
    );
    let why = (
        0..3_u8,
        select(PURPOSES.to_vec()),
        select(BASES.to_vec()),
        select(SERVICES.to_vec()),
        select(Channel::ALL.to_vec()),
    );
    (who, why, select(METHODS.to_vec()), some(&FIELDS), level()).prop_map(
        |((agency, system, is_system), why, method, fields, assurance)| {
            let (agreement, purpose, basis, service, channel) = why;
            AccessRequest {
                caller: Caller {
                    agency: agency.parse().unwrap(),
                    system: system.to_owned(),
                    role: if is_system {
                        Role::System
                    } else {
                        Role::Operator
                    },
                },
                method: Method::ALL
                    .into_iter()
                    .find(|known| known.as_str() == method)
                    .unwrap(),
                context: RequestContext {
                    agreement: format!("AG-{agreement}"),
                    purpose: purpose.to_owned(),
                    legal_basis: basis.to_owned(),
                    service: service.to_owned(),
                    channel: channel.as_str().to_owned(),
                    end_user: Some(EndUser {
                        id: Pii::new("u".to_owned()),
                        assurance,
                    }),
                    ..RequestContext::default()
                },
                fields: Some(fields.iter().map(|field| (*field).to_owned()).collect()),
                subject: Subject::Citizen("01J0000000000000000000000A".to_owned()),
                at: Timestamp::from_second(1_780_000_000).unwrap(),
            }
        },
    )
}

/// Says whether one of the caller's permissions covers a question.
fn is_listed(policy: &Policy, question: &AccessRequest) -> bool {
    let context = &question.context;
    let assurance = context.end_user.as_ref().unwrap().assurance;
    let paths = question.fields.iter().flatten();
    let fields: Vec<_> = paths.map(|path| path.parse().unwrap()).collect();
    let permissions = policy.permissions(&question.caller, question.at);
    permissions.iter().any(|permission| {
        permission.agreement.as_str() == context.agreement
            && permission.service == context.service
            && permission.channel.as_str() == context.channel
            && permission.methods.contains(&question.method)
            && permission.purposes.contains(&context.purpose)
            && permission.legal_bases.contains(&context.legal_basis)
            && permission.minimum_assurance <= assurance
            && (question.method == Method::ListSourceReferences
                || fields
                    .iter()
                    .all(|field| permission.maximum.contains(field)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_listed_is_what_is_decided(
        text in bundle(),
        questions in prop::collection::vec(question(), 20),
    ) {
        let policy = Policy::from_bundle(&text, "bundle.toml").unwrap();
        for mut question in questions {
            let citizen = rabt_model::CitizenId::from_random(7);
            question.subject = Subject::Citizen(citizen.to_string());
            let listed = is_listed(&policy, &question);
            let permitted = matches!(policy.decide(question), Decision::Permit(_));
            prop_assert_eq!(listed, permitted);
        }
    }

    #[test]
    fn what_is_written_is_read_again(text in bundle()) {
        let policy = Policy::from_bundle(&text, "bundle.toml").unwrap();
        let written = policy.to_text();
        let again = Policy::from_bundle(&written, "written.toml").unwrap();
        prop_assert_eq!(again.to_text(), written);
        prop_assert_eq!(again.matrix(), policy.matrix());
        let agreements = policy.agreements().into_iter().cloned();
        let compiled = Policy::of_agreements(agreements, policy.services());
        prop_assert_eq!(compiled.matrix(), policy.matrix());
        let again = Policy::from_bundle(&compiled.to_text(), "compiled.toml").unwrap();
        prop_assert_eq!(again.revision(), compiled.revision());
    }
}
