//! Reading the fields of one table of a model file. Whatever is wrong is noted with its line, and
//! reading goes on with nothing in its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problems, suggestion};

/// One table of the file and how messages call it.
pub(crate) struct Fields<'a> {
    /// How messages call the table: `comparison 'surname'`.
    pub(crate) place: String,
    pub(crate) table: &'a DeTable<'a>,
    span: Range<usize>,
    pub(crate) problems: &'a Problems<'a>,
}

impl<'a> Fields<'a> {
    /// Reads a table whose keys are not checked here.
    pub(crate) fn any(
        problems: &'a Problems<'a>,
        place: String,
        (table, span): (&'a DeTable<'a>, Range<usize>),
    ) -> Self {
        Self {
            place,
            table,
            span,
            problems,
        }
    }

    /// Reads a table that may have the `known` keys; any other is a problem.
    pub(crate) fn of(
        problems: &'a Problems<'a>,
        place: String,
        table: (&'a DeTable<'a>, Range<usize>),
        known: &[&str],
    ) -> Self {
        let fields = Self::any(problems, place, table);
        let table = fields.table;
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let hint = suggestion(name, known.iter().copied());
                let message = format!(
                    "{} has no field '{name}'{hint}; its fields are: {}",
                    fields.place,
                    known.join(", ")
                );
                problems.add(Some(key.span()), message);
            }
        }
        fields
    }

    /// Reads a named table: its place is `what 'id'`. Without an id it is called `what number n`.
    pub(crate) fn named(
        problems: &'a Problems<'a>,
        what: &str,
        number: usize,
        table: (&'a DeTable<'a>, Range<usize>),
        known: &[&str],
    ) -> (String, Self) {
        let name = if known.contains(&"id") { "id" } else { "name" };
        let id = find(table.0, name).and_then(|(_, value)| value.get_ref().as_str());
        let place = match id {
            Some(id) => format!("{what} '{id}'"),
            None => format!("{what} number {}", number + 1),
        };
        let fields = Self::of(problems, place, table, known);
        let id = fields.need_text(name).unwrap_or_default().to_owned();
        if id.trim().is_empty() && fields.has(name) {
            fields.wrong(Some(name), "must not be empty");
        }
        (id, fields)
    }

    /// Notes a problem of one field, or of the whole table.
    pub(crate) fn wrong(&self, key: Option<&str>, message: impl AsRef<str>) {
        let at = key.and_then(|key| find(self.table, key));
        let span = at
            .or_else(|| find(self.table, "id"))
            .or_else(|| find(self.table, "name"))
            .map_or_else(|| self.span.clone(), |(span, _)| span);
        let message = message.as_ref();
        let message = match key {
            Some(key) => format!("{}: {key} {message}", self.place),
            None => format!("{}{message}", self.place),
        };
        self.problems.add(Some(span), message);
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        find(self.table, key).map(|(_, value)| value)
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            self.wrong(
                Some(key),
                format!("must be {wanted}, not {}", value.get_ref().type_str()),
            );
        }
        found
    }

    fn needed<T>(&self, key: &str, found: Option<T>) -> Option<T> {
        if !self.has(key) {
            self.wrong(None, format!(" lacks '{key}'"));
        }
        found
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.typed(key, "a text", DeValue::as_str)
    }

    pub(crate) fn need_text(&self, key: &str) -> Option<&'a str> {
        self.needed(key, self.text(key))
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.typed(key, "a finite number", number)
    }

    pub(crate) fn need_number(&self, key: &str) -> Option<f64> {
        self.needed(key, self.number(key))
    }

    pub(crate) fn whole(&self, key: &str) -> Option<u32> {
        self.typed(key, "a whole number, 0 or more", |value| {
            let integer = value.as_integer()?;
            u32::from_str_radix(integer.as_str(), integer.radix()).ok()
        })
    }

    pub(crate) fn need_whole(&self, key: &str) -> Option<u32> {
        self.needed(key, self.whole(key))
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// Reads a list of texts.
    pub(crate) fn texts(&self, key: &str) -> Vec<&'a str> {
        let list = self.typed(key, "a list of texts", |value| {
            let array = value.as_array()?;
            array.iter().map(|item| item.get_ref().as_str()).collect()
        });
        list.unwrap_or_default()
    }

    /// Reads a list of tables.
    pub(crate) fn tables(&self, key: &str) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let list = self.typed(key, "a list of tables", |value| {
            let array = value.as_array()?;
            let table =
                |item: &'a Spanned<DeValue<'a>>| Some((item.get_ref().as_table()?, item.span()));
            array.iter().map(table).collect()
        });
        list.unwrap_or_default()
    }

    /// Reads a table in the table.
    pub(crate) fn table(&self, key: &str) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let (span, value) = find(self.table, key)?;
        if let Some(table) = value.get_ref().as_table() {
            return Some((table, span));
        }
        self.wrong(
            Some(key),
            format!("must be a table, not {}", value.get_ref().type_str()),
        );
        None
    }

    /// Reads one of a list of words.
    pub(crate) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let written = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == written);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = suggestion(written, known.iter().copied());
            self.wrong(
                Some(key),
                format!(
                    "'{written}' is not known{hint}; it may be: {}",
                    known.join(", ")
                ),
            );
        }
        found.map(|(_, choice)| *choice)
    }

    pub(crate) fn need_choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.needed(key, self.choice(key, words))
    }

    /// Reads a share, a number above 0 and at most 1.
    pub(crate) fn share(&self, key: &str) -> Option<f64> {
        let share = self.number(key)?;
        if share > 0.0 && share <= 1.0 {
            return Some(share);
        }
        self.wrong(
            Some(key),
            format!("is a share: it must be above 0 and at most 1, not {share}"),
        );
        None
    }
}

/// Returns a field of a table and the place of its key.
fn find<'a>(table: &'a DeTable<'a>, key: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
    let (name, value) = table.get_key_value(key)?;
    Some((name.span(), value))
}

/// Reads a finite number, written with or without a decimal point.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    let written = match (value.as_float(), value.as_integer()) {
        (Some(float), _) => float.as_str(),
        (_, Some(integer)) if integer.radix() == 10 => integer.as_str(),
        _ => return None,
    };
    let number: f64 = written.parse().ok()?;
    number.is_finite().then_some(number)
}
