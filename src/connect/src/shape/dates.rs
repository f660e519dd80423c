//! In which ways the texts of a column are dates.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rabt_model::{Label, PartialDate};

use crate::shape::DateUse;
use crate::step::{Calendar, DateFormat};

/// Years that dates of people lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1850..=2100;

/// The ways that are tried, the commoner before the less common where both can read a text.
const PATTERNS: [(&str, Calendar); 25] = [
    ("%Y-%m-%d", Calendar::Gregorian),
    ("%d/%m/%Y", Calendar::Gregorian),
    ("%d-%m-%Y", Calendar::Gregorian),
    ("%d.%m.%Y", Calendar::Gregorian),
    ("%Y/%m/%d", Calendar::Gregorian),
    ("%Y.%m.%d", Calendar::Gregorian),
    ("%Y%m%d", Calendar::Gregorian),
    ("%d%m%Y", Calendar::Gregorian),
    ("%m/%d/%Y", Calendar::Gregorian),
    ("%m-%d-%Y", Calendar::Gregorian),
    ("%d/%m/%y", Calendar::Gregorian),
    ("%d-%m-%y", Calendar::Gregorian),
    ("%d.%m.%y", Calendar::Gregorian),
    ("%m/%d/%y", Calendar::Gregorian),
    ("%d-%b-%Y", Calendar::Gregorian),
    ("%d %b %Y", Calendar::Gregorian),
    ("%d/%b/%Y", Calendar::Gregorian),
    ("%d-%b-%y", Calendar::Gregorian),
    ("%Y-%m-%d", Calendar::Hijri),
    ("%d/%m/%Y", Calendar::Hijri),
    ("%d-%m-%Y", Calendar::Hijri),
    ("%d.%m.%Y", Calendar::Hijri),
    ("%Y/%m/%d", Calendar::Hijri),
    ("%Y%m%d", Calendar::Hijri),
    ("%d%m%Y", Calendar::Hijri),
];

/// The ways to write a date.
pub(crate) static FORMATS: LazyLock<Vec<Way>> = LazyLock::new(|| {
    let way = |(pattern, calendar): &(&'static str, Calendar)| {
        let format = pattern.parse().ok()?;
        Some(Way {
            pattern,
            format,
            calendar: *calendar,
        })
    };
    PATTERNS.iter().filter_map(way).collect()
});

/// One way to write a date.
#[derive(Debug)]
pub(crate) struct Way {
    /// The pattern: `%d/%m/%Y`.
    pub(crate) pattern: &'static str,
    /// The same, compiled.
    pub(crate) format: DateFormat,
    /// The calendar.
    pub(crate) calendar: Calendar,
}

impl Way {
    /// Returns how people write the way: `dd/mm/yyyy`.
    pub(crate) fn label(&self) -> Label {
        let mut shown = self.pattern.to_owned();
        for (directive, letters) in [
            ("%d", "dd"),
            ("%m", "mm"),
            ("%b", "mmm"),
            ("%Y", "yyyy"),
            ("%y", "yy"),
        ] {
            shown = shown.replace(directive, letters);
        }
        match self.calendar {
            Calendar::Gregorian => Label::new(shown.clone(), shown),
            Calendar::Hijri => Label::new(format!("{shown} Hijri"), format!("{shown} هجري")),
        }
    }
}

/// How a time of day stands behind a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tail {
    /// Behind a space: `1990-01-31 00:00:00`.
    Space,
    /// Behind the letter: `1990-01-31T00:00:00`.
    T,
    /// As six more digits: `19900131000000`.
    Digits,
}

/// Counts the ways in which texts can be read as dates.
#[derive(Clone, Default)]
pub(super) struct Dates {
    /// How many texts can be read in exactly these ways, a bit for each.
    masks: BTreeMap<u32, u32>,
    compared: BTreeMap<usize, (u32, u32)>,
    tails: BTreeMap<Tail, u32>,
}

impl Dates {
    /// Counts one text. `born` is the birth date of the row's national id. Says whether the text is
    /// a date.
    pub(super) fn push(&mut self, text: &str, born: Option<PartialDate>, this_year: i16) -> bool {
        if text.len() > 40 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let (date, tail) = cut(text);
        let mut mask = 0;
        for (place, way) in FORMATS.iter().enumerate() {
            let read = way.format.parse(date, way.calendar, this_year);
            let Some(read) = read.filter(|read| YEARS.contains(&read.year())) else {
                continue;
            };
            mask |= 1 << place;
            if let Some(born) = born {
                let (compared, agreed) = self.compared.entry(place).or_default();
                *compared += 1;
                *agreed += u32::from(read == born);
            }
        }
        if mask == 0 {
            return false;
        }
        *self.masks.entry(mask).or_default() += 1;
        if let Some(tail) = tail {
            *self.tails.entry(tail).or_default() += 1;
        }
        true
    }

