//! Reads parts of a bundle and collects what is wrong with them.

use std::str::FromStr;

use jiff::civil::Date;
use rabt_model::Attribute;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::{FieldSet, Method, Period, Problem};

/// Collects problems, each with its line.
pub(crate) struct Reader<'t> {
    file: &'t str,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
    problems: Vec<Problem>,
}

/// A table of the bundle, where it stands and what to call it.
#[derive(Clone, Copy)]
pub(crate) struct Table<'t> {
    entries: &'t DeTable<'t>,
    at: usize,
    name: &'t str,
}

impl<'t> Table<'t> {
    pub(crate) fn new(entries: &'t DeTable<'t>, at: usize, name: &'t str) -> Self {
        Self { entries, at, name }
    }

    pub(crate) fn get(self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        let found = self.entries.iter().find(|(held, _)| held.get_ref() == key);
        found.map(|(_, value)| value)
    }

    /// Returns where the value of a key stands, or the table when there is none.
    pub(crate) fn place(self, key: &str) -> usize {
        self.get(key).map_or(self.at, |value| value.span().start)
    }
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, file: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            lines: std::iter::once(0).chain(breaks).collect(),
            problems: Vec::new(),
        }
    }

    /// Returns the text as TOML, unless it is none.
    pub(crate) fn parse<'v>(&mut self, text: &'v str) -> Option<Spanned<DeTable<'v>>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            self.report(at, format!("is not TOML: {}", error.message()));
        }
        errors.is_empty().then_some(table)
    }

    /// Refuses a text of another schema than 1.
    pub(crate) fn schema(&mut self, top: Table<'_>) {
        if let Some(schema) = top.get("schema")
            && schema.get_ref().as_integer().map(DeInteger::as_str) != Some("1")
        {
            self.report(schema.span().start, "`schema` must be 1".to_owned());
        }
    }

    /// Returns the tables of a list with their places; none when the key is not there.
    pub(crate) fn tables<'v>(
        &mut self,
        top: Table<'v>,
        key: &str,
    ) -> Vec<(usize, &'v DeTable<'v>)> {
        let Some(list) = top.get(key) else {
            return Vec::new();
        };
        let Some(array) = list.get_ref().as_array() else {
            let message = format!("`{key}` must be written as `[[{key}]]`");
            self.report(list.span().start, message);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(array.len());
        for entry in array {
            let at = entry.span().start;
            if let DeValue::Table(table) = entry.get_ref() {
                tables.push((at, table));
            } else {
                self.report(at, format!("`{key}` must hold tables"));
            }
        }
        tables
    }

    /// Returns the problems, in the order of their lines.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    pub(crate) fn report(&mut self, at: usize, message: String) {
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

    pub(crate) fn refuse_unknown(&mut self, table: Table<'_>, known: &[&str]) {
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

    pub(crate) fn table<'v>(&mut self, table: Table<'v>, key: &'v str) -> Option<Table<'v>> {
        let value = self.required(table, key)?;
        if let DeValue::Table(entries) = value.get_ref() {
            return Some(Table::new(entries, value.span().start, key));
        }
        self.report(value.span().start, format!("`{key}` must be a table"));
        None
    }

    pub(crate) fn text<'v>(&mut self, table: Table<'v>, key: &str) -> Option<&'v str> {
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

    pub(crate) fn parsed<T: FromStr>(
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

    /// Returns one code.
    pub(crate) fn code(&mut self, table: Table<'_>, key: &str) -> Option<String> {
        let text = self.text(table, key)?;
        if !is_code(text) {
            self.report(table.place(key), not_a_code(key, text));
            return None;
        }
        Some(text.to_owned())
    }

    /// Returns a list of codes, ascending: 1 to 63 letters, digits, `-`, `_` or `.` each.
    pub(crate) fn codes(&mut self, table: Table<'_>, key: &str) -> Option<Vec<String>> {
        let texts = self.list(table, key)?;
        let before = self.problems.len();
        for (at, text) in &texts {
            if !is_code(text) {
                self.report(*at, not_a_code(key, text));
            }
        }
        let mut codes: Vec<String> = texts.iter().map(|(_, text)| (*text).to_owned()).collect();
        codes.sort_unstable();
        (self.problems.len() == before).then_some(codes)
    }

    /// Returns the indices of a list's members among the known ones.
    pub(crate) fn choices(
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

    pub(crate) fn choice(
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

    /// Returns a whole number of at least 1; nothing when the key is not there.
    pub(crate) fn count(&mut self, table: Table<'_>, key: &str, most: u64) -> Option<u64> {
        let value = table.get(key)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| number.as_str().parse::<u64>().ok());
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            let message = format!("`{key}` must be a whole number from 1 to {most}");
            self.report(value.span().start, message);
        }
        number
    }

    /// Returns whether a key says `true`.
    pub(crate) fn flag(&mut self, table: Table<'_>, key: &str) -> bool {
        let Some(value) = table.get(key) else {
            return false;
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let message = format!("`{key}` must be `true` or `false`");
            self.report(value.span().start, message);
        }
        flag.unwrap_or(false)
    }

    /// Returns the default and the maximum set. A default is needed when a method reads a mask.
    pub(crate) fn fields(
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

    /// Returns the set that a list of attribute ids and patterns stands for.
    pub(crate) fn field_set(&mut self, table: Table<'_>, key: &str) -> Option<FieldSet> {
        self.patterns(table, key).map(|sets| union(&sets))
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

    pub(crate) fn period(&mut self, agreement: Table<'_>) -> Option<Period> {
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

fn is_code(text: &str) -> bool {
    let body = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 63 && text.bytes().all(body)
}

fn not_a_code(key: &str, text: &str) -> String {
    format!("`{key}` holds `{text}`: a code is 1 to 63 letters, digits, '-', '_' or '.'")
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
