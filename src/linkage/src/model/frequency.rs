//! How common values are: shares learned at training and kept with the model, never taken from
//! live data, so that one state gives one result.

use rustc_hash::FxHashMap;

use super::ColumnType;
use crate::standardise::value;
use crate::weight::bits;

/// The shares of the values of one column.
#[derive(Debug, Clone)]
pub(crate) struct Frequencies {
    /// The values as they are written, with their shares.
    pub(crate) values: Vec<(String, f64)>,
    /// The share of a value that is not listed.
    pub(crate) other: f64,
    /// `log2(1 / share)` in 1/1024 bit by what a card holds of the value.
    rarity: FxHashMap<u64, i32>,
    rest: i32,
}

impl PartialEq for Frequencies {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.other.total_cmp(&other.other).is_eq()
    }
}

impl Frequencies {
    /// Keeps the shares of values; the spellings of one value count together.
    pub(crate) fn of(kind: ColumnType, values: Vec<(String, f64)>, other: f64) -> Self {
        let mut shares: FxHashMap<u64, f64> = FxHashMap::default();
        for (text, share) in &values {
            if let Some(key) = value::key_of_text(kind, text) {
                *shares.entry(key).or_default() += share;
            }
        }
        let rarity = shares.into_iter();
        Self {
            values,
            other,
            rarity: rarity
                .map(|(key, share)| (key, bits(1.0 / share)))
                .collect(),
            rest: bits(1.0 / other),
        }
    }

    /// Returns how rare a value is, in 1/1024 bit.
    pub(crate) fn rarity(&self, key: u64) -> i32 {
        self.rarity.get(&key).copied().unwrap_or(self.rest)
    }

    /// Says whether the shares of a column of this type can be told apart.
    pub(crate) const fn known_of(kind: ColumnType) -> bool {
        matches!(
            kind,
            ColumnType::Text
                | ColumnType::Code
                | ColumnType::Sex
                | ColumnType::Digits
                | ColumnType::NationalId
                | ColumnType::Phone
                | ColumnType::Date
        )
    }
}
