//! Generalized times (RFC 4517, 3.3.13): as the server writes them and as everybody else does.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Returns the moment of a generalized time such as `20240301100000Z`; nothing when it is none.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(digits, 10 | 12 | 14) {
        return None;
    }
    let (civil, rest) = text.split_at(digits);
    let number = |from: usize, to: usize| civil.get(from..to)?.parse::<i8>().ok();
    let year = civil.get(..4)?.parse::<i16>().ok()?;
    let (month, day, hour) = (number(4, 6)?, number(6, 8)?, number(8, 10)?);
    let minute = number(10, 12).unwrap_or(0);
    // A leap second is the last one of its minute.
    let second = number(12, 14).unwrap_or(0);
    let second = if second == 60 { 59 } else { second };
    let whole = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let (fraction, zone) = fraction(rest)?;
    let unit = match digits {
        10 => 3_600,
        12 => 60,
        _ => 1,
    };
    let part = SignedDuration::from_nanos(fraction.checked_mul(unit)?);
    let offset = offset(zone)?;
    let zoned = whole
        .checked_add(part)
        .ok()?
        .to_zoned(TimeZone::fixed(offset));
    zoned.ok().map(|zoned| zoned.timestamp())
}

/// Returns a fraction in billionths, and what stands behind it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return Some((0, text));
    };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at(length);
    let shown = digits
        .get(..length.min(9))
        .filter(|shown| !shown.is_empty())?;
    let billionths = format!("{shown:0<9}").parse().ok()?;
    Some((billionths, zone))
}

fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match zone.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return None,
    };
    let digits = zone
        .get(1..)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = match digits.len() {
        2 => 0,
        4 => digits.get(2..)?.parse().ok()?,
        _ => return None,
    };
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

/// Returns a generalized time as RFC 3339, `2024-03-01T10:00:00Z`, which mappings understand.
pub(crate) fn shown(text: &str) -> Option<String> {
    moment(text).map(|moment| moment.to_string())
}

/// Returns the generalized time that lies `lag` before another, in the same form.
pub(crate) fn lowered(text: &str, lag: Duration) -> Option<String> {
    if lag.is_zero() {
        return Some(text.to_owned());
    }
    let moment = moment(text)?.checked_sub(lag).ok()?;
    Some(written(moment, text))
}

/// Returns a generalized time, or `now` in the same form when it lies behind it: an entry of the
/// future must not hide the entries until then.
pub(crate) fn not_after(text: &str, now: Timestamp) -> String {
    match moment(text) {
        Some(moment) if moment > now => written(now, text),
        Some(_) | None => text.to_owned(),
    }
}

/// Writes a moment as a server does that writes `like`: some want a fraction, if only of zero.
fn written(moment: Timestamp, like: &str) -> String {
    let fraction = if like.contains(['.', ',']) { ".0" } else { "" };
    let civil = moment.to_zoned(TimeZone::UTC).datetime();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{fraction}Z",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{lowered, moment, not_after, shown};

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("20240301100000Z", Some("2024-03-01T10:00:00Z")),
            ("20240301100000.0Z", Some("2024-03-01T10:00:00Z")),
            ("20240301100000.125Z", Some("2024-03-01T10:00:00.125Z")),
            ("20240301100000,5+0200", Some("2024-03-01T08:00:00.5Z")),
            ("2024030110.5Z", Some("2024-03-01T10:30:00Z")),
            ("202403011000-01", Some("2024-03-01T11:00:00Z")),
            ("20161231235960Z", Some("2016-12-31T23:59:59Z")),
            ("20240301100000", None),
            ("20240230100000Z", None),
            ("20240301100000.Z", None),
            ("2024030Z", None),
            ("20240301100000+٢٠", None),
            ("منى", None),
            ("", None),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_form_stays() {
        let quarter = Duration::from_mins(15);
        for (text, expected) in [
            ("20240301000500Z", "20240229235000Z"),
            ("20240301000500.0Z", "20240229235000.0Z"),
            ("20240301020500+0200", "20240229235000Z"),
        ] {
            assert_eq!(lowered(text, quarter).as_deref(), Some(expected));
        }
        assert_eq!(lowered("x", quarter), None);
        let now = "2026-06-01T10:00:00Z".parse().unwrap();
        assert_eq!(not_after("20990101000000.0Z", now), "20260601100000.0Z");
        assert_eq!(not_after("20240301000500Z", now), "20240301000500Z");
    }

    proptest! {
        #[test]
        fn a_lag_goes_back(seconds in 0_i64..4_000_000_000, lag in 1_u64..1_000_000) {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            let text = super::written(at, "Z");
            prop_assert_eq!(moment(&text), Some(at));
            let lower = lowered(&text, Duration::from_secs(lag)).unwrap();
            let back = at.duration_since(moment(&lower).unwrap());
            prop_assert_eq!(back.as_secs(), i64::try_from(lag).unwrap());
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = moment(&text);
        }
    }
}
