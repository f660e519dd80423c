use proptest::prelude::*;
use rabt_model::{
    AgencyId, Attribute, Name, Pii, RecordId, RecordValue, Rule, SourceRecord, Timestamp, Value,
};

use super::{Standing, Survivorship, golden_record, lost_values};

mod read;
mod shipped;

/// The civil registry ranks first; `truth` is a record of truth for dates of birth.
struct Known {
    truth: &'static str,
}

impl Standing for Known {
    fn rank(&self, agency: &AgencyId) -> u8 {
        if agency.as_str() == "civil" { 90 } else { 50 }
    }

    fn is_record_of_truth(&self, record: &RecordId, attribute: &Attribute) -> bool {
        record.source.as_str() == self.truth && *attribute == Attribute::BirthDate
    }
}

const NOBODY: Known = Known { truth: "" };

fn rules(text: &str) -> Survivorship {
    Survivorship::from_toml(&format!("schema = 1\n{text}")).unwrap()
}

fn record(source: &str, changed: i64, values: &[(Attribute, Value)]) -> SourceRecord {
    let values = values.iter().map(|(attribute, value)| RecordValue {
        attribute: attribute.clone(),
        value: Pii::new(value.clone()),
        column: "X".to_owned(),
    });
    SourceRecord {
        id: RecordId {
            source: source.parse().unwrap(),
            stream: "person".parse().unwrap(),
            key: Pii::new("1".to_owned()),
        },
        agency: source.parse().unwrap(),
        values: values.collect(),
        version: None,
        replaced_by: None,
        event_at: Some(Timestamp::from_second(changed).unwrap()),
        observed_at: Timestamp::UNIX_EPOCH,
        content_hash: [0; 32],
    }
}

fn birth(text: &str) -> (Attribute, Value) {
    (Attribute::BirthDate, Value::Date(text.parse().unwrap()))
}

fn choose(records: &[SourceRecord]) -> (String, Rule, bool, usize) {
    choose_by(records, &Survivorship::default(), &NOBODY)
}

fn choose_by(
    records: &[SourceRecord],
    rules: &Survivorship,
    known: &Known,
) -> (String, Rule, bool, usize) {
    let members: Vec<&SourceRecord> = records.iter().collect();
    let golden = golden_record(&members, rules, known);
    let value = &golden.values[0];
    let text = members[value.member].values[value.value]
        .value
        .expose()
        .to_line();
    (text, value.rule, value.disputed, value.supporters.len())
}

#[test]
fn each_rule_has_its_turn() {
    let one = |source: &str, at: i64, text: &str| record(source, at, &[birth(text)]);
    let cases = [
        (
            vec![one("tax", 1, "1984-02-11")],
            ("1984-02-11", Rule::OnlyValue, false, 1),
        ),
        (
            vec![one("tax", 1, "1984-02-11"), one("civil", 1, "1984-02-11")],
            ("1984-02-11", Rule::Agreed, false, 2),
        ),
        (
            vec![
                one("tax", 1, "1984-02-11"),
                one("water", 1, "1984-02-11"),
                one("civil", 9, "1984-02-12"),
            ],
            ("1984-02-11", Rule::Majority, true, 2),
        ),
        (
            vec![one("tax", 9, "1984-02-11"), one("civil", 1, "1984-02-12")],
            ("1984-02-12", Rule::SourceRank, true, 1),
        ),
        (
            vec![one("tax", 1, "1984-02-11"), one("water", 9, "1984-02-12")],
            ("1984-02-12", Rule::MostRecent, true, 1),
        ),
        (
            vec![one("civil", 9, "1984"), one("tax", 1, "1984-02-11")],
            ("1984-02-11", Rule::Validity, false, 1),
        ),
    ];
    for (records, (text, rule, disputed, supporters)) in cases {
        assert_eq!(
            choose(&records),
            (text.to_owned(), rule, disputed, supporters)
        );
        let reversed: Vec<SourceRecord> = records.into_iter().rev().collect();
        assert_eq!(
            choose(&reversed),
            (text.to_owned(), rule, disputed, supporters),
            "any order"
        );
    }
}

