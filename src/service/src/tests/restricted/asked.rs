//! What the nodes of the tests are asked, and what they say, without ids and times.

use std::collections::BTreeMap;

use rabt_model::{Attributed, Change, CitizenId, RecordNumber};
use rabt_policy::{AccessRequest, Claim, Content, Criteria, Method, Subject};

use super::{MONA_AT_CLINIC, SALMA};
use crate::Services;
use crate::change::list_changes;
use crate::enquiry::{
    explain_field, get_citizen, list_source_references, lookup_citizen, search_citizens,
    verify_attributes,
};
use crate::tests::node::{MONA, OMAR, by_national_id, request};

pub(super) fn lines(values: &[Attributed]) -> Vec<String> {
    let line = |value: &Attributed| {
        format!(
            "{} {} {} {:?} {} {}",
            value.attribute,
            value.value.expose().to_line(),
            value.provenance.agency,
            value.rule,
            value.disputed,
            value.supporters
        )
    };
    values.iter().map(line).collect()
}

/// Returns who has a national id, and all that may be seen of them; nothing of whom nothing is.
pub(super) async fn look(services: &Services, number: &str) -> Option<(CitizenId, Vec<String>)> {
    let asked = request(Method::LookupCitizen, by_national_id(number));
    let answer = lookup_citizen(services, with_fields(asked, &ALL)).await;
    let answer = answer.unwrap();
    let Content::Citizen {
        citizen, values, ..
    } = answer.content()
    else {
        assert!(matches!(answer.content(), Content::Absent), "{answer:?}");
        return None;
    };
    Some((*citizen, lines(values)))
}

pub(super) async fn mona(services: &Services) -> CitizenId {
    look(services, MONA[2]).await.unwrap().0
}

pub(super) fn with_fields(mut asked: AccessRequest, fields: &[&str]) -> AccessRequest {
    asked.fields = Some(fields.iter().map(|field| (*field).to_owned()).collect());
    asked
}

pub(super) const ALL: [&str; 4] = [
    "name.chain",
    "birth.date",
    "identifier.national_id",
    "phone",
];

/// Returns what every method says of the people of the tests, without ids and times.
pub(super) async fn everything(services: &Services) -> Vec<String> {
    let mut told = Vec::new();
    for number in [MONA[2], OMAR[2], SALMA[2]] {
        let seen = look(services, number)
            .await
            .map(|(_, seen)| seen.join("\n"));
        told.push(seen.unwrap_or_else(|| "absent".to_owned()));
    }
    for (birth, phone) in [
        (MONA[3], None),
        (MONA_AT_CLINIC[3], None),
        (SALMA[3], None),
        ("1950-01-01", Some(MONA[4])),
        ("1950-01-01", Some(MONA_AT_CLINIC[4])),
        ("1950-01-01", Some(SALMA[4])),
    ] {
        for name in [MONA[1], SALMA[1]] {
            let criteria = Criteria {
                name: Some(name.to_owned()),
                birth_date: Some(birth.to_owned()),
                phone: phone.map(str::to_owned),
                ..Criteria::default()
            };
            let asked = request(Method::SearchCitizens, Subject::Criteria(criteria.into()));
            let found = search_citizens(services, with_fields(asked, &ALL))
                .await
                .unwrap();
            let Content::Candidates(found) = found.content() else {
                panic!("{found:?}");
            };
            let line =
                |one: &rabt_policy::Candidate| format!("{:?} {:?}", one.band, lines(&one.values));
            told.push(format!(
                "{birth} {phone:?}: {:?}",
                found.iter().map(line).collect::<Vec<_>>()
            ));
        }
    }
    of_mona(services, &mut told).await;
    told
}

async fn of_mona(services: &Services, told: &mut Vec<String>) {
    let subject = Subject::Citizen(mona(services).await.to_string());
    let asked = |method| request(method, subject.clone());
    let answer = get_citizen(services, with_fields(asked(Method::GetCitizen), &ALL));
    if let Content::Citizen { values, .. } = answer.await.unwrap().content() {
        told.push(format!("{:?}", lines(values)));
    }
    for date in [MONA[3], MONA_AT_CLINIC[3]] {
        let claims = vec![Claim {
            attribute: "birth.date".to_owned(),
            value: date.to_owned().into(),
        }];
        let asked = with_fields(asked(Method::VerifyAttributes), &["birth.date"]);
        let verified = verify_attributes(services, asked, claims).await.unwrap();
        told.push(format!("{:?}", verified.content()));
    }
    let held = list_source_references(services, asked(Method::ListSourceReferences));
    if let Content::Holdings { holdings, .. } = held.await.unwrap().content() {
        let holders = holdings.iter().map(|holding| holding.source.to_string());
        told.push(holders.collect::<Vec<_>>().join(" "));
    }
    for field in ["birth.date", "phone"] {
        let asked = with_fields(asked(Method::ExplainField), &[field]);
        let explained = explain_field(services, asked).await.unwrap();
        let Content::Explained { values, others, .. } = explained.content() else {
            panic!("{explained:?}");
        };
        let sentences = values.iter().map(|value| value.sentences.clone());
        let others = others.iter().map(|other| other.sentences.clone());
        told.push(format!("{:?}", sentences.chain(others).collect::<Vec<_>>()));
    }
}

/// Returns what a reader of the feed is told, citizens and records by the order of their first mention.
pub(super) async fn feed(services: &Services) -> Vec<String> {
    let asked = request(Method::ListChanges, Subject::Feed(Vec::new()));
    let page = list_changes(services, with_fields(asked, &ALL), "", 500)
        .await
        .unwrap();
    let Content::Changes(told) = page.told.content() else {
        panic!("{page:?}");
    };
    let mut citizens: BTreeMap<CitizenId, usize> = BTreeMap::new();
    let mut records: BTreeMap<RecordNumber, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for told in told {
        let Change {
            kind,
            attributes,
            joined,
            left,
            cause,
            ..
        } = &told.change;
        let mut place = |citizen| {
            let next = citizens.len();
            *citizens.entry(citizen).or_insert(next)
        };
        let who = (
            place(told.change.citizen),
            told.change.other.map(&mut place),
        );
        let mut numbers = |of: &[RecordNumber]| -> Vec<usize> {
            let place = |record: &RecordNumber| {
                let next = records.len();
                *records.entry(*record).or_insert(next)
            };
            of.iter().map(place).collect()
        };
        let (joined, left) = (numbers(joined), numbers(left));
        lines.push(format!(
            "{kind:?} {who:?} {attributes:?} +{joined:?} -{left:?} {cause:?}"
        ));
    }
    lines
}
