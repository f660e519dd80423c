use rabt_proto::citizen::batch_lookup_citizens_result::Outcome;
use rabt_proto::citizen::verify_attributes_request::Subject;
use rabt_proto::citizen::{
    AttributeClaim, AttributeVerdict, BatchLookupCitizensRequest, ExplainFieldRequest,
    GetCitizenRequest, ListSourceReferencesRequest, ScoreBand, SearchCitizensRequest,
    SearchCriteria, Verdict, VerifyAttributesRequest,
};
use rabt_proto::common::{PartialDate, RequestContext};

use super::node::{
    HOSPITAL, MONA, NOBODY, Node, OPERATOR, STRANGER, context, lookup, national_id, reason,
};

fn mask(paths: &[&str]) -> prost_types::FieldMask {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    prost_types::FieldMask { paths }
}

fn get(name: &str) -> GetCitizenRequest {
    GetCitizenRequest {
        context: Some(context()),
        name: name.to_owned(),
        read_mask: None,
    }
}

fn verify(claims: &[(&str, &str)]) -> VerifyAttributesRequest {
    let claim = |(attribute, value): &(&str, &str)| AttributeClaim {
        attribute: (*attribute).to_owned(),
        value: (*value).to_owned(),
    };
    VerifyAttributesRequest {
        context: Some(context()),
        subject: Some(Subject::Identifier(national_id(MONA))),
        claims: claims.iter().map(claim).collect(),
    }
}

