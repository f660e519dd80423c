//! What the values of a column mean, and how people write them.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescriptor;
use rabt_connect::Fault;

/// Days from the beginning of the Julian count to 1970.
const JULIAN_DAY_OF_EPOCH: i64 = 2_440_588;
const NANOS_OF_DAY: i128 = 86_400 * 1_000_000_000;
/// Above this a float no longer tells whole numbers apart.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the physical type has it; bytes are not text.
    Plain,
    /// UTF-8.
    Text,
    /// A whole number without a sign.
    Unsigned,
    /// A whole number with so many digits behind the point.
    Decimal(usize),
    /// Days since 1970.
    Date,
    /// Parts of a day; how many of them a second has.
    Time(i64),
    /// Parts since 1970, at the place of the reader or in UTC.
    Stamp { per_second: i64, utc: bool },
    /// 16 bytes.
    Uuid,
    /// Two bytes of a small float.
    Half,
}

/// What a cell came to.
pub(crate) type Written = Result<(), Fault>;

impl Form {
    /// Returns what the values of a column mean.
    pub(crate) fn of(column: &ColumnDescriptor) -> Self {
        match column.logical_type_ref() {
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => Self::Text,
            Some(LogicalType::Integer(whole)) if !whole.is_signed => Self::Unsigned,
            Some(LogicalType::Decimal(_)) => scale(column),
            Some(LogicalType::Date) => Self::Date,
            Some(LogicalType::Time(time)) => Self::Time(per_second(time.unit)),
            Some(LogicalType::Timestamp(stamp)) => Self::Stamp {
                per_second: per_second(stamp.unit),
                utc: stamp.is_adjusted_to_u_t_c,
            },
            Some(LogicalType::Uuid) => Self::Uuid,
            Some(LogicalType::Float16) => Self::Half,
            Some(_) => Self::Plain,
            None => Self::of_converted(column),
        }
    }

