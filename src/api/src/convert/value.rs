//! Single values and their origin.

use rabt_model::{
    Address, Attribute, Attributed, CitizenId, Holding, Kin, Name, NamePart, OtherValue,
    PartialDate, Provenance, Relation, Rule, Timestamp, Value,
};
use rabt_proto::{citizen, common};
use tracing::warn;

/// Returns a citizen with these values; each goes to the field of its attribute.
pub(super) fn citizen(id: CitizenId, values: &[Attributed], etag: &str) -> common::Citizen {
    let mut citizen = common::Citizen {
        name: format!("citizens/{id}"),
        etag: etag.to_owned(),
        ..Default::default()
    };
    for value in values {
        place(&mut citizen, value);
    }
    citizen
}

fn place(citizen: &mut common::Citizen, value: &Attributed) {
    match &value.attribute {
        Attribute::NameChain => citizen.arabic_names.push(name(value)),
        Attribute::NameLatin => citizen.latin_names.push(name(value)),
        Attribute::MotherName => first(&mut citizen.mother_name, name(value)),
        Attribute::Identifier(scheme) => citizen.identifiers.push(common::AttributedIdentifier {
            value: Some(common::Identifier {
                scheme: scheme.to_string(),
                value: value.value.expose().to_line(),
            }),
            provenance: Some(provenance(value)),
        }),
        Attribute::BirthDate => place_date(&mut citizen.birth_date, value),
        Attribute::BirthPlace => first(&mut citizen.birth_place, text(value)),
        Attribute::Sex => first(&mut citizen.sex, text(value)),
        Attribute::DeathDate => place_date(&mut citizen.death_date, value),
        Attribute::Nationality => first(&mut citizen.nationality, text(value)),
        Attribute::MaritalStatus => first(&mut citizen.marital_status, text(value)),
        Attribute::Address => citizen.addresses.push(address(value)),
        Attribute::Phone => citizen.phones.push(text(value)),
        Attribute::Email => citizen.emails.push(text(value)),
        Attribute::Relation => citizen.relations.push(relation(value)),
        Attribute::PhotoReference => first(&mut citizen.photo_reference, text(value)),
        Attribute::Fact(..) => citizen.facts.push(common::AttributedFact {
            attribute: value.attribute.to_string(),
            value: value.value.expose().to_line(),
            provenance: Some(provenance(value)),
        }),
    }
}

/// Keeps the first of several values: the profile is ordered from best to worst.
fn first<T>(field: &mut Option<T>, value: T) {
    field.get_or_insert(value);
}

fn place_date(field: &mut Option<common::AttributedDate>, value: &Attributed) {
    // An agency's mapping may have left a date as text.
    let held = value.value.expose();
    let date = if let Value::Date(date) = held {
        Some(*date)
    } else {
        held.to_line().parse().ok()
    };
    let Some(date) = date else {
        warn!(
            attribute = %value.attribute,
            source = %value.provenance.source,
            "value is no date and is left out; add a parse_date step to the mapping"
        );
        return;
    };
    let provenance = Some(provenance(value));
    let value = Some(partial_date(date));
    first(field, common::AttributedDate { value, provenance });
}

fn text(value: &Attributed) -> common::AttributedText {
    common::AttributedText {
        value: value.value.expose().to_line(),
        provenance: Some(provenance(value)),
    }
}

fn name(value: &Attributed) -> common::AttributedName {
    let held = value.value.expose();
    let name = if let Value::Name(name) = held {
        person_name(name)
    } else {
        person_name(&Name::whole(held.to_line()))
    };
    common::AttributedName {
        value: Some(name),
        provenance: Some(provenance(value)),
    }
}

fn person_name(name: &Name) -> common::PersonName {
    common::PersonName {
        text: name.text.clone(),
        parts: name.parts.iter().map(name_part).collect(),
    }
}

fn name_part(part: &NamePart) -> common::NamePart {
    let kin = match part.kin {
        Kin::Given => common::Kin::Given,
        Kin::Father => common::Kin::Father,
        Kin::Grandfather => common::Kin::Grandfather,
        Kin::GreatGrandfather => common::Kin::GreatGrandfather,
        Kin::Family => common::Kin::Family,
    };
    common::NamePart {
        kin: kin.into(),
        text: part.text.clone(),
    }
}

