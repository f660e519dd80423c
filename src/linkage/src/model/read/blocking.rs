//! Reading the blocking rules.

use super::super::fields::Fields;
use super::super::{BlockingRule, KeyPart, Take};
use super::{Columns, unique};

const RULE: [&str; 4] = ["id", "key", "cap", "split"];
const PART: [&str; 4] = ["column", "or", "take", "length"];

/// Reads every `[[blocking]]`.
pub(super) fn read(file: &Fields<'_>, known: &Columns<'_>) -> Vec<BlockingRule> {
    if !file.has("blocking") {
        file.wrong(
            None,
            " lacks [[blocking]], without which no pair is compared",
        );
    }
    let mut rules: Vec<BlockingRule> = Vec::new();
    for (number, table) in file.tables("blocking").into_iter().enumerate() {
        let (id, fields) = Fields::named(file.problems, "blocking rule", number, table, &RULE);
        unique(&fields, rules.iter().map(|rule| rule.id.as_str()), &id);
        let read = |key: &str| -> Vec<KeyPart> {
            let parts = fields.tables(key).into_iter().filter_map(|part| {
                let place = format!("{} {key}", fields.place);
                read_part(&Fields::of(file.problems, place, part, &PART), known)
            });
            parts.collect()
        };
        if fields.tables("key").is_empty() {
            fields.wrong(None, " has no key part");
        }
        let parts = read("key");
        let split = if fields.has("split") {
            read("split")
        } else {
            Vec::new()
        };
        rules.push(BlockingRule {
            id,
            parts,
            cap: fields.need_whole("cap").unwrap_or(2).max(2) as usize,
            split,
        });
    }
    rules
}

fn read_part(fields: &Fields<'_>, known: &Columns<'_>) -> Option<KeyPart> {
    let first = known.need(fields, "column");
    let second = known.read(fields, "or").or(first);
    let take = read_take(fields);
    let columns = [first?, second?];
    let take = take?;
    for (key, column) in ["column", "or"].into_iter().zip(columns) {
        let Some(kind) = known.kinds[column] else {
            continue;
        };
        let allowed = Take::of(kind);
        if fields.has(key) && !allowed.contains(&take.word()) {
            let message = format!(
                "'{}' is of type {}, of which '{}' cannot be taken; it may be: {}",
                known.ids[column],
                kind.word(),
                take.word(),
                allowed.join(", ")
            );
            fields.wrong(Some(key), message);
        }
    }
    Some(KeyPart { columns, take })
}

fn read_take(fields: &Fields<'_>) -> Option<Take> {
    let take = fields.need_choice("take", &Take::WORDS);
    let length = fields.whole("length");
    match (take?, length) {
        (Take::Prefix(_), Some(length)) => match u8::try_from(length) {
            Ok(length @ 1..=16) => return Some(Take::Prefix(length)),
            _ => fields.wrong(Some("length"), format!("must be 1 to 16, not {length}")),
        },
        (Take::Prefix(_), None) => {
            if !fields.has("length") {
                fields.wrong(None, " takes a prefix and lacks 'length'");
            }
        }
        (take, None) => return Some(take),
        (_, Some(_)) => fields.wrong(Some("length"), "is for take = \"prefix\""),
    }
    None
}
