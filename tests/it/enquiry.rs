//! What an agency's system gets when it asks, over mutual TLS, about people of an invented country.

use rabt_proto::citizen::batch_lookup_citizens_result::Outcome;
use rabt_proto::citizen::verify_attributes_request::Subject;
use rabt_proto::citizen::{
    AttributeClaim, BatchLookupCitizensRequest, ExplainFieldRequest, GetCitizenRequest,
    ListSourceReferencesRequest, LookupCitizenRequest, SearchCitizensRequest, SearchCriteria,
    Verdict, VerifyAttributesRequest, citizen_service_client::CitizenServiceClient,
};
use rabt_proto::common::{Citizen, Identifier, PartialDate};
use rabt_tests::{AGENCY_SYSTEM, Someone, Stack, Town, context, reason};
use tonic::transport::Channel;
use tonic::{Code, Status};

type Client = CitizenServiceClient<Channel>;

/// A country that has been read and linked, and somebody in it.
async fn country() -> (Stack, Client, Someone) {
    let town = Town::of(300, 11).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let client = stack.citizens(AGENCY_SYSTEM).await;
    let someone = Someone::best_known(stack.services.storage.as_ref()).await;
    (stack, client, someone)
}

fn national_id(value: &str) -> Identifier {
    Identifier {
        scheme: "national_id".to_owned(),
        value: value.to_owned(),
    }
}

fn lookup(value: &str, mask: &[&str]) -> LookupCitizenRequest {
    let paths: Vec<String> = mask.iter().map(ToString::to_string).collect();
    LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(national_id(value)),
        read_mask: (!paths.is_empty()).then_some(prost_types::FieldMask { paths }),
    }
}

async fn ask(client: &mut Client, value: &str, mask: &[&str]) -> Result<Citizen, Status> {
    let answer = client.lookup_citizen(lookup(value, mask)).await?;
    Ok(answer.into_inner().citizen.unwrap_or_default())
}

#[tokio::test]
async fn a_lookup_answers_with_values_and_their_origin() {
    let (stack, mut client, someone) = country().await;
    assert!(someone.agencies >= 3, "{} agencies", someone.agencies);

    let citizen = ask(&mut client, &someone.national_id, &[]).await.unwrap();
    assert_eq!(citizen.name, format!("citizens/{}", someone.citizen));
    let birth = citizen.birth_date.unwrap();
    let origin = birth.provenance.unwrap();
    assert!(!origin.agency.is_empty() && !origin.column.is_empty() && origin.supporters > 1);
    assert!(citizen.sex.is_none(), "outside the agreement's default set");
    assert!(citizen.etag.len() > 8);

    let all = [
        "name",
        "birth.date",
        "address",
        "phone",
        "mother.name",
        "sex",
    ];
    let whole = ask(&mut client, &someone.national_id, &all).await.unwrap();
    let mut agencies: Vec<String> = Vec::new();
    for name in whole.arabic_names.iter().chain(&whole.latin_names) {
        agencies.extend(name.provenance.as_ref().map(|origin| origin.agency.clone()));
    }
    for phone in &whole.phones {
        agencies.extend(
            phone
                .provenance
                .as_ref()
                .map(|origin| origin.agency.clone()),
        );
    }
    agencies.sort();
    agencies.dedup();
    assert!(
        agencies.len() > 1,
        "values come from several agencies: {agencies:?}"
    );
    assert!(whole.identifiers.is_empty(), "the mask does not name them");
    stack.stop().await;
}

#[tokio::test]
async fn what_may_not_be_asked_is_refused_by_the_table() {
    let (stack, mut client, someone) = country().await;
    let number = someone.national_id.as_str();
    for (value, mask, code, expected) in [
        (
            number,
            "identifier.passport",
            Code::PermissionDenied,
            "NOT_PERMITTED",
        ),
        (
            number,
            "facts.courts.cases",
            Code::PermissionDenied,
            "NOT_PERMITTED",
        ),
        (
            number,
            "name.nickname",
            Code::InvalidArgument,
            "INVALID_REQUEST",
        ),
        (
            "29913310100011",
            "",
            Code::InvalidArgument,
            "BAD_IDENTIFIER",
        ),
        ("", "", Code::InvalidArgument, "INVALID_REQUEST"),
    ] {
        let mask: Vec<&str> = mask.split_whitespace().collect();
        let status = ask(&mut client, value, &mask).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (code, expected),
            "{mask:?}"
        );
        assert!(
            !status.message().contains("2991331"),
            "{}",
            status.message()
        );
    }

    // Nobody and somebody who may not be seen are one answer.
    let nobody = ask(&mut client, "29901010100015", &[]).await.unwrap_err();
    let hidden = ask(&mut client, number, &["facts.courts.cases"])
        .await
        .unwrap_err();
    assert_eq!(reason(&nobody), "NOT_PERMITTED");
    assert_eq!(nobody.message(), hidden.message());

    // Permission comes before validation: a wrong purpose does not learn that the number is wrong.
    let mut request = lookup("not a number", &["no.such.path"]);
    request.context.as_mut().unwrap().purpose = "curiosity".to_owned();
    let status = client.lookup_citizen(request).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_PERMITTED");

    let missing = LookupCitizenRequest::default();
    let status = client.lookup_citizen(missing).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_REQUEST");
    stack.stop().await;
}

