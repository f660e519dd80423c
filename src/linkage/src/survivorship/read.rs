//! The text form of survivorship rules, read and checked. Every mistake is reported in one run.

use std::collections::BTreeMap;
use std::ops::Range;

use rabt_model::{AgencyId, Attribute};
use toml::de::{DeTable, DeValue};

use super::rules::{Choice, Criterion, Survivorship};
use crate::model::ModelError;
use crate::model::fields::Fields;
use crate::model::problem::{Problems, suggestion};

/// The version of the format that this engine reads.
const SCHEMA: u32 = 1;
const FILE: [&str; 4] = ["schema", "default", "group", "attribute"];
const CHOICE: [&str; 3] = ["rules", "ranks", "most"];
const GROUP: [&str; 4] = ["attributes", "rules", "ranks", "most"];
/// More values of one attribute than this say nothing about a person.
const CEILING: u32 = 1_000;

/// What a table says; what it does not say is as in the table above it.
struct Said {
    rules: Option<Vec<Criterion>>,
    ranks: BTreeMap<String, u8>,
    most: Option<usize>,
}

impl Said {
    fn over(self, base: &Choice) -> Choice {
        let mut ranks = base.ranks.clone();
        ranks.extend(self.ranks);
        Choice {
            rules: self.rules.unwrap_or_else(|| base.rules.clone()),
            ranks,
            most: self.most.unwrap_or(base.most),
        }
    }
}

pub(super) fn read(text: &str) -> Result<Survivorship, Vec<ModelError>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let problems = Problems::of(text);
    for error in errors {
        problems.add(error.span(), error.message());
    }
    let rules = problems.none().then(|| {
        let span = document.span();
        read_file(&problems, document.get_ref(), span)
    });
    match rules {
        Some(rules) if problems.none() => Ok(rules),
        Some(_) | None => Err(problems.into_found()),
    }
}

fn read_file<'a>(
    problems: &'a Problems<'a>,
    document: &'a DeTable<'a>,
    span: Range<usize>,
) -> Survivorship {
    let file = Fields::of(problems, "the file".to_owned(), (document, span), &FILE);
    if file
        .need_whole("schema")
        .is_some_and(|schema| schema != SCHEMA)
    {
        file.wrong(Some("schema"), format!("must be {SCHEMA}"));
    }
    let mut default = Choice::default();
    if let Some(table) = file.table("default") {
        let fields = Fields::of(problems, "[default]".to_owned(), table, &CHOICE);
        default = said(&fields).over(&default);
    }
    let grouped = read_groups(&file, &default);
    let mut of = grouped.clone();
    for (id, attribute, table) in attributes_of(&file) {
        let place = format!("[attribute.\"{id}\"]");
        let fields = Fields::of(problems, place, table, &CHOICE);
        if fields.has("most") && !attribute.is_many() {
            fields.wrong(Some("most"), "is of no use: the attribute has one value");
        }
        let base = grouped.get(&attribute).unwrap_or(&default);
        of.insert(attribute, said(&fields).over(base));
    }
    Survivorship::of(default, of)
}

fn read_groups(file: &Fields<'_>, default: &Choice) -> BTreeMap<Attribute, Choice> {
    let mut of: BTreeMap<Attribute, Choice> = BTreeMap::new();
    let Some((groups, _)) = file.table("group") else {
        return of;
    };
    for (name, value) in groups {
        let name_text = name.get_ref().as_ref();
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("group.{name_text} must be a table");
            file.problems.add(Some(name.span()), message);
            continue;
        };
        let place = format!("[group.{name_text}]");
        let fields = Fields::of(file.problems, place, (table, name.span()), &GROUP);
        let choice = said(&fields).over(default);
        let named = fields.texts("attributes");
        if named.is_empty() {
            fields.wrong(
                None,
                " names no attribute; write attributes = [\"birth.date\"]",
            );
        }
        for id in named {
            match id.parse::<Attribute>() {
                Ok(attribute) => {
                    if of.insert(attribute, choice.clone()).is_some() {
                        let message = format!("names '{id}', which is in a group already");
                        fields.wrong(Some("attributes"), message);
                    }
                }
                Err(_) => fields.wrong(Some("attributes"), unknown(id)),
            }
        }
    }
    of
}

type Table<'a> = (&'a DeTable<'a>, Range<usize>);

fn attributes_of<'a>(file: &Fields<'a>) -> Vec<(&'a str, Attribute, Table<'a>)> {
    let mut found = Vec::new();
    let Some((attributes, _)) = file.table("attribute") else {
        return found;
    };
    for (name, value) in attributes {
        let id = name.get_ref().as_ref();
        match (id.parse::<Attribute>(), value.get_ref()) {
            (Ok(attribute), DeValue::Table(table)) => {
                found.push((id, attribute, (table, name.span())));
            }
            (Ok(_), _) => {
                let message = format!("attribute.\"{id}\" must be a table");
                file.problems.add(Some(name.span()), message);
            }
            (Err(_), _) => {
                let message = format!("[attribute.\"{id}\"]: {}", unknown(id));
                file.problems.add(Some(name.span()), message);
            }
        }
    }
    found
}

fn unknown(id: &str) -> String {
    let known: Vec<String> = Attribute::plain()
        .chain([Attribute::national_id()])
        .map(|attribute| attribute.to_string())
        .collect();
    let hint = suggestion(id, known.iter().map(String::as_str));
    format!("'{id}' is not an attribute{hint}; write the whole id in quotes, as \"birth.date\"")
}

fn said(fields: &Fields<'_>) -> Said {
    let most = fields.whole("most").and_then(|most| {
        let fits = (1..=CEILING).contains(&most);
        if !fits {
            fields.wrong(Some("most"), format!("must be from 1 to {CEILING}"));
        }
        usize::try_from(most).ok().filter(|_| fits)
    });
    Said {
        rules: fields.has("rules").then(|| rules(fields)),
        ranks: ranks(fields),
        most,
    }
}

fn rules(fields: &Fields<'_>) -> Vec<Criterion> {
    let words = Criterion::WORDS.map(|(word, _)| word);
    let mut rules = Vec::new();
    let written = fields.texts("rules");
    if written.is_empty() {
        let message = format!("must name at least one of: {}", words.join(", "));
        fields.wrong(Some("rules"), message);
    }
    for word in written {
        let found = Criterion::WORDS.iter().find(|(known, _)| *known == word);
        match found {
            Some((_, criterion)) if rules.contains(criterion) => {
                fields.wrong(Some("rules"), format!("names '{word}' twice"));
            }
            Some((_, criterion)) => rules.push(*criterion),
            None => {
                let hint = suggestion(word, words);
                let message = format!(
                    "'{word}' is not a rule{hint}; the rules are: {}",
                    words.join(", ")
                );
                fields.wrong(Some("rules"), message);
            }
        }
    }
    rules
}

fn ranks(fields: &Fields<'_>) -> BTreeMap<String, u8> {
    let mut ranks = BTreeMap::new();
    let Some((table, span)) = fields.table("ranks") else {
        return ranks;
    };
    let place = format!("{} ranks", fields.place);
    let names = Fields::any(fields.problems, place, (table, span));
    for (name, _) in table {
        let id = name.get_ref().as_ref();
        if id.parse::<AgencyId>().is_err() {
            names.wrong(Some(id), "is not the id of an agency or a source");
            continue;
        }
        match names.whole(id).map(u8::try_from) {
            Some(Ok(rank)) => {
                ranks.insert(id.to_owned(), rank);
            }
            Some(Err(_)) => names.wrong(Some(id), "must be a rank from 0 to 255"),
            None => {}
        }
    }
    ranks
}
