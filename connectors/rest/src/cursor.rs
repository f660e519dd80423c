//! Which of two cursor values is the later one, and how far a cursor may reach.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rabt_connect::lowered;

/// Returns the order of two cursor values: of numbers by size whatever their length, of times by
/// the moment whatever their zones, of anything else by the text.
pub(crate) fn order(one: &str, other: &str) -> Ordering {
    if let (Some(one), Some(other)) = (Decimal::parse(one), Decimal::parse(other)) {
        return one.cmp(&other);
    }
    if let (Some(one), Some(other)) = (moment(one), moment(other)) {
        return one.cmp(&other);
    }
    one.cmp(other)
}

/// Returns the cursor, or, when it is a time behind `now`, the same time moved to `now`: a row of
/// the future must not hide the rows until then. A time without a zone is taken for UTC, so that a
/// local clock can only make rows come twice.
pub(crate) fn not_after(cursor: &str, now: Timestamp) -> String {
    let ahead = moment(cursor).map(|moment| moment.duration_since(now));
    match ahead.map(|ahead| ahead.as_secs()) {
        Some(seconds) if seconds > 0 => {
            let ahead = Duration::from_secs(seconds.unsigned_abs());
            lowered(cursor, ahead)
        }
        Some(_) | None => cursor.to_owned(),
    }
}

/// Returns the moment of a time with or without a zone.
fn moment(text: &str) -> Option<Timestamp> {
    if text.len() < 10 || !text.is_ascii() {
        return None;
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let civil = text.parse::<DateTime>().ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// A number in digits, of any length.
#[derive(Debug, PartialEq, Eq)]
struct Decimal<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            negative: negative && !is_zero,
            whole,
            fraction,
        })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let size = |one: &Self, two: &Self| {
            let whole = one.whole.len().cmp(&two.whole.len());
            let whole = whole.then_with(|| one.whole.cmp(two.whole));
            whole.then_with(|| one.fraction.cmp(two.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::{not_after, order};
    use proptest::prelude::*;

    #[test]
    fn the_later_is_found() {
        for (one, other, expected) in [
            ("9", "10", Less),
            ("-9", "-10", Greater),
            ("99999999999999999999999", "100000000000000000000000", Less),
            ("1.5", "1.25", Greater),
            ("01", "1.0", Equal),
            ("-0", "0", Equal),
            ("2024-03-01", "2024-02-29", Greater),
            ("2024-03-01T00:30:00+02:00", "2024-02-29T23:00:00Z", Less),
            ("2024-03-01T00:30:00.5Z", "2024-03-01T00:30:00Z", Greater),
            ("b", "a", Greater),
            ("", "a", Less),
        ] {
            assert_eq!(order(one, other), expected, "{one} {other}");
            assert_eq!(order(other, one), expected.reverse(), "{other} {one}");
        }
    }

    #[test]
    fn the_future_is_not_reached() {
        let now = "2026-06-01T10:00:00Z".parse().unwrap();
        for (cursor, expected) in [
            ("2026-06-01T11:30:00Z", "2026-06-01T10:00:00Z"),
            ("2026-06-01T13:30:00+03:00", "2026-06-01T13:00:00+03:00"),
            ("2099-01-01 00:00:00", "2026-06-01 10:00:00"),
            ("2026-06-01T09:59:59Z", "2026-06-01T09:59:59Z"),
            ("4102444800", "4102444800"),
            ("x", "x"),
        ] {
            assert_eq!(not_after(cursor, now), expected);
        }
        assert!(not_after("2099-01-01", now).as_str() <= "2026-06-01");
    }

    proptest! {
        #[test]
        fn numbers_are_ordered_by_size(one in any::<i64>(), other in any::<i64>()) {
            prop_assert_eq!(order(&one.to_string(), &other.to_string()), one.cmp(&other));
        }

        #[test]
        fn any_text_has_an_order(one in any::<String>(), other in any::<String>()) {
            prop_assert_eq!(order(&one, &other), order(&other, &one).reverse());
        }
    }
}
