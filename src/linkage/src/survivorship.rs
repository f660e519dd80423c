//! Survivorship: which of the values that records hold stands in the golden record.
//!
//! Values are chosen by what they are, where they come from and when they changed at their source;
//! never by the clock and never by the order in which records came. Which of these comes first is
//! configuration ([`Survivorship`]); what nothing tells apart, the identity of the record decides.

mod group;
mod read;
mod rules;

use std::collections::BTreeMap;

use rabt_model::{
    AgencyId, Attribute, GoldenRecord, GoldenValue, RecordId, Rule, SourceRecord, Value,
};

use crate::standardise::script;
use group::{Group, Held, difference};
use rules::Choice;
pub use rules::{Criterion, Survivorship, SurvivorshipError};

/// What is known of the places that records come from.
pub trait Standing {
    /// Returns how far an agency is trusted; higher is more.
    fn rank(&self, agency: &AgencyId) -> u8;

    /// Says whether a record is a record of truth for an attribute.
    fn is_record_of_truth(&self, record: &RecordId, attribute: &Attribute) -> bool;
}

/// A value that does not stand in the golden record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostValue {
    /// The member that speaks for the value, and which of its values it is.
    pub held: (usize, usize),
    /// Every member that holds an equal value, ascending; and which of its values it is.
    pub holders: Vec<(usize, usize)>,
    /// The rule that put another value before it.
    pub rule: Rule,
    /// Whether it contradicts what stands, rather than being less complete or one more of many.
    pub disputes: bool,
}

/// Composes the golden record of a cluster. For an attribute with one value, the first rule that
/// tells two values apart decides between them. For an attribute with several, each distinct value
/// stands once, the best first, as many as the rules keep.
pub fn golden_record(
    members: &[&SourceRecord],
    rules: &Survivorship,
    standing: &dyn Standing,
) -> GoldenRecord {
    let mut held: BTreeMap<&Attribute, Vec<Held<'_>>> = BTreeMap::new();
    for (member, record) in members.iter().enumerate() {
        for (index, value) in record.values.iter().enumerate() {
            let choice = rules.choice(&value.attribute);
            let one = Held::of(record, (member, index), choice, standing);
            held.entry(&value.attribute).or_default().push(one);
        }
    }
    let mut values = Vec::new();
    for (attribute, held) in held {
        let choice = rules.choice(attribute);
        let groups = ordered(attribute, held, choice);
        if attribute.is_many() {
            let kept = groups.iter().take(choice.most);
            values.extend(kept.map(|group| group.value(attribute, Rule::Kept, false)));
        } else {
            values.push(chosen(attribute, &groups, choice));
        }
    }
    GoldenRecord { values }
}

/// Returns the values of an attribute that do not stand in the golden record of a cluster, the
/// best first.
pub fn lost_values(
    members: &[&SourceRecord],
    attribute: &Attribute,
    rules: &Survivorship,
    standing: &dyn Standing,
) -> Vec<LostValue> {
    let choice = rules.choice(attribute);
    let mut held = Vec::new();
    for (member, record) in members.iter().enumerate() {
        for (index, value) in record.values.iter().enumerate() {
            if value.attribute == *attribute {
                held.push(Held::of(record, (member, index), choice, standing));
            }
        }
    }
    let groups = ordered(attribute, held, choice);
    let kept = if attribute.is_many() { choice.most } else { 1 };
    let (stand, lost) = groups.split_at(kept.min(groups.len()));
    let Some(least) = stand.last() else {
        return Vec::new();
    };
    let lost = lost.iter().map(|group| LostValue {
        held: group.best().place,
        holders: group.holders(),
        rule: difference(least, group, choice),
        disputes: !attribute.is_many() && contradicts(least, group),
    });
    lost.collect()
}

/// Returns the groups of equal values, the best first.
fn ordered<'a>(attribute: &Attribute, held: Vec<Held<'a>>, choice: &Choice) -> Vec<Group<'a>> {
    let mut groups = alike(attribute, identical(held));
    for group in &mut groups {
        group.held.sort_by(|a, b| b.compare(a, choice));
    }
    groups.sort_by(|a, b| b.compare(a, choice));
    groups
}

/// Groups values that are the same to the letter.
fn identical(held: Vec<Held<'_>>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::with_capacity(1);
    for one in held {
        match groups
            .iter_mut()
            .find(|group| group.best().value == one.value)
        {
            Some(group) => group.held.push(one),
            None => groups.push(Group { held: vec![one] }),
        }
    }
    groups
}

/// Joins groups whose values are written otherwise and mean the same. What all records write alike,
/// as most do, needs no standard form.
fn alike<'a>(attribute: &Attribute, groups: Vec<Group<'a>>) -> Vec<Group<'a>> {
    if groups.len() < 2 {
        return groups;
    }
    let mut joined: BTreeMap<String, Group<'a>> = BTreeMap::new();
    for group in groups {
        let key = equality_key(attribute, group.best().value);
        joined.entry(key).or_default().held.extend(group.held);
    }
    joined.into_values().collect()
}

/// Chooses among ordered groups, and names the rule that made the difference.
fn chosen(attribute: &Attribute, groups: &[Group<'_>], choice: &Choice) -> GoldenValue {
    let first = &groups[0];
    let Some(second) = groups.get(1) else {
        let rule = if first.members().len() > 1 {
            Rule::Agreed
        } else {
            Rule::OnlyValue
        };
        return first.value(attribute, rule, false);
    };
    let disputed = groups[1..].iter().any(|group| contradicts(first, group));
    first.value(attribute, difference(first, second, choice), disputed)
}

/// Says whether a value contradicts the one that stands: a less complete one does not.
fn contradicts(stands: &Group<'_>, other: &Group<'_>) -> bool {
    other.best().worth >= stands.best().worth
}

/// The text under which two values of an attribute are the same.
fn equality_key(attribute: &Attribute, value: &Value) -> String {
    match (attribute, value) {
        (
            Attribute::NameChain | Attribute::NameLatin | Attribute::MotherName,
            Value::Name(name),
        ) => crate::name_key(&name.text).join(" "),
        (Attribute::Phone, Value::Text(text)) => {
            crate::phone(text).unwrap_or_else(|| script::letters(text))
        }
        (_, Value::Text(text)) => script::letters(text),
        (_, other @ (Value::Date(_) | Value::Name(_) | Value::Address(_) | Value::Relation(_))) => {
            script::letters(&other.to_line())
        }
    }
}

#[cfg(test)]
mod tests;
