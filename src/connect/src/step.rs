//! The closed list of mapping steps.
//!
//! Invariant: a step is pure, never panics on any text, and explains itself in English and Arabic.

mod date;
mod explain;
mod load;
mod national_id;
mod text;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;

use rabt_model::PartialDate;

pub use date::{Calendar, DateFormat, DateFormatError};

use crate::mapping::RejectReason;

pub(crate) use load::load;
pub(crate) use write::{quote, quote_all};

/// One named step of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Takes white space and invisible marks off both ends.
    Trim,
    /// Makes every run of white space one space.
    CollapseSpaces,
    /// Puts the text into Unicode's composed form (NFC).
    Nfc,
    /// Makes capital letters small.
    FoldCase,
    /// Removes these characters everywhere.
    Strip(String),
    /// Writes Arabic, Persian and full-width digits as `0` to `9`.
    DigitsAscii,
    /// Takes the first characters.
    Take(usize),
    /// Takes one part of a text with separators.
    Split {
        /// The separator.
        separator: String,
        /// Which part, from 0.
        index: usize,
    },
    /// Joins several columns.
    Join(String),
    /// Replaces texts by others, in this order.
    Replace(Vec<(String, String)>),
    /// Takes these texts to mean that there is no value.
    NullIf(Vec<String>),
    /// Puts a text where there is no value.
    Default(String),
    /// Reads a whole date.
    ParseDate {
        /// The formats, tried in this order.
        formats: Vec<DateFormat>,
        /// The calendar of the text.
        calendar: Calendar,
        /// Texts that mean that the date is not known.
        unknown: Vec<String>,
    },
    /// Reads a year, a month or a day, largest part first.
    ParsePartialDate,
    /// Puts codes in the place of the agency's.
    Lookup(BTreeMap<String, String>),
    /// Refuses what cannot be an Egyptian national id.
    CheckNationalId,
    /// Refuses what is not this many digits.
    CheckDigits(usize),
    /// Puts a character in front until the text has a width.
    PadLeft {
        /// The width, in characters.
        width: usize,
        /// The character.
        with: char,
    },
}

/// What a chain of steps makes of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Out<'a> {
    /// There is no value.
    Absent,
    /// A text, not empty.
    Text(Cow<'a, str>),
    /// A date.
    Date(PartialDate),
}

/// A refusal, and the text as it was before the step that refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused<'a> {
    pub(crate) reason: RejectReason,
    pub(crate) held: Cow<'a, str>,
}

/// Runs a chain over the text of a cell, or over nothing when there is none. The empty text passes
/// through the steps, so that a lookup can name it, and counts as absent at the end. `this_year`
/// is the Gregorian year that two-digit years are read by.
pub(crate) fn run<'a>(
    steps: &[Step],
    text: Option<Cow<'a, str>>,
    this_year: i16,
) -> Result<Out<'a>, Refused<'a>> {
    let mut value = text;
    for step in steps {
        if let Step::Default(text) = step {
            if value.as_ref().is_none_or(|value| value.trim().is_empty()) {
                value = Some(Cow::Owned(text.clone()));
            }
            continue;
        }
        let Some(text) = value else { continue };
        match step.apply(text, this_year)? {
            Out::Absent => value = None,
            Out::Text(text) => value = Some(text),
            Out::Date(date) => return Ok(Out::Date(date)),
        }
    }
    match value {
        Some(text) if !text.trim().is_empty() => Ok(Out::Text(text)),
        Some(_) | None => Ok(Out::Absent),
    }
}

impl Step {
    /// Says whether the step makes a date of a text, so that no other step can follow it.
    pub(crate) const fn makes_date(&self) -> bool {
        matches!(self, Self::ParseDate { .. } | Self::ParsePartialDate)
    }

    fn apply<'a>(&self, text: Cow<'a, str>, this_year: i16) -> Result<Out<'a>, Refused<'a>> {
        let text = match self {
            Self::Trim => text::trim(text),
            Self::CollapseSpaces => text::collapse_spaces(text),
            Self::Nfc => text::nfc(text),
            Self::FoldCase => text::fold_case(text),
            Self::Strip(characters) => text::strip(text, characters),
            Self::DigitsAscii => text::digits_ascii(text),
            Self::Take(count) => text::take(text, *count),
            Self::Split { separator, index } => match text::split(text, separator, *index) {
                Some(part) => part,
                None => return Ok(Out::Absent),
            },
            Self::Replace(pairs) => text::replace(text, pairs),
            Self::NullIf(values) => {
                if values.iter().any(|value| *value == text) {
                    return Ok(Out::Absent);
                }
                text
            }
            Self::PadLeft { width, with } => text::pad_left(text, *width, *with),
            Self::Lookup(table) => return look_up(table, text),
            Self::CheckNationalId => {
                return check(text, national_id::is_possible, RejectReason::BadNationalId);
            }
            Self::CheckDigits(count) => {
                return check(
                    text,
                    |text| is_digits(text, *count),
                    RejectReason::BadDigits,
                );
            }
            Self::ParseDate {
                formats,
                calendar,
                unknown,
            } => return parse_date(text, formats, *calendar, unknown, this_year),
            Self::ParsePartialDate => return parse_partial(text),
            // `run` and the mapping itself see to these two.
            Self::Default(_) | Self::Join(_) => text,
        };
        Ok(Out::Text(text))
    }
}

fn look_up<'a>(
    table: &BTreeMap<String, String>,
    text: Cow<'a, str>,
) -> Result<Out<'a>, Refused<'a>> {
    if let Some(code) = table.get(text.as_ref()) {
        return Ok(Out::Text(Cow::Owned(code.clone())));
    }
    if text.is_empty() {
        return Ok(Out::Absent);
    }
    Err(Refused {
        reason: RejectReason::NotInList,
        held: text,
    })
}

fn check(
    text: Cow<'_, str>,
    good: impl Fn(&str) -> bool,
    reason: RejectReason,
) -> Result<Out<'_>, Refused<'_>> {
    if text.is_empty() || good(&text) {
        return Ok(Out::Text(text));
    }
    Err(Refused { reason, held: text })
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_date<'a>(
    text: Cow<'a, str>,
    formats: &[DateFormat],
    calendar: Calendar,
    unknown: &[String],
    this_year: i16,
) -> Result<Out<'a>, Refused<'a>> {
    let trimmed = text.trim();
    if trimmed.is_empty() || unknown.iter().any(|value| value == trimmed) {
        return Ok(Out::Absent);
    }
    let date = formats
        .iter()
        .find_map(|format| format.parse(trimmed, calendar, this_year));
    date.map(Out::Date).ok_or(Refused {
        reason: RejectReason::BadDate,
        held: text,
    })
}

fn parse_partial(text: Cow<'_, str>) -> Result<Out<'_>, Refused<'_>> {
    if text.trim().is_empty() {
        return Ok(Out::Absent);
    }
    date::parse_partial(text.trim())
        .map(Out::Date)
        .ok_or(Refused {
            reason: RejectReason::BadDate,
            held: text,
        })
}

#[cfg(test)]
mod tests;
