//! What a folder's own mapping says, column by column.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Keys of a stream's mapping that are no attributes.
const NOT_ATTRIBUTES: [&str; 3] = ["only", "event_at", "replaced_by"];

/// What a column is mapped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) attribute: String,
    /// The slot of a name or the part of an address; nothing where the mapping names none.
    pub(super) part: Option<String>,
}

/// Returns the columns that a `mapping.toml` maps, facts of the agency not among them.
pub(super) fn targets(mapping: &str) -> BTreeMap<String, Target> {
    let file: Table = mapping.parse().unwrap();
    let mut targets = BTreeMap::new();
    for stream in file.values().filter_map(Value::as_table) {
        for (attribute, value) in stream {
            if attribute.starts_with("facts.") || NOT_ATTRIBUTES.contains(&attribute.as_str()) {
                continue;
            }
            let one = std::slice::from_ref(value);
            for value in value.as_array().map_or(one, Vec::as_slice) {
                add(&mut targets, attribute, value.as_table().unwrap());
            }
        }
    }
    targets
}

fn add(targets: &mut BTreeMap<String, Target>, attribute: &str, value: &Table) {
    let Some(from) = value.get("from") else {
        for (part, inner) in value {
            let from = texts(inner.get("from"));
            for column in from {
                let target = target(attribute, Some(part.clone()));
                targets.insert(column, target);
            }
        }
        return;
    };
    let slots = texts(value.get("as"));
    let free_text = (attribute == "address").then(|| "text".to_owned());
    for (place, column) in texts(Some(from)).into_iter().enumerate() {
        let part = slots.get(place).cloned().or_else(|| free_text.clone());
        targets.insert(column, target(attribute, part));
    }
}

fn target(attribute: &str, part: Option<String>) -> Target {
    Target {
        attribute: attribute.to_owned(),
        part,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
