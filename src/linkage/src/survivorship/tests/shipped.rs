//! The shipped rules choose as was done before rules could be configured: the code of that time,
//! as an oracle.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rabt_model::{
    AgencyId, Attribute, GoldenRecord, GoldenValue, Name, Pii, RecordValue, Rule, SourceRecord,
    Timestamp, Value,
};

use super::super::group::worth;
use super::super::{Standing, Survivorship, equality_key};
use super::{NOBODY, record};
use crate::registry;

fn rank(agency: &AgencyId) -> u8 {
    NOBODY.rank(agency)
}

/// The most values that are kept of an attribute that may have several.
const MOST: usize = 8;

/// Composes as was done before rules could be configured.
fn golden_record(members: &[&SourceRecord], rank: fn(&AgencyId) -> u8) -> GoldenRecord {
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
        rank: fn(&AgencyId) -> u8,
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

fn any_value() -> impl Strategy<Value = (Attribute, Value)> {
    let text = |attribute: Attribute, all: &'static [&'static str]| {
        prop::sample::select(all)
            .prop_map(move |text: &str| (attribute.clone(), Value::Text(text.to_owned())))
    };
    let dates = ["1984", "1984-02", "1984-01-01", "1984-02-11", "1984-02-12"];
    let names = ["أحمد محمد علي", "احمد محمد على", "كريم علي", "أحمد علي"];
    prop_oneof![
        prop::sample::select(dates.to_vec())
            .prop_map(|text| (Attribute::BirthDate, Value::Date(text.parse().unwrap()))),
        prop::sample::select(names.to_vec())
            .prop_map(|text| (Attribute::NameChain, Value::Name(Name::whole(text)))),
        text(Attribute::Sex, &["male", "female"]),
        text(
            Attribute::national_id(),
            &["28402110100028", "28402110100029", "123"]
        ),
        text(
            Attribute::Phone,
            &[
                "01012345678",
                "+201012345678",
                "01112345678",
                "1",
                "2",
                "3",
                "4",
                "5",
                "6",
                "7",
                "8",
                "9"
            ]
        ),
    ]
}

fn any_record() -> impl Strategy<Value = SourceRecord> {
    let source = prop::sample::select(vec!["tax", "water", "civil", "labour"]);
    let values = prop::collection::vec(any_value(), 0..9);
    (source, prop::option::of(0_i64..3), values).prop_map(|(source, at, values)| {
        let mut record = record(source, 0, &values);
        record.event_at = at.map(|at| Timestamp::from_second(at).unwrap());
        record
    })
}

proptest! {
    #![proptest_config(crate::soak::at_most(1_000, 100_000))]

    #[test]
    fn the_shipped_rules_choose_as_ever(records in prop::collection::vec(any_record(), 1..8)) {
        let mut records = records;
        for (key, record) in records.iter_mut().enumerate() {
            record.id.key = Pii::new(key.to_string());
        }
        let members: Vec<&SourceRecord> = records.iter().collect();
        let now = super::golden_record(&members, &Survivorship::default(), &NOBODY);
        prop_assert_eq!(now, golden_record(&members, rank));
    }
}
