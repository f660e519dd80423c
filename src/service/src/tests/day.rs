//! A day of the shipped public services: what people and their officials ask for is answered, and no
//! pattern of curiosity is seen in it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rabt_audit::AuditEvent;
use rabt_linkage::national_id;
use rabt_model::{Pii, Timestamp};
use rabt_policy::{
    AccessRequest, Assurance, Caller, Catalogue, Channel, Claim, EGYPT, EndUser, Method, Policy,
    PublicService, RequestContext, Role,
};

use super::node::{
    Fragile, Row, Tables, by_national_id, events, folder, memory, register, setup, source,
};
use crate::enquiry::{lookup_citizen, verify_attributes};
use crate::{Services, ingest, link};

/// People who use services.
const PEOPLE: u64 = 400;
/// Officials of each service at each kind of desk.
const OFFICIALS: u64 = 3;
/// What one official does in a day of eight hours, one thing each seven minutes.
const CASES: u64 = 68;
const PAUSE: u64 = 7 * 60;

/// Returns a person by number; numbers are spread over days of birth and governorates.
fn person(number: u64) -> Row {
    let (year, month, day) = (60 + number % 39, 1 + number / 39 % 12, 1 + number * 7 % 28);
    let governorate = ["01", "02", "12", "21", "25"][usize::try_from(number % 5).unwrap()];
    let first = format!("2{year:02}{month:02}{day:02}{governorate}{:04}", 1 + number);
    let mut numbers = (0..=9).map(|check| format!("{first}{check}"));
    let id = numbers.find(|id| national_id(id).is_some());
    // rows are constants everywhere else
    let leak = |text: String| &*Box::leak(text.into_boxed_str());
    [
        leak(number.to_string()),
        leak(format!("شخص {number} من الناس")),
        leak(id.expect("one of ten digits fits")),
        leak(format!("19{year:02}-{month:02}-{day:02}")),
        "",
    ]
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn agreement_of(service: &PublicService) -> String {
    format!("AG-{}", service.id().to_uppercase())
}

/// Returns an agreement for each service, which uses all that the service allows.
fn bundle(catalogue: &Catalogue) -> String {
    let mut bundle = "schema = 1\n".to_owned();
    for service in catalogue.services() {
        let fields = service.fields().patterns();
        let fields = list(fields.iter().map(String::as_str));
        write!(
            bundle,
            r#"
[[agreement]]
id = "{agreement}"
title = {{ en = "{id}", ar = "{ar}" }}
agency = "{agency}"
systems = ["desk"]
methods = ["LookupCitizen", "VerifyAttributes"]
purposes = ["service"]
legal_bases = {bases}
services = ["{id}"]
channels = {channels}
fields = {{ default = {fields}, maximum = {fields} }}
exempt_purposes = ["service"]
budget = {{ per_end_user = 80 }}
period = {{ from = "2026-01-01", until = "2026-12-31" }}
"#,
            agreement = agreement_of(service),
            id = service.id(),
            ar = service.title().ar,
            agency = service.agency(),
            bases = list(service.legal_bases().iter().map(String::as_str)),
            channels = list(service.channels().map(Channel::as_str)),
        )
        .expect("texts take what is written");
    }
    bundle
}

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    let people: Vec<Row> = (0..PEOPLE).map(person).collect();
    tables.set("registry", &people);
    let mut setup = setup(&storage, &tables);
    setup.catalogue = Catalogue::from_text(EGYPT, "egypt").unwrap();
    let bundle = bundle(&setup.catalogue);
    setup.policy = Policy::from_bundle(&bundle, "day.toml").unwrap();
    let services = Services::start(setup).await.unwrap();
    register(&services, folder("registry")).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    (storage, services)
}

/// A question in a case of its own.
fn question(
    service: &PublicService,
    (channel, end_user): (Channel, String),
    subject: u64,
    at: Timestamp,
) -> AccessRequest {
    AccessRequest {
        caller: Caller {
            agency: service.agency().clone(),
            system: "desk".into(),
            role: Role::System,
        },
        method: Method::LookupCitizen,
        context: RequestContext {
            agreement: agreement_of(service),
            purpose: "service".into(),
            legal_basis: service.legal_bases()[0].clone(),
            case_reference: format!("{}-{subject}-{at}", service.id()),
            service: service.id().into(),
            channel: channel.as_str().into(),
            end_user: Some(EndUser {
                id: Pii::new(end_user),
                assurance: Assurance::High,
            }),
            ..RequestContext::default()
        },
        fields: None,
        subject: by_national_id(person(subject % PEOPLE)[2]),
        at,
    }
}

async fn ask(services: &Services, question: AccessRequest, number: u64) {
    let said = format!("{:?}", question.context);
    let answer = if question.context.channel == Channel::CallCentre.as_str() {
        let asked = AccessRequest {
            method: Method::VerifyAttributes,
            fields: Some(vec!["name.chain".into()]),
            ..question
        };
        let claims = vec![Claim {
            attribute: "name.chain".into(),
            value: person(number % PEOPLE)[1].to_owned().into(),
        }];
        verify_attributes(services, asked, claims).await
    } else {
        lookup_citizen(services, question).await
    };
    assert!(answer.is_ok(), "{said}: {:?}", answer.err());
}

#[tokio::test]
async fn a_day_of_every_public_service_is_answered_and_nobody_is_stopped() {
    let (storage, services) = Box::pin(node()).await;
    let catalogue = Catalogue::from_text(EGYPT, "egypt").unwrap();
    let opens: Timestamp = "2026-06-01T08:00:00Z".parse().unwrap();
    let mut asked = 0;
    for (place, service) in (0..).zip(catalogue.services()) {
        for channel in service.channels() {
            for case in 0..CASES {
                let at = opens + Duration::from_secs(PAUSE * case);
                for desk in 0..OFFICIALS {
                    let subject = place * 31 + desk * 101 + case * 5;
                    let own = matches!(channel, Channel::Portal | Channel::MobileApp);
                    // citizens ask about themselves, officials about whoever comes to their desk
                    let end_user = if own {
                        format!("citizen-{}", subject % PEOPLE)
                    } else {
                        format!("{}-{}-{desk}", service.id(), channel.as_str())
                    };
                    let question = question(service, (channel, end_user), subject, at);
                    ask(&services, question, subject).await;
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 9_000, "{asked}");
    let events = events(storage.as_ref()).await;
    let stopped = events
        .iter()
        .any(|event| matches!(event, AuditEvent::CallerStopped(_)));
    assert!(!stopped, "somebody was stopped");
    services.stop("test").await;
}
