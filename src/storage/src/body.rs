//! The stored forms of a record's values and of a profile: compact JSON, the same in both backends.

use rabt_model::{
    Address, Attribute, CitizenId, Kin, Name, NamePart, PartialDate, Pii, RecordId, RecordNumber,
    RecordValue, Relation, Rule, SourceRecord, Value,
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::StorageError;
use crate::convert::{corrupt, to_citizen, to_hash, to_timestamp};
use crate::names::Names;
use crate::row::{GoldenRef, StoredProfile, StoredRecord};

/// A value: `S` borrows on the way in and owns on the way out. It is personal, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
enum ValueRow<S> {
    #[serde(rename = "t")]
    Text(S),
    #[serde(rename = "d")]
    Date(PartialDate),
    #[serde(rename = "n")]
    Name(S),
    /// Slots of which the whole name is the sequence.
    #[serde(rename = "p")]
    Slots(Vec<(u8, S)>),
    /// A whole name beside slots that say something else.
    #[serde(rename = "b")]
    Both(S, Vec<(u8, S)>),
    #[serde(rename = "a")]
    Address(Option<S>, Option<S>, Option<S>, Option<S>),
    #[serde(rename = "r")]
    Relation(S, S),
    /// No value: the key of the row that takes the record's place, beside the field [`NO_FIELD`].
    #[serde(rename = "x")]
    ReplacedBy(S),
}

/// Stands where a field's number would; fields are numbered from 1.
const NO_FIELD: i64 = 0;

/// A record as its table holds it. It is personal, so it has no `Debug`.
pub(crate) struct RecordRow {
    pub(crate) number: i64,
    pub(crate) stream: i64,
    pub(crate) key: String,
    pub(crate) content_hash: Vec<u8>,
    pub(crate) version: Option<String>,
    pub(crate) event_at: Option<i64>,
    pub(crate) observed_at: i64,
    pub(crate) body: String,
    pub(crate) linked: bool,
}

/// A profile as its table holds it: id, time of composition, body.
pub(crate) type ProfileRow = (Vec<u8>, i64, String);

/// Why a record cannot be decoded yet, or at all.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// It uses a name that came after the names were read.
    UnknownName,
    /// It is damaged.
    Storage(StorageError),
}

impl From<StorageError> for DecodeError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Returns the body of a record whose names all have numbers.
pub(crate) fn encode_values(names: &Names, record: &SourceRecord) -> Result<String, StorageError> {
    let mut values = Vec::with_capacity(record.values.len());
    for value in &record.values {
        let field = names
            .field_number(&value.attribute, &value.column)
            .ok_or_else(|| corrupt("fields", "a name was not given a number"))?;
        values.push((field, value_row(value.value.expose())));
    }
    if let Some(key) = &record.replaced_by {
        values.push((NO_FIELD, ValueRow::ReplacedBy(key.expose().as_str())));
    }
    serde_json::to_string(&values).map_err(|_| corrupt("records", "a body cannot be written"))
}

/// Returns the record of a row.
pub(crate) fn decode_record(names: &Names, row: RecordRow) -> Result<StoredRecord, DecodeError> {
    let stream = names.stream(row.stream).ok_or(DecodeError::UnknownName)?;
    let event_at = row.event_at.map(|at| to_timestamp("records", at));
    let (values, replaced_by) = decode_values(names, &row.body)?;
    let record = SourceRecord {
        id: RecordId {
            source: stream.source.clone(),
            stream: stream.stream.clone(),
            key: Pii::new(row.key),
        },
        agency: stream.agency.clone(),
        values,
        version: row.version,
        replaced_by,
        event_at: event_at.transpose()?,
        observed_at: to_timestamp("records", row.observed_at)?,
        content_hash: to_hash("records", &row.content_hash)?,
    };
    Ok(StoredRecord {
        number: RecordNumber(row.number),
        record,
        linked: row.linked,
    })
}

/// Returns the values of a body, and the key of the row that takes the record's place.
fn decode_values(
    names: &Names,
    body: &str,
) -> Result<(Vec<RecordValue>, Option<Pii<String>>), DecodeError> {
    let rows: Vec<(i64, ValueRow<String>)> =
        serde_json::from_str(body).map_err(|_| corrupt("records", "the body is malformed"))?;
    let mut values = Vec::with_capacity(rows.len());
    let mut replaced_by = None;
    for (field, row) in rows {
        if let ValueRow::ReplacedBy(key) = row {
            replaced_by = Some(Pii::new(key));
            continue;
        }
        let name = names.field(field).ok_or(DecodeError::UnknownName)?;
        values.push(RecordValue {
            attribute: name.attribute.clone(),
            value: Pii::new(value_of(row)?),
            column: name.column.clone(),
        });
    }
    Ok((values, replaced_by))
}

fn value_row(value: &Value) -> ValueRow<&str> {
    match value {
        Value::Text(text) => ValueRow::Text(text),
        Value::Date(date) => ValueRow::Date(*date),
        Value::Name(name) => name_row(name),
        Value::Address(address) => ValueRow::Address(
            address.governorate.as_deref(),
            address.district.as_deref(),
            address.street.as_deref(),
            address.text.as_deref(),
        ),
        Value::Relation(relation) => ValueRow::Relation(&relation.kind, &relation.to),
    }
}

