//! What the values of a column look like, without the values.
//!
//! Invariant: a value lives only inside [`ShapeCollector`], which shows nothing of it. What comes
//! out is counts, classes of characters, words of the shipped lists, and codes of at most two
//! characters that many rows share.

mod codes;
mod collector;
mod column;
mod dates;
mod form;
mod reference;

use std::fmt;

use rabt_model::Scheme;

pub use codes::List;
pub(crate) use codes::list;
pub use collector::ShapeCollector;
pub(crate) use dates::FORMATS;
pub use dates::Tail;

/// Returns the shape of one text: `9(14)`, `arabic(4)`; `empty` when there is nothing in it.
pub(crate) fn shape_of(text: &str) -> String {
    let clean = collector::clean(text);
    if clean.is_empty() {
        return "empty".to_owned();
    }
    form::Form::of(&clean).pattern
}

/// Says which numbers are of people who are linked already. The service has the answer; proposing
/// works without one.
pub trait Registry: Send + Sync {
    /// Says whether somebody is known by this number, in ASCII digits. Nothing may be kept of it.
    fn knows(&self, scheme: &Scheme, number: &str) -> bool;
}

/// What the sampled rows of a table look like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableShapes {
    /// Number of rows in the sample.
    pub rows: u32,
    /// The columns, in the order in which they were read.
    pub columns: Vec<ColumnShapes>,
    /// Pairs among the first columns in which no two sampled rows agree, by place.
    pub unique_pairs: Vec<(usize, usize)>,
}

/// What the values of one column look like. All numbers count cells of the sample.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnShapes {
    /// The column.
    pub name: String,
    /// Cells.
    pub rows: u32,
    /// Cells that are NULL.
    pub nulls: u32,
    /// Cells that are empty or hold only white space.
    pub blank: u32,
    /// Cells that could not be read as text.
    pub unreadable: u32,
    /// Cells that say that nothing is known: `N/A`, `00/00/0000`.
    pub unknown: u32,
    /// Cells with a value: none of the four above.
    pub values: u32,
    /// Values that are only a few zeros, which in a number mean that it is not known.
    pub zeros: u32,
    /// Different values.
    pub distinct: u32,
    /// The longest value, in characters.
    pub longest: u32,
    /// The commonest shapes, the commonest first: `9(14)`, `arabic(4)`.
    pub shapes: Vec<Shape>,
    /// Values whose letters are Arabic.
    pub arabic: u32,
    /// Values whose letters are Latin.
    pub latin: u32,
    /// Values with digits that are not 0 to 9: ٠ to ٩.
    pub arabic_digits: u32,
    /// Words in all values.
    pub words: u32,
    /// Words in all values that are listed names of people.
    pub names: u32,
    /// Values with the structure of a national id.
    pub national_ids: u32,
    /// Of those, numbers of people who are linked already; nothing when nobody was asked.
    pub linked: Option<u32>,
    /// Values with the structure of a telephone number.
    pub phones: u32,
    /// Values that are e-mail addresses.
    pub emails: u32,
    /// Values with a word of addresses in them: street, شارع.
    pub address_words: u32,
    /// Values that are the number of a governorate, with or without a zero in front.
    pub governorate_numbers: u32,
    /// Values that are the number of a year from 1900 to 2050.
    pub years: u32,
    /// Texts of [`Self::unknown`], as the shipped list or the shape of the column has them.
    pub unknown_texts: Vec<String>,
    /// How [`Self::zeros`] are written: `0`, `000`.
    pub zero_texts: Vec<String>,
    /// How dates are written, the commonest first.
    pub dates: Vec<DateUse>,
    /// How a time stands behind the date, where one does.
    pub date_tail: Option<Tail>,
    /// Which lists of codes the values are of.
    pub lists: Vec<ListUse>,
    /// The codes of a column that has only a few and short ones.
    pub short_codes: Vec<ShortCode>,
    /// How the values agree with the national id of the same row.
    pub agreement: Agreement,
}

/// A shape and how many values have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// `9` is a digit, `A` a Latin letter, `ع` an Arabic one, with a number of repetitions in
    /// brackets; `latin(2)` is two words.
    pub pattern: String,
    /// Values.
    pub values: u32,
}

/// A way to write dates and how many values can be read so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateUse {
    /// Place in the list of ways.
    pub(crate) format: usize,
    /// Values that it reads, and no way before it in the list does.
    pub values: u32,
    /// Rows in which a date read so could be compared with the national id.
    pub compared: u32,
    /// Rows in which it is the birth date of the national id.
    pub born: u32,
}

/// A list of codes and how many values are of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUse {
    /// The list: `sex`, `marital_status`, `governorate`.
    pub list: List,
    /// Values.
    pub values: u32,
    /// Words of the list that occur, in folded form, ordered.
    pub words: Vec<&'static str>,
}

/// A code of at most two characters in a column with only a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortCode {
    /// The code, in folded form.
    pub code: String,
    /// Values.
    pub values: u32,
    /// Rows whose national id is a man's.
    pub men: u32,
    /// Rows whose national id is a woman's.
    pub women: u32,
}

/// How many values agree with what the national id of the same row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Rows that could be compared.
    pub compared: u32,
    /// The value is the year of birth.
    pub year: u32,
    /// The value is the month of birth.
    pub month: u32,
    /// The value is the day of birth.
    pub day: u32,
    /// The value is the governorate of birth, as a code or a name.
    pub governorate: u32,
}

impl ColumnShapes {
    /// Returns which share of the values `count` is, in whole percent; 0 when there is no value.
    pub fn percent(&self, count: u32) -> u32 {
        percent(count, self.values)
    }

    /// Returns which share of the values that are not only zeros `count` is, in whole percent.
    pub fn percent_of_numbers(&self, count: u32) -> u32 {
        percent(count, self.values - self.zeros.min(self.values))
    }

    /// Returns the share of cells that are NULL, empty or say that nothing is known, in percent.
    pub fn absent(&self) -> u32 {
        percent(self.nulls + self.blank + self.unknown, self.rows)
    }

    /// Says whether every cell has a value and no two are equal.
    pub fn is_unique(&self) -> bool {
        self.rows > 0 && self.distinct == self.rows
    }

    /// Returns the mean number of words in a value, in tenths.
    pub fn words_in_ten(&self) -> u32 {
        (self.words * 10).checked_div(self.values).unwrap_or(0)
    }
}

/// Returns which share of `whole` a count is, in whole percent; 0 of nothing.
pub(crate) fn percent(count: u32, whole: u32) -> u32 {
    let share = (u64::from(count) * 100).checked_div(u64::from(whole));
    share
        .and_then(|share| u32::try_from(share).ok())
        .unwrap_or(0)
}

impl fmt::Display for ColumnShapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} values, {} % absent, {} different, longest {}",
            self.name,
            self.values,
            self.absent(),
            self.distinct,
            self.longest
        )?;
        for shape in &self.shapes {
            write!(f, "; {} {} %", shape.pattern, self.percent(shape.values))?;
        }
        for date in &self.dates {
            let label = FORMATS[date.format].label();
            write!(f, "; {} {} %", label.en, self.percent(date.values))?;
        }
        for used in &self.lists {
            let share = self.percent(used.values);
            let words = used.words.len();
            write!(f, "; list {} {share} % ({words} codes)", used.list)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