#[test]
fn spellings_of_a_name_are_one_value() {
    let name = |source: &str, text: &str| {
        record(
            source,
            1,
            &[(Attribute::NameChain, Value::Name(Name::whole(text)))],
        )
    };
    let records = [
        name("tax", "احمد محمد على"),
        name("civil", "أحمد محمد علي"),
        name("water", "كريم علي"),
    ];
    let members: Vec<&SourceRecord> = records.iter().collect();
    let golden = golden_record(&members, &Survivorship::default(), &NOBODY);
    assert_eq!(golden.values.len(), 2);
    assert_eq!(golden.values[0].supporters, [0, 1]);
    assert_eq!(
        golden.values[0].member, 1,
        "the spelling of the source of higher rank"
    );
    assert_eq!(golden.values[0].rule, Rule::Kept);
}

#[test]
fn the_shipped_file_says_what_works_without_one() {
    let shipped = Survivorship::from_toml(Survivorship::SHIPPED).unwrap();
    assert_eq!(shipped, Survivorship::default());
    assert_eq!(
        shipped.fingerprint(),
        "4fc2a1326fd5518beacdda5ce9cd5d853b1fcc9ba7d705eb7e9ece5eac3a982a",
        "nodes that name no file compose their profiles again when this changes"
    );
}

#[test]
fn a_record_of_truth_stands_before_the_many_and_the_valid() {
    let records = [
        record("tax", 9, &[birth("1984-02-11")]),
        record("water", 9, &[birth("1984-02-11")]),
        record("civil", 1, &[birth("1984-03")]),
    ];
    let truth = Known { truth: "civil" };
    let golden = choose_by(&records, &Survivorship::default(), &truth);
    assert_eq!(golden, ("1984-03".to_owned(), Rule::RecordOfTruth, true, 1));
    let without = rules("default.rules = [\"validity\", \"majority\"]");
    let golden = choose_by(&records, &without, &truth);
    assert_eq!(golden.1, Rule::Validity, "the rule is not in the list");
}

#[test]
fn an_order_of_rules_is_kept_to() {
    let records = [
        record("tax", 9, &[birth("1984-02-11")]),
        record("water", 1, &[birth("1984-02-12")]),
        record("labour", 1, &[birth("1984-02-12")]),
    ];
    let of = |rules_text: &str| {
        let rules = rules(rules_text);
        let golden = choose_by(&records, &rules, &NOBODY);
        (golden.0, golden.1)
    };
    assert_eq!(
        of("default.rules = [\"recency\", \"majority\"]"),
        ("1984-02-11".to_owned(), Rule::MostRecent)
    );
    assert_eq!(
        of(
            "default.rules = [\"majority\"]\n[attribute.\"birth.date\"]\nrules = [\"source_rank\"]\nranks = { water = 60 }"
        ),
        ("1984-02-12".to_owned(), Rule::SourceRank)
    );
    assert_eq!(
        of("[group.dates]\nattributes = [\"birth.date\"]\nrules = [\"source_rank\"]"),
        ("1984-02-12".to_owned(), Rule::FirstRecord),
        "labour is before tax"
    );
}

#[test]
fn a_source_has_a_rank_of_its_own() {
    let rules =
        rules("default.rules = [\"source_rank\"]\ndefault.ranks = { tax = 10, tax-cairo = 200 }");
    let mut cairo = record("tax-cairo", 1, &[birth("1984-02-11")]);
    cairo.agency = "tax".parse().unwrap();
    let records = [record("civil", 1, &[birth("1984-02-12")]), cairo];
    let golden = choose_by(&records, &rules, &NOBODY);
    assert_eq!(
        (golden.0.as_str(), golden.1),
        ("1984-02-11", Rule::SourceRank)
    );
}

