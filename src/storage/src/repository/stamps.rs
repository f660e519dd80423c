//! Time stamps over checkpoints of an audit log.

use async_trait::async_trait;

use crate::StorageError;
use crate::row::StoredStamp;

/// What an authority for time said of a log.
#[async_trait]
pub trait Stamps: Send + Sync {
    /// Stores the stamp over a checkpoint; of two of one size the first stays.
    async fn put_stamp(&self, stamp: &StoredStamp) -> Result<(), StorageError>;

    /// Returns the stamp over the largest checkpoint.
    async fn latest_stamp(&self) -> Result<Option<StoredStamp>, StorageError>;

    /// Returns up to `limit` stamps over checkpoints of more than `size` entries, ascending by size.
    async fn stamps_after(&self, size: u64, limit: u32) -> Result<Vec<StoredStamp>, StorageError>;
}
