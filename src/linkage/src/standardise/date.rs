//! Dates as the engine compares them: packed, partial ones marked.

use rabt_model::PartialDate;

use super::script::ascii_digit;

/// `year << 9 | month << 5 | day`; month and day are zero when unknown; zero is absent. The first
/// of January is how offices write "some day of that year", so it counts as the year only.
pub(crate) type PackedDate = u32;

/// Packs a date.
pub(crate) fn pack(date: PartialDate) -> PackedDate {
    let year = u32::from(date.year().unsigned_abs()) << 9;
    match (date.month(), date.day()) {
        (Some(month), Some(day)) if (month, day) != (1, 1) => {
            year | u32::from(month) << 5 | u32::from(day)
        }
        (Some(month), None) => year | u32::from(month) << 5,
        _ => year,
    }
}

/// Returns `(year, month, day)`.
pub(crate) const fn unpack(packed: PackedDate) -> (u32, u32, u32) {
    (packed >> 9, (packed >> 5) & 15, packed & 31)
}

/// Reads `YYYY-MM-DD`, `YYYYMMDD`, `DD/MM/YYYY` and their partial forms, in any digits.
pub(crate) fn parse(text: &str) -> Option<PartialDate> {
    let plain: String = text
        .trim()
        .chars()
        .map(|c| ascii_digit(c).unwrap_or(c))
        .collect();
    let plain = plain.split(['T', ' ']).next()?;
    if plain.len() == 8 && plain.bytes().all(|b| b.is_ascii_digit()) {
        return whole(
            plain[..4].parse().ok()?,
            plain[4..6].parse().ok()?,
            plain[6..].parse().ok()?,
        );
    }
    let parts: Vec<&str> = plain.split(['-', '/', '.']).collect();
    let number = |at: usize| parts.get(at)?.parse::<i16>().ok();
    match parts.as_slice() {
        [year] if year.len() == 4 => PartialDate::of_year(number(0)?),
        [year, _] if year.len() == 4 => {
            PartialDate::of_month(number(0)?, u8::try_from(number(1)?).ok()?)
        }
        [year, _, _] if year.len() == 4 => whole(number(0)?, number(1)?, number(2)?),
        [_, _, year] if year.len() == 4 => whole(number(2)?, number(1)?, number(0)?),
        _ => None,
    }
}

fn whole(year: i16, month: i16, day: i16) -> Option<PartialDate> {
    PartialDate::of_day(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

/// Returns the day's number counted from a fixed day, for distances.
pub(crate) const fn day_number(packed: PackedDate) -> i64 {
    let (year, month, day) = unpack(packed);
    let shifted = if month <= 2 {
        year as i64 - 1
    } else {
        year as i64
    };
    let month_index = (month as i64 + 9) % 12;
    365 * shifted + shifted / 4 - shifted / 100
        + shifted / 400
        + (month_index * 306 + 5) / 10
        + day as i64
}

#[cfg(test)]
mod tests {
    use super::{day_number, pack, parse, unpack};

    #[test]
    fn forms_meet() {
        let date = parse("1984-02-11").unwrap();
        for text in [
            "19840211",
            "11/02/1984",
            "١١/٠٢/١٩٨٤",
            "1984-02-11T10:00:00",
            "11.2.1984",
        ] {
            assert_eq!(parse(text), Some(date), "{text}");
        }
        assert_eq!(unpack(pack(date)), (1984, 2, 11));
        assert_eq!(unpack(pack(parse("1984-01-01").unwrap())), (1984, 0, 0));
        assert_eq!(parse("31/02/1984"), None);
        assert_eq!(parse(""), None);
        assert_eq!(
            parse("19151111").map(rabt_model::PartialDate::year),
            Some(1915)
        );
    }

    #[test]
    fn day_numbers_are_consecutive() {
        for (left, right) in [("1999-12-31", "2000-01-02"), ("2000-02-28", "2000-02-29")] {
            let day = |text: &str| day_number(pack(parse(text).unwrap()));
            let gap = day(right) - day(left);
            assert!((1..=2).contains(&gap), "{left} {right}");
        }
    }
}
