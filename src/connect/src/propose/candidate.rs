//! What one column may mean, with points for each meaning.

use rabt_model::Label;

use crate::connector::ColumnInfo;
use crate::propose::fit::{Declared, fit};
use crate::propose::meaning::Meaning;
use crate::propose::naming::Naming;
use crate::propose::reason;
use crate::shape::ColumnShapes;

/// Points from which a meaning is proposed when the name says it too.
const ENOUGH: i32 = 50;
/// Points from which it is proposed although the name says nothing.
const ENOUGH_UNNAMED: i32 = 60;
/// Points from the name without which it says nothing.
const NAMED: i32 = 10;

/// A meaning that a column may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) meaning: Meaning,
    /// The sum of all points; of two meanings the one with more is the better.
    pub(super) points: i32,
    /// Points of the name.
    pub(super) named: i32,
    pub(super) reasons: Vec<Label>,
}

impl Candidate {
    /// Says whether the meaning may be proposed.
    pub(super) const fn is_enough(&self) -> bool {
        let least = if self.named >= NAMED {
            ENOUGH
        } else {
            ENOUGH_UNNAMED
        };
        self.points >= least
    }

    /// Returns how sure the meaning is, 0 to 99.
    pub(super) fn score(&self) -> u8 {
        u8::try_from(self.points.clamp(0, 99)).unwrap_or(0)
    }
}

/// Returns everything a column may mean, the best first. `people` is what the name of the table adds
/// to a name of a person.
pub(super) fn candidates(
    naming: &Naming,
    column: &ColumnInfo,
    shapes: Option<&ColumnShapes>,
    people: i32,
) -> Vec<Candidate> {
    if column.name.is_empty() {
        // A mapping cannot name it.
        return Vec::new();
    }
    let readings = naming.read(&column.name);
    let declared = Declared::of(&column.declared_type);
    let mut found: Vec<Candidate> = Vec::new();
    for meaning in Meaning::ALL {
        let reading = readings.iter().find(|reading| reading.meaning == *meaning);
        let named = reading.map_or(0, |reading| reading.points);
        let mut points = named;
        let mut reasons = Vec::new();
        if named > 0 {
            reasons.push(reason::named(&column.name, *meaning));
            if *meaning == Meaning::FullName {
                points += people;
            }
        }
        for evidence in fit(*meaning, shapes, declared) {
            points += evidence.points;
            reasons.push(evidence.reason);
        }
        if points > 0 {
            found.push(Candidate {
                meaning: *meaning,
                points,
                named,
                reasons,
            });
        }
    }
    found.sort_by_key(|candidate| (-candidate.points, candidate.meaning));
    found
}
