//! Comparison of name chains: aligned slot by slot, in order, across scripts.

use super::{Outcome, Pair, at};
use crate::model::{ComparisonType, LevelWeight, LinkageModel};
use crate::standardise::name::CHAIN;
use crate::standardise::script::Script;
use crate::standardise::{NameTable, Slot};
use crate::weight::BIT;

/// What is charged for reading a chain otherwise than as it is written.
const LEFT_OUT: i32 = 4 * BIT;
const SWAPPED: i32 = 6 * BIT;

/// The three outcomes of two aligned chains.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alignment {
    pub(super) given: Outcome,
    pub(super) father: Outcome,
    pub(super) lineage: Outcome,
}

/// How alike two words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Equal,
    Close,
    Typo,
    Different,
}

/// Aligns the chains of a pair. Where both hold a name in the same script, that one is compared;
/// else one script is compared with the other.
pub(super) fn align(pair: &Pair<'_>, model: &LinkageModel, columns: &[usize]) -> Alignment {
    let weights = Weights::of(model);
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
        Some((left, right)) => best_reading(&pair.data.names, &weights, left, right),
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
fn best_reading(
    names: &NameTable,
    weights: &Weights<'_>,
    left: &[u32],
    right: &[u32],
) -> Alignment {
    let plain = read(names, left, right);
    if plain.given.level == 1 && plain.father.level <= 1 {
        return plain;
    }
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
        let mut swapped = [0; CHAIN];
        swapped[..left.len()].copy_from_slice(left);
        swapped.swap(0, 1);
        let reading = read(names, &swapped[..left.len()], right);
        if reading.given.level == 1 && reading.father.level == 1 {
            consider(reading, SWAPPED);
        }
    }
    best.1
}

fn read(names: &NameTable, left: &[u32], right: &[u32]) -> Alignment {
    let slot = |place: usize| match (left.get(place), right.get(place)) {
        (Some(a), Some(b)) => graded(names, *a, *b),
        _ => at(0),
    };
    Alignment {
        given: slot(0),
        father: slot(1),
        lineage: lineage(
            names,
            left.get(2..).unwrap_or(&[]),
            right.get(2..).unwrap_or(&[]),
        ),
    }
}

fn graded(names: &NameTable, a: u32, b: u32) -> Outcome {
    match likeness(names, a, b) {
        Likeness::Equal => Outcome {
            level: 1,
            rarity: rarity(names, a),
        },
        Likeness::Close => at(2),
        Likeness::Typo => at(3),
        Likeness::Different => at(4),
    }
}

/// Returns the rarity of a name; held below 10 bits, because the rarest names are often slips.
fn rarity(names: &NameTable, code: u32) -> i32 {
    names.entry(code).rarity.min(10 * BIT)
}

/// Aligns what follows the father in order, any slot of either left out. Levels: absent, two
/// agree, one agrees, some agree and some contradict, nothing agrees.
fn lineage(names: &NameTable, left: &[u32], right: &[u32]) -> Outcome {
    if left.is_empty() || right.is_empty() {
        return at(0);
    }
    // table[i][j]: the best of the first i and j words, as (worth, words that agree, rarity).
    let mut table = [[(0_i32, 0_usize, 0_i32); CHAIN + 1]; CHAIN + 1];
    for (i, a) in left.iter().enumerate() {
        for (j, b) in right.iter().enumerate() {
            let mut best = table[i][j + 1].max(table[i + 1][j]);
            let (worth, rare) = match likeness(names, *a, *b) {
                Likeness::Equal => (8, rarity(names, *a)),
                Likeness::Close | Likeness::Typo => (5, 5 * BIT),
                Likeness::Different => (0, 0),
            };
            if worth > 0 {
                let (total, count, sum) = table[i][j];
                best = best.max((total + worth, count + 1, sum + rare));
            }
            table[i + 1][j + 1] = best;
        }
    }
    let (_, count, sum) = table[left.len()][right.len()];
    let contradictions = (left.len() - count).min(right.len() - count);
    match (count, contradictions) {
        (0, _) => at(4),
        (_, 1..) => at(3),
        (1, 0) => Outcome {
            level: 2,
            rarity: sum,
        },
        (_, 0) => Outcome {
            level: 1,
            rarity: sum,
        },
    }
}

/// Says how alike two words of names are. Two names of the lexicon are equal or different, never
/// nearly the same; a slip is considered only where one of the words is not a known name.
fn likeness(names: &NameTable, a: u32, b: u32) -> Likeness {
    if a == b {
        return Likeness::Equal;
    }
    let (left, right) = (names.entry(a), names.entry(b));
    match (left.class, right.class) {
        (Some(one), Some(other)) if one == other => return Likeness::Equal,
        (Some(_), Some(_)) => return Likeness::Different,
        _ => {}
    }
    let crossed = left.script != right.script;
    let same_skeleton = left.skeleton.len() >= 2 && left.skeleton == right.skeleton;
    if same_skeleton && (crossed || left.script == Script::Latin) {
        return Likeness::Close;
    }
    let (one, other) = if crossed {
        let long = left.skeleton.len() >= 4 && right.skeleton.len() >= 4;
        let slip = super::within_one_edit(left.skeleton.as_bytes(), right.skeleton.as_bytes());
        return if long && slip {
            Likeness::Typo
        } else {
            Likeness::Different
        };
    } else {
        (&left.letters, &right.letters)
    };
    if one.len().min(other.len()) >= 2
        && one.len().max(other.len()) >= 3
        && super::within_one_edit(one, other)
    {
        Likeness::Typo
    } else {
        Likeness::Different
    }
}
