//! Dates as agencies write them.

use std::fmt;
use std::str::FromStr;

use icu_calendar::Date;
use icu_calendar::cal::{Hijri, Iso};
use rabt_model::PartialDate;

/// The calendar a date is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calendar {
    /// The Gregorian one.
    #[default]
    Gregorian,
    /// The Hijri one, by the Umm al-Qura tables; outside 1300 to 1600 by arithmetic.
    Hijri,
}

/// A compiled format such as `%d/%m/%Y`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    pattern: String,
    items: Vec<Item>,
}

/// Why a text is not a date format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFormatError {
    /// A `%` with another letter behind it.
    #[error("knows %d %m %b %Y %y %H %M %S and %%, and has another one")]
    Directive,
    /// Day, month or year is missing or there twice.
    #[error("must have a day (%d), a month (%m or %b) and a year (%Y or %y), each once")]
    Parts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    Day,
    Month,
    MonthName,
    Year,
    ShortYear,
    /// Hour, minute or second: read and left out.
    Time,
}

/// Month names by their first letters, English and the two Arabic sets in use.
const MONTHS: [[&str; 3]; 12] = [
    ["jan", "يناير", "كانون الثاني"],
    ["feb", "فبراير", "شباط"],
    ["mar", "مارس", "آذار"],
    ["apr", "أبريل", "نيسان"],
    ["may", "مايو", "أيار"],
    ["jun", "يونيو", "حزيران"],
    ["jul", "يوليو", "تموز"],
    ["aug", "أغسطس", "آب"],
    ["sep", "سبتمبر", "أيلول"],
    ["oct", "أكتوبر", "تشرين الأول"],
    ["nov", "نوفمبر", "تشرين الثاني"],
    ["dec", "ديسمبر", "كانون الأول"],
];

impl FromStr for DateFormat {
    type Err = DateFormatError;
    fn from_str(pattern: &str) -> Result<Self, DateFormatError> {
        let mut items = Vec::new();
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            if c != '%' {
                items.push(Item::Literal(c));
                continue;
            }
            items.push(match characters.next() {
                Some('d') => Item::Day,
                Some('m') => Item::Month,
                Some('b') => Item::MonthName,
                Some('Y') => Item::Year,
                Some('y') => Item::ShortYear,
                Some('H' | 'M' | 'S') => Item::Time,
                Some('%') => Item::Literal('%'),
                Some(_) | None => return Err(DateFormatError::Directive),
            });
        }
        let count = |wanted: &[Item]| items.iter().filter(|item| wanted.contains(item)).count();
        let whole = count(&[Item::Day]) == 1
            && count(&[Item::Month, Item::MonthName]) == 1
            && count(&[Item::Year, Item::ShortYear]) == 1;
        if !whole {
            return Err(DateFormatError::Parts);
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            items,
        })
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl DateFormat {
    /// Returns the Gregorian date that `text` is, all of it, or nothing. A two-digit year is the
    /// latest one that is not after `this_year` (Gregorian).
    pub(crate) fn parse(
        &self,
        text: &str,
        calendar: Calendar,
        this_year: i16,
    ) -> Option<PartialDate> {
        let mut rest = text;
        let (mut day, mut month, mut year, mut short) = (0, 0, 0, false);
        for (index, item) in self.items.iter().enumerate() {
            let next = self.items.get(index + 1);
            // Without a separator behind it, a number has its full width.
            let least = match next {
                Some(Item::Literal(_)) | None => 1,
                Some(_) => 2,
            };
            match item {
                Item::Literal(c) => rest = rest.strip_prefix(*c)?,
                Item::Day => (day, rest) = number(rest, least, 2)?,
                Item::Month => (month, rest) = number(rest, least, 2)?,
                Item::MonthName => (month, rest) = month_name(rest)?,
                Item::Year => (year, rest) = number(rest, 4, 4)?,
                Item::ShortYear => {
                    (year, rest) = number(rest, 2, 2)?;
                    short = true;
                }
                Item::Time => (_, rest) = number(rest, least, 2)?,
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let day = u8::try_from(day).ok()?;
        let month = u8::try_from(month).ok()?;
        match calendar {
            Calendar::Gregorian => {
                let year = if short { widen(year, this_year) } else { year };
                PartialDate::of_day(year, month, day)
            }
            Calendar::Hijri => {
                let year = if short {
                    widen(year, hijri_year(this_year))
                } else {
                    year
                };
                of_hijri(year, month, day)
            }
        }
    }
}

/// Returns the latest year that ends in `short` and is not after `this_year`.
const fn widen(short: i16, this_year: i16) -> i16 {
    let year = this_year - this_year % 100 + short;
    if year > this_year { year - 100 } else { year }
}

/// Returns the Hijri year in which a Gregorian year ends.
fn hijri_year(gregorian: i16) -> i16 {
    let years = (i32::from(gregorian) - 622) * 33 / 32 + 1;
    i16::try_from(years).unwrap_or(0)
}

fn of_hijri(year: i16, month: u8, day: u8) -> Option<PartialDate> {
    let calendar = Hijri::new_umm_al_qura();
    let date = Date::try_new_hijri_with_calendar(i32::from(year), month, day, calendar).ok()?;
    let iso = date.to_calendar(Iso);
    let year = i16::try_from(iso.year().extended_year()).ok()?;
    PartialDate::of_day(year, iso.month().ordinal, iso.day_of_month().0)
}

/// Reads `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<(i16, &str)> {
    let digits = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits < least {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// Reads the name of a month; an English one may be written in full.
fn month_name(text: &str) -> Option<(i16, &str)> {
    let end = text
        .find(|c: char| !c.is_alphabetic() && c != ' ')
        .unwrap_or(text.len());
    let word = text[..end].trim_end();
    let folded = word.to_lowercase();
    let at = MONTHS.iter().position(|names| {
        let english = folded.is_ascii() && folded.starts_with(names[0]);
        english || names[1..].contains(&folded.as_str())
    })?;
    Some((i16::try_from(at).ok()? + 1, &text[word.len()..]))
}

/// Reads a year, a month or a day, largest part first, separated by `-`, `/` or `.`. Parts that
/// are all zeros, and all parts behind them, are not known.
pub(super) fn parse_partial(text: &str) -> Option<PartialDate> {
    let mut parts = text.split(['-', '/', '.']);
    let (year, rest) = number(parts.next()?, 4, 4)?;
    let mut tail = [0_u8; 2];
    let mut known = true;
    for place in &mut tail {
        let Some(part) = parts.next() else { break };
        let (value, rest) = number(part, 1, 2)?;
        if !rest.is_empty() {
            return None;
        }
        known &= value > 0;
        if known {
            *place = u8::try_from(value).ok()?;
        }
    }
    if !rest.is_empty() || parts.next().is_some() {
        return None;
    }
    match tail {
        [0, _] => PartialDate::of_year(year),
        [month, 0] => PartialDate::of_month(year, month),
        [month, day] => PartialDate::of_day(year, month, day),
    }
}
