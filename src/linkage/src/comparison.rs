//! Comparison: two cards in, one level per comparison out.

mod date;
mod edit;
mod identifier;
mod name;
mod residence;

pub(crate) use edit::within_one_edit;

use rapidfuzz::distance::jaro_winkler;

use crate::model::{Comparison, ComparisonType, LevelWeight, LinkageModel};
use crate::standardise::{Slot, Standardised, digits_at};
use crate::weight::MatchWeight;

/// The most comparisons a model may have.
pub(crate) const MOST: usize = 32;

/// What one comparison found: the index of its level, and how rare the agreeing value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Index into [`ComparisonType::levels`].
    pub level: u8,
    /// `log2(1 / share)` of the agreeing values, in 1/1024 bit; zero when nothing agrees.
    pub rarity: i32,
}

/// The levels of every comparison of a model, in its order.
pub(crate) type ComparisonVector = [Outcome; MOST];

/// Compares two records by every comparison of the model.
pub(crate) fn compare(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> ComparisonVector {
    let mut vector = [Outcome::default(); MOST];
    // In the order of identities, so that the result is the same from either side.
    let (left, right) = if data.identity(left) <= data.identity(right) {
        (left, right)
    } else {
        (right, left)
    };
    let pair = Pair {
        data,
        left: data.card(left),
        right: data.card(right),
    };
    let mut alignment = None;
    for (outcome, comparison) in vector.iter_mut().zip(&model.comparisons) {
        let mut aligned =
            || *alignment.get_or_insert_with(|| name::align(&pair, model, &comparison.columns));
        *outcome = if comparison.kind == ComparisonType::Given {
            aligned().given
        } else if comparison.kind == ComparisonType::Father {
            aligned().father
        } else if comparison.kind == ComparisonType::Lineage {
            aligned().lineage
        } else {
            pair.compare(comparison)
        };
    }
    vector
}

/// Weighs a comparison vector: the weaker of the evidence against strangers and against close
/// relatives, so that what a whole family shares cannot outvote what is a person's own.
pub(crate) fn weigh(model: &LinkageModel, vector: &ComparisonVector) -> MatchWeight {
    let mut stranger = model.decision.prior;
    let mut kin = model.decision.kin_prior.unwrap_or(0);
    for (outcome, comparison) in vector.iter().zip(&model.comparisons) {
        let (against_stranger, against_kin) = contribution(comparison, *outcome);
        stranger += against_stranger;
        kin += against_kin;
    }
    match model.decision.kin_prior {
        Some(_) => MatchWeight(stranger.min(kin)),
        None => MatchWeight(stranger),
    }
}

/// Returns what one outcome adds against strangers and against relatives, in 1/1024 bit.
pub(crate) fn contribution(comparison: &Comparison, outcome: Outcome) -> (i32, i32) {
    let LevelWeight {
        stranger,
        kin,
        rarity,
    } = comparison.weights[usize::from(outcome.level)];
    (
        if rarity {
            stranger + outcome.rarity
        } else {
            stranger
        },
        kin,
    )
}

/// Two cards of one batch.
pub(crate) struct Pair<'a> {
    pub(crate) data: &'a Standardised,
    pub(crate) left: &'a [u32],
    pub(crate) right: &'a [u32],
}

impl Pair<'_> {
    pub(crate) fn slot(&self, column: usize) -> Slot {
        self.data.slots[column]
    }

    /// Returns the first words of a column in both cards.
    pub(crate) fn words(&self, column: usize) -> (u32, u32) {
        let at = self.slot(column).offset;
        (self.left[at], self.right[at])
    }

    fn compare(&self, comparison: &Comparison) -> Outcome {
        let column = comparison.columns[0];
        match comparison.kind {
            ComparisonType::Exact => match self.words(column) {
                (0, _) | (_, 0) => at(0),
                (left, right) if left == right => at(1),
                _ => at(2),
            },
            ComparisonType::Text => self.text(column),
            ComparisonType::Digits => {
                let slot = self.slot(column);
                identifier::digits(
                    digits_at(self.left, slot.offset),
                    digits_at(self.right, slot.offset),
                )
            }
            ComparisonType::NationalId => {
                let slot = self.slot(column);
                let stated = comparison
                    .columns
                    .get(1)
                    .map_or((0, 0), |date| self.words(*date));
                identifier::national_id(
                    (digits_at(self.left, slot.offset), stated.0),
                    (digits_at(self.right, slot.offset), stated.1),
                )
            }
            ComparisonType::Phone => identifier::any_of(self.left, self.right, self.slot(column)),
            ComparisonType::Date => {
                let (left, right) = self.words(column);
                date::compare(left, right)
            }
            ComparisonType::Chain => name::chain(self, column),
            ComparisonType::Residence => residence::compare(self, &comparison.columns),
            ComparisonType::Given | ComparisonType::Father | ComparisonType::Lineage => at(0),
        }
    }

    fn text(&self, column: usize) -> Outcome {
        let (left, right) = self.words(column);
        if left == 0 || right == 0 {
            return at(0);
        }
        if left == right {
            return at(1);
        }
        let (left, right) = (self.data.texts.entry(left), self.data.texts.entry(right));
        let alike = jaro_winkler::normalized_similarity(left.text.chars(), right.text.chars());
        if alike >= 0.92 {
            at(2)
        } else if alike >= 0.84 {
            at(3)
        } else {
            at(4)
        }
    }
}

/// Returns the outcome of a level that knows no rarity.
pub(crate) const fn at(level: u8) -> Outcome {
    Outcome { level, rarity: 0 }
}

#[cfg(test)]
mod tests;
