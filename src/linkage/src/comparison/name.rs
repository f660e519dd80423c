//! Comparison of name chains: aligned slot by slot, in order, across scripts.

mod agreement;
mod likeness;
mod reading;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;

pub use agreement::{LineageAgreement, NameAgreement, NameReading, SlotAgreement};
use likeness::{Likeness, likeness};
pub(super) use reading::Alignment;
use reading::{graded, rarity, read};

use super::{Outcome, Pair, at};
use crate::model::{ComparisonType, LevelWeight, LinkageModel};
use crate::standardise::{NameTable, Slot};
use crate::weight::BIT;

/// What is charged for reading a chain otherwise than as it is written.
const LEFT_OUT: i32 = 4 * BIT;
const SWAPPED: i32 = 6 * BIT;

/// Aligns the chains of a pair. Where both hold a name in the same script, that one is compared;
/// else one script is compared with the other.
pub(super) fn align(pair: &Pair<'_>, model: &LinkageModel, columns: &[usize]) -> Alignment {
    let same = columns.iter().find_map(|column| {
        let chains = chains(pair, *column, *column);
        (!chains.0.is_empty() && !chains.1.is_empty()).then_some(chains)
    });
    let crossed = || {
        let [first, second] = [columns.first()?, columns.get(1)?];
        let one = chains(pair, *first, *second);
        if !one.0.is_empty() && !one.1.is_empty() {
            return Some(one);
        }
        let other = chains(pair, *second, *first);
        (!other.0.is_empty() && !other.1.is_empty()).then_some(other)
    };
    match same.or_else(crossed) {
        Some((left, right)) => best_reading(&pair.data.names, model, left, right),
        None => Alignment::default(),
    }
}

/// Levels of a relative's chain: absent, both (given and next), given only, close, conflict (given
/// equal, next different), different.
pub(super) fn chain(pair: &Pair<'_>, column: usize) -> Outcome {
    let (left, right) = chains(pair, column, column);
    let (Some(a), Some(b)) = (left.first(), right.first()) else {
        return at(0);
    };
    let names = &pair.data.names;
    let given = likeness(names, *a, *b);
    let next = match (left.get(1), right.get(1)) {
        (Some(a), Some(b)) => Some((likeness(names, *a, *b), *a)),
        _ => None,
    };
    match (given, next) {
        (Likeness::Different, _) => at(5),
        (Likeness::Equal, None) => Outcome {
            level: 2,
            rarity: rarity(names, *a),
        },
        (Likeness::Equal, Some((Likeness::Different, _))) => at(4),
        (Likeness::Equal, Some((_, next))) => Outcome {
            level: 1,
            rarity: rarity(names, *a) + rarity(names, next),
        },
        (Likeness::Close | Likeness::Typo, Some((Likeness::Different, _))) => at(5),
        (Likeness::Close | Likeness::Typo, _) => at(3),
    }
}

fn chains<'a>(pair: &'a Pair<'_>, left: usize, right: usize) -> (&'a [u32], &'a [u32]) {
    (
        trimmed(pair.left, pair.slot(left)),
        trimmed(pair.right, pair.slot(right)),
    )
}

fn trimmed(card: &[u32], slot: Slot) -> &[u32] {
    let words = &card[slot.offset..slot.offset + slot.width];
    let length = words
        .iter()
        .position(|word| *word == 0)
        .unwrap_or(words.len());
    &words[..length]
}

/// The weights by which readings are ranked.
struct Weights<'a> {
    given: &'a [LevelWeight],
    father: &'a [LevelWeight],
    lineage: &'a [LevelWeight],
}

const NONE: [LevelWeight; 5] = [LevelWeight {
    stranger: 0,
    kin: 0,
    rarity: false,
}; 5];

impl<'a> Weights<'a> {
    fn of(model: &'a LinkageModel) -> Self {
        let find = |kind| {
            let found = model
                .comparisons
                .iter()
                .find(|comparison| comparison.kind == kind);
            found.map_or(&NONE[..], |comparison| &comparison.weights)
        };
        Self {
            given: find(ComparisonType::Given),
            father: find(ComparisonType::Father),
            lineage: find(ComparisonType::Lineage),
        }
    }

    fn total(&self, found: &Alignment) -> i32 {
        let one = |weights: &[LevelWeight], outcome: Outcome| {
            let weight = weights[usize::from(outcome.level)];
            if weight.rarity {
                weight.stranger + outcome.rarity
            } else {
                weight.stranger
            }
        };
        one(self.given, found.given)
            + one(self.father, found.father)
            + one(self.lineage, found.lineage)
    }
}

/// Reads the chains as written, with a leading محمد left out of either, and with given and father
/// swapped; returns the reading that the evidence favours, the plain one where it is as good.
fn best_reading(names: &NameTable, model: &LinkageModel, left: &[u32], right: &[u32]) -> Alignment {
    let plain = read(names, left, right);
    if plain.given.level == 1 && plain.father.level <= 1 {
        return plain;
    }
    let weights = Weights::of(model);
    let mut best = (weights.total(&plain), plain);
    let mut consider = |reading: Alignment, charge: i32| {
        let total = weights.total(&reading) - charge;
        if total > best.0 {
            best = (total, reading);
        }
    };
    if left.len() >= 3 && names.entry(left[0]).optional_first {
        consider(read(names, &left[1..], right), LEFT_OUT);
    }
    if right.len() >= 3 && names.entry(right[0]).optional_first {
        consider(read(names, left, &right[1..]), LEFT_OUT);
    }
    if left.len() >= 2 && right.len() >= 2 {
        // What stands behind the two is the same in both readings.
        let reading = Alignment {
            given: graded(names, left[1], right[0]),
            father: graded(names, left[0], right[1]),
            lineage: plain.lineage,
        };
        if reading.given.level == 1 && reading.father.level == 1 {
            consider(reading, SWAPPED);
        }
    }
    best.1
}
