//! Erasures, and the keys that seal what storage holds.

use async_trait::async_trait;
use rabt_model::{CitizenId, Timestamp};

use crate::StorageError;
use crate::row::{ErasureState, StoredDataKey, StoredErasure};

/// Acts by which a citizen's keys are destroyed.
#[async_trait]
pub trait Erasures: Send {
    /// Stores an erasure that was asked for and returns its number; the one in `new` does not matter.
    async fn put_erasure(&mut self, new: &StoredErasure) -> Result<i64, StorageError>;

    /// Returns up to `limit` erasures with a number below `before`, the last one first.
    async fn erasures(
        &mut self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredErasure>, StorageError>;

    /// Decides an erasure, which names no citizen from then on unless the keys are yet to be destroyed; returns
    /// `false` when there is none that waits. One that is confirmed can only be done.
    async fn decide_erasure(
        &mut self,
        number: i64,
        state: ErasureState,
        decider: &str,
        at: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Deletes what a citizen said is wrong, and the answers; returns how many there were. Redirects are not
    /// followed.
    async fn forget_corrections(&mut self, citizen: CitizenId) -> Result<u64, StorageError>;
}

/// Keys that seal what storage holds. Who has the storage alone cannot open them.
#[async_trait]
pub trait DataKeys: Send {
    /// Returns every key, in the order of the numbers.
    async fn data_keys(&mut self) -> Result<Vec<StoredDataKey>, StorageError>;

    /// Stores a key; returns `false`, and does nothing, when there is one of its number.
    async fn put_data_key(&mut self, key: &StoredDataKey) -> Result<bool, StorageError>;

    /// Replaces a key by itself under another seal; returns `false` when there is none of the number.
    async fn reseal_data_key(&mut self, id: u32, sealed: &[u8]) -> Result<bool, StorageError>;
}
