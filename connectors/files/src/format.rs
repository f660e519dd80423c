//! How the files are written: the keys of `[source.config]`.
//!
//! Invariant: one function reads them, for a manifest that is checked and for a session, so the two
//! cannot tell different mistakes.

mod delimited;
mod fixed;
mod sheet;
#[cfg(test)]
mod tests;

use rabt_connect::{ConfigFields, ConnectError, Problem, Session};

use crate::charset::{Charset, NAMES};
use crate::folder::fits;
pub(crate) use delimited::Delimited;
#[cfg(test)]
use fixed::Trim;
pub(crate) use fixed::{Layout, Unit};
pub(crate) use sheet::{Range, Sheet};

/// The words of `format`.
const FORMATS: [&str; 3] = ["delimited", "fixed_width", "xlsx"];

/// The keys that a table may have over those of the source, with the formats they belong to.
const KEYS: [(&str, &[&str]); 15] = [
    ("format", &FORMATS),
    ("encoding", &["delimited", "fixed_width"]),
    ("delimiter", &["delimited"]),
    ("quote", &["delimited"]),
    ("header", &FORMATS),
    ("unit", &["fixed_width"]),
    ("columns", &["fixed_width"]),
    ("trim", &["fixed_width"]),
    ("record_length", &["fixed_width"]),
    ("short_lines", &["fixed_width"]),
    ("line_ends", &["fixed_width"]),
    ("sheet", &["xlsx"]),
    ("range", &["xlsx"]),
    ("header_row", &["xlsx"]),
    ("max_shared_mib", &["xlsx"]),
];

/// How one file is written.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    /// Cells between delimiters.
    Delimited(Delimited),
    /// Cells at places of a record.
    FixedWidth(Layout),
    /// A sheet of a workbook.
    Xlsx(Sheet),
}

/// How the files of a source are written.
#[derive(Debug, Clone)]
pub(crate) struct Formats {
    /// By the pattern of the files, the first that fits.
    tables: Vec<(String, Format)>,
    /// All others; nothing when only those of `tables` are described.
    default: Option<Format>,
}

impl Format {
    /// Returns what a position depends on.
    fn written(&self) -> String {
        match self {
            Self::Delimited(delimited) => delimited.written(),
            Self::FixedWidth(layout) => layout.written(),
            Self::Xlsx(sheet) => sheet.written(),
        }
    }
}

impl Formats {
    /// Returns how the file of a name is written.
    ///
    /// # Errors
    /// A data error when neither the source nor its tables say it.
    pub(crate) fn of(&self, name: &str) -> Result<&Format, ConnectError> {
        let own = self.tables.iter().find(|(pattern, _)| fits(pattern, name));
        let format = own.map(|(_, format)| format).or(self.default.as_ref());
        format.ok_or_else(|| {
            ConnectError::data(
                format!("file {name}"),
                "has no layout",
                format!("describe it: [source.config.tables.\"{name}\"] with `columns`"),
            )
        })
    }

