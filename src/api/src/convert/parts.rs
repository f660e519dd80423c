//! An answer, taken apart by attribute, for the comparison of two of them.

use std::collections::BTreeMap;

use prost::Message;
use rabt_proto::common::{self, Provenance};

/// The values of each attribute, as bytes that are equal when they are: without and with their origin.
type Parts = BTreeMap<String, (Vec<u8>, Vec<u8>)>;

/// Takes a citizen apart.
pub(crate) fn parts(citizen: &common::Citizen) -> Parts {
    let mut parts = Parts::new();
    for one in &citizen.identifiers {
        let scheme = one.value.as_ref().map_or("", |value| &value.scheme);
        let value = one.value.as_ref();
        add(
            &mut parts,
            &format!("identifier.{scheme}"),
            value,
            one.provenance.as_ref(),
        );
    }
    for one in &citizen.facts {
        add(
            &mut parts,
            &one.attribute,
            Some(&one.value),
            one.provenance.as_ref(),
        );
    }
    macro_rules! each {
        ($($attribute:literal: $field:ident),*) => {$(
            for one in citizen.$field.iter() {
                add(&mut parts, $attribute, one.value.as_ref(), one.provenance.as_ref());
            }
        )*};
    }
    macro_rules! texts {
        ($($attribute:literal: $field:ident),*) => {$(
            for one in citizen.$field.iter() {
                add(&mut parts, $attribute, Some(&one.value), one.provenance.as_ref());
            }
        )*};
    }
    each!(
        "name.chain": arabic_names, "name.latin": latin_names, "mother.name": mother_name,
        "birth.date": birth_date, "death.date": death_date, "address": addresses,
        "relation": relations
    );
    texts!(
        "birth.place": birth_place, "sex": sex, "nationality": nationality,
        "marital_status": marital_status, "phone": phones, "email": emails,
        "photo_reference": photo_reference
    );
    parts
}

fn add(
    parts: &mut Parts,
    attribute: &str,
    value: Option<&impl Message>,
    origin: Option<&Provenance>,
) {
    let (values, wholes) = parts.entry(attribute.to_owned()).or_default();
    let value = value.map(Message::encode_length_delimited_to_vec);
    let value = value.unwrap_or_default();
    wholes.extend_from_slice(&value);
    values.extend(value);
    let origin = origin.map(Message::encode_length_delimited_to_vec);
    wholes.extend(origin.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rabt_model::{
        Attribute, Attributed, CitizenId, Name, Pii, Provenance, Relation, Rule, Timestamp, Value,
    };

    use super::parts;
    use crate::convert::value;

    fn attributed(attribute: &str) -> Attributed {
        let attribute: Attribute = attribute.parse().unwrap();
        let dates = [Attribute::BirthDate, Attribute::DeathDate];
        let value = if dates.contains(&attribute) {
            Value::Date("1984-02-11".parse().unwrap())
        } else if attribute == Attribute::NameChain {
            Value::Name(Name::whole("x".to_owned()))
        } else if attribute == Attribute::Relation {
            Value::Relation(Relation {
                kind: "mother".to_owned(),
                to: "1".to_owned(),
            })
        } else {
            Value::Text("x".to_owned())
        };
        Attributed {
            attribute,
            value: Pii::new(value),
            provenance: Provenance {
                agency: "tax".parse().unwrap(),
                source: "tax".parse().unwrap(),
                stream: "person".parse().unwrap(),
                record: rabt_model::RecordNumber(1),
                column: "c".to_owned(),
                observed_at: Timestamp::UNIX_EPOCH,
                event_at: None,
            },
            rule: Rule::OnlyValue,
            disputed: false,
            supporters: 1,
        }
    }

    #[test]
    fn every_attribute_of_an_answer_has_a_part() {
        let all = [
            "name.chain",
            "name.latin",
            "mother.name",
            "identifier.national_id",
            "birth.date",
            "birth.place",
            "sex",
            "death.date",
            "nationality",
            "marital_status",
            "address",
            "phone",
            "email",
            "relation",
            "photo_reference",
            "facts.tax.debt",
        ];
        let values: Vec<Attributed> = all.into_iter().map(attributed).collect();
        let citizen = value::citizen(CitizenId::from_random(1), &values, "");
        let parts = parts(&citizen);
        let found: BTreeSet<&str> = parts.keys().map(String::as_str).collect();
        assert_eq!(found, BTreeSet::from(all));
        assert!(
            parts
                .values()
                .all(|(value, whole)| value.len() < whole.len())
        );
    }
}
