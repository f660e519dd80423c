//! Made-up records, sources and citizens.

use rabt_model::{
    Address, Attribute, CitizenId, Kin, Name, NamePart, Pii, RecordId, RecordNumber, RecordValue,
    Relation, Rule, SourceId, SourceRecord, StreamId, Timestamp, Value,
};

use crate::row::{GoldenRef, StoredProfile, StoredRejection};

/// Returns an instant `seconds` and a fraction after a fixed one.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond(1_780_000_000_000_000 + seconds * 1_000_000 + 7).unwrap_or_default()
}

/// Returns the citizen of these bits, spread so that ids do not sort like their numbers.
pub fn citizen(number: u64) -> CitizenId {
    CitizenId::from_random(u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 61 | 5)
}

/// Returns the source `name`.
///
/// # Panics
/// When the name is malformed.
pub fn source(name: &str) -> SourceId {
    name.parse().expect("a well-formed source id")
}

/// Returns the stream `name`.
///
/// # Panics
/// When the name is malformed.
pub fn stream(name: &str) -> StreamId {
    name.parse().expect("a well-formed stream id")
}

/// Returns the record `key` of `person` in `source_name`, whose agency has the same name, in
/// version `version`.
///
/// # Panics
/// When the name is malformed.
pub fn record(source_name: &str, key: &str, version: u8) -> SourceRecord {
    let mut content_hash = [version; 32];
    for (place, byte) in content_hash
        .iter_mut()
        .zip(source_name.bytes().chain(key.bytes()))
    {
        *place ^= byte;
    }
    SourceRecord {
        id: RecordId {
            source: source(source_name),
            stream: stream("person"),
            key: Pii::new(key.to_owned()),
        },
        agency: source_name.parse().expect("a well-formed agency id"),
        values: values(key, version),
        version: (version > 1).then(|| format!("v{version}")),
        replaced_by: (version > 2).then(|| Pii::new(format!("{key}-{version}"))),
        event_at: (version > 0).then(|| at(i64::from(version))),
        observed_at: at(1000 + i64::from(version)),
        content_hash,
    }
}

/// Returns one value of every shape.
fn values(key: &str, version: u8) -> Vec<RecordValue> {
    let slot = |kin, text: &str| NamePart {
        kin,
        text: text.to_owned(),
    };
    let chain = Name::of_parts(vec![
        slot(Kin::Given, "محمد"),
        slot(Kin::Father, "عبد الرحمن"),
        slot(Kin::Family, "السيد"),
    ]);
    let latin = Name::whole(format!("Mohamed \"{key}\" \\ v{version}"));
    let date = "1984-02-11".parse().map(Value::Date);
    let address = Address {
        governorate: Some("01".into()),
        district: None,
        street: Some("١٢ شارع النيل\n\u{0}".into()),
        text: Some(String::new()),
    };
    let relation = Relation {
        kind: "mother".into(),
        to: "منى".into(),
    };
    let phone = Value::Text(format!("+2010{version:08}"));
    let entries = [
        (
            Attribute::NameChain,
            Value::Name(chain),
            "FNAME+SNAME+LNAME",
        ),
        (Attribute::NameLatin, Value::Name(latin), "NAME_EN"),
        (
            Attribute::national_id(),
            Value::Text("28402110100012".into()),
            "NID",
        ),
        (
            Attribute::BirthDate,
            date.unwrap_or(Value::Text(String::new())),
            "DOB",
        ),
        (Attribute::Address, Value::Address(address), "ADDR"),
        (Attribute::Phone, phone.clone(), "TEL1"),
        (Attribute::Phone, phone, "TEL2"),
        (Attribute::Relation, Value::Relation(relation), "MOTHER"),
    ];
    let entries = entries.into_iter();
    entries
        .map(|(attribute, value, column)| RecordValue {
            attribute,
            value: Pii::new(value),
            column: column.to_owned(),
        })
        .collect()
}

/// Returns a rejection of the column `column` of the row `key`.
pub fn rejection(source_name: &str, key: &str, column: &str, reason: &str) -> StoredRejection {
    StoredRejection {
        source: source(source_name),
        stream: stream("person"),
        key: Pii::new(key.to_owned()),
        column: column.to_owned(),
        reason: reason.to_owned(),
        field_only: !column.is_empty(),
    }
}

/// Returns a profile that takes its name and its national id from `record`.
pub fn profile(citizen: CitizenId, record: RecordNumber, seconds: i64) -> StoredProfile {
    let golden = |attribute, value, rule, disputed| GoldenRef {
        attribute,
        record,
        value,
        rule,
        disputed,
        supporters: 1,
    };
    StoredProfile {
        citizen,
        composed_at: at(seconds),
        values: vec![
            golden(Attribute::NameChain, 0, Rule::Majority, true),
            golden(Attribute::national_id(), 2, Rule::OnlyValue, false),
        ],
    }
}
