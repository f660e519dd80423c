//! One reading of two chains: slot by slot, in order.

use super::likeness::{Likeness, likeness};
use crate::comparison::{Outcome, at};
use crate::standardise::NameTable;
use crate::standardise::name::CHAIN;
use crate::weight::BIT;

/// The most words behind the father.
const BEHIND: usize = CHAIN - 2;

/// The three outcomes of two aligned chains.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::comparison) struct Alignment {
    pub(in crate::comparison) given: Outcome,
    pub(in crate::comparison) father: Outcome,
    pub(in crate::comparison) lineage: Outcome,
}

/// Reads two chains as they stand.
pub(super) fn read(names: &NameTable, left: &[u32], right: &[u32]) -> Alignment {
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

pub(super) fn graded(names: &NameTable, a: u32, b: u32) -> Outcome {
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
pub(super) fn rarity(names: &NameTable, code: u32) -> i32 {
    names.entry(code).rarity.min(10 * BIT)
}

/// Aligns what follows the father in order, any slot of either left out. Levels: absent, two
/// agree, one agrees, some agree and some contradict, nothing agrees.
fn lineage(names: &NameTable, left: &[u32], right: &[u32]) -> Outcome {
    if left.is_empty() || right.is_empty() {
        return at(0);
    }
    if left == right {
        let sum = left.iter().map(|word| rarity(names, *word)).sum();
        return agreement(left.len(), 0, sum);
    }
    // table[i][j]: the best of the first i and j words, as (worth, words that agree, rarity).
    let mut table = [[(0_i32, 0_usize, 0_i32); BEHIND + 1]; BEHIND + 1];
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
    agreement(count, contradictions, sum)
}

/// Returns the level of a lineage in which so many words agree and so many contradict.
fn agreement(count: usize, contradictions: usize, sum: i32) -> Outcome {
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
