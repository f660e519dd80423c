//! The compact form of a profile in memory: one allocation a citizen.
//!
//! Integers are LEB128, texts are length and UTF-8, repeated words (attributes, columns, origins)
//! are numbers of the [`Dictionary`]. The form leaves the process in an image alone, whose version
//! changes with it.

use rabt_model::{
    Address, Attributed, CitizenId, Holding, Kin, Name, NamePart, PartialDate, Pii, Profile,
    Provenance, RecordNumber, Relation, Rule, Timestamp, Value,
};

use super::dictionary::{Dictionary, Origin};

const RULES: [Rule; 9] = [
    Rule::OnlyValue,
    Rule::Agreed,
    Rule::Majority,
    Rule::SourceRank,
    Rule::MostRecent,
    Rule::Validity,
    Rule::Kept,
    Rule::RecordOfTruth,
    Rule::FirstRecord,
];

/// Packs a profile. Values whose record is not among the holdings are left out: their origin
/// could not be told.
pub(super) fn pack(profile: &Profile, dictionary: &Dictionary) -> Box<[u8]> {
    let mut out = Vec::with_capacity(256);
    put_timestamp(&mut out, profile.composed_at);
    put_length(&mut out, profile.holdings.len());
    let mut event_times = vec![None; profile.holdings.len()];
    let mut values = Vec::with_capacity(profile.values.len());
    for value in &profile.values {
        let record = value.provenance.record;
        let place = profile.holdings.iter().position(|h| h.record == record);
        if let Some(place) = place {
            event_times[place] = value.provenance.event_at;
            values.push((place, value));
        }
    }
    for (holding, event_at) in profile.holdings.iter().zip(event_times) {
        put_holding(&mut out, holding, event_at, dictionary);
    }
    put_length(&mut out, values.len());
    for (place, value) in values {
        put_attributed(&mut out, place, value, dictionary);
    }
    out.into_boxed_slice()
}

/// Unpacks a profile; `None` only if the bytes are not what [`pack`] wrote.
pub(super) fn unpack(citizen: CitizenId, bytes: &[u8], dictionary: &Dictionary) -> Option<Profile> {
    let mut input = bytes;
    let words = dictionary.read();
    let composed_at = take_timestamp(&mut input)?;
    let count = take_length(&mut input)?;
    let mut holdings = Vec::with_capacity(count);
    let mut event_times = Vec::with_capacity(count);
    for _ in 0..count {
        let origin = words.origin(take_length(&mut input)?)?;
        let record = RecordNumber(take_signed(&mut input)?);
        let observed_at = take_timestamp(&mut input)?;
        let event_at = if take_byte(&mut input)? == 1 {
            Some(take_timestamp(&mut input)?)
        } else {
            None
        };
        event_times.push(event_at);
        holdings.push(Holding {
            agency: origin.agency.clone(),
            source: origin.source.clone(),
            stream: origin.stream.clone(),
            record,
            observed_at,
        });
    }
    let count = take_length(&mut input)?;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let place = take_length(&mut input)?;
        let holding = holdings.get(place)?;
        let attribute = words.attribute(take_length(&mut input)?)?.clone();
        let column = words.column(take_length(&mut input)?)?.to_owned();
        let flags = take_byte(&mut input)?;
        let supporters = u32::try_from(take_unsigned(&mut input)?).ok()?;
        let value = take_value(&mut input)?;
        values.push(Attributed {
            attribute,
            value: Pii::new(value),
            provenance: Provenance {
                agency: holding.agency.clone(),
                source: holding.source.clone(),
                stream: holding.stream.clone(),
                record: holding.record,
                column,
                observed_at: holding.observed_at,
                event_at: *event_times.get(place)?,
            },
            rule: *RULES.get(usize::from(flags & 0x7f))?,
            disputed: flags & 0x80 != 0,
            supporters,
        });
    }
    Some(Profile {
        citizen,
        values,
        holdings,
        composed_at,
    })
}

fn put_holding(
    out: &mut Vec<u8>,
    holding: &Holding,
    event_at: Option<Timestamp>,
    dictionary: &Dictionary,
) {
    let origin = Origin {
        agency: holding.agency.clone(),
        source: holding.source.clone(),
        stream: holding.stream.clone(),
    };
    put_length(out, dictionary.origin_number(origin));
    put_signed(out, holding.record.0);
    put_timestamp(out, holding.observed_at);
    if let Some(at) = event_at {
        out.push(1);
        put_timestamp(out, at);
    } else {
        out.push(0);
    }
}

