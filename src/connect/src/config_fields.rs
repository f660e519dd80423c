//! Reading the keys of a kind's configuration, every mistake noted.
//!
//! Invariant: no message repeats what stands at a key; it may be a secret.

use std::cell::RefCell;
use std::time::Duration;

use crate::problem::Problem;

/// A table of a kind's configuration, and what is wrong with it so far.
pub struct ConfigFields<'c> {
    table: &'c toml::Table,
    prefix: String,
    problems: RefCell<Vec<Problem>>,
}

impl<'c> ConfigFields<'c> {
    /// Returns the fields of a table whose keys are told with `prefix` before them.
    pub fn new(table: &'c toml::Table, prefix: impl Into<String>) -> Self {
        Self {
            table,
            prefix: prefix.into(),
            problems: RefCell::default(),
        }
    }

    /// Returns what was wrong, in the order in which it was noted.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// Notes a mistake at a key. What stands there is not repeated.
    pub fn wrong(&self, key: &str, message: impl Into<String>) {
        self.note(Problem::of_key(key, message));
    }

    /// Notes a mistake whose key is told without the prefix yet.
    pub fn note(&self, problem: Problem) {
        let key = format!("{}{}", self.prefix, problem.key);
        self.problems.borrow_mut().push(Problem { key, ..problem });
    }

    /// Returns a value as it is.
    pub fn get(&self, key: &str) -> Option<&'c toml::Value> {
        self.table.get(key)
    }

    /// Says whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the keys that are there, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &'c str> {
        self.table.keys().map(String::as_str)
    }

    /// Notes every key that is not one of `known`.
    pub fn only(&self, known: &[&str]) {
        for key in self.keys().filter(|key| !known.contains(key)) {
            let problem = Problem::of_key(key, "is not a known key");
            self.note(problem.suggest(key, known.iter().copied()));
        }
    }

    /// Returns a text. Nothing when the key is not there, as of every method below.
    pub fn text(&self, key: &str) -> Option<&'c str> {
        let text = self.get(key)?.as_str();
        if text.is_none() {
            self.wrong(key, "must be a text in quotes");
        }
        text
    }

    /// Returns a text that is more than blanks.
    pub fn filled(&self, key: &str) -> Option<&'c str> {
        let text = self.text(key)?;
        if text.trim().is_empty() {
            self.wrong(key, "is empty");
            return None;
        }
        Some(text)
    }

    /// Returns a text that must be there and be more than blanks; `because` says what for.
    pub fn needed(&self, key: &str, because: &str) -> Option<&'c str> {
        if !self.has(key) {
            self.wrong(key, format!("is missing: {because}"));
            return None;
        }
        self.filled(key)
    }

    /// Returns one of several words.
    pub fn word(&self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            let problem = Problem::of_key(key, format!("must be one of {}", words.join(", ")));
            self.note(problem.suggest(text, words.iter().copied()));
        }
        found
    }

    /// Returns yes or no; `default` when the key is not there, or is neither.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(key, "must be true or false");
            default
        })
    }

    /// Returns a whole number from `least` to `most`.
    pub fn whole(&self, key: &str, least: u32, most: u32) -> Option<u32> {
        let number = self.get(key)?.as_integer();
        let number = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!("must be a whole number from {least} to {most}");
            self.wrong(key, message);
        }
        number
    }

    /// Returns a time of a second to a day: `30s`, `5m`, `1h`.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        let found = self.get(key)?.as_str().and_then(duration_of);
        if found.is_none() {
            self.wrong(key, "must be a time such as \"30s\", \"5m\" or \"1h\"");
        }
        found
    }

    /// Returns a list of texts; an empty one when the key is not there.
    pub fn texts(&self, key: &str) -> Vec<&'c str> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        list_of(value).unwrap_or_else(|| {
            self.wrong(key, "must be a list of texts");
            Vec::new()
        })
    }

    /// Returns a list of texts; a single text is a list of one.
    pub fn one_or_many(&self, key: &str) -> Vec<&'c str> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        if let Some(text) = value.as_str() {
            return vec![text];
        }
        list_of(value).unwrap_or_else(|| {
            self.wrong(key, "must be a text or a list of texts");
            Vec::new()
        })
    }

    /// Returns a table of texts, in its order.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(table) = value.as_table() else {
            self.wrong(key, "must be a table of texts: { name = \"value\" }");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            match value.as_str() {
                Some(text) => pairs.push((name.clone(), text.to_owned())),
                None => self.wrong(
                    &format!("{key}.{name}"),
                    "must be a text in quotes; a secret cannot stand here, only in the keys of `auth`",
                ),
            }
        }
        pairs
    }
}

fn list_of(value: &toml::Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(toml::Value::as_str).collect()
}

fn duration_of(text: &str) -> Option<Duration> {
    let at = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(at)?;
    let number: u64 = number.trim().parse().ok().filter(|n| *n > 0)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= 24 * 3_600)
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ConfigFields, duration_of};

    #[test]
    fn times_are_read() {
        assert_eq!(duration_of("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration_of("2 m"), Some(Duration::from_mins(2)));
        for wrong in ["", "s", "0s", "30", "5d", "-1s", "99999999999h", "٣s", "3ث"] {
            assert_eq!(duration_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_mistake_is_noted_at_its_key_without_its_value() {
        let table: toml::Table = "a = 1\nb = ' '\nc = 'hunter2'\nd = [1]\ne = 70\nf = 'yes'"
            .parse()
            .unwrap();
        let fields = ConfigFields::new(&table, "tables.x.");
        assert_eq!(fields.text("a"), None);
        assert_eq!(fields.needed("b", "of what"), None);
        assert_eq!(fields.needed("z", "of what"), None);
        assert_eq!(fields.word("c", &["hunter", "gatherer"]), None);
        assert!(fields.texts("d").is_empty() && fields.one_or_many("d").is_empty());
        assert_eq!(fields.whole("e", 1, 60), None);
        assert!(fields.flag("f", true));
        fields.only(&["a", "b", "c", "d", "e"]);
        let lines: Vec<String> = fields
            .into_problems()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "tables.x.a: must be a text in quotes",
                "tables.x.b: is empty",
                "tables.x.z: is missing: of what",
                "tables.x.c: must be one of hunter, gatherer; did you mean 'hunter'?",
                "tables.x.d: must be a list of texts",
                "tables.x.d: must be a text or a list of texts",
                "tables.x.e: must be a whole number from 1 to 60",
                "tables.x.f: must be true or false",
                "tables.x.f: is not a known key; did you mean 'a'?",
            ]
        );
    }
}
