//! How a table is searched for.

use std::collections::BTreeMap;

use ldap3::Scope;
use rabt_connect::{ConfigFields, Problem};

use crate::attribute::{Described, is_name};
use crate::filter::{all, any, equals};

/// Keys that a table may have of its own.
const TABLE_KEYS: [&str; 5] = ["class", "base", "scope", "filter", "order"];

/// Which entries are the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    /// The entry that the rows lie below.
    pub(crate) base: String,
    pub(crate) scope: Scope,
    /// Object classes, any of which makes a row; empty for entries of every class.
    pub(crate) classes: Vec<String>,
    /// Which of those entries to take.
    pub(crate) filter: Option<String>,
    pub(crate) order: Order,
}

/// What the ranges of a snapshot go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Whatever serves: a part of the key, or `entryUUID`.
    Any,
    /// There are no ranges.
    None,
    /// This attribute.
    By(String),
}

impl Search {
    /// Returns the filter of the table's entries.
    pub(crate) fn entries(&self) -> String {
        let classes = self
            .classes
            .iter()
            .map(|class| equals("objectClass", class));
        let mut parts = Vec::new();
        match self.classes.len() {
            0 => {}
            _ => parts.push(any(classes)),
        }
        parts.extend(self.filter.clone());
        if parts.is_empty() {
            parts.push(crate::filter::present("objectClass"));
        }
        all(parts)
    }
}

/// Reads where and what is searched; mistakes are noted in `fields`.
pub(super) fn read(fields: &ConfigFields<'_>, is_source: bool) -> Option<Search> {
    let base = fields.needed("base", "the entry that the tables lie below");
    let scope = match fields.word("scope", &["sub", "one", "base"]) {
        Some("one") => Scope::OneLevel,
        Some("base") => Scope::Base,
        Some(_) | None => Scope::Subtree,
    };
    let filter = fields.filled("filter").map(str::trim);
    if filter.is_some_and(|text| !text.starts_with('(') || ldap3::parse_filter(text).is_err()) {
        let message = "is not a filter in parentheses such as (employeeType=active)";
        fields.wrong("filter", message);
    }
    let order = match fields.filled("order") {
        None => Order::Any,
        Some("none") => Order::None,
        Some(text) => {
            if Described::parse(text).is_none() {
                fields.wrong("order", "is neither an attribute nor none");
            }
            Order::By(text.to_owned())
        }
    };
    let classes: Vec<String> = if is_source {
        Vec::new()
    } else {
        fields
            .one_or_many("class")
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    if classes.iter().any(|class| !is_name(class)) {
        fields.wrong(
            "class",
            "holds something that is no name of an object class",
        );
    }
    Some(Search {
        base: base?.to_owned(),
        scope,
        classes,
        filter: filter.map(str::to_owned),
        order,
    })
}

/// Reads the tables that are listed, each over the source's own keys.
pub(super) fn listed(
    fields: &ConfigFields<'_>,
    config: &toml::Table,
) -> (BTreeMap<String, Search>, Vec<Problem>) {
    let (mut tables, mut problems) = (BTreeMap::new(), Vec::new());
    let Some(value) = fields.get("tables") else {
        return (tables, problems);
    };
    let Some(listed) = value.as_table() else {
        let message = "must be a table: write [source.config.tables.NAME]";
        fields.wrong("tables", message);
        return (tables, problems);
    };
    for (name, value) in listed {
        let Some(own) = value.as_table() else {
            let message = "must be a table; `{}` is enough when its name is the object class";
            fields.wrong(&format!("tables.{name}"), message);
            continue;
        };
        let prefix = format!("tables.{name}.");
        let own_fields = ConfigFields::new(own, &prefix);
        own_fields.only(&TABLE_KEYS);
        problems.extend(own_fields.into_problems());
        let merged = merged(config, own);
        let over = ConfigFields::new(&merged, &prefix);
        if let Some(search) = read(&over, false) {
            let search = named(&over, name, own, search);
            tables.insert(name.clone(), search);
        }
        // What the source's own keys say wrongly has been told once.
        let own_first = |problem: &Problem| {
            let key = problem.key.strip_prefix(&prefix).unwrap_or_default();
            own.contains_key(key) || key == "class"
        };
        problems.extend(over.into_problems().into_iter().filter(own_first));
    }
    (tables, problems)
}

/// Returns the search with the class that the table's name is, when nothing else says what its rows
/// are.
fn named(fields: &ConfigFields<'_>, name: &str, own: &toml::Table, search: Search) -> Search {
    if own.contains_key("class") || own.contains_key("filter") {
        return search;
    }
    if !is_name(name) {
        fields.wrong("class", "is missing: the object class of the table's rows");
    }
    Search {
        classes: vec![name.to_owned()],
        ..search
    }
}

fn merged(config: &toml::Table, own: &toml::Table) -> toml::Table {
    let inherited = config
        .iter()
        .filter(|(key, _)| key.as_str() != "class" && TABLE_KEYS.contains(&key.as_str()));
    let pairs = inherited.chain(own.iter());
    pairs
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