    /// Returns the meaning that older writers gave.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else there is comes as it is"
    )]
    fn of_converted(column: &ColumnDescriptor) -> Self {
        match column.converted_type() {
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Self::Text,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Self::Unsigned,
            ConvertedType::DECIMAL => scale(column),
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIME_MILLIS => Self::Time(1_000),
            ConvertedType::TIME_MICROS => Self::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Self::Stamp {
                per_second: 1_000,
                utc: true,
            },
            ConvertedType::TIMESTAMP_MICROS => Self::Stamp {
                per_second: 1_000_000,
                utc: true,
            },
            _ => Self::Plain,
        }
    }

    /// Returns what people call the type of a column.
    pub(crate) fn name(self, physical: Type) -> String {
        let plain = || physical.to_string().to_ascii_lowercase();
        match self {
            Self::Plain if physical == Type::INT96 => "timestamp".to_owned(),
            Self::Plain => plain(),
            Self::Text => "text".to_owned(),
            Self::Unsigned => format!("unsigned {}", plain()),
            Self::Decimal(scale) => format!("decimal({scale})"),
            Self::Date => "date".to_owned(),
            Self::Time(_) => "time".to_owned(),
            Self::Stamp { utc: true, .. } => "timestamp, UTC".to_owned(),
            Self::Stamp { utc: false, .. } => "timestamp".to_owned(),
            Self::Uuid => "uuid".to_owned(),
            Self::Half => "float16".to_owned(),
        }
    }

    /// Writes a whole number of 32 bits.
    pub(crate) fn int32(self, value: i32, text: &mut String) -> Written {
        match self {
            Self::Unsigned => show(text, value.cast_unsigned()),
            Self::Plain
            | Self::Text
            | Self::Decimal(_)
            | Self::Date
            | Self::Time(_)
            | Self::Stamp { .. }
            | Self::Uuid
            | Self::Half => self.int64(value.into(), text),
        }
    }

    /// Writes a whole number of 64 bits.
    pub(crate) fn int64(self, value: i64, text: &mut String) -> Written {
        match self {
            Self::Unsigned => show(text, value.cast_unsigned()),
            Self::Decimal(scale) => show(text, decimal(value.into(), scale)),
            Self::Date => date(value, text),
            Self::Time(per_second) => time(value, per_second, text),
            Self::Stamp { per_second, utc } => {
                let nanos = i128::from(value) * i128::from(1_000_000_000 / per_second);
                stamp(nanos, utc, text)
            }
            Self::Plain | Self::Text | Self::Uuid | Self::Half => show(text, value),
        }
    }

    /// Writes a date and time of the old form: nanoseconds of a day, and the Julian day.
    pub(crate) fn int96(data: &[u32], text: &mut String) -> Written {
        let &[low, high, day] = data else {
            return Err(Fault::NotText);
        };
        let of_day = (i128::from(high) << 32) + i128::from(low);
        let days = i128::from(i64::from(day) - JULIAN_DAY_OF_EPOCH);
        stamp(days * NANOS_OF_DAY + of_day, false, text)
    }

    /// Writes a float: the shortest text that reads back as it, whole numbers without a point.
    pub(crate) fn double(value: f64, text: &mut String) -> Written {
        if value.fract() == 0.0 && value.abs() < WHOLE {
            show(text, format_args!("{value:.0}"))
        } else {
            show(text, format_args!("{value:?}"))
        }
    }

    /// Writes a small float.
    pub(crate) fn float(value: f32, text: &mut String) -> Written {
        if value.fract() == 0.0 && f64::from(value).abs() < WHOLE {
            show(text, format_args!("{value:.0}"))
        } else {
            show(text, format_args!("{value:?}"))
        }
    }

    /// Writes bytes, where they mean something.
    pub(crate) fn bytes(self, value: &[u8], text: &mut String) -> Written {
        match self {
            Self::Text => {
                text.push_str(std::str::from_utf8(value).map_err(|_| Fault::NotText)?);
                Ok(())
            }
            Self::Decimal(scale) => show(text, decimal(whole(value)?, scale)),
            Self::Uuid => uuid(value, text),
            Self::Half => {
                let bytes = <[u8; 2]>::try_from(value).map_err(|_| Fault::Binary)?;
                Self::float(half(u16::from_le_bytes(bytes)), text)
            }
            Self::Plain | Self::Unsigned | Self::Date | Self::Time(_) | Self::Stamp { .. } => {
                Err(Fault::Binary)
            }
        }
    }
}

