//! Dates as the engine compares them: packed, partial ones marked.

use icu_calendar::Date;
use icu_calendar::cal::{Hijri, Iso};
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

/// Reads a date in any digits: `YYYY-MM-DD`, `YYYYMMDD`, `DD/MM/YYYY`, `DD/MM/YY`, `11 Feb 1984`,
/// `11 فبراير 1984`, their partial forms, and Hijri dates (`1404-05-09`), which are told by
/// their years and turned into Gregorian ones.
pub(crate) fn parse(text: &str) -> Option<PartialDate> {
    if let Some(date) = parse_iso(text.as_bytes()) {
        return Some(date);
    }
    let plain: String = text
        .trim()
        .chars()
        .map(|c| ascii_digit(c).unwrap_or(c))
        .collect();
    let plain = plain.trim_end_matches(['م', 'ه', 'ـ', ' ']);
    let day = plain.split('T').next()?;
    let mut parts = [""; 4];
    let mut count = 0;
    for part in day
        .split(['-', '/', '.', ' ', ',', '،'])
        .filter(|part| !part.is_empty())
    {
        // The time of day behind a date is not read.
        if count == 3 || (part.contains(':') && count > 0) {
            break;
        }
        parts[count] = part;
        count += 1;
    }
    let parts = &parts[..count];
    match parts {
        [one] if one.len() == 8 && one.bytes().all(|byte| byte.is_ascii_digit()) => {
            whole(number(&one[..4])?, number(&one[4..6])?, number(&one[6..])?)
        }
        [year] if is_full_year(year) => of_year(number(year)?),
        [year, month] if is_full_year(year) => of_month(number(year)?, month_of(month)?),
        [month, year] if is_full_year(year) => of_month(number(year)?, month_of(month)?),
        [year, month, day] if is_full_year(year) => {
            whole(number(year)?, month_of(month)?, number(day)?)
        }
        [day, month, year] if matches!(year.len(), 2 | 4) => {
            dmy(day, month, widen(number(year)?, year.len()))
        }
        _ => None,
    }
}

/// The form in which nearly all dates come, without a copy.
fn parse_iso(text: &[u8]) -> Option<PartialDate> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i16::from(digit - b'0'))
        })
    };
    match text {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            whole(number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
        }
        _ => None,
    }
}

/// Day before month, as it is written here; a name of the month may stand first.
fn dmy(day: &str, month: &str, year: i16) -> Option<PartialDate> {
    match number(day) {
        Some(day) => whole(year, month_of(month)?, day),
        None => whole(year, month_of(day)?, number(month)?),
    }
}

/// Says whether this can be a year of four digits: names of months have four letters too.
fn is_full_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Option<i16> {
    text.parse().ok()
}

/// Two digits are the year of somebody alive or lately so: up to 29 of this century.
const fn widen(year: i16, digits: usize) -> i16 {
    match (digits, year) {
        (2, 0..=29) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    }
}

/// Names of the months: English by three letters, Egyptian and Levantine Arabic with folded letters.
const MONTHS: [[&str; 4]; 12] = [
    ["jan", "يناير", "كانون الثاني", "january"],
    ["feb", "فبراير", "شباط", "february"],
    ["mar", "مارس", "اذار", "march"],
    ["apr", "ابريل", "نيسان", "april"],
    ["may", "مايو", "ايار", "may"],
    ["jun", "يونيو", "حزيران", "june"],
    ["jul", "يوليو", "تموز", "july"],
    ["aug", "اغسطس", "اب", "august"],
    ["sep", "سبتمبر", "ايلول", "september"],
    ["oct", "اكتوبر", "تشرين الاول", "october"],
    ["nov", "نوفمبر", "تشرين الثاني", "november"],
    ["dec", "ديسمبر", "كانون الاول", "december"],
];

fn month_of(text: &str) -> Option<i16> {
    if let Some(month) = number(text) {
        return Some(month);
    }
    let plain = super::script::letters(text);
    let at = MONTHS
        .iter()
        .position(|names| names.contains(&plain.as_str()))?;
    i16::try_from(at + 1).ok()
}

/// Years in which nobody alive is born by the Gregorian calendar, and everybody by the Hijri one.
const HIJRI: std::ops::RangeInclusive<i16> = 1260..=1500;

fn of_year(year: i16) -> Option<PartialDate> {
    if HIJRI.contains(&year) {
        // A Hijri year lies in two Gregorian ones; the middle of it tells which holds most of it.
        return PartialDate::of_year(of_hijri(year, 7, 1)?.year());
    }
    PartialDate::of_year(year)
}

fn of_month(year: i16, month: i16) -> Option<PartialDate> {
    let number = u8::try_from(month).ok()?;
    if HIJRI.contains(&year) {
        let middle = of_hijri(year, number, 15)?;
        return PartialDate::of_month(middle.year(), middle.month()?);
    }
    PartialDate::of_month(year, number)
}

fn whole(year: i16, month: i16, day: i16) -> Option<PartialDate> {
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    if HIJRI.contains(&year) {
        return of_hijri(year, month, day);
    }
    PartialDate::of_day(year, month, day)
}

/// By the Umm al-Qura tables; outside 1300 to 1600 by arithmetic.
fn of_hijri(year: i16, month: u8, day: u8) -> Option<PartialDate> {
    let calendar = Hijri::new_umm_al_qura();
    let date = Date::try_new_hijri_with_calendar(i32::from(year), month, day, calendar).ok()?;
    let iso = date.to_calendar(Iso);
    let year = i16::try_from(iso.year().extended_year()).ok()?;
    PartialDate::of_day(year, iso.month().ordinal, iso.day_of_month().0)
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
            "11-02-84",
            "11 Feb 1984",
            "February 11, 1984",
            "١١ فبراير ١٩٨٤",
            "1984-02-11 00:00:00",
            "1404-05-09",
            "09/05/1404هـ",
        ] {
            assert_eq!(parse(text), Some(date), "{text}");
        }
        for (text, month) in [
            ("June 01, 1984", 6),
            ("July 26, 1984", 7),
            ("12 اب 1984", 8),
        ] {
            assert_eq!(
                parse(text).and_then(rabt_model::PartialDate::month),
                Some(month),
                "{text}"
            );
        }
        for text in ["June 1984", "1984 June", "6/1984"] {
            let read = parse(text).map(|date| (date.year(), date.month(), date.day()));
            assert_eq!(read, Some((1984, Some(6), None)), "{text}");
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
