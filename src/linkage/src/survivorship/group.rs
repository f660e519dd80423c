//! Equal values and who holds them, and which of two stands first.

use std::cmp::Ordering;

use rabt_model::{Attribute, GoldenValue, RecordId, Rule, SourceRecord, Timestamp, Value};

use super::Standing;
use super::rules::{Choice, Criterion};

/// One value of one member.
pub(super) struct Held<'a> {
    pub(super) value: &'a Value,
    /// The member, and which of its values.
    pub(super) place: (usize, usize),
    pub(super) worth: u8,
    truth: bool,
    rank: u8,
    changed: Option<Timestamp>,
    id: &'a RecordId,
}

/// Equal values; once ordered, the best holder first. Never empty.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) held: Vec<Held<'a>>,
}

impl<'a> Held<'a> {
    pub(super) fn of(
        record: &'a SourceRecord,
        place: (usize, usize),
        choice: &Choice,
        standing: &dyn Standing,
    ) -> Self {
        let attribute = &record.values[place.1].attribute;
        let value = record.values[place.1].value.expose();
        let named = choice.rank(&record.agency, &record.id.source);
        Self {
            value,
            place,
            worth: worth(attribute, value),
            truth: standing.is_record_of_truth(&record.id, attribute),
            rank: named.unwrap_or_else(|| standing.rank(&record.agency)),
            changed: record.event_at,
            id: &record.id,
        }
    }

    /// The greater stands before the lesser; of one record's values, the earlier.
    pub(super) fn compare(&self, other: &Self, choice: &Choice) -> Ordering {
        let rules = choice.rules.iter();
        rules
            .map(|rule| self.compare_by(other, *rule))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| identity(other.id).cmp(&identity(self.id)))
            .then_with(|| other.place.1.cmp(&self.place.1))
    }

    fn compare_by(&self, other: &Self, rule: Criterion) -> Ordering {
        match rule {
            Criterion::RecordOfTruth => self.truth.cmp(&other.truth),
            Criterion::Validity => self.worth.cmp(&other.worth),
            // Holders of one value are equally many.
            Criterion::Majority => Ordering::Equal,
            Criterion::SourceRank => self.rank.cmp(&other.rank),
            Criterion::Recency => self.changed.cmp(&other.changed),
        }
    }
}

impl<'a> Group<'a> {
    /// Returns the holder that speaks for the value.
    pub(super) fn best(&self) -> &Held<'a> {
        &self.held[0]
    }

    /// Returns the members that hold the value, ascending, each once.
    pub(super) fn members(&self) -> Vec<usize> {
        let mut members: Vec<usize> = self.held.iter().map(|held| held.place.0).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Returns the members that hold the value and where, ascending, each member once.
    pub(super) fn holders(&self) -> Vec<(usize, usize)> {
        let mut holders: Vec<(usize, usize)> = self.held.iter().map(|held| held.place).collect();
        holders.sort_unstable();
        holders.dedup_by_key(|(member, _)| *member);
        holders
    }

    /// The greater stands before the lesser.
    pub(super) fn compare(&self, other: &Self, choice: &Choice) -> Ordering {
        let rules = choice.rules.iter();
        rules
            .map(|rule| self.compare_by(other, *rule))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| identity(other.best().id).cmp(&identity(self.best().id)))
    }

    fn compare_by(&self, other: &Self, rule: Criterion) -> Ordering {
        if rule == Criterion::Majority {
            return self.members().len().cmp(&other.members().len());
        }
        self.best().compare_by(other.best(), rule)
    }

    pub(super) fn value(&self, attribute: &Attribute, rule: Rule, disputed: bool) -> GoldenValue {
        let (member, value) = self.best().place;
        GoldenValue {
            attribute: attribute.clone(),
            member,
            value,
            rule,
            disputed,
            supporters: self.members(),
        }
    }
}

/// What orders records that nothing else tells apart.
fn identity(id: &RecordId) -> (&str, &str, &str) {
    (
        id.source.as_str(),
        id.stream.as_str(),
        id.key.expose().as_str(),
    )
}

/// Returns the rule that puts one value before another.
pub(super) fn difference(first: &Group<'_>, second: &Group<'_>, choice: &Choice) -> Rule {
    let told = |rule: &&Criterion| first.compare_by(second, **rule).is_ne();
    match choice.rules.iter().find(told) {
        Some(Criterion::RecordOfTruth) => Rule::RecordOfTruth,
        Some(Criterion::Validity) => Rule::Validity,
        Some(Criterion::Majority) => Rule::Majority,
        Some(Criterion::SourceRank) => Rule::SourceRank,
        Some(Criterion::Recency) => Rule::MostRecent,
        // Of records that changed at one time, the first by identity counts as the last.
        None if choice.rules.contains(&Criterion::Recency) => Rule::MostRecent,
        None => Rule::FirstRecord,
    }
}

/// How complete and valid a value is in itself.
pub(super) fn worth(attribute: &Attribute, value: &Value) -> u8 {
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
