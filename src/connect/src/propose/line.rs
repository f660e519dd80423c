//! The lines of a proposed mapping.

use std::collections::BTreeSet;

use rabt_model::{Attribute, Kin, Label};

use crate::propose::columns::{Decided, Open};
use crate::propose::meaning::Meaning;
use crate::propose::reason;
use crate::propose::steps;
use crate::shape::ColumnShapes;
use crate::step::Step;

/// Mean number of words, in tenths, from which a given name is more than one slot of the chain.
const SEVERAL_WORDS: u32 = 18;

/// One value of an attribute and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The attribute.
    pub attribute: Attribute,
    /// Where the value comes from.
    pub body: Body,
    /// How sure the line is, 0 to 99: the least sure of its columns.
    pub score: u8,
    /// Why, column by column.
    pub reasons: Vec<Label>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Columns, and the steps that make a value of them.
    Value {
        /// The columns.
        columns: Vec<String>,
        /// Their slots in a name; empty for everything else.
        slots: Vec<Kin>,
        /// The steps, a join of several columns among them.
        steps: Vec<Step>,
        /// What happens to a value that a step refuses, where it is not left out.
        on_reject: Option<&'static str>,
    },
    /// The parts of an address: part, column and steps.
    Address(Vec<(&'static str, String, Vec<Step>)>),
    /// How the agency names another person: kind, column and steps.
    Relation(&'static str, String, Vec<Step>),
}

/// The columns of a table with what was decided of them.
pub(super) struct Columns<'a> {
    pub(super) open: &'a [Open<'a>],
    pub(super) decided: &'a [Decided],
}

