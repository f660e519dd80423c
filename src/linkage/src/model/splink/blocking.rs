//! Blocking rules: equalities of columns, or of their beginnings, joined by `AND`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of all that SQL can say, the arms are the little that has a counterpart"
)]

use super::condition::measure::beginning;
use super::condition::pair;
use super::schema::Schema;
use super::sql::{Expr, Op, parse};
use crate::model::{BlockingRule, ColumnType, KeyPart, Take};

/// The cap of an imported rule; settings have none.
const CAP: usize = 1000;

/// A rule whose columns are known by name.
#[derive(Debug)]
pub(super) struct DraftRule {
    sql: String,
    pub(super) parts: Vec<DraftPart>,
}

/// One part of a rule.
#[derive(Debug)]
pub(super) struct DraftPart {
    pub(super) column: String,
    /// How many letters are taken; `None` is the whole value.
    prefix: Option<u32>,
}

/// Reads the rules that map as far as they do.
pub(super) fn read_all(rules: &[(String, Vec<String>)], notes: &mut Vec<String>) -> Vec<DraftRule> {
    let mut found = Vec::new();
    for (sql, exploded) in rules {
        if !exploded.is_empty() {
            notes.push(format!(
                "blocking rule is left out, keys of single members are not made: {sql}"
            ));
            continue;
        }
        match read(sql, notes) {
            Ok(rule) => found.push(rule),
            Err(reason) => notes.push(format!("blocking rule is left out, {reason}: {sql}")),
        }
    }
    if !found.is_empty() {
        notes.push(format!(
            "blocks have a cap here; larger ones than {CAP} records are skipped and reported"
        ));
    }
    found
}

fn read(sql: &str, notes: &mut Vec<String>) -> Result<DraftRule, String> {
    let expr = parse(sql)?;
    let mut conditions = Vec::new();
    split(&expr, &mut conditions);
    let mut parts = Vec::new();
    let mut dropped = 0;
    for condition in &conditions {
        match part(condition) {
            Some(part) => parts.push(part),
            None => dropped += 1,
        }
    }
    if parts.is_empty() {
        return Err("it has no equality of one column on both sides".to_owned());
    }
    if dropped > 0 {
        notes.push(format!(
            "blocking rule keeps its equalities only, so it makes more pairs: {sql}"
        ));
    }
    Ok(DraftRule {
        sql: sql.to_owned(),
        parts,
    })
}

fn split<'a>(expr: &'a Expr, into: &mut Vec<&'a Expr>) {
    match expr {
        Expr::Binary(Op::And, left, right) => {
            split(left, into);
            split(right, into);
        }
        other => into.push(other),
    }
}

fn part(condition: &Expr) -> Option<DraftPart> {
    let Expr::Binary(Op::Eq, left, right) = condition else {
        return None;
    };
    let (inner, prefix) = match (beginning(left), beginning(right)) {
        (Some((left, n)), Some((right, m))) if n == m => ((left, right), Some(n)),
        (None, None) => ((&**left, &**right), None),
        _ => return None,
    };
    let (column, other) = pair(inner.0, inner.1).ok()?;
    (column == other).then_some(DraftPart { column, prefix })
}

/// Returns the rules by column index.
pub(super) fn resolve_all(
    drafts: Vec<DraftRule>,
    schema: &Schema,
    notes: &mut Vec<String>,
) -> Vec<BlockingRule> {
    let mut rules: Vec<BlockingRule> = Vec::new();
    for draft in drafts {
        let parts = draft.parts.iter().map(|part| resolve(part, schema));
        match parts.collect::<Result<Vec<KeyPart>, String>>() {
            Ok(parts) => {
                let names: Vec<&str> = draft.parts.iter().map(|p| p.column.as_str()).collect();
                let ids = rules.iter().map(|rule| rule.id.as_str());
                let id = super::comparison::unique(&names.join("+"), ids);
                rules.push(BlockingRule {
                    id,
                    parts,
                    cap: CAP,
                    split: Vec::new(),
                });
            }
            Err(reason) => notes.push(format!(
                "blocking rule is left out, {reason}: {}",
                draft.sql
            )),
        }
    }
    rules
}

fn resolve(part: &DraftPart, schema: &Schema) -> Result<KeyPart, String> {
    let missing = || format!("column '{}' is not there", part.column);
    let column = schema.index(&part.column).ok_or_else(missing)?;
    let kind = schema.columns()[column].kind;
    let take = match (part.prefix, kind) {
        (None, _) => Take::Whole,
        // The first four letters of a date as ISO writes it.
        (Some(4), ColumnType::Date) => Take::Year,
        (Some(10), ColumnType::Date) => Take::Whole,
        (Some(length), ColumnType::Text) if length <= 16 => {
            Take::Prefix(u8::try_from(length).unwrap_or(16))
        }
        (Some(length), _) => {
            return Err(format!(
                "the first {length} letters of a {} are no key",
                kind.word()
            ));
        }
    };
    Ok(KeyPart {
        columns: [column, column],
        take,
    })
}
