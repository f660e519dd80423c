//! Access agreements.

use async_trait::async_trait;
use rabt_model::{AgreementId, Timestamp};

use crate::StorageError;
use crate::agreement::{AgreementMove, StoredAgreement};
use crate::row::StoredBundle;

/// The access agreements, each by version, and what was in force together.
#[async_trait]
pub trait Agreements: Send {
    /// Makes this text the current one; earlier ones are kept. Nothing changes when the current
    /// one has this revision already.
    async fn put_bundle(
        &mut self,
        revision: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Returns the current text.
    async fn current_bundle(&mut self) -> Result<Option<StoredBundle>, StorageError>;

    /// Returns up to `limit` texts that are or were the current one, the last one first.
    async fn bundles(&mut self, limit: u32) -> Result<Vec<StoredBundle>, StorageError>;
}

/// Every version of an agreement that was handed in.
#[async_trait]
pub trait AgreementVersions: Send {
    /// Stores an agreement as the next version of its id and returns the version's number; the one
    /// in `agreement` does not matter.
    async fn put_agreement(&mut self, agreement: &StoredAgreement) -> Result<u32, StorageError>;

    /// Changes where a version stands; returns `false` when there is none.
    async fn move_agreement(
        &mut self,
        id: &AgreementId,
        version: u32,
        step: &AgreementMove,
    ) -> Result<bool, StorageError>;

    /// Returns the versions of an agreement, the last one first.
    async fn agreement_versions(
        &mut self,
        id: &AgreementId,
    ) -> Result<Vec<StoredAgreement>, StorageError>;

    /// Returns the versions of all agreements that are being worked on, in force or suspended, in the
    /// order of ids and versions.
    async fn standing_agreements(&mut self) -> Result<Vec<StoredAgreement>, StorageError>;

    /// Returns the last version of every agreement, in the order of the ids.
    async fn last_agreements(&mut self) -> Result<Vec<StoredAgreement>, StorageError>;
}
