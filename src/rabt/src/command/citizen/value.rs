//! The values of a citizen, one row each.

use jiff::Timestamp;
use rabt_model::{Address, Attribute, Label, PartialDate};
use rabt_proto::common;
use serde::Serialize;

/// One value with its origin.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) attribute: String,
    pub(crate) label: Label,
    pub(crate) value: String,
    pub(crate) agency: String,
    pub(crate) source: String,
    pub(crate) stream: String,
    pub(crate) record: String,
    pub(crate) column: String,
    pub(crate) observed_at: String,
    pub(crate) event_at: Option<String>,
    pub(crate) rule: &'static str,
    pub(crate) disputed: bool,
    pub(crate) supporters: u32,
}

impl Row {
    /// Returns the rule that chose the value, and whether another record contradicts it.
    pub(super) fn rule_and_dispute(&self) -> String {
        if self.disputed {
            format!("{}, disputed", self.rule)
        } else {
            self.rule.to_owned()
        }
    }
}

/// Returns the values of a citizen, attribute by attribute.
pub(crate) fn rows(citizen: &common::Citizen) -> Vec<Row> {
    let mut rows = Vec::new();
    for one in &citizen.arabic_names {
        rows.push(row(
            "name.chain",
            name(one.value.as_ref()),
            one.provenance.as_ref(),
        ));
    }
    for one in &citizen.latin_names {
        rows.push(row(
            "name.latin",
            name(one.value.as_ref()),
            one.provenance.as_ref(),
        ));
    }
    if let Some(one) = &citizen.mother_name {
        rows.push(row(
            "mother.name",
            name(one.value.as_ref()),
            one.provenance.as_ref(),
        ));
    }
    for one in &citizen.identifiers {
        let number = one.value.clone().unwrap_or_default();
        let attribute = format!("identifier.{}", number.scheme);
        rows.push(row(&attribute, number.value, one.provenance.as_ref()));
    }
    let dates = [
        ("birth.date", &citizen.birth_date),
        ("death.date", &citizen.death_date),
    ];
    for (attribute, value) in dates {
        if let Some(one) = value {
            rows.push(row(
                attribute,
                date(one.value.as_ref()),
                one.provenance.as_ref(),
            ));
        }
    }
    for (attribute, value) in texts(citizen) {
        rows.push(row(
            attribute,
            value.value.clone(),
            value.provenance.as_ref(),
        ));
    }
    for one in &citizen.addresses {
        rows.push(row(
            "address",
            address(one.value.as_ref()),
            one.provenance.as_ref(),
        ));
    }
    for one in &citizen.relations {
        let tie = one.value.clone().unwrap_or_default();
        let value = format!("{}: {}", tie.kind, tie.to);
        rows.push(row("relation", value, one.provenance.as_ref()));
    }
    for one in &citizen.facts {
        rows.push(row(
            &one.attribute,
            one.value.clone(),
            one.provenance.as_ref(),
        ));
    }
    rows
}

fn texts(
    citizen: &common::Citizen,
) -> impl Iterator<Item = (&'static str, &common::AttributedText)> {
    let single = [
        ("birth.place", &citizen.birth_place),
        ("sex", &citizen.sex),
        ("nationality", &citizen.nationality),
        ("marital_status", &citizen.marital_status),
        ("photo_reference", &citizen.photo_reference),
    ];
    let single = single
        .into_iter()
        .filter_map(|(attribute, value)| Some((attribute, value.as_ref()?)));
    let phones = citizen.phones.iter().map(|one| ("phone", one));
    let emails = citizen.emails.iter().map(|one| ("email", one));
    single.chain(phones).chain(emails)
}

/// Returns one value.
pub(super) fn row(attribute: &str, value: String, origin: Option<&common::Provenance>) -> Row {
    let label = match attribute.parse::<Attribute>() {
        Ok(known) => known.label(),
        Err(_) => Label::new(attribute, attribute),
    };
    let origin = origin.cloned().unwrap_or_default();
    Row {
        attribute: attribute.to_owned(),
        label,
        value,
        rule: rule(origin.rule()),
        observed_at: instant(origin.observed_at.as_ref()).unwrap_or_default(),
        event_at: instant(origin.event_at.as_ref()),
        agency: origin.agency,
        source: origin.source,
        stream: origin.stream,
        record: origin.record,
        column: origin.column,
        disputed: origin.disputed,
        supporters: origin.supporters,
    }
}

pub(super) const fn rule(rule: common::SurvivorshipRule) -> &'static str {
    match rule {
        common::SurvivorshipRule::Unspecified => "not said",
        common::SurvivorshipRule::OnlyValue => "only value",
        common::SurvivorshipRule::Agreed => "agreed",
        common::SurvivorshipRule::Majority => "majority",
        common::SurvivorshipRule::SourceRank => "source rank",
        common::SurvivorshipRule::MostRecent => "most recent",
        common::SurvivorshipRule::Validity => "validity",
        common::SurvivorshipRule::Kept => "kept",
        common::SurvivorshipRule::RecordOfTruth => "record of truth",
        common::SurvivorshipRule::FirstRecord => "first record",
    }
}

fn name(name: Option<&common::PersonName>) -> String {
    name.map(|name| name.text.clone()).unwrap_or_default()
}

fn date(date: Option<&common::PartialDate>) -> String {
    let Some(date) = date else {
        return String::new();
    };
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = i16::try_from(date.year).unwrap_or_default();
    let date = match (date.month, date.day) {
        (0, _) => PartialDate::of_year(year),
        (month, 0) => PartialDate::of_month(year, part(month)),
        (month, day) => PartialDate::of_day(year, part(month), part(day)),
    };
    date.map(|date| date.to_string()).unwrap_or_default()
}

fn address(address: Option<&common::Address>) -> String {
    let Some(address) = address else {
        return String::new();
    };
    let part = |text: &String| (!text.is_empty()).then(|| text.clone());
    Address {
        governorate: part(&address.governorate),
        district: part(&address.district),
        street: part(&address.street),
        text: part(&address.text),
    }
    .to_line()
}

/// Returns an instant as text.
pub(crate) fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    let at = at?;
    let instant = Timestamp::new(at.seconds, at.nanos).ok()?;
    Some(instant.to_string())
}