#[test]
fn as_many_values_are_kept_as_the_rules_say() {
    let phone = |source: &str, at, text: &str| {
        record(
            source,
            at,
            &[(Attribute::Phone, Value::Text(text.to_owned()))],
        )
    };
    let records = [
        phone("tax", 1, "01012345671"),
        phone("water", 3, "01012345672"),
        phone("civil", 2, "01012345673"),
    ];
    let members: Vec<&SourceRecord> = records.iter().collect();
    let rules = rules("[attribute.phone]\nrules = [\"recency\"]\nmost = 2");
    let golden = golden_record(&members, &rules, &NOBODY);
    let kept: Vec<usize> = golden.values.iter().map(|value| value.member).collect();
    assert_eq!(kept, [1, 2]);
    let lost = lost_values(&members, &Attribute::Phone, &rules, &NOBODY);
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].held, lost[0].rule, lost[0].disputes),
        ((0, 0), Rule::MostRecent, false)
    );
}

#[test]
fn what_lost_says_who_holds_it_and_why_it_lost() {
    let records = [
        record("tax", 1, &[birth("1984-02-11")]),
        record("water", 1, &[birth("1984-02-11")]),
        record("civil", 1, &[birth("1984-02-12")]),
        record("labour", 1, &[birth("1984")]),
    ];
    let members: Vec<&SourceRecord> = records.iter().collect();
    let lost = lost_values(
        &members,
        &Attribute::BirthDate,
        &Survivorship::default(),
        &NOBODY,
    );
    let told: Vec<_> = lost
        .iter()
        .map(|l| (l.holders.clone(), l.rule, l.disputes))
        .collect();
    assert_eq!(
        told,
        [
            (vec![(2, 0)], Rule::Majority, true),
            (vec![(3, 0)], Rule::Validity, false),
        ]
    );
    assert!(lost_values(&members, &Attribute::Sex, &Survivorship::default(), &NOBODY).is_empty());
}

fn any_record() -> impl Strategy<Value = SourceRecord> {
    let source = prop::sample::select(vec!["tax", "water", "civil", "labour", "courts"]);
    let day = prop::sample::select(vec!["1984", "1984-01-01", "1984-02-11", "1984-02-12"]);
    (source, 0_i64..3, day, 0_u32..4).prop_map(|(source, at, day, key)| {
        let mut record = record(source, at, &[birth(day)]);
        record.id.key = Pii::new(key.to_string());
        record
    })
}

fn any_rules() -> impl Strategy<Value = Survivorship> {
    let words = [
        "record_of_truth",
        "validity",
        "majority",
        "source_rank",
        "recency",
    ];
    prop::sample::subsequence(words.to_vec(), 1..=5)
        .prop_shuffle()
        .prop_map(|words| rules(&format!("default.rules = {words:?}")))
}

proptest! {
    /// Whatever the rules, the golden record is a function of the set of records, and what it
    /// says of lost values is all that it leaves out.
    #[test]
    fn any_order_of_records_gives_one_result(
        records in prop::collection::vec(any_record(), 1..7),
        rules in any_rules(),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut records = records;
        records.sort_by_key(|record| crate::registry::identity(&record.id));
        records.dedup_by_key(|record| crate::registry::identity(&record.id));
        let known = Known { truth: "civil" };
        let first = choose_by(&records, &rules, &known);
        let at = seed.index(records.len());
        records.rotate_left(at);
        let turned = choose_by(&records, &rules, &known);
        records.reverse();
        let reversed = choose_by(&records, &rules, &known);
        prop_assert_eq!(&first, &turned);
        prop_assert_eq!(&first, &reversed);
        let members: Vec<&SourceRecord> = records.iter().collect();
        let lost = lost_values(&members, &Attribute::BirthDate, &rules, &known);
        let holders: usize = lost.iter().map(|lost| lost.holders.len()).sum();
        prop_assert_eq!(first.3 + holders, records.len());
        prop_assert_eq!(first.2, lost.iter().any(|lost| lost.disputes));
    }
}
