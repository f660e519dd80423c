//! Reads parts of a bundle and collects what is wrong with them.

use std::str::FromStr;

use jiff::civil::Date;
use rabt_model::Attribute;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{FieldSet, Method, Period, Problem};

/// Collects problems, each with its line.
pub(super) struct Reader<'t> {
    file: &'t str,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
    problems: Vec<Problem>,
}

/// A table of the bundle, where it stands and what to call it.
#[derive(Clone, Copy)]
pub(super) struct Table<'t> {
    entries: &'t DeTable<'t>,
    at: usize,
    name: &'t str,
}

impl<'t> Table<'t> {
    pub(super) fn new(entries: &'t DeTable<'t>, at: usize, name: &'t str) -> Self {
        Self { entries, at, name }
    }

    pub(super) fn get(self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        let found = self.entries.iter().find(|(held, _)| held.get_ref() == key);
        found.map(|(_, value)| value)
    }

    /// Returns where the value of a key stands, or the table when there is none.
    pub(super) fn place(self, key: &str) -> usize {
        self.get(key).map_or(self.at, |value| value.span().start)
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, file: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            lines: std::iter::once(0).chain(breaks).collect(),
            problems: Vec::new(),
        }
    }

    /// Returns the problems, in the order of their lines.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    pub(super) fn report(&mut self, at: usize, message: String) {
        self.suggest(at, message, None);
    }

    fn suggest(&mut self, at: usize, message: String, suggestion: Option<String>) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line: self.line(at),
            message,
            suggestion,
        });
    }

    pub(super) fn refuse_unknown(&mut self, table: Table<'_>, known: &[&str]) {
        for (key, _) in table.entries {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let message = format!("{} has no key `{name}`", table.name);
                self.suggest(key.span().start, message, nearest(name, known));
            }
        }
    }

    /// Returns the value of a key that must be there.
    fn required<'v>(&mut self, table: Table<'v>, key: &str) -> Option<&'v Spanned<DeValue<'v>>> {
        let value = table.get(key);
        if value.is_none() {
            self.report(table.at, format!("{} has no `{key}`", table.name));
        }
        value
    }

    pub(super) fn table<'v>(&mut self, table: Table<'v>, key: &'v str) -> Option<Table<'v>> {
        let value = self.required(table, key)?;
        if let DeValue::Table(entries) = value.get_ref() {
            return Some(Table::new(entries, value.span().start, key));
        }
        self.report(value.span().start, format!("`{key}` must be a table"));
        None
    }

    pub(super) fn text<'v>(&mut self, table: Table<'v>, key: &str) -> Option<&'v str> {
        let value = self.required(table, key)?;
        let text = value
            .get_ref()
            .as_str()
            .filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.report(
                value.span().start,
                format!("`{key}` must be text, not empty"),
            );
        }
        text
    }

    pub(super) fn parsed<T: FromStr>(
        &mut self,
        table: Table<'_>,
        key: &str,
        form: &str,
    ) -> Option<T> {
        let text = self.text(table, key)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.report(table.place(key), format!("`{key}` {form}"));
        }
        parsed
    }

    /// Returns a list of texts with their places; not empty unless `table` lacks the key.
    fn list<'v>(&mut self, table: Table<'v>, key: &str) -> Option<Vec<(usize, &'v str)>> {
        let value = self.required(table, key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.report(
                value.span().start,
                format!("`{key}` must be a list of texts"),
            );
            return None;
        };
        if array.is_empty() {
            let message = format!("`{key}` is empty, so the agreement would allow nothing");
            self.report(value.span().start, message);
            return None;
        }
        let mut texts: Vec<(usize, &str)> = Vec::with_capacity(array.len());
        let before = self.problems.len();
        for entry in array {
            let at = entry.span().start;
            match entry.get_ref().as_str() {
                Some(text) if texts.iter().any(|(_, listed)| *listed == text) => {
                    self.report(at, format!("`{key}` lists `{text}` twice"));
                }
                Some(text) => texts.push((at, text)),
                None => self.report(at, format!("`{key}` must be a list of texts")),
            }
        }
        (self.problems.len() == before).then_some(texts)
    }

    /// Returns a list of codes, ascending: 1 to 63 letters, digits, `-`, `_` or `.` each.
    pub(super) fn codes(&mut self, table: Table<'_>, key: &str) -> Option<Vec<String>> {
        let texts = self.list(table, key)?;
        let before = self.problems.len();
        let body = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        for (at, text) in &texts {
            if text.is_empty() || text.len() > 63 || !text.bytes().all(body) {
                let message = format!(
                    "`{key}` holds `{text}`: a code is 1 to 63 letters, digits, '-', '_' or '.'"
                );
                self.report(*at, message);
            }
        }
        let mut codes: Vec<String> = texts.iter().map(|(_, text)| (*text).to_owned()).collect();
        codes.sort_unstable();
        (self.problems.len() == before).then_some(codes)
    }

    /// Returns the indices of a list's members among the known ones.
    pub(super) fn choices(
        &mut self,
        table: Table<'_>,
        key: &str,
        noun: &str,
        known: &[&str],
    ) -> Option<Vec<usize>> {
        let texts = self.list(table, key)?;
        let chosen = texts
            .iter()
            .map(|(at, text)| self.known(*at, text, noun, known));
        let chosen: Vec<Option<usize>> = chosen.collect();
        chosen.into_iter().collect()
    }

    pub(super) fn choice(
        &mut self,
        table: Table<'_>,
        key: &str,
        noun: &str,
        known: &[&str],
    ) -> Option<usize> {
        let text = self.text(table, key)?;
        self.known(table.place(key), text, noun, known)
    }

    fn known(&mut self, at: usize, text: &str, noun: &str, known: &[&str]) -> Option<usize> {
        let place = known.iter().position(|name| *name == text);
        if place.is_none() {
            let message = format!("`{text}` is not a {noun}: {}", known.join(", "));
            self.suggest(at, message, nearest(text, known));
        }
        place
    }

    /// Returns the default and the maximum set. A default is needed when a method reads a mask.
    pub(super) fn fields(
        &mut self,
        agreement: Table<'_>,
        methods: u16,
    ) -> Option<(FieldSet, FieldSet)> {
        let table = self.table(agreement, "fields")?;
        self.refuse_unknown(table, &["default", "maximum"]);
        let maximum = self.patterns(table, "maximum");
        let reads = Method::ALL
            .iter()
            .any(|method| method.reads_mask() && methods & method.bit() != 0);
        if table.get("default").is_none() && !reads {
            return Some((FieldSet::default(), union(&maximum?)));
        }
        let default = self.patterns(table, "default")?;
        let maximum = union(&maximum?);
        let before = self.problems.len();
        for (at, set) in &default {
            if !set.is_subset_of(&maximum) {
                self.report(*at, format!("`{set}` is in `default` but not in `maximum`"));
            }
        }
        (self.problems.len() == before).then(|| (union(&default), maximum))
    }

    /// Returns a list of attribute ids and patterns such as `name.*`, each with its place.
    fn patterns(&mut self, table: Table<'_>, key: &str) -> Option<Vec<(usize, FieldSet)>> {
        let texts = self.list(table, key)?;
        let mut sets = Vec::with_capacity(texts.len());
        let before = self.problems.len();
        for (at, text) in texts {
            let set = match text.strip_suffix(".*") {
                Some(group) => FieldSet::group(group),
                None => text.parse().ok().map(|attribute| FieldSet::of(&attribute)),
            };
            match set {
                Some(set) => sets.push((at, set)),
                None => self.report_pattern(at, text),
            }
        }
        (self.problems.len() == before).then_some(sets)
    }

    fn report_pattern(&mut self, at: usize, text: &str) {
        if text == "*" || text == "facts.*" {
            let message = format!("`{text}` is too wide: name attributes, or facts of one agency");
            return self.report(at, message);
        }
        let groups = ["name.*", "mother.*", "birth.*", "death.*", "identifier.*"];
        let mut known: Vec<String> = Attribute::plain().map(|plain| plain.to_string()).collect();
        known.push(Attribute::national_id().to_string());
        known.extend(groups.map(str::to_owned));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!("`{text}` is not an attribute");
        self.suggest(at, message, nearest(text, &known));
    }

    pub(super) fn period(&mut self, agreement: Table<'_>) -> Option<Period> {
        let table = self.table(agreement, "period")?;
        self.refuse_unknown(table, &["from", "until"]);
        let form = "must be a day in quotes, such as \"2026-01-31\"";
        let from = self.parsed::<Date>(table, "from", form);
        let until = self.parsed::<Date>(table, "until", form);
        let period = Period::of_days(from?, until?);
        if period.is_none() {
            self.report(
                table.place("until"),
                "`until` must not be before `from`".to_owned(),
            );
        }
        period
    }
}

fn union(sets: &[(usize, FieldSet)]) -> FieldSet {
    let start = FieldSet::default();
    sets.iter().fold(start, |union, (_, set)| union.union(set))
}

/// Returns the known name that a wrong one most likely stands for.
fn nearest(wrong: &str, known: &[&str]) -> Option<String> {
    let lower = wrong.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&lower, &name.to_lowercase());
    let best = known.iter().min_by_key(|name| distance(name))?;
    (distance(best) <= (wrong.chars().count() / 3).max(1)).then(|| (*best).to_owned())
}