fn address(value: &Attributed) -> common::AttributedAddress {
    let held = value.value.expose();
    let address = if let Value::Address(address) = held {
        postal_address(address)
    } else {
        common::Address {
            text: held.to_line(),
            ..Default::default()
        }
    };
    common::AttributedAddress {
        value: Some(address),
        provenance: Some(provenance(value)),
    }
}

fn postal_address(address: &Address) -> common::Address {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    common::Address {
        governorate: part(&address.governorate),
        district: part(&address.district),
        street: part(&address.street),
        text: part(&address.text),
    }
}

fn relation(value: &Attributed) -> common::AttributedRelation {
    let held = value.value.expose();
    let (kind, to) = if let Value::Relation(Relation { kind, to }) = held {
        (kind.clone(), to.clone())
    } else {
        (String::new(), held.to_line())
    };
    common::AttributedRelation {
        value: Some(common::Relation { kind, to }),
        provenance: Some(provenance(value)),
    }
}

fn partial_date(date: PartialDate) -> common::PartialDate {
    common::PartialDate {
        year: u32::try_from(date.year()).unwrap_or_default(),
        month: date.month().unwrap_or_default().into(),
        day: date.day().unwrap_or_default().into(),
    }
}

/// Returns where a value comes from.
pub(super) fn provenance(value: &Attributed) -> common::Provenance {
    common::Provenance {
        disputed: value.disputed,
        ..origin(&value.provenance, value.rule, value.supporters)
    }
}

/// Returns who holds another value.
pub(super) fn holders(other: &OtherValue) -> Vec<common::Provenance> {
    let count = u32::try_from(other.holders.len()).unwrap_or(u32::MAX);
    let holders = other.holders.iter();
    let of = |holder| common::Provenance {
        disputed: other.disputes,
        ..origin(holder, other.rule, count)
    };
    holders.map(of).collect()
}

fn origin(origin: &Provenance, chosen: Rule, supporters: u32) -> common::Provenance {
    common::Provenance {
        agency: origin.agency.to_string(),
        source: origin.source.to_string(),
        stream: origin.stream.to_string(),
        record: origin.record.0.to_string(),
        column: origin.column.clone(),
        observed_at: Some(timestamp(origin.observed_at)),
        event_at: origin.event_at.map(timestamp),
        valid_from: None,
        valid_to: None,
        rule: rule(chosen).into(),
        disputed: false,
        supporters,
    }
}

pub(super) fn rule(rule: Rule) -> common::SurvivorshipRule {
    match rule {
        Rule::OnlyValue => common::SurvivorshipRule::OnlyValue,
        Rule::Agreed => common::SurvivorshipRule::Agreed,
        Rule::Majority => common::SurvivorshipRule::Majority,
        Rule::SourceRank => common::SurvivorshipRule::SourceRank,
        Rule::MostRecent => common::SurvivorshipRule::MostRecent,
        Rule::Validity => common::SurvivorshipRule::Validity,
        Rule::Kept => common::SurvivorshipRule::Kept,
        Rule::RecordOfTruth => common::SurvivorshipRule::RecordOfTruth,
        Rule::FirstRecord => common::SurvivorshipRule::FirstRecord,
    }
}

/// Returns a reference to a record, without its content.
pub(super) fn source_reference(holding: &Holding) -> citizen::SourceReference {
    citizen::SourceReference {
        agency: holding.agency.to_string(),
        source: holding.source.to_string(),
        stream: holding.stream.to_string(),
        record: holding.record.0.to_string(),
        observed_at: Some(timestamp(holding.observed_at)),
    }
}

/// Returns an instant as the protocol writes it: whole seconds, and nanoseconds that only go
/// forward, also before 1970.
pub(crate) fn timestamp(instant: Timestamp) -> prost_types::Timestamp {
    let mut seconds = instant.as_second();
    let mut nanos = instant.subsec_nanosecond();
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

#[cfg(test)]
mod tests;
