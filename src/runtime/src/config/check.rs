//! Finds every mistake before anything is put together.

use std::net::SocketAddr;
use std::path::Path;

use config::Map;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::Places;
use super::{Kind, Place, Problem, Setting};
use crate::suggest::nearest;

/// Checks a file against the list of settings and remembers the line of each.
pub(super) fn check_file(
    all: &[Setting],
    path: &Path,
    text: &str,
    places: &mut Places,
    problems: &mut Vec<Problem>,
) {
    let at = |offset: usize| Place::Line(path.to_owned(), line_of(text, offset));
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.push(Problem {
            place: at(error.span().map_or(0, |span| span.start)),
            message: format!("not TOML: {}", error.message()),
            help: "settings are written as `key = value` under a `[section]`".to_owned(),
        });
    }
    for (section, content) in table.get_ref() {
        let place = at(section.span().start);
        if !all.iter().any(|one| section_of(one) == section.as_ref()) {
            problems.push(unknown_section(all, section.as_ref(), place));
            continue;
        }
        let DeValue::Table(keys) = content.get_ref() else {
            problems.push(Problem {
                place,
                message: format!("{} must be a section", section.as_ref()),
                help: format!("write `[{}]` and its settings below it", section.as_ref()),
            });
            continue;
        };
        for (key, value) in keys {
            let name = format!("{}.{}", section.as_ref(), key.as_ref());
            let place = at(key.span().start);
            match all.iter().find(|one| one.path == name) {
                None => problems.push(unknown_key(all, &name, place)),
                Some(setting) => {
                    places.put_line(&name, line_of(text, key.span().start));
                    check_value(setting, value, place, problems);
                }
            }
        }
    }
}

/// Checks the variables that begin with `RABT__` and returns them.
pub(super) fn check_variables(
    all: &[Setting],
    variables: impl IntoIterator<Item = (String, String)>,
    places: &mut Places,
    problems: &mut Vec<Problem>,
) -> Map<String, String> {
    let mut ours = Map::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix("RABT__") else {
            continue;
        };
        let path = rest.to_lowercase().replace("__", ".");
        let place = Place::Variable(name.clone());
        let Some(setting) = all.iter().find(|one| one.path == path) else {
            problems.push(unknown_variable(all, &path, place));
            continue;
        };
        if let Some(message) = fault_of_text(setting.kind, &value) {
            problems.push(bad_value(setting, &message, place));
        }
        places.put_variable(setting.path, &name);
        ours.insert(name, value);
    }
    problems.sort_by_cached_key(|problem| match &problem.place {
        Place::Variable(name) => (1, name.clone()),
        Place::File(_) | Place::Line(..) | Place::Defaults => (0, String::new()),
    });
    ours
}

fn check_value(
    setting: &Setting,
    value: &Spanned<DeValue<'_>>,
    place: Place,
    problems: &mut Vec<Problem>,
) {
    let value = value.get_ref();
    let fault = match (setting.kind, value) {
        (Kind::Flag, DeValue::Boolean(_)) => None,
        (Kind::Integer(..), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            match number {
                Ok(number) => fault_of_text(setting.kind, &number.to_string()),
                Err(_) => Some(expected(setting.kind)),
            }
        }
        (Kind::Texts, DeValue::Array(texts)) => {
            let is_text = |text: &Spanned<DeValue<'_>>| text.get_ref().is_str();
            (!texts.iter().all(is_text)).then(|| expected(setting.kind))
        }
        (Kind::Text | Kind::Path | Kind::Address | Kind::Choice(_), DeValue::String(text)) => {
            fault_of_text(setting.kind, text)
        }
        (Kind::Paths, DeValue::Array(paths)) => {
            let texts = paths.iter().map(|path| path.get_ref().as_str());
            let mut faults = texts.filter_map(|text| match text {
                Some(text) => fault_of_text(Kind::Paths, text),
                None => Some(expected(Kind::Paths)),
            });
            faults.next()
        }
        _ => Some(format!(
            "{}, found {} {}",
            expected(setting.kind),
            article(value.type_str()),
            value.type_str()
        )),
    };
    if let Some(message) = fault {
        problems.push(bad_value(setting, &message, place));
    }
}

fn fault_of_text(kind: Kind, text: &str) -> Option<String> {
    let good = match kind {
        Kind::Text | Kind::Texts => true,
        Kind::Path | Kind::Paths => !text.contains('\0'),
        Kind::Flag => text == "true" || text == "false",
        Kind::Integer(least, most) => text
            .parse::<i64>()
            .is_ok_and(|number| (least..=most).contains(&number)),
        Kind::Choice(words) => words.contains(&text),
        Kind::Address => text.parse::<SocketAddr>().is_ok(),
    };
    (!good).then(|| expected(kind))
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "must be text in quotes".to_owned(),
        Kind::Texts => "must be a list of texts, such as [\"a\", \"b\"]".to_owned(),
        Kind::Path => "must be a path in quotes".to_owned(),
        Kind::Paths => "must be a list of paths in quotes, such as [\"a\", \"b\"]".to_owned(),
        Kind::Address => "must be an address such as \"127.0.0.1:7443\"".to_owned(),
        Kind::Flag => "must be true or false".to_owned(),
        Kind::Integer(least, most) => format!("must be a whole number from {least} to {most}"),
        Kind::Choice(words) => format!("must be one of {}", quoted(words)),
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

fn bad_value(setting: &Setting, message: &str, place: Place) -> Problem {
    Problem {
        place,
        message: format!("{} {message}", setting.path),
        help: format!("{}: {}", setting.path, setting.doc),
    }
}

fn unknown_section(all: &[Setting], section: &str, place: Place) -> Problem {
    let help = match nearest(section, all.iter().map(section_of)) {
        Some(known) => format!("did you mean [{known}]?"),
        None => format!("the sections are {}", sections(all).join(", ")),
    };
    Problem {
        place,
        message: format!("unknown section [{section}]"),
        help,
    }
}

fn unknown_key(all: &[Setting], name: &str, place: Place) -> Problem {
    let (section, key) = name.split_once('.').unwrap_or(("", name));
    let known: Vec<&str> = all
        .iter()
        .filter(|one| section_of(one) == section)
        .map(key_of)
        .collect();
    let elsewhere = all.iter().find(|one| key_of(one) == key);
    let help = match (nearest(key, known.iter().copied()), elsewhere) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(other)) => format!("`{key}` belongs to [{}]", section_of(other)),
        (None, None) => format!("the settings of [{section}] are {}", known.join(", ")),
    };
    Problem {
        place,
        message: format!("unknown setting {name}"),
        help,
    }
}

fn unknown_variable(all: &[Setting], path: &str, place: Place) -> Problem {
    let help = match nearest(path, all.iter().map(|one| one.path)) {
        Some(known) => format!("did you mean {}?", variable_of(known)),
        None => "variables are named RABT__SECTION__KEY; `rabt config dump` lists them".to_owned(),
    };
    Problem {
        place,
        message: "no such setting".to_owned(),
        help,
    }
}

fn variable_of(path: &str) -> String {
    format!("RABT__{}", path.replace('.', "__").to_uppercase())
}

fn sections(all: &[Setting]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for setting in all {
        let name = format!("[{}]", section_of(setting));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn section_of(setting: &Setting) -> &'static str {
    setting
        .path
        .split_once('.')
        .map_or("", |(section, _)| section)
}

fn key_of(setting: &Setting) -> &'static str {
    setting
        .path
        .split_once('.')
        .map_or(setting.path, |(_, key)| key)
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let start = text.get(..offset).unwrap_or(text);
    start.matches('\n').count() + 1
}
