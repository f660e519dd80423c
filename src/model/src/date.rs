//! Dates of which only a part may be known.

use std::fmt;
use std::str::FromStr;

/// A Gregorian date known to the year, the month or the day.
///
/// Text forms: `1984`, `1984-02`, `1984-02-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: i16,
    month: u8,
    day: u8,
}

/// Why a text is not a date. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseDateError {
    /// Not of the form `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[error("is not of the form YYYY, YYYY-MM or YYYY-MM-DD")]
    Form,
    /// No such day in the calendar.
    #[error("is not a day of the calendar")]
    Calendar,
}

impl PartialDate {
    /// Returns a date known to the year, if the year is 1 to 9999.
    pub fn of_year(year: i16) -> Option<Self> {
        (1..=9999).contains(&year).then_some(Self {
            year,
            month: 0,
            day: 0,
        })
    }

    /// Returns a date known to the month.
    pub fn of_month(year: i16, month: u8) -> Option<Self> {
        let whole = Self::of_year(year)?;
        (1..=12).contains(&month).then_some(Self { month, ..whole })
    }

    /// Returns a date known to the day, if the calendar has that day.
    pub fn of_day(year: i16, month: u8, day: u8) -> Option<Self> {
        let part = Self::of_month(year, month)?;
        let month = i8::try_from(month).ok()?;
        jiff::civil::Date::new(year, month, i8::try_from(day).ok()?).ok()?;
        Some(Self { day, ..part })
    }

    /// Returns the year.
    pub const fn year(self) -> i16 {
        self.year
    }

    /// Returns the month, 1 to 12, when it is known.
    pub const fn month(self) -> Option<u8> {
        if self.month == 0 {
            None
        } else {
            Some(self.month)
        }
    }

    /// Returns the day, 1 to 31, when it is known.
    pub const fn day(self) -> Option<u8> {
        if self.day == 0 { None } else { Some(self.day) }
    }

    /// Says whether the day is known.
    pub const fn is_whole(self) -> bool {
        self.day != 0
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month != 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day != 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

impl FromStr for PartialDate {
    type Err = ParseDateError;
    fn from_str(text: &str) -> Result<Self, ParseDateError> {
        let mut parts = text.split('-');
        let year = digits(parts.next(), 4)?.ok_or(ParseDateError::Form)?;
        let month = digits(parts.next(), 2)?;
        let day = digits(parts.next(), 2)?;
        if parts.next().is_some() {
            return Err(ParseDateError::Form);
        }
        let year = i16::try_from(year).map_err(|_| ParseDateError::Form)?;
        let narrow = |n: u16| u8::try_from(n).map_err(|_| ParseDateError::Form);
        let date = match (month, day) {
            (None, _) => Self::of_year(year),
            (Some(month), None) => Self::of_month(year, narrow(month)?),
            (Some(month), Some(day)) => Self::of_day(year, narrow(month)?, narrow(day)?),
        };
        date.ok_or(ParseDateError::Calendar)
    }
}

fn digits(part: Option<&str>, width: usize) -> Result<Option<u16>, ParseDateError> {
    let Some(part) = part else { return Ok(None) };
    if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseDateError::Form);
    }
    part.parse().map(Some).map_err(|_| ParseDateError::Form)
}

impl serde::Serialize for PartialDate {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PartialDate {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{ParseDateError, PartialDate};

    #[test]
    fn text_forms_round_trip() {
        for text in ["1984", "1984-02", "1984-02-29", "0001-01-01"] {
            assert_eq!(
                text.parse::<PartialDate>().map(|d| d.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            "1985-02-29".parse::<PartialDate>(),
            Err(ParseDateError::Calendar)
        );
        assert_eq!("85-02-01".parse::<PartialDate>(), Err(ParseDateError::Form));
        assert_eq!(
            "1984-02-11T00".parse::<PartialDate>(),
            Err(ParseDateError::Form)
        );
    }
}
