//! Reading predicates.

use std::ops::Range;

use toml::de::DeTable;

use super::super::fields::Fields;
use super::super::{Predicate, Test, TestKind};
use super::Columns;

/// How deeply predicates may stand in one another, so that a file cannot exhaust the stack.
const DEEPEST: usize = 16;

const TEST: [&str; 6] = [
    "column",
    "other",
    "both_ways",
    "test",
    "at_least",
    "at_most",
];
const ALL: [&str; 9] = [
    "all",
    "any",
    "not",
    "column",
    "other",
    "both_ways",
    "test",
    "at_least",
    "at_most",
];

/// Reads the predicate of a field, when it is there and right.
pub(super) fn read(fields: &Fields<'_>, key: &str, known: &Columns<'_>) -> Option<Predicate> {
    let table = fields.table(key)?;
    let place = format!("{} {key}", fields.place);
    read_node(fields, &place, table, known, DEEPEST)
}

fn read_node<'a>(
    outer: &Fields<'a>,
    place: &str,
    table: (&'a DeTable<'a>, Range<usize>),
    known: &Columns<'_>,
    deep: usize,
) -> Option<Predicate> {
    let composed = ["all", "any", "not"].map(|key| table.0.contains_key(key));
    let kinds = composed.iter().filter(|there| **there).count();
    let allowed: &[&str] = match (kinds, composed) {
        (0, _) if table.0.contains_key("test") || table.0.contains_key("column") => &TEST,
        (1, [true, ..]) => &["all"],
        (1, [_, true, _]) => &["any"],
        (1, _) => &["not"],
        _ => &ALL,
    };
    let fields = Fields::of(outer.problems, place.to_owned(), table, allowed);
    if kinds > 1 {
        fields.wrong(
            None,
            " has more than one of all, any and not; put one inside the other",
        );
        return None;
    }
    if kinds == 0 && allowed.len() == ALL.len() {
        fields.wrong(
            None,
            " holds neither a test of a column nor all, any or not",
        );
        return None;
    }
    if deep == 0 {
        fields.wrong(
            None,
            format!(" stands more than {DEEPEST} deep; write it flatter"),
        );
        return None;
    }
    match composed {
        [true, ..] => read_parts(&fields, "all", known, deep).map(Predicate::All),
        [_, true, _] => read_parts(&fields, "any", known, deep).map(Predicate::Any),
        [_, _, true] => {
            let part = read_node(&fields, place, fields.table("not")?, known, deep - 1)?;
            Some(Predicate::Not(Box::new(part)))
        }
        _ => read_test(&fields, known).map(Predicate::Test),
    }
}

fn read_parts(
    fields: &Fields<'_>,
    key: &str,
    known: &Columns<'_>,
    deep: usize,
) -> Option<Vec<Predicate>> {
    let tables = fields.tables(key);
    if tables.is_empty() {
        fields.wrong(Some(key), "must hold one predicate or more");
        return None;
    }
    let parts: Vec<Option<Predicate>> = tables
        .into_iter()
        .map(|table| read_node(fields, &fields.place, table, known, deep - 1))
        .collect();
    // Collected first, so that every part's problems are noted.
    parts.into_iter().collect()
}

fn read_test(fields: &Fields<'_>, known: &Columns<'_>) -> Option<Test> {
    let column = known.need(fields, "column");
    let other = known.read(fields, "other");
    let kind = fields.need_choice("test", &TestKind::WORDS);
    let both_ways = fields.flag("both_ways").unwrap_or(false);
    if both_ways && !fields.has("other") {
        fields.wrong(Some("both_ways"), "is for a test with 'other'");
    }
    let kind = kind?;
    let bound = read_bound(fields, kind);
    if fields.has("other") && other.is_none() {
        return None;
    }
    let column = column?;
    let other = other.unwrap_or(column);
    let types = (known.kinds[column]?, known.kinds[other]?);
    if !kind.fits(types.0, types.1) {
        let of = if column == other {
            format!("a column of type {}", types.0.word())
        } else {
            format!("columns of types {} and {}", types.0.word(), types.1.word())
        };
        fields.wrong(
            Some("test"),
            format!("'{}' cannot be made of {of}", kind.word()),
        );
        return None;
    }
    Some(Test {
        kind,
        column,
        other,
        both_ways,
        bound: bound?,
    })
}

fn read_bound(fields: &Fields<'_>, kind: TestKind) -> Option<f64> {
    let wanted = kind.bound();
    for key in ["at_least", "at_most"] {
        if wanted.field() != Some(key) && fields.has(key) {
            let message = match wanted.field() {
                None => format!("is not for the test '{}', which has no bound", kind.word()),
                Some(right) => format!("is not for the test '{}'; write {right}", kind.word()),
            };
            fields.wrong(Some(key), message);
            return None;
        }
    }
    let Some(key) = wanted.field() else {
        return Some(0.0);
    };
    let bound = fields.need_number(key)?;
    if wanted.allows(bound) {
        return Some(bound);
    }
    fields.wrong(
        Some(key),
        format!("must be {}, not {bound}", wanted.wanted()),
    );
    None
}
