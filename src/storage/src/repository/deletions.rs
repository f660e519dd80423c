//! What storage promises about records that disappeared at their source.

use async_trait::async_trait;
use rabt_model::{CitizenId, Pii, RecordNumber, SourceId, StreamId, Timestamp};

use crate::StorageError;
use crate::row::{DeleteOutcome, Deletion};

/// Records that disappeared at their source. No other repository returns one, or counts it.
#[async_trait]
pub trait Deletions: Send {
    /// Takes records out; what they said is kept as a version. A deletion that is older than what
    /// is held is late and changes nothing. The record stays a member of its citizen until it is
    /// released.
    async fn delete_records(
        &mut self,
        deletions: &[Deletion],
        at: Timestamp,
    ) -> Result<DeleteOutcome, StorageError>;

    /// Returns the streams of which records are or were held of a source, in the order of their ids.
    async fn streams_of(&mut self, source: &SourceId) -> Result<Vec<StreamId>, StorageError>;

    /// Returns up to `limit` keys of the records of a stream that are not deleted, behind a key, in
    /// the order of their bytes.
    async fn keys_after(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        after: Option<&Pii<String>>,
        limit: u32,
    ) -> Result<Vec<Pii<String>>, StorageError>;

    /// Returns up to `limit` deleted records that have not been released, ascending.
    async fn departed_records(&mut self, limit: u32) -> Result<Vec<RecordNumber>, StorageError>;

    /// Ends the memberships of deleted records, and remembers them.
    async fn release(&mut self, numbers: &[RecordNumber]) -> Result<(), StorageError>;

    /// Returns the citizens that these records belonged to when they were last released,
    /// ascending by record; nothing for those that never were.
    async fn departures(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError>;
}
