//! Why nothing became of a step.

use rabt_model::ErrorClass;
use rabt_storage::StorageError;

use crate::audited::Audited;
use crate::error::AuditError;
use crate::evidence::EvidenceError;

/// What somebody asked for and did not get.
#[derive(Debug, thiserror::Error)]
pub enum OversightError {
    /// The caller's role does not allow it; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// Nothing of this name.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A field of the request cannot be used.
    #[error("{field} {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// The person who took the step before cannot be the one who takes this one.
    #[error("{0}")]
    SecondPerson(&'static str),
    /// It was decided already.
    #[error("it was decided already; look at it again")]
    Decided,
    /// An archive cannot be written, or is not whole.
    #[error("{0}")]
    Archive(String),
    /// A proof could not be made.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The entry did not become durable, or a key cannot be used.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OversightError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::NotFound(_) => ErrorClass::NotFound,
            Self::Invalid { .. } => ErrorClass::InvalidRequest,
            Self::SecondPerson(_) => ErrorClass::SecondPersonRequired,
            Self::Decided => ErrorClass::EtagMismatch,
            Self::Archive(_) => ErrorClass::Configuration,
            Self::Evidence(error) => error.class(),
            Self::NotAudited(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }

    pub(super) const fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::Invalid { field, problem }
    }
}
