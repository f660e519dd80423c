//! The bytes of a value in the log.
//!
//! The driver's own reading of values takes -8388608 for 8388608 and fails on a time before midnight, so
//! they are read here, by the type of the column.

use mysql_async::consts::ColumnType;
use rabt_connect::{Fault, hex};

use super::shape::Column;
use super::value::{Form, Value, fraction, members, timestamp};

/// Digits in one group of a decimal number, and the bytes that so many digits take.
const GROUP: usize = 9;
const DIGIT_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// Reads the value of a column from the front of a row; nothing when it does not fit its column.
pub(super) fn read(column: &Column, row: &mut &[u8]) -> Option<Value> {
    let size = size(column, row)?;
    let (bytes, behind) = row.split_at_checked(size.prefix + size.value)?;
    *row = behind;
    let bytes = &bytes[size.prefix..];
    if !column.wanted {
        return Some(Value::Absent);
    }
    if let Form::Bytes { length, digits } = column.form {
        return Some(of_bytes(bytes, length, digits));
    }
    Some(text(column, bytes).map_or(Value::Again, Value::Text))
}

/// How many bytes say the length of a value, and how many are the value.
struct Size {
    prefix: usize,
    value: usize,
}

const fn fixed(value: usize) -> Size {
    Size { prefix: 0, value }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a type that MariaDB does not write has no length that is known"
)]
fn size(column: &Column, row: &[u8]) -> Option<Size> {
    use ColumnType as Kind;
    let meta = |at: usize| column.meta.get(at).copied().map(usize::from);
    Some(match column.kind {
        Kind::MYSQL_TYPE_TINY | Kind::MYSQL_TYPE_YEAR => fixed(1),
        Kind::MYSQL_TYPE_SHORT => fixed(2),
        Kind::MYSQL_TYPE_INT24
        | Kind::MYSQL_TYPE_NEWDATE
        | Kind::MYSQL_TYPE_DATE
        | Kind::MYSQL_TYPE_TIME => fixed(3),
        Kind::MYSQL_TYPE_LONG | Kind::MYSQL_TYPE_FLOAT | Kind::MYSQL_TYPE_TIMESTAMP => fixed(4),
        Kind::MYSQL_TYPE_LONGLONG | Kind::MYSQL_TYPE_DOUBLE | Kind::MYSQL_TYPE_DATETIME => fixed(8),
        Kind::MYSQL_TYPE_NEWDECIMAL => {
            let (whole, part) = (meta(0)?.checked_sub(meta(1)?)?, meta(1)?);
            fixed(decimal_size(whole) + decimal_size(part))
        }
        Kind::MYSQL_TYPE_TIME2 => fixed(3 + meta(0)?.div_ceil(2)),
        Kind::MYSQL_TYPE_TIMESTAMP2 => fixed(4 + meta(0)?.div_ceil(2)),
        Kind::MYSQL_TYPE_DATETIME2 => fixed(5 + meta(0)?.div_ceil(2)),
        Kind::MYSQL_TYPE_BIT => fixed((meta(1)? * 8 + meta(0)?).div_ceil(8)),
        Kind::MYSQL_TYPE_ENUM | Kind::MYSQL_TYPE_SET => fixed(meta(1)?),
        Kind::MYSQL_TYPE_VARCHAR | Kind::MYSQL_TYPE_VAR_STRING => {
            let longest = meta(0)? | meta(1)? << 8;
            told(row, if longest > 255 { 2 } else { 1 })?
        }
        Kind::MYSQL_TYPE_STRING => told(row, if column.fixed_length() > 255 { 2 } else { 1 })?,
        Kind::MYSQL_TYPE_TINY_BLOB
        | Kind::MYSQL_TYPE_BLOB
        | Kind::MYSQL_TYPE_MEDIUM_BLOB
        | Kind::MYSQL_TYPE_LONG_BLOB
        | Kind::MYSQL_TYPE_GEOMETRY
        | Kind::MYSQL_TYPE_JSON => told(row, meta(0)?)?,
        _ => return None,
    })
}

/// Returns the size of a value whose length stands before it.
fn told(row: &[u8], prefix: usize) -> Option<Size> {
    let value = usize::try_from(little(row.get(..prefix)?)?).ok()?;
    Some(Size { prefix, value })
}

fn little(bytes: &[u8]) -> Option<u64> {
    let mut all = [0; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(all))
}

fn big(bytes: &[u8]) -> Option<u64> {
    let mut all = [0; 8];
    let start = all.len().checked_sub(bytes.len())?;
    all[start..].copy_from_slice(bytes);
    Some(u64::from_be_bytes(all))
}

/// Returns a number without more bits than it has bytes, with its sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let unused = 64 - 8 * u32::try_from(bytes.len()).ok()?;
    Some((little(bytes)? << unused).cast_signed() >> unused)
}