    /// Returns the ways that together read all dates, the one that reads most first. Where two read
    /// the same texts, the one that agrees better with the national ids wins, then the commoner.
    pub(super) fn uses(&self) -> Vec<DateUse> {
        let mut left = self.masks.clone();
        let mut uses: Vec<DateUse> = Vec::new();
        while !left.is_empty() {
            let counted = (0..FORMATS.len()).map(|place| self.count(&left, place));
            let Some(best) = counted.max_by_key(|used| {
                let order = usize::MAX - used.format;
                (used.values, used.born, order)
            }) else {
                break;
            };
            if best.values == 0 {
                break;
            }
            left.retain(|mask, _| mask & (1 << best.format) == 0);
            uses.push(best);
        }
        uses
    }

    fn count(&self, left: &BTreeMap<u32, u32>, format: usize) -> DateUse {
        let read = left.iter().filter(|(mask, _)| *mask & (1 << format) != 0);
        let (compared, born) = self.compared.get(&format).copied().unwrap_or_default();
        DateUse {
            format,
            values: read.map(|(_, count)| count).sum(),
            compared,
            born,
        }
    }

    /// Returns the time behind most of the dates, if there is one.
    pub(super) fn tail(&self) -> Option<Tail> {
        let dates: u32 = self.masks.values().sum();
        let (tail, count) = self.tails.iter().max_by_key(|(_, count)| **count)?;
        (*count * 2 > dates).then_some(*tail)
    }
}

/// Parts a date from the time of day behind it.
fn cut(text: &str) -> (&str, Option<Tail>) {
    if text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return (&text[..8], Some(Tail::Digits));
    }
    for (separator, tail) in [(' ', Tail::Space), ('T', Tail::T)] {
        if let Some((date, time)) = text.split_once(separator)
            && time.contains(':')
        {
            return (date, Some(tail));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::{Dates, FORMATS, PATTERNS, Tail};

    fn ways(texts: &[&str]) -> Vec<&'static str> {
        let mut dates = Dates::default();
        for text in texts {
            dates.push(text, None, 2026);
        }
        let uses = dates.uses();
        uses.iter()
            .map(|used| FORMATS[used.format].pattern)
            .collect()
    }

    #[test]
    fn every_pattern_is_a_format() {
        assert_eq!(FORMATS.len(), PATTERNS.len());
        assert!(FORMATS.len() < 32, "a bit for each");
    }

    #[test]
    fn the_order_of_day_and_month_is_found() {
        assert_eq!(
            ways(&["01/02/1990", "31/02/1985", "13/02/1990"]),
            ["%d/%m/%Y"]
        );
        assert_eq!(
            ways(&["01/02/1990", "02/13/1990", "05/20/1970"]),
            ["%m/%d/%Y"]
        );
        assert_eq!(
            ways(&["01/02/1990"]),
            ["%d/%m/%Y"],
            "the usual one in doubt"
        );
        assert_eq!(ways(&["1990-01-02", "1990-01-03", "02/01/1990"]).len(), 2);
    }

    #[test]
    fn the_national_id_settles_what_the_dates_leave_open() {
        let mut dates = Dates::default();
        let born = "1990-01-02".parse().unwrap();
        dates.push("01/02/1990", Some(born), 2026);
        let best = dates.uses()[0];
        assert_eq!(FORMATS[best.format].pattern, "%m/%d/%Y");
        assert_eq!((best.compared, best.born), (1, 1));
    }

    #[test]
    fn calendars_and_times_are_told_apart() {
        let mut dates = Dates::default();
        assert!(dates.push("24/12/1407", None, 2026));
        let best = dates.uses()[0];
        assert!(FORMATS[best.format].label().en.ends_with("Hijri"));
        let mut dates = Dates::default();
        dates.push("19870819000000", None, 2026);
        assert_eq!(dates.tail(), Some(Tail::Digits));
        let mut dates = Dates::default();
        dates.push("1987-08-19 00:00:00", None, 2026);
        assert_eq!(dates.tail(), Some(Tail::Space));
        assert!(!dates.push("12345", None, 2026));
    }
}
