//! Writing a model as the text that reads back as an equal one.

mod comparison;

use std::fmt::Write;

use super::rule::Definite;
use super::{
    BlockingRule, ColumnSpec, Decision, KeyPart, LinkageModel, Predicate, Sources, Take, Test,
};
use crate::weight::BIT;

/// Writes a model under lines of comment.
pub(super) fn write(model: &LinkageModel, comment: &[String]) -> String {
    let mut out = String::new();
    for line in comment.iter().flat_map(|comment| comment.lines()) {
        // A comment may hold no control characters.
        let plain: String = line.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(out, "# {}", plain.trim());
    }
    let _ = writeln!(out, "schema = {}", super::read::SCHEMA);
    let _ = writeln!(out, "name = {}", quoted(&model.name));
    let _ = writeln!(out, "version = {}", model.version);
    if !model.pack.id.is_empty() {
        let _ = writeln!(out, "pack = {}", quoted(&model.pack.id));
    }
    write_decision(&mut out, model, &model.decision);
    for column in &model.columns {
        write_column(&mut out, model, column);
    }
    for rule in &model.blocking {
        write_blocking(&mut out, model, rule);
    }
    for comparison in &model.comparisons {
        comparison::write(&mut out, model, comparison);
    }
    write_rules(&mut out, model);
    write_adjusts(&mut out, model);
    write_frequencies(&mut out, model);
    out
}

fn write_decision(out: &mut String, model: &LinkageModel, decision: &Decision) {
    let mut bits = |key: &str, weight: i32| {
        // A multiple of 1/1024 has an exact decimal form.
        let _ = writeln!(out, "{key} = {:?}", f64::from(weight) / f64::from(BIT));
    };
    bits("\n[decision]\nprior", decision.prior);
    if let Some(prior) = decision.kin_prior {
        bits("kin_prior", prior);
    }
    bits("link", decision.link);
    bits("review", decision.review);
    bits("mean", decision.mean);
    bits("margin", decision.margin);
    if let Some(source) = model.source {
        let _ = writeln!(out, "source = {}", column_id(model, source));
    }
}

fn write_column(out: &mut String, model: &LinkageModel, column: &ColumnSpec) {
    let _ = writeln!(out, "\n[[column]]\nid = {}", quoted(&column.id));
    let _ = writeln!(out, "type = {}", quoted(column.kind.word()));
    if !column.synonyms.is_empty() {
        let names: Vec<String> = column.synonyms.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(out, "synonyms = [{}]", names.join(", "));
    }
    if column.many != 1 {
        let _ = writeln!(out, "many = {}", column.many);
    }
    if let Some(from) = column.fill_from {
        let _ = writeln!(out, "fill_from = {}", column_id(model, from));
    }
}

fn write_blocking(out: &mut String, model: &LinkageModel, rule: &BlockingRule) {
    let _ = writeln!(out, "\n[[blocking]]\nid = {}", quoted(&rule.id));
    let parts = key_parts(model, &rule.parts);
    let _ = writeln!(out, "key = [{parts}]\ncap = {}", rule.cap);
    if !rule.split.is_empty() {
        let _ = writeln!(out, "split = [{}]", key_parts(model, &rule.split));
    }
}

fn key_parts(model: &LinkageModel, parts: &[KeyPart]) -> String {
    let parts = parts.iter().map(|part| {
        let mut text = format!("{{ column = {}", column_id(model, part.columns[0]));
        if part.columns[1] != part.columns[0] {
            let _ = write!(text, ", or = {}", column_id(model, part.columns[1]));
        }
        let _ = write!(text, ", take = {}", quoted(part.take.word()));
        if let Take::Prefix(length) = part.take {
            let _ = write!(text, ", length = {length}");
        }
        text + " }"
    });
    let parts: Vec<String> = parts.collect();
    parts.join(", ")
}

fn write_rules(out: &mut String, model: &LinkageModel) {
    for rule in &model.rules {
        let _ = writeln!(out, "\n[[rule]]\nid = {}", quoted(&rule.id));
        let verdict = Definite::WORDS.iter().find(|(_, v)| *v == rule.verdict);
        let _ = writeln!(
            out,
            "verdict = {}",
            quoted(verdict.map_or("", |(word, _)| word))
        );
        if let Some(when) = &rule.when {
            let _ = writeln!(out, "when = {}", predicate(model, when));
        }
        if let Some(from) = &rule.sources {
            let _ = writeln!(out, "sources = {}", sources(from));
        }
    }
}

fn write_adjusts(out: &mut String, model: &LinkageModel) {
    for adjust in &model.adjusts {
        let id = quoted(&model.comparisons[adjust.comparison].id);
        let _ = writeln!(out, "\n[[adjust]]\ncomparison = {id}");
        let _ = writeln!(out, "sources = {}", sources(&adjust.sources));
        let _ = writeln!(out, "weight = {:?}", adjust.weight);
    }
}

fn write_frequencies(out: &mut String, model: &LinkageModel) {
    for (column, frequencies) in model.frequencies.iter().enumerate() {
        let Some(frequencies) = frequencies else {
            continue;
        };
        let column = column_id(model, column);
        let _ = writeln!(out, "\n[[term_frequency]]\ncolumn = {column}");
        let _ = writeln!(out, "other = {:?}", frequencies.other);
        out.push_str("[term_frequency.values]\n");
        for (value, share) in &frequencies.values {
            let _ = writeln!(out, "{} = {share:?}", quoted(value));
        }
    }
}

fn sources(sources: &Sources) -> String {
    match sources {
        Sources::Same => quoted("same"),
        Sources::Different => quoted("different"),
        Sources::Pairs(pairs) => {
            let pairs = pairs.iter().map(|pair| {
                let [left, right] = &pair.names;
                format!("[{}, {}]", quoted(left), quoted(right))
            });
            format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Writes a predicate as an inline table.
fn predicate(model: &LinkageModel, node: &Predicate) -> String {
    let list = |parts: &[Predicate]| {
        let parts: Vec<String> = parts.iter().map(|part| predicate(model, part)).collect();
        parts.join(", ")
    };
    match node {
        Predicate::All(parts) => format!("{{ all = [{}] }}", list(parts)),
        Predicate::Any(parts) => format!("{{ any = [{}] }}", list(parts)),
        Predicate::Not(part) => format!("{{ not = {} }}", predicate(model, part)),
        Predicate::Test(test) => write_test(model, test),
    }
}

fn write_test(model: &LinkageModel, test: &Test) -> String {
    let mut out = format!("{{ column = {}", column_id(model, test.column));
    if test.other != test.column {
        let _ = write!(out, ", other = {}", column_id(model, test.other));
        if test.both_ways {
            out.push_str(", both_ways = true");
        }
    }
    let _ = write!(out, ", test = {}", quoted(test.kind.word()));
    if let Some(field) = test.kind.bound().field() {
        let _ = write!(out, ", {field} = {:?}", test.bound);
    }
    out + " }"
}

fn column_id(model: &LinkageModel, column: usize) -> String {
    quoted(&model.columns[column].id)
}

/// Writes a text as a basic string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
