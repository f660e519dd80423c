//! What a cell shows, as text.

use rabt_connect::{Fault, MAX_CELL_BYTES};

use super::styles::Shown;

/// The first day behind the last year that a sheet knows, 9999, by the 1900 date system.
const END_OF_TIME: f64 = 2_958_466.0;

const DAY: i64 = 24 * 3_600;

/// Returns a number as it is shown. Digits are never lost: a whole number is written in full, whatever
/// its length, and any other as the shortest text that is the same number.
///
/// # Errors
/// [`Fault::NotText`] when there is no number, [`Fault::ErrorCell`] when it is shown as a date and is
/// none, [`Fault::TooLong`] when its format writes more zeros than a cell holds.
pub(super) fn number(raw: &str, shown: Shown, is_1904: bool) -> Result<String, Fault> {
    let raw = raw.trim_matches([' ', '\t', '\r', '\n']);
    let number: f64 = raw.parse().map_err(|_| Fault::NotText)?;
    if !number.is_finite() {
        return Err(Fault::NotText);
    }
    match shown {
        Shown::Number => Ok(in_full(raw, number)),
        Shown::Padded(width) => {
            let text = in_full(raw, number);
            let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
            if !is_whole {
                return Ok(text);
            }
            if width > MAX_CELL_BYTES {
                return Err(Fault::TooLong);
            }
            Ok("0".repeat(width.saturating_sub(text.len())) + &text)
        }
        Shown::Date | Shown::Time => date(number, shown, is_1904),
        Shown::Duration => Ok(duration(number)),
    }
}

/// Returns a number without an exponent.
fn in_full(raw: &str, number: f64) -> String {
    whole(raw).unwrap_or_else(|| number.to_string())
}

/// Returns all digits of a whole number that is written plainly or with an exponent.
fn whole(raw: &str) -> Option<String> {
    let (sign, digits) = match raw.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", raw.strip_prefix('+').unwrap_or(raw)),
    };
    let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: usize = exponent.parse().ok().filter(|exponent| *exponent <= 40)?;
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let behind = behind.trim_end_matches('0');
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(before) || !is_number(behind) || behind.len() > exponent {
        return None;
    }
    let zeros = "0".repeat(exponent - behind.len());
    let all = format!("{before}{behind}{zeros}");
    let all = match all.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    Some(format!("{sign}{all}"))
}