fn scale(column: &ColumnDescriptor) -> Form {
    Form::Decimal(usize::try_from(column.type_scale()).unwrap_or(0))
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

fn show(text: &mut String, value: impl std::fmt::Display) -> Written {
    use std::fmt::Write;
    write!(text, "{value}").map_err(|_| Fault::NotText)
}

fn decimal(value: i128, scale: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Returns a whole number of up to 16 bytes, the highest first.
fn whole(bytes: &[u8]) -> Result<i128, Fault> {
    if bytes.is_empty() || bytes.len() > 16 {
        return Err(Fault::NotText);
    }
    let start = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
    let push = |value: i128, byte: &u8| (value << 8) | i128::from(*byte);
    Ok(bytes.iter().fold(start, push))
}

fn date(days: i64, text: &mut String) -> Written {
    let span = Span::new().try_days(days).map_err(|_| Fault::NotText)?;
    let epoch = Date::constant(1970, 1, 1);
    let date = epoch.checked_add(span).map_err(|_| Fault::NotText)?;
    show(text, date)
}

fn time(value: i64, per_second: i64, text: &mut String) -> Written {
    if !(0..=86_400 * per_second).contains(&value) {
        return Err(Fault::NotText);
    }
    let (seconds, parts) = (value / per_second, value % per_second);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    show(text, format_args!("{hours:02}:{minutes:02}:{seconds:02}"))?;
    fraction(parts * (1_000_000_000 / per_second), text)
}

fn fraction(nanos: i64, text: &mut String) -> Written {
    if nanos > 0 {
        let digits = format!("{nanos:09}");
        show(text, format_args!(".{}", digits.trim_end_matches('0')))?;
    }
    Ok(())
}

/// Writes a date and time. One without a zone at midnight is a date: that is how programs without a
/// type for dates keep them.
fn stamp(nanos: i128, utc: bool, text: &mut String) -> Written {
    let stamp = Timestamp::from_nanosecond(nanos).map_err(|_| Fault::NotText)?;
    if utc {
        return show(text, stamp);
    }
    let local: DateTime = stamp.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    show(text, local.date())?;
    if nanos.rem_euclid(NANOS_OF_DAY) == 0 {
        return Ok(());
    }
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    show(text, format_args!(" {hour:02}:{minute:02}:{second:02}"))?;
    fraction(local.subsec_nanosecond().into(), text)
}

fn uuid(bytes: &[u8], text: &mut String) -> Written {
    if bytes.len() != 16 {
        return Err(Fault::Binary);
    }
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        show(text, format_args!("{byte:02x}"))?;
    }
    Ok(())
}

/// Returns the value of a float of 16 bits.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let part = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * part * 2.0_f32.powi(-24),
        31 if part > 0.0 => f32::NAN,
        31 => sign * f32::INFINITY,
        _ => sign * (1.0 + part / 1_024.0) * 2.0_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use rabt_connect::Fault;

    use super::{Form, Written, half};

    fn text(write: impl Fn(&mut String) -> Written) -> Result<String, Fault> {
        let mut text = String::new();
        write(&mut text).map(|()| text)
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        let stamp = |utc| Form::Stamp {
            per_second: 1_000_000,
            utc,
        };
        let int = |form: Form, value| text(|text| form.int64(value, text));
        for (found, expected) in [
            (int(Form::Date, 5_154), "1984-02-11"),
            (int(Form::Date, -719_162), "0001-01-01"),
            (int(Form::Decimal(2), -5), "-0.05"),
            (int(Form::Decimal(0), 42), "42"),
            (int(Form::Decimal(3), 1_234_567), "1234.567"),
            (int(Form::Unsigned, -1), "18446744073709551615"),
            (int(Form::Time(1_000), 37_815_500), "10:30:15.5"),
            (
                int(stamp(false), 1_706_689_800_250_000),
                "2024-01-31 08:30:00.25",
            ),
            (int(stamp(false), 1_706_659_200_000_000), "2024-01-31"),
            (
                int(stamp(true), 1_706_689_800_000_000),
                "2024-01-31T08:30:00Z",
            ),
            (
                text(|t| Form::double(29_001_011_234_567.0, t)),
                "29001011234567",
            ),
            (text(|t| Form::double(0.1, t)), "0.1"),
            (text(|t| Form::double(-1e300, t)), "-1e300"),
            (text(|t| Form::double(f64::NAN, t)), "NaN"),
            (text(|t| Form::float(0.1, t)), "0.1"),
            (
                text(|t| Form::bytes(Form::Decimal(2), &[0xff, 0x85], t)),
                "-1.23",
            ),
            (text(|t| Form::Unsigned.int32(-1, t)), "4294967295"),
            (text(|t| Form::int96(&[0, 0, 2_440_589], t)), "1970-01-02"),
            (text(|t| Form::float(half(0x3e00), t)), "1.5"),
        ] {
            assert_eq!(found.as_deref(), Ok(expected));
        }
        assert_eq!(int(Form::Date, i64::MAX), Err(Fault::NotText));
        assert_eq!(int(stamp(true), i64::MAX), Err(Fault::NotText));
        assert_eq!(int(Form::Time(1_000), -1), Err(Fault::NotText));
        let bytes = |form: Form, value: &[u8]| text(|text| form.bytes(value, text));
        assert_eq!(bytes(Form::Plain, b"x"), Err(Fault::Binary));
        assert_eq!(bytes(Form::Text, &[0xff]), Err(Fault::NotText));
        assert_eq!(bytes(Form::Decimal(1), &[1; 17]), Err(Fault::NotText));
    }
}
