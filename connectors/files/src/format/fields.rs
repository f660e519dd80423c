//! Reading the keys of a table of the configuration, every mistake noted.

use std::cell::RefCell;

use rabt_connect::Problem;

/// A table of the configuration, and what is wrong with it so far.
pub(super) struct Fields<'c> {
    table: &'c toml::Table,
    prefix: String,
    problems: RefCell<Vec<Problem>>,
}

impl<'c> Fields<'c> {
    /// Returns the fields of a table whose keys are told with `prefix` before them.
    pub(super) fn new(table: &'c toml::Table, prefix: impl Into<String>) -> Self {
        Self {
            table,
            prefix: prefix.into(),
            problems: RefCell::default(),
        }
    }

    /// Returns what was wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// Notes a mistake at a key.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.note(Problem::of_key(key, message));
    }

    /// Notes a mistake whose key is told without the prefix yet.
    pub(super) fn note(&self, problem: Problem) {
        let key = format!("{}{}", self.prefix, problem.key);
        self.problems.borrow_mut().push(Problem { key, ..problem });
    }

    /// Returns a value as it is.
    pub(super) fn get(&self, key: &str) -> Option<&'c toml::Value> {
        self.table.get(key)
    }

    /// Says whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the keys that are there.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'c str> {
        self.table.keys().map(String::as_str)
    }

    /// Returns a text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<&'c str> {
        let text = self.get(key)?.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(key, "must be a text in quotes");
        }
        text
    }

    /// Returns one of several words.
    pub(super) fn word(&self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            let problem = Problem::of_key(key, format!("must be one of {}", words.join(", ")));
            self.note(problem.suggest(text, words.iter().copied()));
        }
        found
    }

    /// Returns whether a key says true, or `default` where it is not there.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(key, "must be true or false");
            default
        })
    }

    /// Returns a whole number from 1.
    pub(super) fn whole(&self, key: &str, most: u32) -> Option<u32> {
        let number = self.get(key)?.as_integer();
        let number = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.wrong(key, format!("must be a whole number from 1 to {most}"));
        }
        number
    }
}
