//! Where a setting is written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, counted from 1.
    Line(PathBuf, usize),
    /// A file as a whole.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// Nowhere: the defaults.
    Defaults,
}

/// Who gave a setting its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// The file, at this line.
    File(usize),
    /// This variable.
    Variable(String),
}

/// The places of the settings that somebody wrote.
#[derive(Debug, Default)]
pub(super) struct Places {
    lines: BTreeMap<String, usize>,
    variables: BTreeMap<String, String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Defaults => f.write_str("defaults"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(line) => write!(f, "file, line {line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl Places {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn put_line(&mut self, path: &str, line: usize) {
        self.lines.insert(path.to_owned(), line);
    }

    pub(super) fn put_variable(&mut self, path: &str, name: &str) {
        self.variables.insert(path.to_owned(), name.to_owned());
    }

    /// Returns the last of default, file and environment that says something.
    pub(super) fn origin(&self, path: &str) -> Origin {
        if let Some(name) = self.variables.get(path) {
            return Origin::Variable(name.clone());
        }
        match self.lines.get(path) {
            Some(line) => Origin::File(*line),
            None => Origin::Default,
        }
    }
}
