//! Why evidence was not given.

use rabt_model::ErrorClass;
use rabt_storage::StorageError;

use crate::audited::Audited;
use crate::error::AuditError;

/// What an auditor asked for and did not get.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The caller's role does not allow it; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// Nothing of this name.
    #[error("there is no {thing} `{name}`")]
    NotFound {
        /// What kind of thing.
        thing: &'static str,
        /// Its name.
        name: String,
    },
    /// Some of it is not in storage any more.
    #[error("{0}")]
    Archived(String),
    /// A field of the request cannot be used.
    #[error("{field} {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
    /// The entry did not become durable, or the log is not usable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl EvidenceError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::NotFound { .. } | Self::Archived(_) => ErrorClass::NotFound,
            Self::Invalid { .. } => ErrorClass::InvalidRequest,
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }

    pub(super) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            problem: problem.into(),
        }
    }
}