fn name_row(name: &Name) -> ValueRow<&str> {
    if name.parts.is_empty() {
        return ValueRow::Name(&name.text);
    }
    let slots = name.parts.iter();
    let slots: Vec<(u8, &str)> = slots
        .map(|part| (kin_code(part.kin), part.text.as_str()))
        .collect();
    let words = slots.iter().map(|(_, text)| *text);
    if is_join(&name.text, words) {
        ValueRow::Slots(slots)
    } else {
        ValueRow::Both(&name.text, slots)
    }
}

/// Says whether `whole` is the words joined by single spaces.
fn is_join<'a>(whole: &str, words: impl Iterator<Item = &'a str>) -> bool {
    let mut rest = Some(whole);
    for (index, word) in words.enumerate() {
        let body = if index == 0 {
            rest
        } else {
            rest.and_then(|rest| rest.strip_prefix(' '))
        };
        rest = body.and_then(|body| body.strip_prefix(word));
    }
    rest == Some("")
}

const fn kin_code(kin: Kin) -> u8 {
    match kin {
        Kin::Given => 0,
        Kin::Father => 1,
        Kin::Grandfather => 2,
        Kin::GreatGrandfather => 3,
        Kin::Family => 4,
    }
}

fn value_of(row: ValueRow<String>) -> Result<Value, StorageError> {
    Ok(match row {
        ValueRow::Text(text) => Value::Text(text),
        ValueRow::Date(date) => Value::Date(date),
        ValueRow::Name(text) => Value::Name(Name::whole(text)),
        ValueRow::Slots(slots) => Value::Name(Name::of_parts(parts_of(slots)?)),
        ValueRow::Both(text, slots) => Value::Name(Name {
            text,
            parts: parts_of(slots)?,
        }),
        ValueRow::Address(governorate, district, street, text) => Value::Address(Address {
            governorate,
            district,
            street,
            text,
        }),
        ValueRow::Relation(kind, to) => Value::Relation(Relation { kind, to }),
        ValueRow::ReplacedBy(_) => return Err(corrupt("records", "a key stands for a value")),
    })
}

fn parts_of(slots: Vec<(u8, String)>) -> Result<Vec<NamePart>, StorageError> {
    let mut parts = Vec::with_capacity(slots.len());
    for (code, text) in slots {
        let kin = Kin::ALL.get(usize::from(code)).copied();
        let kin = kin.ok_or_else(|| corrupt("records", "a name slot is unknown"))?;
        parts.push(NamePart { kin, text });
    }
    Ok(parts)
}

/// Attribute, record, value, rule, disputed (0 or 1), supporters.
type GoldenRow = (Attribute, i64, u16, Rule, u8, u32);

/// Returns the profiles in the order in which citizens first occur, the last one of each.
pub(crate) fn last_by_citizen(profiles: &[StoredProfile]) -> Vec<&StoredProfile> {
    let mut places: FxHashMap<CitizenId, usize> = FxHashMap::default();
    let mut last: Vec<&StoredProfile> = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let place = *places.entry(profile.citizen).or_insert(last.len());
        match last.get_mut(place) {
            Some(held) => *held = profile,
            None => last.push(profile),
        }
    }
    last
}

/// Returns the body of a profile.
pub(crate) fn encode_profile(profile: &StoredProfile) -> Result<String, StorageError> {
    let rows: Vec<(&Attribute, i64, u16, Rule, u8, u32)> = profile
        .values
        .iter()
        .map(|golden| {
            let disputed = u8::from(golden.disputed);
            let record = golden.record.0;
            let supporters = golden.supporters;
            (
                &golden.attribute,
                record,
                golden.value,
                golden.rule,
                disputed,
                supporters,
            )
        })
        .collect();
    serde_json::to_string(&rows).map_err(|_| corrupt("citizens", "a profile cannot be written"))
}

/// Returns the profile of a row.
pub(crate) fn decode_profile(row: &ProfileRow) -> Result<StoredProfile, StorageError> {
    let (citizen, composed_at, body) = row;
    let rows: Vec<GoldenRow> =
        serde_json::from_str(body).map_err(|_| corrupt("citizens", "a profile is malformed"))?;
    let values = rows
        .into_iter()
        .map(
            |(attribute, record, value, rule, disputed, supporters)| GoldenRef {
                attribute,
                record: RecordNumber(record),
                value,
                rule,
                disputed: disputed != 0,
                supporters,
            },
        )
        .collect();
    Ok(StoredProfile {
        citizen: to_citizen(citizen)?,
        composed_at: to_timestamp("citizens", *composed_at)?,
        values,
    })
}

#[cfg(test)]
mod tests {
    use rabt_model::{Kin, Name, NamePart, Value};

    use super::{ValueRow, value_of, value_row};

    fn part(kin: Kin, text: &str) -> NamePart {
        NamePart {
            kin,
            text: text.into(),
        }
    }

    #[test]
    fn names_keep_their_text_and_their_slots() {
        let slots = vec![part(Kin::Given, "منى"), part(Kin::Family, "عبد الله")];
        let joined = Name::of_parts(slots.clone());
        let differing = Name {
            text: "منى عبدالله".into(),
            parts: slots.clone(),
        };
        let longer = Name {
            text: "منى عبد الله سالم".into(),
            parts: slots,
        };
        for name in [
            Name::whole("منى"),
            joined,
            differing,
            longer,
            Name::whole(""),
        ] {
            let value = Value::Name(name);
            let text = serde_json::to_string(&value_row(&value)).unwrap();
            let row: ValueRow<String> = serde_json::from_str(&text).unwrap();
            assert_eq!(value_of(row).unwrap(), value);
        }
    }
}
