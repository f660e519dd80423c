//! How far behind the last cursor an incremental read begins.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

/// Returns the cursor value that lies `lag` before `cursor`, in the same form: a whole number is
/// taken as seconds, a date moves by whole days, a date and time by the lag. A cursor of any other
/// form is returned as it is, so nothing is lost, only the overlap.
pub fn lowered(cursor: &str, lag: Duration) -> String {
    lower(cursor, lag).unwrap_or_else(|| cursor.to_owned())
}

fn lower(cursor: &str, lag: Duration) -> Option<String> {
    let seconds = i64::try_from(lag.as_secs()).ok()?;
    if let Ok(number) = cursor.parse::<i64>() {
        return Some(number.checked_sub(seconds)?.to_string());
    }
    if cursor.len() == 10
        && let Ok(date) = cursor.parse::<Date>()
    {
        let days = (seconds + 86_399) / 86_400;
        let span = SignedDuration::from_hours(days.checked_mul(24)?);
        return Some(date.checked_sub(span).ok()?.to_string());
    }
    // Below, bytes are characters.
    let separator = char::from(*cursor.as_bytes().get(10).filter(|_| cursor.is_ascii())?);
    if separator != ' ' && separator != 'T' {
        return None;
    }
    let civil = &cursor[..civil_length(cursor)];
    let rest = &cursor[civil.len()..];
    let moved: DateTime = civil.parse::<DateTime>().ok()?;
    let moved = moved.checked_sub(SignedDuration::from_secs(seconds)).ok()?;
    let digits = civil.split_once('.').map_or(0, |(_, digits)| digits.len());
    let fraction = format!("{:09}", moved.subsec_nanosecond());
    let dot = if digits > 0 { "." } else { "" };
    Some(format!(
        "{}{separator}{:02}:{:02}:{:02}{dot}{}{rest}",
        moved.date(),
        moved.hour(),
        moved.minute(),
        moved.second(),
        fraction.get(..digits)?,
    ))
}

/// Returns the length of `YYYY-MM-DD hh:mm:ss` with its fraction, without a zone behind it.
fn civil_length(cursor: &str) -> usize {
    let zone = cursor[11..].find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
    zone.map_or(cursor.len(), |at| at + 11)
}

#[cfg(test)]
mod tests {
    use super::lowered;
    use std::time::Duration;

    #[test]
    fn the_form_of_the_cursor_stays() {
        let quarter = Duration::from_mins(15);
        for (cursor, expected) in [
            ("1000", "100"),
            ("2024-03-01", "2024-02-29"),
            ("2024-03-01 00:10:00", "2024-02-29 23:55:00"),
            ("2024-03-01T00:10:00", "2024-02-29T23:55:00"),
            ("2024-03-01 00:10:00.125", "2024-02-29 23:55:00.125"),
            ("2024-03-01 00:10:00.125+02", "2024-02-29 23:55:00.125+02"),
            ("2024-03-01T00:10:00Z", "2024-02-29T23:55:00Z"),
            ("abc", "abc"),
            ("", ""),
            ("2024-03-01xx", "2024-03-01xx"),
            ("ééééééééééé", "ééééééééééé"),
            ("éééééééééé 12", "éééééééééé 12"),
            ("2024-03-01 ", "2024-03-01 "),
        ] {
            assert_eq!(lowered(cursor, quarter), expected);
        }
    }
}
