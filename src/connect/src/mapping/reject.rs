//! Why a row or a value was not taken.

use std::fmt;

use crate::message::Fault;

/// Why a row or a value was not taken. Codes are stable: they stand in storage and in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RejectReason {
    /// A key column is NULL, empty or unreadable.
    MissingKey,
    /// A part of the key contains U+001F, which separates the parts.
    BadKey,
    /// An earlier row of the same batch has the same key.
    DuplicateKey,
    /// No mapped column holds a value.
    NoValue,
    /// The cell could not be read.
    Unreadable(Fault),
    /// The cell was not sent because it had not changed, and the row is not merged.
    Unchanged,
    /// Not a date in any of the formats, or no day of the calendar.
    BadDate,
    /// Not a point in time.
    BadTimestamp,
    /// Not in the lookup table, or not a code of the attribute.
    NotInList,
    /// Cannot be an Egyptian national id.
    BadNationalId,
    /// Not the required number of digits.
    BadDigits,
    /// The key of the row that is to take this one's place is not whole, or no key.
    BadReplacement,
    /// The row is to be replaced by itself.
    ReplacedByItself,
    /// The row that is to take this one's place is not in the stream: it is another agency's, of
    /// another table, or gone.
    UnknownReplacement,
    /// A person decided that the row that is to take this one's place is somebody else.
    ContradictedReplacement,
}

impl RejectReason {
    /// Returns the stable code, in `snake_case`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::BadKey => "bad_key",
            Self::DuplicateKey => "duplicate_key",
            Self::NoValue => "no_value",
            Self::Unreadable(fault) => fault.code(),
            Self::Unchanged => "unchanged",
            Self::BadDate => "bad_date",
            Self::BadTimestamp => "bad_timestamp",
            Self::NotInList => "not_in_list",
            Self::BadNationalId => "bad_national_id",
            Self::BadDigits => "bad_digits",
            Self::BadReplacement => "bad_replacement",
            Self::ReplacedByItself => "replaced_by_itself",
            Self::UnknownReplacement => "unknown_replacement",
            Self::ContradictedReplacement => "contradicted_replacement",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