    /// Returns what positions depend on.
    pub(crate) fn written(&self) -> String {
        let own = self.tables.iter();
        let own = own.map(|(pattern, format)| format!("{pattern} {}", format.written()));
        let default = self.default.as_ref().map(Format::written);
        default
            .into_iter()
            .chain(own)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Returns everything that is wrong with the values of a configuration.
pub(crate) fn problems_of(config: &toml::Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_path = |value: &toml::Value| value.as_str().is_some_and(|path| !path.is_empty());
    if config.get("path").is_some_and(|value| !is_path(value)) {
        problems.push(Problem::of_key("path", "must be a path in quotes"));
    }
    problems.extend(read(config).err().unwrap_or_default());
    problems
}

/// Returns the formats of a session.
///
/// # Errors
/// A configuration error for the first mistake.
pub(crate) fn of_session(session: &Session) -> Result<Formats, ConnectError> {
    read(&session.config).map_err(|problems| {
        let problem = problems.into_iter().next();
        let problem = problem.unwrap_or_else(|| Problem::of_key("", "cannot be understood"));
        let place = format!("source.config.{}", problem.key);
        let remedy = match &problem.suggestion {
            Some(suggestion) => format!("did you mean '{suggestion}'?"),
            None => "correct it".to_owned(),
        };
        ConnectError::configuration(place, problem.message, remedy)
    })
}

fn read(config: &toml::Table) -> Result<Formats, Vec<Problem>> {
    let fields = ConfigFields::new(config, "");
    // Records have no layout of the source's when each table says its own.
    let is_described = config.get("format").and_then(toml::Value::as_str) != Some("fixed_width")
        || fields.has("columns")
        || !fields.has("tables");
    let default = is_described.then(|| read_one(&fields)).flatten();
    let (tables, of_tables) = tables(&fields, config);
    let mut problems = fields.into_problems();
    // What the source's own keys say wrongly is told once.
    let told = |problem: &Problem, pattern: &str| {
        let key = problem.key.strip_prefix(&prefix(pattern));
        let key = key.and_then(|key| key.split(['.', '[']).next());
        is_described
            && key.is_some_and(|key| config.contains_key(key) && !own_has(config, pattern, key))
    };
    let untold = of_tables
        .into_iter()
        .filter(|(pattern, problem)| !told(problem, pattern));
    problems.extend(untold.map(|(_, problem)| problem));
    if problems.is_empty() {
        return Ok(Formats { tables, default });
    }
    Err(problems)
}

fn prefix(pattern: &str) -> String {
    format!("tables.{pattern}.")
}

/// Says whether the table of a pattern has a key of its own.
fn own_has(config: &toml::Table, pattern: &str, key: &str) -> bool {
    let own = config.get("tables").and_then(|tables| tables.get(pattern));
    own.is_some_and(|own| own.get(key).is_some())
}

/// The tables of a source, and what is wrong with each.
type Tables = (Vec<(String, Format)>, Vec<(String, Problem)>);

/// Reads the tables that are described, each over the source's own keys.
fn tables(fields: &ConfigFields<'_>, config: &toml::Table) -> Tables {
    let (mut tables, mut problems) = (Vec::new(), Vec::new());
    let Some(value) = fields.get("tables") else {
        return (tables, problems);
    };
    let Some(described) = value.as_table() else {
        let message = "must be a table: write [source.config.tables.\"persons-*.txt\"]";
        fields.wrong("tables", message);
        return (tables, problems);
    };
    for (pattern, value) in described {
        let Some(own) = value.as_table() else {
            fields.wrong(&format!("tables.{pattern}"), "must be a table of keys");
            continue;
        };
        let merged = merged(config, own);
        let over = ConfigFields::new(&merged, prefix(pattern));
        only_known(&ConfigFields::new(own, ""), &over);
        tables.extend(read_one(&over).map(|format| (pattern.clone(), format)));
        let wrong = over.into_problems().into_iter();
        problems.extend(wrong.map(|problem| (pattern.clone(), problem)));
    }
    (tables, problems)
}

/// Notes the keys that no table has.
fn only_known(own: &ConfigFields<'_>, notes: &ConfigFields<'_>) {
    for key in own.keys() {
        if !KEYS.iter().any(|(known, _)| *known == key) {
            let problem = Problem::of_key(key, "is not a known key");
            notes.note(problem.suggest(key, KEYS.map(|(known, _)| known)));
        }
    }
}

/// Returns the keys of a table over those of the source. A table with a format of its own has none
/// of the keys of another.
fn merged(config: &toml::Table, own: &toml::Table) -> toml::Table {
    let format = own.get("format").or_else(|| config.get("format"));
    let format = format.and_then(toml::Value::as_str).unwrap_or(FORMATS[0]);
    let inherited = config.iter().filter(|(key, _)| {
        let mut known = KEYS.iter();
        known.any(|(known, formats)| known == key && formats.contains(&format))
    });
    let all = inherited.chain(own);
    all.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn read_one(fields: &ConfigFields<'_>) -> Option<Format> {
    let format = if fields.has("format") {
        fields.word("format", &FORMATS)?
    } else {
        FORMATS[0]
    };
    for (key, formats) in KEYS {
        if fields.has(key) && !formats.contains(&format) {
            let belongs = formats.join(" or ");
            fields.wrong(
                key,
                format!("belongs to format = {belongs}, not to {format}"),
            );
        }
    }
    match format {
        "fixed_width" => fixed::read(fields).map(Format::FixedWidth),
        "xlsx" => sheet::read(fields).map(Format::Xlsx),
        _ => delimited::read(fields).map(Format::Delimited),
    }
}

fn read_charset(fields: &ConfigFields<'_>) -> Option<Charset> {
    if !fields.has("encoding") {
        return Some(Charset::UTF_8);
    }
    let name = fields.text("encoding")?;
    let charset = Charset::named(name);
    if charset.is_none() {
        let problem = Problem::of_key("encoding", "is not the name of an encoding");
        let asked = name.to_ascii_lowercase();
        let asked = asked.strip_prefix("cp").unwrap_or(&asked);
        fields.note(problem.suggest(asked, NAMES));
    }
    charset
}
