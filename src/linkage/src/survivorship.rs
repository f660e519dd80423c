//! Survivorship: which of the values that records hold stands in the golden record.
//!
//! Values are chosen by what they are, where they come from and when they changed at their source;
//! never by the clock and never by the order in which records came.

use std::collections::BTreeMap;

use rabt_model::{
    AgencyId, Attribute, GoldenRecord, GoldenValue, RecordValue, Rule, SourceRecord, Timestamp,
    Value,
};

use crate::registry;
use crate::standardise::script;

/// The most values that are kept of an attribute that may have several.
const MOST: usize = 8;

/// Composes the golden record of a cluster. `rank` says how far an agency is trusted, higher is
/// more. For an attribute with one value: whole and valid values first, then the value that most
/// records hold, then the source's rank, then the last change, then the record's identity. For an
/// attribute with several: each distinct value once, the best supported first.
pub fn golden_record(members: &[&SourceRecord], rank: &dyn Fn(&AgencyId) -> u8) -> GoldenRecord {
    let mut by_attribute: BTreeMap<&Attribute, BTreeMap<String, Group>> = BTreeMap::new();
    for (member, record) in members.iter().enumerate() {
        for (index, value) in record.values.iter().enumerate() {
            let groups = by_attribute.entry(&value.attribute).or_default();
            let key = equality_key(&value.attribute, value.value.expose());
            groups
                .entry(key)
                .or_default()
                .add(Held::of(record, value, member, index, rank));
        }
    }
    let mut values = Vec::new();
    for (attribute, groups) in by_attribute {
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by(|a, b| b.standing().cmp(&a.standing()));
        if attribute.is_many() {
            values.extend(groups.iter().take(MOST).map(|group| group.kept(attribute)));
        } else {
            values.push(chosen(attribute, &groups));
        }
    }
    GoldenRecord { values }
}

/// One value of one member.
struct Held {
    member: usize,
    index: usize,
    rank: u8,
    changed: Option<Timestamp>,
    worth: u8,
    identity: String,
}

impl Held {
    fn of(
        record: &SourceRecord,
        value: &RecordValue,
        member: usize,
        index: usize,
        rank: &dyn Fn(&AgencyId) -> u8,
    ) -> Self {
        Self {
            member,
            index,
            rank: rank(&record.agency),
            changed: record.event_at,
            worth: worth(&value.attribute, value.value.expose()),
            identity: registry::identity(&record.id),
        }
    }

    /// Higher stands before lower.
    fn standing(
        &self,
    ) -> (
        u8,
        u8,
        Option<Timestamp>,
        std::cmp::Reverse<&str>,
        std::cmp::Reverse<usize>,
    ) {
        let Self {
            rank,
            changed,
            worth,
            identity,
            index,
            ..
        } = self;
        (
            *worth,
            *rank,
            *changed,
            std::cmp::Reverse(identity),
            std::cmp::Reverse(*index),
        )
    }
}

/// Equal values.
#[derive(Default)]
struct Group {
    held: Vec<Held>,
}

impl Group {
    fn add(&mut self, held: Held) {
        self.held.push(held);
        self.held.sort_by(|a, b| b.standing().cmp(&a.standing()));
    }

    fn members(&self) -> Vec<usize> {
        let mut members: Vec<usize> = self.held.iter().map(|held| held.member).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Higher stands before lower: worth, support, then the best holder.
    fn standing(&self) -> impl Ord + '_ {
        let best = &self.held[0];
        (
            best.worth,
            self.members().len(),
            best.rank,
            best.changed,
            std::cmp::Reverse(&best.identity),
        )
    }

    fn value(&self, attribute: &Attribute, rule: Rule, disputed: bool) -> GoldenValue {
        let best = &self.held[0];
        GoldenValue {
            attribute: attribute.clone(),
            member: best.member,
            value: best.index,
            rule,
            disputed,
            supporters: self.members(),
        }
    }

    fn kept(&self, attribute: &Attribute) -> GoldenValue {
        self.value(attribute, Rule::Kept, false)
    }
}

/// Chooses among groups sorted by standing, and names the rule that made the difference.
fn chosen(attribute: &Attribute, groups: &[Group]) -> GoldenValue {
    let first = &groups[0];
    let Some(second) = groups.get(1) else {
        let rule = if first.members().len() > 1 {
            Rule::Agreed
        } else {
            Rule::OnlyValue
        };
        return first.value(attribute, rule, false);
    };
    let (best, other) = (&first.held[0], &second.held[0]);
    let rule = if best.worth != other.worth {
        Rule::Validity
    } else if first.members().len() != second.members().len() {
        Rule::Majority
    } else if best.rank != other.rank {
        Rule::SourceRank
    } else {
        Rule::MostRecent
    };
    // A less complete value does not contradict a complete one.
    let disputed = groups[1..]
        .iter()
        .any(|group| group.held[0].worth == best.worth);
    first.value(attribute, rule, disputed)
}

/// How complete and valid a value is in itself.
fn worth(attribute: &Attribute, value: &Value) -> u8 {
    match value {
        Value::Date(date) if !date.is_whole() => 0,
        Value::Date(date) if (date.month(), date.day()) == (Some(1), Some(1)) => 1,
        Value::Text(text) if *attribute == Attribute::national_id() => {
            u8::from(crate::national_id(text).is_some()) * 2
        }
        Value::Date(_)
        | Value::Text(_)
        | Value::Name(_)
        | Value::Address(_)
        | Value::Relation(_) => 2,
    }
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
