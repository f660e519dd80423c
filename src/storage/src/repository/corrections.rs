//! What citizens say is wrong about them.

use async_trait::async_trait;
use rabt_model::{AgencyId, CitizenId, Timestamp};

use crate::StorageError;
use crate::row::{CorrectionState, StoredCorrection};

/// Requests of citizens that a value be corrected where it is kept.
#[async_trait]
pub trait Corrections: Send {
    /// Stores a request and returns its number; the one in `new` does not matter.
    async fn put_correction(&mut self, new: &StoredCorrection) -> Result<i64, StorageError>;

    /// Puts texts in the place of those that a request was stored with: they may be made for its number. Returns
    /// `false` when there is no such request.
    async fn word_correction(
        &mut self,
        number: i64,
        record_key: &str,
        wrong: &str,
    ) -> Result<bool, StorageError>;

    /// Returns the requests of a citizen, the last one first. Redirects are not followed.
    async fn corrections_of(
        &mut self,
        citizen: CitizenId,
    ) -> Result<Vec<StoredCorrection>, StorageError>;

    /// Returns up to `limit` requests that an agency has to answer or has answered, with a number below
    /// `before`, the last one first.
    async fn corrections_for(
        &mut self,
        agency: &AgencyId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredCorrection>, StorageError>;

    /// Returns a request.
    async fn get_correction(
        &mut self,
        number: i64,
    ) -> Result<Option<StoredCorrection>, StorageError>;

    /// Answers a request; returns `false` when there is none that waits for an answer.
    async fn answer_correction(
        &mut self,
        number: i64,
        state: CorrectionState,
        answer: &str,
        at: Timestamp,
    ) -> Result<bool, StorageError>;
}
