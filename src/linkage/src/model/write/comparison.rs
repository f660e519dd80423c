//! Writing comparisons.

use std::fmt::Write;

use super::super::{Comparison, Grades, LinkageModel, Shares};
use super::{column_id, predicate, quoted};

pub(super) fn write(out: &mut String, model: &LinkageModel, comparison: &Comparison) {
    let _ = writeln!(out, "\n[[comparison]]\nid = {}", quoted(&comparison.id));
    let _ = writeln!(out, "type = {}", quoted(comparison.kind.word()));
    match &comparison.grades {
        Some(grades) => write_graded(out, model, comparison, grades),
        None => write_named(out, model, comparison),
    }
}

fn write_named(out: &mut String, model: &LinkageModel, comparison: &Comparison) {
    let columns = comparison.columns.iter().map(|at| column_id(model, *at));
    let columns: Vec<String> = columns.collect();
    let _ = writeln!(
        out,
        "columns = [{}]\n[comparison.levels]",
        columns.join(", ")
    );
    for (level, name) in comparison.names.iter().enumerate().skip(1) {
        let fields: Vec<String> = shares(&comparison.shares[level])
            .map(|(key, share)| format!("{key} = {share:?}"))
            .collect();
        let frequency = match comparison.frequencies[level] {
            Some(_) => ", term_frequency = true",
            None => "",
        };
        let _ = writeln!(out, "{name} = {{ {}{frequency} }}", fields.join(", "));
    }
}

fn write_graded(out: &mut String, model: &LinkageModel, comparison: &Comparison, grades: &Grades) {
    if let Some(when) = &grades.absent_when {
        let _ = writeln!(out, "absent_when = {}", predicate(model, when));
    }
    for (at, when) in grades.when.iter().enumerate() {
        let level = at + 1;
        let name = quoted(&comparison.names[level]);
        let _ = writeln!(out, "[[comparison.level]]\nname = {name}");
        if let Some(when) = when {
            let _ = writeln!(out, "when = {}", predicate(model, when));
        }
        for (key, share) in shares(&comparison.shares[level]) {
            let _ = writeln!(out, "{key} = {share:?}");
        }
        if let Some(frequency) = &comparison.frequencies[level] {
            let _ = writeln!(
                out,
                "term_frequency = {{ column = {}, weight = {:?}, least = {:?} }}",
                column_id(model, frequency.column),
                frequency.weight,
                frequency.least
            );
        }
    }
}

/// Returns the shares that are there, with their fields. The shortest decimal that reads back as
/// the same number is written.
fn shares(shares: &Shares) -> impl Iterator<Item = (&'static str, f64)> {
    let all = [("m", Some(shares.m)), ("u", shares.u), ("kin", shares.kin)];
    all.into_iter()
        .filter_map(|(key, share)| Some((key, share?)))
}
