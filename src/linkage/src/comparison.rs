//! Comparison: two cards in, one level per comparison out.

mod date;
mod edit;
mod graded;
mod identifier;
mod name;
mod residence;

pub(crate) use edit::within_one_edit;
pub(crate) use graded::holds;
pub use name::{LineageAgreement, NameAgreement, NameReading, SlotAgreement};

use rapidfuzz::distance::jaro_winkler;

use graded::View;

use crate::model::{Comparison, ComparisonType, LevelWeight, LinkageModel};
use crate::rule::{self, Factors};
use crate::standardise::{Slot, Standardised, digits_at};
use crate::weight::MatchWeight;

/// The most comparisons a model may have.
pub(crate) const MOST: usize = 32;

/// What one comparison found: the index of its level, and how rare the agreeing value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Index into [`Comparison::levels`].
    pub level: u8,
    /// `log2(1 / share)` of the agreeing values, in 1/1024 bit; zero when nothing agrees.
    pub rarity: i32,
}

/// The levels of every comparison of a model, in its order.
pub(crate) type ComparisonVector = [Outcome; MOST];

/// Compares and weighs two records, with what the model's rules and adjustments make of them.
pub(crate) fn score(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> (ComparisonVector, MatchWeight) {
    let vector = compare(model, data, left, right);
    let weight = match Factors::of(model, data, left, right) {
        None => weigh(model, &vector),
        factors => weigh_by(model, &vector, factors.as_ref()),
    };
    let weight = match rule::definite(model, data, left, right) {
        None => weight,
        Some(verdict) => rule::decided(model, verdict, weight),
    };
    (vector, weight)
}

/// As [`score`], for the weight alone.
#[inline]
pub(crate) fn weight(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> MatchWeight {
    if !model.adjusts.is_empty() || !model.rules.is_empty() {
        return score(model, data, left, right).1;
    }
    let (mut stranger, mut kin) = (0, 0);
    for_each_outcome(model, data, left, right, |_, comparison, outcome| {
        let added = contribution(comparison, outcome);
        stranger += added.0;
        kin += added.1;
    });
    decide(model, stranger, kin)
}

/// Compares two records by every comparison of the model.
pub(crate) fn compare(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> ComparisonVector {
    let mut vector = [Outcome::default(); MOST];
    for_each_outcome(model, data, left, right, |index, _, outcome| {
        vector[index] = outcome;
    });
    vector
}

/// Calls `visit` with every comparison of the model, its index, and what it finds.
#[inline]
fn for_each_outcome(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
    mut visit: impl FnMut(usize, &Comparison, Outcome),
) {
    let pair = Pair::of(model, data, left, right);
    let mut alignment = None;
    for (index, comparison) in model.comparisons.iter().enumerate() {
        let mut aligned =
            || *alignment.get_or_insert_with(|| name::align(&pair, model, &comparison.columns));
        let outcome = if comparison.kind == ComparisonType::Given {
            aligned().given
        } else if comparison.kind == ComparisonType::Father {
            aligned().father
        } else if comparison.kind == ComparisonType::Lineage {
            aligned().lineage
        } else {
            pair.compare(comparison)
        };
        visit(index, comparison, outcome);
    }
}

/// Weighs a comparison vector: the weaker of the evidence against strangers and against close
/// relatives, so that what a whole family shares cannot outvote what is a person's own.
pub(crate) fn weigh(model: &LinkageModel, vector: &ComparisonVector) -> MatchWeight {
    weigh_by(model, vector, None)
}

/// As [`weigh`], with what the adjustments between two sources leave of each comparison.
#[inline]
fn weigh_by(
    model: &LinkageModel,
    vector: &ComparisonVector,
    factors: Option<&Factors>,
) -> MatchWeight {
    let (mut stranger, mut kin) = (0, 0);
    for (index, (outcome, comparison)) in vector.iter().zip(&model.comparisons).enumerate() {
        let plain = contribution(comparison, *outcome);
        let added = factors.map_or(plain, |factors| factors.apply(index, plain));
        stranger += added.0;
        kin += added.1;
    }
    decide(model, stranger, kin)
}

/// Returns the weight that the sums of all contributions come to.
fn decide(model: &LinkageModel, stranger: i32, kin: i32) -> MatchWeight {
    let stranger = model.decision.prior + stranger;
    MatchWeight(match model.decision.kin_prior {
        Some(prior) => stranger.min(prior + kin),
        None => stranger,
    })
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
    pub(crate) model: &'a LinkageModel,
    pub(crate) data: &'a Standardised,
    pub(crate) left: &'a [u32],
    pub(crate) right: &'a [u32],
}

impl<'a> Pair<'a> {
    /// Returns two rows in the order of their identities, so that whatever is made of them is the
    /// same from either side.
    pub(crate) fn of(
        model: &'a LinkageModel,
        data: &'a Standardised,
        left: u32,
        right: u32,
    ) -> Self {
        let (left, right) = data.ordered(left, right);
        Self {
            model,
            data,
            left: data.card(left),
            right: data.card(right),
        }
    }

    /// Returns the words of a column in one of the cards.
    fn words_of(&self, column: usize, card: &'a [u32]) -> &'a [u32] {
        let Slot { offset, width } = self.slot(column);
        &card[offset..offset + width]
    }

    /// Says whether the left card has a value of a column.
    fn left_has(&self, column: usize) -> bool {
        self.words_of(column, self.left)
            .iter()
            .any(|word| *word != 0)
    }

    /// Says whether the right card has a value of a column.
    fn right_has(&self, column: usize) -> bool {
        self.words_of(column, self.right)
            .iter()
            .any(|word| *word != 0)
    }

    fn view(&self, column: usize, card: &'a [u32]) -> View<'a> {
        View {
            data: self.data,
            kind: self.model.columns[column].kind,
            words: self.words_of(column, card),
        }
    }

    pub(crate) fn slot(&self, column: usize) -> Slot {
        self.data.slots[column]
    }

    /// Returns the first words of a column in both cards.
    pub(crate) fn words(&self, column: usize) -> (u32, u32) {
        let at = self.slot(column).offset;
        (self.left[at], self.right[at])
    }

    /// Compares by one comparison that looks at its own columns alone: not by a part of a name.
    pub(crate) fn compare(&self, comparison: &Comparison) -> Outcome {
        let column = comparison.columns[0];
        match comparison.kind {
            ComparisonType::Exact => match self.words(column) {
                (0, _) | (_, 0) => at(0),
                // Values of one word are the rule; the others are compared whole.
                (left, right) if left == right && self.has_same(column) => {
                    graded::with_rarity(self, comparison, 1)
                }
                _ => at(2),
            },
            ComparisonType::Text => match self.text(column) {
                Outcome { level: 1, .. } => graded::with_rarity(self, comparison, 1),
                other => other,
            },
            ComparisonType::Graded => match &comparison.grades {
                Some(grades) => graded::compare(self, comparison, grades),
                None => at(0),
            },
            ComparisonType::Digits => {
                let slot = self.slot(column);
                identifier::digits(
                    digits_at(self.left, slot.offset),
                    digits_at(self.right, slot.offset),
                )
            }
            ComparisonType::NationalId => {
                let slot = self.slot(column);
                identifier::national_id(
                    digits_at(self.left, slot.offset),
                    digits_at(self.right, slot.offset),
                    self.data.both_trusted(column, self.left, self.right),
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

    fn has_same(&self, column: usize) -> bool {
        self.words_of(column, self.left) == self.words_of(column, self.right)
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
