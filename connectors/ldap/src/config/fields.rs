//! Reading the values of a table of the configuration, every mistake noted.

use std::cell::RefCell;
use std::time::Duration;

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

    /// Notes a mistake at a key. What stands there is not repeated.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.note(Problem::of_key(key, message));
    }

    fn note(&self, problem: Problem) {
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

    /// Notes every key that is not one of `known`.
    pub(super) fn only(&self, known: &[&str]) {
        let keys = self.table.keys();
        for key in keys.filter(|key| !known.contains(&key.as_str())) {
            let problem = Problem::of_key(key, "is not a known key");
            self.note(problem.suggest(key, known.iter().copied()));
        }
    }

    /// Returns a text.
    pub(super) fn text(&self, key: &str) -> Option<&'c str> {
        let text = self.get(key)?.as_str();
        if text.is_none() {
            self.wrong(key, "must be a text in quotes");
        }
        text
    }

    /// Returns a text that is not empty.
    pub(super) fn filled(&self, key: &str) -> Option<&'c str> {
        let text = self.text(key)?;
        if text.trim().is_empty() {
            self.wrong(key, "is empty");
            return None;
        }
        Some(text)
    }

    /// Returns a text that must be there and not be empty.
    pub(super) fn needed(&self, key: &str, because: &str) -> Option<&'c str> {
        if !self.has(key) {
            self.wrong(key, format!("is missing: {because}"));
            return None;
        }
        self.filled(key)
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

    /// Returns yes or no; no when the key is not there.
    pub(super) fn flag(&self, key: &str) -> bool {
        let Some(value) = self.get(key) else {
            return false;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(key, "must be true or false");
            false
        })
    }

    /// Returns a whole number between two.
    pub(super) fn whole(&self, key: &str, least: u32, most: u32) -> Option<u32> {
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

    /// Returns a time of at least a second: `30s`, `5m`, `1h`.
    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        let found = self.get(key)?.as_str().and_then(duration_of);
        if found.is_none() {
            self.wrong(key, "must be a time such as \"30s\", \"5m\" or \"1h\"");
        }
        found
    }

    /// Returns a list of texts; a single text is a list of one.
    pub(super) fn texts(&self, key: &str) -> Vec<&'c str> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        if let Some(text) = value.as_str() {
            return vec![text];
        }
        let items = value.as_array();
        let texts = items.and_then(|items| items.iter().map(toml::Value::as_str).collect());
        texts.unwrap_or_else(|| {
            self.wrong(key, "must be a text or a list of texts");
            Vec::new()
        })
    }
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
    use super::duration_of;
    use std::time::Duration;

    #[test]
    fn times_are_read() {
        assert_eq!(duration_of("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration_of("2 m"), Some(Duration::from_mins(2)));
        for wrong in ["", "s", "0s", "30", "5d", "-1s", "99999999999h", "٣s", "3ث"] {
            assert_eq!(duration_of(wrong), None, "{wrong}");
        }
    }
}
