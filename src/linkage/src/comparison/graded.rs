//! Graded comparisons: the first level whose predicate holds.

mod test;

pub(super) use test::View;

use super::{Outcome, Pair, at};
use crate::model::{Comparison, Grades, Predicate, TermFrequency, Test, TestKind};
use crate::standardise::value;

/// Returns the first level that holds.
pub(super) fn compare(pair: &Pair<'_>, comparison: &Comparison, grades: &Grades) -> Outcome {
    if says_nothing(pair, grades) {
        return at(0);
    }
    let found = grades.when.iter().zip(1_u8..).find(|(when, _)| {
        // The last level has no condition.
        when.as_ref().is_none_or(|when| holds(pair, when))
    });
    found.map_or(at(0), |(_, level)| with_rarity(pair, comparison, level))
}

/// Returns the outcome of a level, with the rarity of the value where the level counts it.
pub(super) fn with_rarity(pair: &Pair<'_>, comparison: &Comparison, level: u8) -> Outcome {
    let frequency = comparison.frequencies[usize::from(level)].as_ref();
    Outcome {
        level,
        rarity: frequency.map_or(0, |frequency| rarity(pair, frequency)),
    }
}

/// Returns the counted rarity of the more common of the two values.
fn rarity(pair: &Pair<'_>, frequency: &TermFrequency) -> i32 {
    let column = frequency.column;
    let Some(known) = &pair.model.frequencies[column] else {
        return frequency.neutral;
    };
    let kind = pair.model.columns[column].kind;
    let keys =
        [pair.left, pair.right].map(|card| value::key_of_card(pair.data, kind, column, card));
    let rarity = keys
        .into_iter()
        .flatten()
        .map(|key| known.rarity(key))
        .min();
    rarity.map_or(frequency.neutral, |rarity| frequency.counted(rarity))
}

fn says_nothing(pair: &Pair<'_>, grades: &Grades) -> bool {
    if let Some(when) = &grades.absent_when {
        return holds(pair, when);
    }
    if grades.of_absence {
        return false;
    }
    !grades.reads.iter().any(|(column, other)| {
        (pair.left_has(*column) && pair.right_has(*other))
            || (pair.left_has(*other) && pair.right_has(*column))
    })
}

/// Says whether a predicate holds of a pair.
pub(crate) fn holds(pair: &Pair<'_>, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::All(parts) => parts.iter().all(|part| holds(pair, part)),
        Predicate::Any(parts) => parts.iter().any(|part| holds(pair, part)),
        Predicate::Not(part) => !holds(pair, part),
        Predicate::Test(test) => test_holds(pair, test),
    }
}

fn test_holds(pair: &Pair<'_>, test: &Test) -> bool {
    let forth = || one_way(pair, test, test.column, test.other);
    let back = || one_way(pair, test, test.other, test.column);
    match (test.column == test.other, test.both_ways) {
        (true, _) => forth(),
        (false, true) => forth() && back(),
        (false, false) => forth() || back(),
    }
}

fn one_way(pair: &Pair<'_>, test: &Test, left: usize, right: usize) -> bool {
    match (test.kind, pair.left_has(left), pair.right_has(right)) {
        (TestKind::Absent, left, right) => !left || !right,
        (TestKind::BothAbsent, left, right) => !left && !right,
        (TestKind::OneAbsent, left, right) => left != right,
        (_, true, true) => test::holds(
            test,
            pair.view(left, pair.left),
            pair.view(right, pair.right),
        ),
        // A test on an absent value does not hold.
        _ => false,
    }
}

#[cfg(test)]
mod tests;
