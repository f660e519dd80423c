//! The value of a field.

use rabt_model::{Address, Name, NamePart, Relation, Timestamp, Value};

use super::super::{AddressPart, Field, Shape};
use super::input::{BoundInput, FieldRefused, RowRefused};
use crate::message::Batch;
use crate::step::Out;

/// Puts the inputs of a field together; nothing when none of them holds anything.
pub(super) fn compose(
    field: &Field,
    inputs: &[BoundInput<'_>],
    batch: &Batch,
    row: usize,
    this_year: i16,
    refusals: &mut Vec<FieldRefused>,
) -> Result<Option<Value>, RowRefused> {
    match &field.shape {
        Shape::NameParts(kin) => {
            let mut parts = Vec::with_capacity(kin.len());
            for (kin, input) in kin.iter().zip(inputs) {
                if let Out::Text(text) = input.take(batch, row, this_year, refusals)? {
                    let text = text.into_owned();
                    parts.push(NamePart { kin: *kin, text });
                }
            }
            let name = (!parts.is_empty()).then(|| Name::of_parts(parts));
            Ok(name.map(Value::Name))
        }
        Shape::Address(parts) => {
            let mut address = Address::default();
            for (part, input) in parts.iter().zip(inputs) {
                if let Out::Text(text) = input.take(batch, row, this_year, refusals)? {
                    *part.of(&mut address) = Some(text.into_owned());
                }
            }
            let known = address != Address::default();
            Ok(known.then_some(Value::Address(address)))
        }
        Shape::Text | Shape::Date | Shape::Name | Shape::Relation(_) => {
            let out = match inputs.first() {
                Some(input) => input.take(batch, row, this_year, refusals)?,
                None => Out::Absent,
            };
            Ok(single(&field.shape, out))
        }
    }
}

fn single(shape: &Shape, out: Out<'_>) -> Option<Value> {
    let text = match out {
        Out::Absent => return None,
        Out::Date(date) => return Some(Value::Date(date)),
        Out::Text(text) => text.into_owned(),
    };
    Some(match shape {
        Shape::Name => Value::Name(Name::whole(text)),
        Shape::Relation(kind) => Value::Relation(Relation {
            kind: kind.clone(),
            to: text,
        }),
        Shape::Text | Shape::Date | Shape::NameParts(_) | Shape::Address(_) => Value::Text(text),
    })
}

impl AddressPart {
    const fn of(self, address: &mut Address) -> &mut Option<String> {
        match self {
            Self::Governorate => &mut address.governorate,
            Self::District => &mut address.district,
            Self::Street => &mut address.street,
            Self::Text => &mut address.text,
        }
    }
}

/// Reads a point in time: RFC 3339, or a civil date and time taken as UTC, or a date, or seconds
/// since 1970.
pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let utc = |civil: jiff::civil::DateTime| {
        civil
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
        return utc(civil);
    }
    let seconds: i64 = text.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}
