//! Writing `mapping.toml`.

use std::fmt::Write;

use rabt_model::{Attribute, Label};

use crate::propose::folder::comment;
use crate::propose::folder::manifest::scored;
use crate::propose::reason;
use crate::propose::{Body, Line, TableProposal};
use crate::step::{Step, quote, quote_all};

pub(super) fn write(streams: &[(&str, &TableProposal)]) -> String {
    let mut text = String::new();
    for (place, (id, table)) in streams.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "[{}]", quote(id));
        write_table(&mut text, id, table);
    }
    text
}

fn write_table(text: &mut String, id: &str, table: &TableProposal) {
    let mut written: Vec<&Attribute> = Vec::new();
    for line in &table.lines {
        if written.contains(&&line.attribute) {
            continue;
        }
        written.push(&line.attribute);
        let same = table
            .lines
            .iter()
            .filter(|other| other.attribute == line.attribute);
        write_lines(text, &line.attribute, &same.collect::<Vec<_>>());
    }
    write_unmapped(text, table);
    if let Some((column, steps)) = &table.event_at {
        text.push('\n');
        comment(
            text,
            &reason::plain("When the row last changed.", "متى عدل الصف آخر مرة."),
        );
        // Writing into a text cannot fail.
        let _ = write!(text, "[{}.event_at]\nfrom = {}\n", quote(id), quote(column));
        let _ = writeln!(text, "steps = {}", steps_of(steps));
    }
}

/// Writes an attribute: one value as it is, several as a list.
fn write_lines(text: &mut String, attribute: &Attribute, lines: &[&Line]) {
    for line in lines {
        comment(text, &scored(line.score, &reason::joined(&line.reasons)));
    }
    let id = quote(&attribute.to_string());
    if let [line] = lines {
        let _ = writeln!(text, "{id} = {}", body(&line.body));
        return;
    }
    let _ = writeln!(text, "{id} = [");
    for line in lines {
        let _ = writeln!(text, "  {},", body(&line.body));
    }
    text.push_str("]\n");
}

fn write_unmapped(text: &mut String, table: &TableProposal) {
    let left: Vec<_> = table
        .columns
        .iter()
        .filter(|column| column.attribute.is_none())
        .filter(|column| !is_event_at(table, &column.name))
        .collect();
    if left.is_empty() {
        return;
    }
    text.push('\n');
    comment(
        text,
        &reason::plain(
            "Not mapped; what the agreement supplies of it can be added as a fact.",
            "غير معين؛ وما تشمله الاتفاقية منه يمكن إضافته كمعلومة.",
        ),
    );
    for column in left {
        let why = reason::joined(&column.reasons);
        let name = &column.name;
        let label = Label::new(
            format!("  {name}: {}", why.en),
            format!("  {name}: {}", why.ar),
        );
        comment(text, &label);
    }
}

fn is_event_at(table: &TableProposal, column: &str) -> bool {
    let event_at = table.event_at.as_ref();
    event_at.is_some_and(|(name, _)| name == column)
}

fn body(body: &Body) -> String {
    match body {
        Body::Value {
            columns,
            slots,
            steps,
            on_reject,
        } => {
            let mut text = format!("{{ from = {}", columns_of(columns));
            if !slots.is_empty() {
                let slots = quote_all(slots.iter().map(|slot| slot.as_str()));
                let _ = write!(text, ", as = {slots}");
            }
            let _ = write!(text, ", steps = {}", steps_of(steps));
            if let Some(on_reject) = on_reject {
                let _ = write!(text, ", on_reject = {}", quote(on_reject));
            }
            text.push_str(" }");
            text
        }
        Body::Address(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(part, column, steps)| {
                    let (column, steps) = (quote(column), steps_of(steps));
                    format!("{part} = {{ from = {column}, steps = {steps} }}")
                })
                .collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Body::Relation(kind, column, steps) => {
            let (kind, column, steps) = (quote(kind), quote(column), steps_of(steps));
            format!("{{ kind = {kind}, from = {column}, steps = {steps} }}")
        }
    }
}

fn columns_of(columns: &[String]) -> String {
    match columns {
        [one] => quote(one),
        several => quote_all(several.iter().map(String::as_str)),
    }
}

fn steps_of(steps: &[Step]) -> String {
    let steps: Vec<String> = steps.iter().map(Step::to_toml).collect();
    format!("[{}]", steps.join(", "))
}
