//! What is wrong with a manifest, a mapping or a configuration: always all of it, never only the
//! first mistake.

use std::fmt;

/// One mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file; empty when the text has no file (a bare configuration table).
    pub file: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u32,
    /// The dotted key that is wrong: `source.config.path`; may be empty.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// The word that was probably meant.
    pub suggestion: Option<String>,
}

/// Every mistake of one run, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problem {
    /// Returns a problem with a key of a configuration table; the loader adds file and line.
    pub fn of_key(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: 0,
            key: key.into(),
            message: message.into(),
            suggestion: None,
        }
    }

    /// Returns the problem with a suggestion: the word of `known` nearest to `word`, if any is.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            suggestion: nearest(word, known).map(str::to_owned),
            ..self
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            if self.line > 0 {
                write!(f, "{}:", self.line)?;
            }
            f.write_str(" ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean '{suggestion}'?")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Returns the word of `known` that `word` most likely stands for, or nothing when none is near.
/// Case and `-` against `_` do not count.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = strsim::osa_distance(&wanted, &fold(candidate));
        let longest = wanted.chars().count().max(candidate.chars().count());
        let limit = (longest / 3).max(1);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::{Problem, nearest};

    #[test]
    fn the_near_is_found_and_the_far_is_not() {
        let known = ["trim", "collapse_spaces", "parse_date"];
        assert_eq!(nearest("parse_dat", known), Some("parse_date"));
        assert_eq!(nearest("Collapse-Spaces", known), Some("collapse_spaces"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn a_problem_reads_as_one_line() {
        let problem = Problem {
            file: "manifest.toml".into(),
            line: 7,
            ..Problem::of_key("source.knd", "is not a known key").suggest("knd", ["kind"])
        };
        assert_eq!(
            problem.to_string(),
            "manifest.toml:7: source.knd: is not a known key; did you mean 'kind'?"
        );
    }
}
