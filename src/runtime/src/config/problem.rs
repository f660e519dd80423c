//! What is wrong with a setting.

use super::Place;

/// One mistake, where it is and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// File and line, or variable.
    pub place: Place,
    /// What is wrong. Never repeats a value.
    pub message: String,
    /// What to do.
    pub help: String,
}
