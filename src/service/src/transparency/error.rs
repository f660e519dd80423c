//! Why a citizen was not shown something.

use rabt_model::ErrorClass;
use rabt_storage::StorageError;

use crate::audited::Audited;
use crate::error::AuditError;
use crate::evidence::EvidenceError;

/// What a portal or an agency asked for and did not get.
#[derive(Debug, thiserror::Error)]
pub enum TransparencyError {
    /// The caller is no portal, or not of the agency; the refusal itself has been audited.
    #[error("not permitted")]
    NotPermitted(Audited<()>),
    /// The portal is not sure enough of the citizen; the refusal itself has been audited.
    #[error("the citizen must sign in with a higher assurance")]
    StepUp(Audited<()>),
    /// Nothing of this kind about this citizen.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The event is not in storage any more.
    #[error("the event {0}")]
    Archived(String),
    /// A field of the request cannot be used.
    #[error("{field} {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// The citizen has asked for as much as may wait at once.
    #[error("{0} requests of this citizen wait for an answer; ask again when one is answered")]
    TooMany(usize),
    /// The request has been answered already.
    #[error("the request has been answered already; look at it again")]
    Answered,
    /// The entry did not become durable.
    #[error(transparent)]
    NotAudited(#[from] AuditError),
    /// A proof could not be made.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl TransparencyError {
    /// Returns the class that the failure belongs to.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotPermitted(_) => ErrorClass::NotPermitted,
            Self::StepUp(_) => ErrorClass::StepUpRequired,
            Self::NotFound(_) | Self::Archived(_) => ErrorClass::NotFound,
            Self::Invalid { .. } => ErrorClass::InvalidRequest,
            Self::TooMany(_) => ErrorClass::QuotaExceeded,
            Self::Answered => ErrorClass::EtagMismatch,
            Self::NotAudited(error) => error.class(),
            Self::Evidence(error) => error.class(),
            Self::Storage(error) => error.class(),
        }
    }
}