/// Returns a date as `YYYY-MM-DD`, with ` HH:MM:SS` where the time is not midnight, to the nearest
/// second. A number below one that is shown as a time is only that.
fn date(number: f64, shown: Shown, is_1904: bool) -> Result<String, Fault> {
    if !(0.0..END_OF_TIME).contains(&number) {
        return Err(Fault::ErrorCell);
    }
    let seconds = seconds(number);
    let (days, second) = (seconds / DAY, seconds % DAY);
    let time = format!(
        "{:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    );
    if days == 0 && shown == Shown::Time {
        return Ok(time);
    }
    let day = day(days, is_1904).ok_or(Fault::ErrorCell)?;
    Ok(if second == 0 {
        day
    } else {
        format!("{day} {time}")
    })
}

/// Returns a day by its number. The 1900 date system has a day 0 and a 29 February 1900; both are told
/// as they are shown, and no mapping takes them for dates.
fn day(days: i64, is_1904: bool) -> Option<String> {
    let first = match days {
        _ if is_1904 => jiff::civil::date(1904, 1, 1),
        0 => return Some("1900-01-00".to_owned()),
        1..=59 => jiff::civil::date(1899, 12, 31),
        60 => return Some("1900-02-29".to_owned()),
        _ => jiff::civil::date(1899, 12, 30),
    };
    let span = jiff::Span::new().try_days(days).ok()?;
    first.checked_add(span).ok().map(|day| day.to_string())
}

fn duration(number: f64) -> String {
    let seconds = seconds(number);
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!(
        "{sign}{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a number that is too large gives the largest one"
)]
fn seconds(number: f64) -> i64 {
    (number * 86_400.0).round() as i64
}

/// Returns a date and time that is written as text (`2024-01-31T08:30:00`) as the others are.
pub(super) fn iso(text: &str) -> String {
    let text = text.trim();
    let Some((day, time)) = text.split_once('T') else {
        return text.to_owned();
    };
    let time = time.split(['.', 'Z']).next().unwrap_or(time);
    if time == "00:00:00" {
        return day.to_owned();
    }
    format!("{day} {time}")
}

#[cfg(test)]
mod tests {
    use super::{iso, number};
    use crate::xlsx::styles::Shown;
    use proptest::prelude::*;
    use rabt_connect::{Fault, MAX_CELL_BYTES};

    #[test]
    fn numbers_keep_their_digits() {
        for (raw, expected) in [
            ("29001011234567", "29001011234567"),
            ("2.9001011234567E+13", "29001011234567"),
            ("29001011234567.0", "29001011234567"),
            ("12345678901234567.0", "12345678901234567"),
            ("12345678901234567.00E+1", "123456789012345670"),
            ("1.50", "1.5"),
            ("1.50E+1", "15"),
            ("12345678901234567890", "12345678901234567890"),
            ("1E+20", "100000000000000000000"),
            ("1.1000000000000001", "1.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1E-3", "0.001"),
            ("-5", "-5"),
            ("-0.5", "-0.5"),
            ("0", "0"),
            ("007", "7"),
            (" 12 ", "12"),
        ] {
            assert_eq!(number(raw, Shown::Number, false).as_deref(), Ok(expected));
        }
        for raw in ["", "x", "NaN", "inf", "1e999", "1 2", "1,5"] {
            assert_eq!(
                number(raw, Shown::Number, false),
                Err(Fault::NotText),
                "{raw}"
            );
        }
    }

    #[test]
    fn zeros_in_front_are_shown_where_the_format_has_them() {
        for (raw, expected) in [
            ("1012345678", "01012345678"),
            ("123456789012", "123456789012"),
            ("1.5", "1.5"),
            ("-3", "-3"),
        ] {
            let shown = number(raw, Shown::Padded(11), false);
            assert_eq!(shown.as_deref(), Ok(expected));
        }
        // A format may be as wide as a file has room for.
        let wide = |width| number("7", Shown::Padded(width), false);
        assert_eq!(wide(MAX_CELL_BYTES).unwrap().len(), MAX_CELL_BYTES);
        assert_eq!(wide(MAX_CELL_BYTES + 1), Err(Fault::TooLong));
    }

    #[test]
    fn dates_are_those_that_are_shown() {
        for (raw, is_1904, expected) in [
            ("45322", false, Ok("2024-01-31")),
            ("43860", true, Ok("2024-01-31")),
            ("45322.354166666664", false, Ok("2024-01-31 08:30:00")),
            ("45322.999999", false, Ok("2024-02-01")),
            ("1", false, Ok("1900-01-01")),
            ("59", false, Ok("1900-02-28")),
            ("60", false, Ok("1900-02-29")),
            ("61", false, Ok("1900-03-01")),
            ("0", false, Ok("1900-01-00")),
            ("0", true, Ok("1904-01-01")),
            ("2958465", false, Ok("9999-12-31")),
            ("2958466", false, Err(Fault::ErrorCell)),
            ("2958465", true, Err(Fault::ErrorCell)),
            ("-1", false, Err(Fault::ErrorCell)),
        ] {
            let shown = number(raw, Shown::Date, is_1904);
            assert_eq!(shown.as_deref(), expected.as_deref(), "{raw}");
        }
        let time = |raw| number(raw, Shown::Time, false).unwrap();
        assert_eq!(time("0.3541666667"), "08:30:00");
        assert_eq!(time("45322.5"), "2024-01-31 12:00:00");
        let passed = |raw| number(raw, Shown::Duration, false).unwrap();
        assert_eq!(passed("1.0625"), "25:30:00");
        assert_eq!(passed("-0.5"), "-12:00:00");
        assert_eq!(iso("2024-01-31T00:00:00"), "2024-01-31");
        assert_eq!(iso("2024-01-31T08:30:00.000Z"), "2024-01-31 08:30:00");
        assert_eq!(iso("2024-01-31"), "2024-01-31");
    }

    proptest! {
        #[test]
        fn whole_numbers_come_back(whole in any::<i64>(), exponent in 0_u32..12) {
            let written = whole.to_string();
            prop_assert_eq!(number(&written, Shown::Number, false), Ok(written.clone()));
            let scaled = format!("{whole}E+{exponent}");
            let expected = i128::from(whole) * 10_i128.pow(exponent);
            prop_assert_eq!(number(&scaled, Shown::Number, false), Ok(expected.to_string()));
        }

        #[test]
        fn other_numbers_are_the_same_number(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let shown = super::number(&format!("{number:e}"), Shown::Number, false).unwrap();
            prop_assert_eq!(shown.parse::<f64>().unwrap().to_bits(), number.to_bits());
            prop_assert!(!shown.contains(['e', 'E']));
        }

        #[test]
        fn no_number_panics(raw in "[-+0-9.eE]{0,12}", is_1904 in any::<bool>()) {
            for shown in [Shown::Number, Shown::Padded(14), Shown::Date, Shown::Time, Shown::Duration] {
                let _ = super::number(&raw, shown, is_1904);
            }
        }
    }
}
