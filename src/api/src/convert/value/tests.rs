use rabt_model::{
    Address, Attribute, Attributed, CitizenId, Kin, Name, NamePart, PartialDate, Pii, Provenance,
    RecordNumber, Relation, Rule, Timestamp, Value,
};
use rabt_proto::common;

use super::{citizen, timestamp};

fn attributed(attribute: &str, value: Value) -> Attributed {
    Attributed {
        attribute: attribute.parse().unwrap(),
        value: Pii::new(value),
        provenance: Provenance {
            agency: "civil-registry".parse().unwrap(),
            source: "civil-registry".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(7),
            column: "DOB".to_owned(),
            observed_at: Timestamp::UNIX_EPOCH,
            event_at: None,
        },
        rule: Rule::SourceRank,
        disputed: true,
        supporters: 3,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn convert(values: &[Attributed]) -> common::Citizen {
    citizen(CitizenId::from_random(1), values, "e1")
}

#[test]
fn every_attribute_has_a_field() {
    let mut attributes: Vec<String> = Attribute::plain().map(|a| a.to_string()).collect();
    attributes.push("identifier.national_id".to_owned());
    attributes.push("facts.tax.file_status".to_owned());
    for id in attributes {
        // "1984" can be read as a value of every kind.
        let with = convert(&[attributed(&id, text("1984"))]);
        assert_ne!(with, convert(&[]), "{id} has no field");
    }
}

#[test]
fn values_keep_their_parts() {
    let birth = PartialDate::of_month(1984, 2).unwrap();
    let part = NamePart {
        kin: Kin::GreatGrandfather,
        text: "سعد".to_owned(),
    };
    let address = Address {
        governorate: Some("21".to_owned()),
        ..Default::default()
    };
    let relation = Relation {
        kind: "mother".to_owned(),
        to: "x".to_owned(),
    };
    let citizen = convert(&[
        attributed("name.chain", Value::Name(Name::of_parts(vec![part]))),
        attributed("birth.date", Value::Date(birth)),
        attributed("address", Value::Address(address)),
        attributed("relation", Value::Relation(relation)),
    ]);
    assert_eq!(citizen.name, "citizens/00000000000000000000000001");
    let name = citizen.arabic_names[0].value.as_ref().unwrap();
    assert_eq!(name.text, "سعد");
    assert_eq!(name.parts[0].kin(), common::Kin::GreatGrandfather);
    let date = citizen.birth_date.as_ref().unwrap();
    let expected = common::PartialDate {
        year: 1984,
        month: 2,
        day: 0,
    };
    assert_eq!(date.value, Some(expected));
    let origin = date.provenance.as_ref().unwrap();
    assert_eq!((origin.record.as_str(), origin.supporters), ("7", 3));
    assert_eq!(origin.rule(), common::SurvivorshipRule::SourceRank);
    assert!(origin.disputed);
    let address = citizen.addresses[0].value.as_ref().unwrap();
    assert_eq!(
        (address.governorate.as_str(), address.street.as_str()),
        ("21", "")
    );
    assert_eq!(citizen.relations[0].value.as_ref().unwrap().kind, "mother");
}

#[test]
fn the_first_of_several_single_values_stays() {
    let citizen = convert(&[
        attributed("sex", text("female")),
        attributed("sex", text("male")),
        attributed("birth.date", text("not a date")),
    ]);
    assert_eq!(citizen.sex.unwrap().value, "female");
    assert_eq!(citizen.birth_date, None);
}

#[test]
fn instants_before_1970_count_forward() {
    let instant = Timestamp::from_nanosecond(-1).unwrap();
    let expected = prost_types::Timestamp {
        seconds: -1,
        nanos: 999_999_999,
    };
    assert_eq!(timestamp(instant), expected);
}