impl Columns<'_> {
    fn places(&self, meaning: Meaning) -> impl Iterator<Item = usize> + '_ {
        let all = self.decided.iter().enumerate();
        all.filter(move |(_, one)| one.meaning == Some(meaning))
            .map(|(place, _)| place)
    }

    fn named(&self, meaning: Meaning, is_latin: bool) -> Option<usize> {
        let mut places = self.places(meaning);
        places.find(|place| self.decided[*place].is_latin == is_latin)
    }

    fn name(&self, place: usize) -> String {
        self.open[place].name.to_owned()
    }

    fn line(&self, attribute: Attribute, places: &[usize], body: Body) -> Line {
        let score = places.iter().map(|place| self.decided[*place].score).min();
        let reasons = places.iter().map(|place| {
            let joined = reason::joined(&self.decided[*place].reasons);
            if places.len() == 1 {
                return joined;
            }
            let name = self.open[*place].name;
            Label::new(
                format!("{name}: {}", joined.en),
                format!("{name}: {}", joined.ar),
            )
        });
        Line {
            attribute,
            body,
            score: score.unwrap_or(0),
            reasons: reasons.collect(),
        }
    }

    /// Returns the lines of all columns and the places they use.
    pub(super) fn lines(&self) -> (Vec<Line>, BTreeSet<usize>) {
        let mut lines = Vec::new();
        let mut used = BTreeSet::new();
        for is_latin in [false, true] {
            lines.extend(self.name_line(is_latin, &mut used));
        }
        for meaning in Meaning::ALL {
            if *meaning == Meaning::BirthDate {
                lines.extend(self.birth_line(&mut used));
            } else if *meaning == Meaning::Governorate {
                lines.extend(self.address_line(&mut used));
            } else if is_single(*meaning) {
                for place in self.places(*meaning) {
                    lines.extend(self.single(*meaning, place));
                    used.insert(place);
                }
            }
        }
        (lines, used)
    }

    fn single(&self, meaning: Meaning, place: usize) -> Option<Line> {
        let attribute = meaning.attribute(false)?;
        let (steps, on_reject) = steps::of(meaning, self.open[place].shapes);
        let body = match meaning.relation() {
            Some(kind) => Body::Relation(kind, self.name(place), steps),
            None => Body::Value {
                columns: vec![self.name(place)],
                slots: Vec::new(),
                steps,
                on_reject,
            },
        };
        Some(self.line(attribute, &[place], body))
    }

    /// Returns the name in one script: of parts where there is more than one, else the whole.
    fn name_line(&self, is_latin: bool, used: &mut BTreeSet<usize>) -> Option<Line> {
        let attribute = Meaning::FullName.attribute(is_latin)?;
        let given = self.named(Meaning::GivenName, is_latin);
        let rest = self.named(Meaning::RestOfName, is_latin);
        let full = self.named(Meaning::FullName, is_latin);
        let mut slots: Vec<usize> = Vec::new();
        for meaning in [
            Meaning::GivenName,
            Meaning::FatherName,
            Meaning::GrandfatherName,
            Meaning::FamilyName,
        ] {
            slots.extend(self.named(meaning, is_latin));
        }
        let (places, joins) = match (given, rest, full) {
            (Some(given), Some(rest), _) => (vec![given, rest], true),
            (Some(given), None, _) if slots.len() > 1 => {
                let words = self.open[given]
                    .shapes
                    .map_or(0, ColumnShapes::words_in_ten);
                (slots, words >= SEVERAL_WORDS)
            }
            (_, _, Some(full)) => (vec![full], false),
            (Some(given), ..) => (vec![given], false),
            (None, ..) if slots.len() > 1 => (slots, false),
            (None, ..) => return None,
        };
        used.extend(&places);
        let kin = |place: &usize| self.decided[*place].meaning.and_then(Meaning::kin);
        let kin: Vec<Kin> = places.iter().filter_map(kin).collect();
        let slots = if places.len() > 1 && !joins {
            kin
        } else {
            Vec::new()
        };
        let shapes = places.iter().filter_map(|place| self.open[*place].shapes);
        let body = Body::Value {
            columns: places.iter().map(|place| self.name(*place)).collect(),
            slots,
            steps: steps::name(shapes, joins),
            on_reject: None,
        };
        Some(self.line(attribute, &places, body))
    }

    /// Returns the birth date: a whole one, or one of parts, the year first.
    fn birth_line(&self, used: &mut BTreeSet<usize>) -> Option<Line> {
        if let Some(place) = self.places(Meaning::BirthDate).next() {
            used.insert(place);
            return self.single(Meaning::BirthDate, place);
        }
        let mut places = vec![self.places(Meaning::BirthYear).next()?];
        for meaning in [Meaning::BirthMonth, Meaning::BirthDay] {
            // A day without a month says nothing.
            let Some(place) = self.places(meaning).next() else {
                break;
            };
            places.push(place);
        }
        used.extend(&places);
        let shapes = places.iter().map(|place| self.open[*place].shapes);
        let body = Body::Value {
            columns: places.iter().map(|place| self.name(*place)).collect(),
            slots: Vec::new(),
            steps: steps::date_of_parts(&shapes.collect::<Vec<_>>()),
            on_reject: None,
        };
        Some(self.line(Attribute::BirthDate, &places, body))
    }

    fn address_line(&self, used: &mut BTreeSet<usize>) -> Option<Line> {
        let mut places = Vec::new();
        let mut parts = Vec::new();
        for meaning in [
            Meaning::Governorate,
            Meaning::District,
            Meaning::Street,
            Meaning::AddressText,
        ] {
            for place in self.places(meaning) {
                let (steps, _) = steps::of(meaning, self.open[place].shapes);
                parts.push((meaning.address_part()?, self.name(place), steps));
                places.push(place);
            }
        }
        used.extend(&places);
        let body = Body::Address(parts);
        (!places.is_empty()).then(|| self.line(Attribute::Address, &places, body))
    }
}

/// Says whether a column of this meaning is a value of its own.
fn is_single(meaning: Meaning) -> bool {
    let in_parts = meaning.address_part().is_some()
        || matches!(
            meaning,
            Meaning::BirthYear | Meaning::BirthMonth | Meaning::BirthDay | Meaning::BirthDate
        );
    let is_name = matches!(meaning.attribute(false), Some(Attribute::NameChain));
    meaning.attribute(false).is_some() && !in_parts && !is_name
}