fn search(name: &str, birth: Option<PartialDate>) -> SearchCitizensRequest {
    SearchCitizensRequest {
        context: Some(context()),
        criteria: Some(SearchCriteria {
            name: name.to_owned(),
            birth_date: birth,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn birth() -> PartialDate {
    PartialDate {
        year: 1984,
        month: 2,
        day: 11,
    }
}

#[tokio::test]
async fn every_question_is_answered() {
    let node = Node::with_mona().await;
    let mut client = node.agency(HOSPITAL).await;

    let citizen = client
        .lookup_citizen(lookup(MONA))
        .await
        .unwrap()
        .into_inner()
        .citizen
        .unwrap();
    assert_eq!(
        citizen.arabic_names[0].value.as_ref().unwrap().text,
        "منى أحمد محمود حسن"
    );
    let date = citizen.birth_date.as_ref().unwrap();
    assert_eq!(date.value, Some(birth()));
    assert_eq!(date.provenance.as_ref().unwrap().column, "dob");
    assert!(citizen.identifiers.is_empty(), "not in the default set");
    assert!(!citizen.name.contains(MONA));

    let mut by_name = get(&citizen.name);
    by_name.read_mask = Some(mask(&["identifier.national_id"]));
    let same = client
        .get_citizen(by_name)
        .await
        .unwrap()
        .into_inner()
        .citizen
        .unwrap();
    assert_eq!(same.identifiers[0].value.as_ref().unwrap().value, MONA);
    assert!(same.arabic_names.is_empty());

    let found = client
        .search_citizens(search("منى حسن", Some(birth())))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.candidates.len(), 1);
    assert_ne!(found.candidates[0].band(), ScoreBand::Unspecified);
    assert_eq!(found.next_page_token, "");
    let mut by_number = search("", None);
    if let Some(criteria) = &mut by_number.criteria {
        criteria.identifier = Some(national_id(MONA));
    }
    let found = client
        .search_citizens(by_number)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.candidates[0].band(), ScoreBand::High);

    let claims = verify(&[
        ("birth.date", "1984"),
        ("birth.date", "1985-01-01"),
        ("phone", "1"),
    ]);
    assert_eq!(
        reason(client.verify_attributes(claims).await),
        "NOT_PERMITTED"
    );
    let claims = verify(&[("birth.date", "1984"), ("name.chain", "عمر")]);
    let verdicts = client
        .verify_attributes(claims)
        .await
        .unwrap()
        .into_inner()
        .verdicts;
    let verdicts: Vec<Verdict> = verdicts.iter().map(AttributeVerdict::verdict).collect();
    assert_eq!(verdicts, [Verdict::Match, Verdict::NoMatch]);

    let list = ListSourceReferencesRequest {
        context: Some(context()),
        parent: citizen.name.clone(),
        ..Default::default()
    };
    let held = client
        .list_source_references(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(held.source_references[0].source, "registry");

    let explain = ExplainFieldRequest {
        context: Some(context()),
        name: citizen.name,
        attribute: "birth.date".to_owned(),
    };
    let told = client
        .explain_field(explain)
        .await
        .unwrap()
        .into_inner()
        .explanations;
    assert_eq!(told[0].value, "1984-02-11");
    assert!(
        told[0]
            .sentences
            .iter()
            .all(|s| !s.en.is_empty() && !s.ar.is_empty())
    );
    assert!(told[0].sentences.len() >= 2);
}

#[tokio::test]
async fn a_batch_has_one_outcome_for_each_item() {
    let node = Node::with_mona().await;
    let mut client = node.agency(HOSPITAL).await;
    let numbers = [MONA, NOBODY, "12", MONA];
    let batch = BatchLookupCitizensRequest {
        context: Some(context()),
        identifiers: numbers.iter().map(|number| national_id(number)).collect(),
        read_mask: None,
    };
    let results = client
        .batch_lookup_citizens(batch)
        .await
        .unwrap()
        .into_inner()
        .results;
    let outcomes: Vec<&str> = results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Citizen(_) => "citizen",
            Outcome::Status(status) => status.reason.as_str(),
        })
        .collect();
    assert_eq!(
        outcomes,
        ["citizen", "NOT_PERMITTED", "BAD_IDENTIFIER", "citizen"]
    );
}

#[tokio::test]
async fn a_batch_holds_one_to_a_thousand() {
    let node = Node::start().await;
    let mut client = node.agency(HOSPITAL).await;
    for (count, refused) in [(0, true), (1_000, false), (1_001, true)] {
        let batch = BatchLookupCitizensRequest {
            context: Some(context()),
            identifiers: vec![national_id(NOBODY); count],
            read_mask: None,
        };
        let answer = client.batch_lookup_citizens(batch).await;
        if refused {
            assert_eq!(reason(answer), "INVALID_REQUEST", "{count}");
        } else {
            assert_eq!(answer.unwrap().into_inner().results.len(), count);
        }
    }
}

#[tokio::test]
async fn nobody_and_not_permitted_are_not_told_apart() {
    let node = Node::with_mona().await;
    let mut hospital = node.agency(HOSPITAL).await;
    let nobody = hospital.lookup_citizen(lookup(NOBODY)).await.unwrap_err();
    let mut others = Vec::new();
    let wrong = |change: fn(&mut RequestContext)| {
        let mut request = lookup(MONA);
        request.context.as_mut().map(change);
        request
    };
    others.push(
        hospital
            .lookup_citizen(wrong(|c| c.agreement = "AG-9".to_owned()))
            .await,
    );
    others.push(
        hospital
            .lookup_citizen(wrong(|c| c.agreement = String::new()))
            .await,
    );
    others.push(
        hospital
            .lookup_citizen(wrong(|c| c.purpose = "gossip".to_owned()))
            .await,
    );
    others.push(
        hospital
            .lookup_citizen(wrong(|c| c.channel = "fax".to_owned()))
            .await,
    );
    let mut outside = lookup(MONA);
    outside.read_mask = Some(mask(&["phone"]));
    others.push(hospital.lookup_citizen(outside).await);
    others.push(
        node.agency(STRANGER)
            .await
            .lookup_citizen(lookup(MONA))
            .await,
    );
    others.push(
        node.agency(OPERATOR)
            .await
            .lookup_citizen(lookup(MONA))
            .await,
    );
    for other in others {
        let other = other.unwrap_err();
        assert_eq!(other.code(), nobody.code());
        assert_eq!(other.message(), nobody.message());
        assert_eq!(other.details(), nobody.details());
    }
}

#[tokio::test]
async fn malformed_questions_get_the_reason_of_the_table() {
    let node = Node::start().await;
    let mut client = node.agency(HOSPITAL).await;

    let mut request = lookup(MONA);
    request.context = None;
    assert_eq!(
        reason(client.lookup_citizen(request).await),
        "INVALID_REQUEST"
    );
    let mut request = lookup(MONA);
    request.identifier = None;
    assert_eq!(
        reason(client.lookup_citizen(request).await),
        "INVALID_REQUEST"
    );
    assert_eq!(
        reason(client.lookup_citizen(lookup("12")).await),
        "BAD_IDENTIFIER"
    );
    for paths in [&["no such"][..], &[""], &["facts.X"], &["\u{0}"]] {
        let mut request = lookup(MONA);
        request.read_mask = Some(mask(paths));
        assert_eq!(
            reason(client.lookup_citizen(request).await),
            "INVALID_REQUEST"
        );
    }
    let mut request = lookup(MONA);
    if let Some(context) = &mut request.context {
        context.case_reference = "x".repeat(10_000);
    }
    assert_eq!(
        reason(client.lookup_citizen(request).await),
        "INVALID_REQUEST"
    );

    for name in [
        "",
        "citizens/",
        "citizens/29001011234567",
        "people/1",
        "citizens/../x",
        "ا",
    ] {
        assert_eq!(
            reason(client.get_citizen(get(name)).await),
            "INVALID_REQUEST",
            "{name}"
        );
    }
    assert_eq!(
        reason(client.verify_attributes(verify(&[])).await),
        "INVALID_REQUEST"
    );
    let many = vec![("birth.date", "1984"); 33];
    assert_eq!(
        reason(client.verify_attributes(verify(&many)).await),
        "INVALID_REQUEST"
    );
    assert_eq!(
        reason(client.verify_attributes(verify(&[("x", "y")])).await),
        "INVALID_REQUEST"
    );

    assert_eq!(
        reason(client.search_citizens(search("منى", None)).await),
        "CRITERIA_TOO_WEAK"
    );
    let impossible = Some(PartialDate {
        year: 1984,
        month: 13,
        day: u32::MAX,
    });
    let answer = client.search_citizens(search("منى", impossible)).await;
    assert_eq!(reason(answer), "INVALID_REQUEST");
    for (page_size, page_token) in [(-1, ""), (0, "x"), (0, "0123456789abcdef0123456789abcdef")] {
        let mut request = search("منى", Some(birth()));
        request.page_size = page_size;
        request.page_token = page_token.to_owned();
        assert_eq!(
            reason(client.search_citizens(request).await),
            "INVALID_REQUEST"
        );
    }
}

#[tokio::test]
async fn each_answer_and_each_denial_has_an_entry() {
    let node = Node::with_mona().await;
    let mut client = node.agency(HOSPITAL).await;
    let log = node.services.storage.audit_log();
    let before = log.size().await.unwrap();
    client.lookup_citizen(lookup(MONA)).await.unwrap();
    client.lookup_citizen(lookup(NOBODY)).await.unwrap_err();
    client.lookup_citizen(lookup("12")).await.unwrap_err();
    assert_eq!(log.size().await.unwrap(), before + 3);
}
