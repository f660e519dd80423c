//! How reading a source can fail. Every failure is one of four classes, or a cancellation.
//!
//! Invariant: no error holds a value of a row or a secret; it names the thing, the place and the
//! remedy.

use rabt_model::ErrorClass;

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A setting, a login, a missing table or a position of another source: an operator must act,
    /// trying again does not help.
    #[error("{place}: {what}; {remedy}")]
    Configuration {
        /// The setting, table or file that is wrong.
        place: String,
        /// What is wrong with it.
        what: String,
        /// What the operator can do.
        remedy: String,
    },
    /// The source cannot be reached or is busy: trying again later may help.
    #[error("{place}: {what}; {remedy}")]
    Transient {
        /// What could not be reached.
        place: String,
        /// What happened.
        what: String,
        /// What the operator can do if it lasts.
        remedy: String,
    },
    /// A whole file or table cannot be understood. A single bad row is a rejection instead.
    #[error("{place}: {what}; {remedy}")]
    Data {
        /// The file or table, and the place in it.
        place: String,
        /// What cannot be understood.
        what: String,
        /// What the operator can do.
        remedy: String,
    },
    /// A fault of Rabt's.
    #[error("{place}: {what}; report this with the log of the run")]
    Defect {
        /// Where the fault showed.
        place: String,
        /// What was found.
        what: String,
    },
    /// The host no longer wants the rows.
    #[error("reading was cancelled")]
    Cancelled,
}

impl ConnectError {
    /// Returns a configuration error.
    pub fn configuration(
        place: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Configuration {
            place: place.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Returns a transient error.
    pub fn transient(
        place: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Transient {
            place: place.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Returns a data error.
    pub fn data(
        place: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Data {
            place: place.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Returns a defect.
    pub fn defect(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Defect {
            place: place.into(),
            what: what.into(),
        }
    }

    /// Returns `configuration`, `transient`, `data`, `defect` or `cancelled`: the word in run
    /// lists and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Configuration { .. } => "configuration",
            Self::Transient { .. } => "transient",
            Self::Data { .. } => "data",
            Self::Defect { .. } => "defect",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the class of the error as the API shows it.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Configuration { .. } | Self::Data { .. } => ErrorClass::Configuration,
            Self::Transient { .. } => ErrorClass::SourceUnreachable,
            Self::Defect { .. } => ErrorClass::Defect,
            Self::Cancelled => ErrorClass::Overloaded,
        }
    }

    /// Returns what the operator can do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Configuration { remedy, .. }
            | Self::Transient { remedy, .. }
            | Self::Data { remedy, .. } => remedy,
            Self::Defect { .. } => "report this with the log of the run",
            Self::Cancelled => "start the source again",
        }
    }

    /// Says whether trying again without a change can help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. } | Self::Cancelled)
    }
}
