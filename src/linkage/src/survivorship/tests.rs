use rabt_model::{
    AgencyId, Attribute, Name, Pii, RecordId, RecordValue, Rule, SourceRecord, Timestamp, Value,
};

use super::golden_record;

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
        event_at: Some(Timestamp::from_second(changed).unwrap()),
        observed_at: Timestamp::UNIX_EPOCH,
        content_hash: [0; 32],
    }
}

fn birth(text: &str) -> (Attribute, Value) {
    (Attribute::BirthDate, Value::Date(text.parse().unwrap()))
}

fn rank(agency: &AgencyId) -> u8 {
    if agency.as_str() == "civil" { 90 } else { 50 }
}

fn choose(records: &[SourceRecord]) -> (String, Rule, bool, usize) {
    let members: Vec<&SourceRecord> = records.iter().collect();
    let golden = golden_record(&members, &rank);
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
    let golden = golden_record(&members, &rank);
    assert_eq!(golden.values.len(), 2);
    assert_eq!(golden.values[0].supporters, [0, 1]);
    assert_eq!(
        golden.values[0].member, 1,
        "the spelling of the source of higher rank"
    );
    assert_eq!(golden.values[0].rule, Rule::Kept);
}
