//! Problems of a model file: what is wrong, where, and what to write instead.

use std::cell::RefCell;
use std::ops::Range;

use rapidfuzz::distance::osa;

/// One problem of a model file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model file{}: {message}", line.map(|n| format!(" line {n}")).unwrap_or_default())]
pub struct ModelError {
    /// The line, counted from 1, when the problem has one.
    pub line: Option<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl ModelError {
    /// Returns a problem that has no line.
    pub(crate) fn of(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
        }
    }
}

/// The problems found so far. Reading goes on behind a problem, so that one run reports them all.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    text: &'a str,
    found: RefCell<Vec<ModelError>>,
}

impl<'a> Problems<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// Adds a problem at a place of the text.
    pub(crate) fn add(&self, span: Option<Range<usize>>, message: impl Into<String>) {
        let line = span.map(|span| {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            before.matches('\n').count() + 1
        });
        self.found.borrow_mut().push(ModelError {
            line,
            message: message.into(),
        });
    }

    /// Says whether nothing is wrong so far.
    pub(crate) fn none(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Returns what was found, in the order of the file.
    pub(crate) fn into_found(self) -> Vec<ModelError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.line.unwrap_or(0));
        found
    }
}

/// Returns `; did you mean 'x'?` where a known name is like the one that was written, else
/// nothing.
pub(crate) fn suggestion<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let distance = |name: &str| osa::distance(written.chars(), name.chars());
    let nearest = known.into_iter().min_by_key(|name| distance(name));
    let bound = (written.chars().count() / 3).clamp(1, 3);
    match nearest {
        Some(name) if distance(name) <= bound => format!("; did you mean '{name}'?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn only_a_likely_name_is_suggested() {
        let known = ["surname", "given_name", "birth"];
        assert_eq!(suggestion("surnmae", known), "; did you mean 'surname'?");
        assert_eq!(suggestion("postcode", known), "");
        assert_eq!(suggestion("x", []), "");
    }
}