#[tokio::test]
async fn every_other_question_is_answered() {
    let (stack, mut client, someone) = country().await;
    let name = format!("citizens/{}", someone.citizen);

    let by_name = GetCitizenRequest {
        context: Some(context()),
        name: name.clone(),
        read_mask: None,
    };
    let citizen = client
        .get_citizen(by_name)
        .await
        .unwrap()
        .into_inner()
        .citizen
        .unwrap();
    assert_eq!(citizen.name, name);

    let claim = |attribute: &str, value: &str| AttributeClaim {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
    };
    let verify = VerifyAttributesRequest {
        context: Some(context()),
        claims: vec![
            claim("birth.date", &someone.birth_date),
            claim("birth.date", "1801-01-01"),
        ],
        subject: Some(Subject::Identifier(national_id(&someone.national_id))),
    };
    let verdicts = client
        .verify_attributes(verify)
        .await
        .unwrap()
        .into_inner()
        .verdicts;
    assert_eq!(verdicts[0].verdict(), Verdict::Match);
    assert_eq!(verdicts[1].verdict(), Verdict::NoMatch);

    let references = ListSourceReferencesRequest {
        context: Some(context()),
        parent: name,
        page_size: 1_000,
        page_token: String::new(),
    };
    let references = client
        .list_source_references(references)
        .await
        .unwrap()
        .into_inner();
    let mut agencies: Vec<&str> = references
        .source_references
        .iter()
        .map(|r| r.agency.as_str())
        .collect();
    agencies.sort_unstable();
    agencies.dedup();
    assert_eq!(agencies.len(), someone.agencies);

    stack.stop().await;
}

#[tokio::test]
async fn a_value_is_explained_and_a_person_is_found_by_name() {
    let (stack, mut client, someone) = country().await;
    let name = format!("citizens/{}", someone.citizen);
    let explain = ExplainFieldRequest {
        context: Some(context()),
        name,
        attribute: "birth.date".to_owned(),
    };
    let explained = client
        .explain_field(explain)
        .await
        .unwrap()
        .into_inner()
        .explanations;
    let sentences = &explained[0].sentences;
    assert!(sentences.len() >= 2, "{sentences:?}");
    assert!(
        sentences
            .iter()
            .all(|s| !s.en.is_empty() && !s.ar.is_empty()),
        "{sentences:?}"
    );

    let date: Vec<u32> = someone
        .birth_date
        .split('-')
        .map(|part| part.parse().unwrap())
        .collect();
    let search = SearchCitizensRequest {
        context: Some(context()),
        criteria: Some(SearchCriteria {
            name: someone.name.clone(),
            birth_date: Some(PartialDate {
                year: date[0],
                month: date[1],
                day: date[2],
            }),
            ..SearchCriteria::default()
        }),
        ..SearchCitizensRequest::default()
    };
    let found = client
        .search_citizens(search.clone())
        .await
        .unwrap()
        .into_inner()
        .candidates;
    let expected = format!("citizens/{}", someone.citizen);
    assert!(
        found
            .iter()
            .any(|c| c.citizen.as_ref().is_some_and(|c| c.name == expected))
    );
    let mut weak = search;
    weak.criteria.as_mut().unwrap().birth_date = None;
    let status = client.search_citizens(weak).await.unwrap_err();
    assert_eq!(reason(&status), "CRITERIA_TOO_WEAK");
    stack.stop().await;
}

#[tokio::test]
async fn a_batch_answers_item_by_item_and_no_larger_than_a_thousand() {
    let (stack, mut client, someone) = country().await;
    let batch = |values: Vec<&str>| BatchLookupCitizensRequest {
        context: Some(context()),
        identifiers: values.into_iter().map(national_id).collect(),
        read_mask: None,
    };
    let number = someone.national_id.as_str();
    let answer = client.batch_lookup_citizens(batch(vec![number, "x", "29901010100015", number]));
    let results = answer.await.unwrap().into_inner().results;
    let outcomes: Vec<String> = results
        .into_iter()
        .map(|result| match result.outcome.unwrap() {
            Outcome::Citizen(_) => "citizen".to_owned(),
            Outcome::Status(status) => status.reason,
        })
        .collect();
    assert_eq!(
        outcomes,
        ["citizen", "BAD_IDENTIFIER", "NOT_PERMITTED", "citizen"]
    );

    let full = client
        .batch_lookup_citizens(batch(vec![number; 1_000]))
        .await
        .unwrap();
    assert_eq!(full.into_inner().results.len(), 1_000);
    for size in [0, 1_001] {
        let status = client
            .batch_lookup_citizens(batch(vec![number; size]))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "INVALID_REQUEST", "{size} items");
    }
    stack.stop().await;
}

/// The small form of the load of a million: many at once, all answered.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_answered() {
    let (stack, client, someone) = country().await;
    let asking = (0..rabt_tests::soak(2_000, 1_000_000)).map(|_| {
        let (mut client, number) = (client.clone(), someone.national_id.clone());
        async move { ask(&mut client, &number, &[]).await.map(|_| ()) }
    });
    let answers = futures::stream::iter(asking);
    let mut answers = futures::StreamExt::buffer_unordered(answers, 64);
    while let Some(answer) = futures::StreamExt::next(&mut answers).await {
        answer.unwrap();
    }
    stack.stop().await;
}