fn text(column: &Column, bytes: &[u8]) -> Option<String> {
    match &column.form {
        Form::Whole(width) if column.unsigned => Some(format!("{:0width$}", little(bytes)?)),
        Form::Whole(width) => Some(format!("{:0width$}", signed(bytes)?)),
        Form::Decimal => decimal(column, bytes),
        Form::Year => match little(bytes)? {
            0 => Some("0000".to_owned()),
            year => Some((1900 + year).to_string()),
        },
        Form::Date => {
            let bits = little(bytes)?;
            let (year, month, day) = (bits >> 9, bits >> 5 & 15, bits & 31);
            Some(format!("{year:04}-{month:02}-{day:02}"))
        }
        Form::Time(digits) => time(bytes, *digits),
        Form::DateTime(digits) => date_time(bytes, *digits),
        Form::Timestamp(digits) => {
            let (seconds, micro) = bytes.split_at_checked(4)?;
            let seconds = u32::try_from(big(seconds)?).ok()?;
            timestamp(seconds, micros(big(micro)?, micro.len())?, *digits)
        }
        Form::Bits => big(bytes).map(|bits| bits.to_string()),
        Form::Enumeration(names) => match usize::try_from(little(bytes)?).ok()? {
            // What the server keeps of a value that was none.
            0 => Some(String::new()),
            at => names.get(at - 1)?.clone(),
        },
        Form::Set(names) => members(names, little(bytes)?),
        Form::Characters(charset) => charset.text(bytes.to_vec()),
        Form::Bytes { .. } | Form::Again => None,
    }
}

/// Returns millionths of a second from hundredths, ten-thousandths or millionths, by their bytes.
fn micros(fraction: u64, bytes: usize) -> Option<u32> {
    let factor = [1_000_000, 10_000, 100, 1].get(bytes)?;
    u32::try_from(fraction * factor).ok()
}

/// A time of a day, or between two: three bytes with a sign, and a fraction that belongs to them.
fn time(bytes: &[u8], digits: usize) -> Option<String> {
    let fraction_bytes = bytes.len().checked_sub(3)?;
    let bits = 8 * u32::try_from(bytes.len()).ok()?;
    let packed = big(bytes)?.cast_signed() - (1_i64 << (bits - 1));
    let sign = if packed < 0 { "-" } else { "" };
    let packed = packed.unsigned_abs();
    let fraction_bits = 8 * u32::try_from(fraction_bytes).ok()?;
    let part = packed & ((1 << fraction_bits) - 1);
    let whole = packed >> fraction_bits;
    let (hours, minutes, seconds) = (whole >> 12 & 1023, whole >> 6 & 63, whole & 63);
    let part = fraction(micros(part, fraction_bytes)?, digits);
    Some(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{part}"))
}

fn date_time(bytes: &[u8], digits: usize) -> Option<String> {
    let (whole, part) = bytes.split_at_checked(5)?;
    // The first bit is set in all of them.
    let whole = big(whole)? & ((1 << 39) - 1);
    let (date, time) = (whole >> 17, whole & ((1 << 17) - 1));
    let (months, day) = (date >> 5, date & 31);
    let (year, month) = (months / 13, months % 13);
    let (hour, minute, second) = (time >> 12, time >> 6 & 63, time & 63);
    let part = fraction(micros(big(part)?, part.len())?, digits);
    Some(format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{part}"
    ))
}

fn decimal_size(digits: usize) -> usize {
    digits / GROUP * 4 + DIGIT_BYTES[digits % GROUP]
}

/// A decimal number: groups of nine digits, those before the point filled at the front and those behind it
/// at the end; of a negative one every bit is turned, and the first is turned in any.
fn decimal(column: &Column, bytes: &[u8]) -> Option<String> {
    let [precision, scale, ..] = *column.meta.as_slice() else {
        return None;
    };
    let (part, whole) = (
        usize::from(scale),
        usize::from(precision - scale.min(precision)),
    );
    let mut bytes = bytes.to_vec();
    let negative = bytes.first()? & 0x80 == 0;
    *bytes.first_mut()? ^= 0x80;
    if negative {
        for byte in &mut bytes {
            *byte = !*byte;
        }
    }
    let mut rest = bytes.as_slice();
    let mut digits = String::new();
    let mut group = |count: usize| -> Option<String> {
        let (group, behind) = rest.split_at_checked(DIGIT_BYTES[count])?;
        rest = behind;
        Some(match count {
            0 => String::new(),
            _ => format!("{:0count$}", big(group)?),
        })
    };
    digits.push_str(&group(whole % GROUP)?);
    for _ in 0..whole / GROUP {
        digits.push_str(&group(GROUP)?);
    }
    let mut behind = String::new();
    for _ in 0..part / GROUP {
        behind.push_str(&group(GROUP)?);
    }
    behind.push_str(&group(part % GROUP)?);
    let digits = digits.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let sign = if negative { "-" } else { "" };
    Some(match part {
        0 => format!("{sign}{digits}"),
        _ => format!("{sign}{digits}.{behind}"),
    })
}

fn of_bytes(bytes: &[u8], length: usize, digits: bool) -> Value {
    let mut bytes = bytes.to_vec();
    if bytes.len() < length {
        bytes.resize(length, 0);
    }
    if digits {
        return Value::Text(hex(&bytes));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Value::Text(text),
        Err(_) => Value::Unreadable(Fault::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::{date_time, signed, time};

    #[test]
    fn numbers_keep_their_sign() {
        assert_eq!(signed(&[0x00, 0x00, 0x80]), Some(-8_388_608));
        assert_eq!(signed(&[0xff, 0xff, 0x7f]), Some(8_388_607));
        assert_eq!(signed(&[0x80]), Some(-128));
        assert_eq!(signed(&[0; 8]), Some(0));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(time(&[0x80, 0x00, 0x01], 0).unwrap(), "00:00:01");
        assert_eq!(time(&[0x7f, 0xff, 0xff], 0).unwrap(), "-00:00:01");
        assert_eq!(time(&[0x7f, 0xff, 0xff, 0xff], 2).unwrap(), "-00:00:00.01");
        assert_eq!(
            date_time(&[0x80, 0, 0, 0, 0], 0).unwrap(),
            "0000-00-00 00:00:00"
        );
        assert_eq!(date_time(&[0x80], 0), None);
    }
}
