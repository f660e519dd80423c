use std::sync::Arc;

use rabt_audit::AuditEvent;
use rabt_model::{Attribute, ErrorClass};
use rabt_policy::{Band, Claim, Content, Criteria, Method, Subject, Verdict};
use rabt_storage::Storage;

use super::node::{
    Fragile, MONA, OMAR, Tables, by_national_id, events, memory, request, source,
    start_with_agencies,
};
use crate::enquiry::{
    explain_field, get_citizen, list_source_references, lookup_citizen, search_citizens,
    verify_attributes,
};
use crate::{EnquiryError, Services, ingest, link};

async fn node() -> (Arc<Fragile>, Arc<Services>) {
    let (storage, tables) = (memory().await, Tables::default());
    tables.set("registry", &[MONA, OMAR]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    link(&services).await.unwrap();
    (storage, services)
}

async fn last_event(storage: &dyn Storage) -> AuditEvent {
    events(storage).await.pop().unwrap()
}

#[tokio::test]
async fn a_lookup_gives_what_is_permitted_and_is_audited() {
    let (storage, services) = node().await;
    let question = request(Method::LookupCitizen, by_national_id("٢٨٤٠٢١١٠١٠٠٠٢٨"));
    let answer = lookup_citizen(&services, question).await.unwrap();
    let Content::Citizen { values, .. } = answer.content() else {
        panic!("{:?}", answer.content());
    };
    let attributes: Vec<&Attribute> = values.iter().map(|value| &value.attribute).collect();
    assert_eq!(attributes, [&Attribute::NameChain, &Attribute::BirthDate]);
    let AuditEvent::Disclosed(entry) = last_event(storage.as_ref()).await else {
        panic!("not a disclosure");
    };
    assert_eq!(entry.outcome, "disclosed");
    assert_eq!(entry.withheld.len(), 2, "the number and the phone");
    assert_eq!(entry.subjects.len(), 1);
    let text = serde_json::to_string(&entry).unwrap();
    assert!(
        !text.contains("28402110100028") && !text.contains("منى"),
        "{text}"
    );
}

#[tokio::test]
async fn nobody_is_an_audited_answer_too() {
    let (storage, services) = node().await;
    let question = request(Method::LookupCitizen, by_national_id("30001010100012"));
    let answer = lookup_citizen(&services, question).await.unwrap();
    assert!(matches!(answer.content(), Content::Absent));
    let AuditEvent::Disclosed(entry) = last_event(storage.as_ref()).await else {
        panic!("not a disclosure");
    };
    assert_eq!(
        (entry.outcome.as_str(), entry.subjects.len()),
        ("absent", 1)
    );
}

#[tokio::test]
async fn a_denial_is_audited_before_it_is_returned() {
    let (storage, services) = node().await;
    let mut question = request(Method::LookupCitizen, by_national_id(MONA[2]));
    question.context.purpose = "curiosity".into();
    let error = lookup_citizen(&services, question).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotPermitted);
    assert_eq!(error.to_string(), "not permitted");
    let AuditEvent::Denied(entry) = last_event(storage.as_ref()).await else {
        panic!("not a denial");
    };
    assert_eq!(entry.reason, "PURPOSE");
    let impossible = request(Method::LookupCitizen, by_national_id("12345678901234"));
    let error = lookup_citizen(&services, impossible).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadIdentifier);
    assert!(matches!(error, EnquiryError::Denied(_)));
    assert_eq!(last_event(storage.as_ref()).await.kind(), "denied");
}

#[tokio::test]
async fn the_other_questions_answer_from_the_same_profile() {
    let (_, services) = node().await;
    let mona = services
        .directory
        .by_identifier("national_id", MONA[2])
        .unwrap();
    let subject = || Subject::Citizen(mona.citizen.to_string());
    let answer = get_citizen(&services, request(Method::GetCitizen, subject()))
        .await
        .unwrap();
    assert!(
        matches!(answer.content(), Content::Citizen { citizen, .. } if *citizen == mona.citizen)
    );

    let held = request(Method::ListSourceReferences, subject());
    let answer = list_source_references(&services, held).await.unwrap();
    assert!(matches!(answer.content(), Content::Holdings { holdings, .. } if holdings.len() == 1));

    let mut asked = request(Method::VerifyAttributes, subject());
    asked.fields = Some(vec!["name.chain".into(), "birth.date".into()]);
    let claim = |attribute: &str, value: &str| Claim {
        attribute: attribute.into(),
        value: value.to_owned().into(),
    };
    let claims = vec![
        claim("name.chain", "مني احمد محمود حسن"),
        claim("birth.date", "1984-02-12"),
    ];
    let answer = verify_attributes(&services, asked, claims).await.unwrap();
    let Content::Verified(verdicts) = answer.content() else {
        panic!("{:?}", answer.content());
    };
    assert_eq!(
        [verdicts[0].1, verdicts[1].1],
        [Verdict::Match, Verdict::NoMatch]
    );

    let mut asked = request(Method::ExplainField, subject());
    asked.fields = Some(vec!["birth.date".into()]);
    let answer = explain_field(&services, asked).await.unwrap();
    let Content::Explained { values, .. } = answer.content() else {
        panic!("{:?}", answer.content());
    };
    let sentences = &values[0].sentences;
    assert!(sentences.len() >= 3, "{sentences:?}");
    assert_eq!(
        sentences[0].en,
        "Held by Agency registry in column dob, read on 2026-06-01"
    );
    assert!(sentences.iter().all(|sentence| !sentence.ar.is_empty()));
}

#[tokio::test]
async fn a_search_ranks_by_name() {
    let (_, services) = node().await;
    let search = async |name: &str, date: &str| {
        let criteria = Criteria {
            name: Some(name.into()),
            birth_date: Some(date.into()),
            ..Criteria::default()
        };
        let question = request(Method::SearchCitizens, Subject::Criteria(criteria.into()));
        let answer = search_citizens(&services, question).await.unwrap();
        let Content::Candidates(found) = answer.content() else {
            panic!("{:?}", answer.content());
        };
        found.iter().map(|c| c.band).collect::<Vec<Band>>()
    };
    assert_eq!(search("منى احمد محمود", "1984-02-11").await, [Band::High]);
    assert_eq!(search("منى", "1984-02-11").await, [Band::Medium]);
    assert!(search("ليلى سعيد", "1984-02-11").await.is_empty());
    assert!(search("منى احمد محمود", "1984-02-12").await.is_empty());
}