fn put_attributed(out: &mut Vec<u8>, place: usize, value: &Attributed, dictionary: &Dictionary) {
    put_length(out, place);
    put_length(out, dictionary.attribute_number(&value.attribute));
    put_length(out, dictionary.column_number(&value.provenance.column));
    let rule = RULES.iter().position(|rule| *rule == value.rule);
    let rule = rule.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    out.push(rule | if value.disputed { 0x80 } else { 0 });
    put_unsigned(out, u64::from(value.supporters));
    put_value(out, value.value.expose());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => {
            out.push(0);
            put_text(out, text);
        }
        Value::Date(date) => {
            out.push(1);
            put_signed(out, i64::from(date.year()));
            out.push(date.month().unwrap_or(0));
            out.push(date.day().unwrap_or(0));
        }
        Value::Name(name) => {
            out.push(2);
            put_text(out, &name.text);
            put_length(out, name.parts.len());
            for part in &name.parts {
                let kin = Kin::ALL.iter().position(|kin| *kin == part.kin);
                put_length(out, kin.unwrap_or(0));
                put_text(out, &part.text);
            }
        }
        Value::Address(address) => {
            out.push(3);
            for part in [
                &address.governorate,
                &address.district,
                &address.street,
                &address.text,
            ] {
                put_optional(out, part.as_deref());
            }
        }
        Value::Relation(relation) => {
            out.push(4);
            put_text(out, &relation.kind);
            put_text(out, &relation.to);
        }
    }
}

fn take_value(input: &mut &[u8]) -> Option<Value> {
    match take_byte(input)? {
        0 => Some(Value::Text(take_text(input)?)),
        1 => take_date(input).map(Value::Date),
        2 => {
            let text = take_text(input)?;
            let count = take_length(input)?;
            let mut parts = Vec::with_capacity(count);
            for _ in 0..count {
                let kin = *Kin::ALL.get(take_length(input)?)?;
                let text = take_text(input)?;
                parts.push(NamePart { kin, text });
            }
            Some(Value::Name(Name { text, parts }))
        }
        3 => Some(Value::Address(Address {
            governorate: take_optional(input)?,
            district: take_optional(input)?,
            street: take_optional(input)?,
            text: take_optional(input)?,
        })),
        4 => Some(Value::Relation(Relation {
            kind: take_text(input)?,
            to: take_text(input)?,
        })),
        _ => None,
    }
}

fn take_date(input: &mut &[u8]) -> Option<PartialDate> {
    let year = i16::try_from(take_signed(input)?).ok()?;
    let (month, day) = (take_byte(input)?, take_byte(input)?);
    match (month, day) {
        (0, _) => PartialDate::of_year(year),
        (month, 0) => PartialDate::of_month(year, month),
        (month, day) => PartialDate::of_day(year, month, day),
    }
}

fn put_unsigned(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_unsigned(out, length as u64);
}

/// Zigzag, so that small negative numbers stay short.
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_unsigned(
        out,
        (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned(),
    );
}

fn put_timestamp(out: &mut Vec<u8>, at: Timestamp) {
    put_signed(out, at.as_microsecond());
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    if let Some(text) = text {
        out.push(1);
        put_text(out, text);
    } else {
        out.push(0);
    }
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

fn take_unsigned(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(input)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) fn take_length(input: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_unsigned(input)?).ok()
}

fn take_signed(input: &mut &[u8]) -> Option<i64> {
    let number = take_unsigned(input)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

fn take_timestamp(input: &mut &[u8]) -> Option<Timestamp> {
    Timestamp::from_microsecond(take_signed(input)?).ok()
}

pub(super) fn take_text(input: &mut &[u8]) -> Option<String> {
    let length = take_length(input)?;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(std::str::from_utf8(text).ok()?.to_owned())
}

/// The outer `None` is a fault of the bytes, the inner one an absent text.
#[expect(
    clippy::option_option,
    reason = "a fault and an absence are two things"
)]
fn take_optional(input: &mut &[u8]) -> Option<Option<String>> {
    match take_byte(input)? {
        0 => Some(None),
        _ => take_text(input).map(Some),
    }
}
