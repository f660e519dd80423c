//! What a model says of blocking: the rules that make candidate pairs.

use super::ColumnType;

/// What part of a column goes into a blocking key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The whole value.
    Whole,
    /// The first name of a chain, by consonant skeleton.
    Given,
    /// The second name, by skeleton.
    Father,
    /// The third name, by skeleton.
    Grandfather,
    /// The last name of a chain of three or more, by skeleton.
    Last,
    /// The year of a date.
    Year,
    /// The month and day of a date.
    MonthDay,
    /// The consonant skeleton of a text.
    Skeleton,
    /// The first letters or digits, this many; a shorter value is taken whole.
    Prefix(u8),
    /// The first letter or digit.
    Initial,
}

impl Take {
    /// The words for it in a model file. The length of a prefix stands beside it.
    pub(super) const WORDS: [(&'static str, Self); 10] = [
        ("whole", Self::Whole),
        ("given", Self::Given),
        ("father", Self::Father),
        ("grandfather", Self::Grandfather),
        ("last", Self::Last),
        ("year", Self::Year),
        ("month_day", Self::MonthDay),
        ("skeleton", Self::Skeleton),
        ("prefix", Self::Prefix(1)),
        ("initial", Self::Initial),
    ];

    /// Returns the word for it in a model file.
    pub(super) fn word(self) -> &'static str {
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(&self);
        let found = Self::WORDS.iter().find(|(_, take)| same(take));
        found.map_or("whole", |(word, _)| word)
    }

    /// Returns the words for what can be taken of a column of this type.
    pub(super) const fn of(kind: ColumnType) -> &'static [&'static str] {
        match kind {
            ColumnType::Name => &["given", "father", "grandfather", "last"],
            ColumnType::Text | ColumnType::Code => &["whole", "skeleton", "prefix", "initial"],
            ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone => {
                &["whole", "prefix", "initial"]
            }
            ColumnType::Date => &["whole", "year", "month_day"],
            ColumnType::Sex
            | ColumnType::Address
            | ColumnType::Number
            | ColumnType::Point
            | ColumnType::Set => &["whole"],
        }
    }
}

/// One part of a blocking key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPart {
    /// Indices of the columns; the first that has a value is taken.
    pub columns: [usize; 2],
    /// What is taken.
    pub take: Take,
}

/// A rule: records that share its key are candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingRule {
    /// Its name in reports.
    pub id: String,
    /// Its parts; a record that lacks one has no key.
    pub parts: Vec<KeyPart>,
    /// The largest block whose pairs are made.
    pub cap: usize,
    /// Further parts, by which larger blocks are split, one after the other; what is still larger
    /// makes no pairs and is reported.
    pub split: Vec<KeyPart>,
}
