//! Reading graded comparisons.

use super::super::super::fields::Fields;
use super::super::super::{
    Comparison, ComparisonType, Frequencies, Grades, Predicate, Shares, TermFrequency,
};
use super::super::{Columns, predicate, unique};
use super::{check_level, read_shares};

/// The fields of a graded comparison.
pub(super) const FIELDS: [&str; 4] = ["id", "type", "absent_when", "level"];
const LEVEL: [&str; 6] = ["name", "when", "m", "u", "kin", "term_frequency"];
const FREQUENCY: [&str; 3] = ["column", "weight", "least"];

/// Reads one graded comparison.
pub(super) fn read(
    fields: &Fields<'_>,
    id: String,
    known: &Columns<'_>,
    frequencies: &[Option<Frequencies>],
) -> Option<Comparison> {
    let tables = fields.tables("level");
    let most = Comparison::MOST_LEVELS - 1;
    if tables.is_empty() {
        fields.wrong(None, " has no [[comparison.level]]");
        return None;
    }
    if tables.len() > most {
        let message = format!(" has {} levels; the most is {most}", tables.len());
        fields.wrong(None, message);
        return None;
    }
    let mut comparison = Comparison {
        id,
        kind: ComparisonType::Graded,
        columns: Vec::new(),
        weights: Vec::new(),
        shares: vec![Shares::NEUTRAL],
        frequencies: vec![None],
        names: vec!["absent".to_owned()],
        grades: None,
    };
    let mut when = Vec::new();
    let last = tables.len() - 1;
    for (number, table) in tables.into_iter().enumerate() {
        let what = format!("{} level", fields.place);
        let (name, level) = Fields::named(fields.problems, &what, number, table, &LEVEL);
        check_place(&level, number == last);
        unique(&level, comparison.names.iter().map(String::as_str), &name);
        comparison.names.push(name);
        when.push(predicate::read(&level, "when", known));
        comparison.frequencies.push(read_frequency(&level, known));
        comparison.shares.push(Shares::NEUTRAL);
        if let Some(shares) = read_shares(&level) {
            comparison.shares[number + 1] = shares;
            check_level(&level, &comparison, number + 1, frequencies);
        }
    }
    let absent_when = predicate::read(fields, "absent_when", known);
    let (grades, columns) = Grades::of(absent_when, when);
    comparison.columns = columns;
    comparison.grades = Some(grades);
    comparison.weigh_levels();
    Some(comparison)
}

fn check_place(level: &Fields<'_>, is_last: bool) {
    match (level.has("when"), is_last) {
        (false, false) => level.wrong(
            None,
            " has no 'when' and is not the last, so the levels behind it would never count",
        ),
        (true, true) => level.wrong(
            Some("when"),
            "must not be on the last level, which is for all other pairs",
        ),
        _ => {}
    }
}

fn read_frequency(level: &Fields<'_>, known: &Columns<'_>) -> Option<TermFrequency> {
    let table = level.table("term_frequency")?;
    let place = format!("{} term_frequency", level.place);
    let fields = Fields::of(level.problems, place, table, &FREQUENCY);
    let weight = fields.number("weight").unwrap_or(1.0);
    let least = fields.number("least").unwrap_or(0.0);
    for (key, value) in [("weight", weight), ("least", least)] {
        if !(0.0..=1.0).contains(&value) {
            fields.wrong(Some(key), format!("must be 0 to 1, not {value}"));
        }
    }
    let column = known.need(&fields, "column")?;
    if known.kinds[column].is_some_and(|kind| !Frequencies::known_of(kind)) {
        fields.wrong(
            Some("column"),
            "must be of type text, code, sex, digits, national_id, phone or date",
        );
        return None;
    }
    Some(TermFrequency::of(column, weight, least))
}

impl Grades {
    /// Gathers the conditions of a comparison's levels, and the columns they read.
    pub(in crate::model) fn of(
        absent_when: Option<Predicate>,
        when: Vec<Option<Predicate>>,
    ) -> (Self, Vec<usize>) {
        let mut reads = Vec::new();
        let mut columns = Vec::new();
        let mut of_absence = false;
        for predicate in when.iter().flatten() {
            predicate.for_each_test(&mut |test| {
                columns.extend([test.column, test.other]);
                if test.kind.is_of_absence() {
                    of_absence = true;
                } else {
                    reads.push((test.column, test.other));
                }
            });
        }
        if let Some(predicate) = &absent_when {
            predicate.for_each_test(&mut |test| columns.extend([test.column, test.other]));
        }
        reads.sort_unstable();
        reads.dedup();
        columns.sort_unstable();
        columns.dedup();
        let grades = Self {
            absent_when,
            when,
            reads,
            of_absence,
        };
        (grades, columns)
    }
}
