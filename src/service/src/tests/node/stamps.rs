//! Time stamps and archives of a log that lies about other things.

use async_trait::async_trait;
use rabt_storage::{Archived, Archives, Stamps, StorageError, StoredArchive, StoredStamp};

use super::FragileLog;

#[async_trait]
impl Stamps for FragileLog {
    async fn put_stamp(&self, stamp: &StoredStamp) -> Result<(), StorageError> {
        self.inner.put_stamp(stamp).await
    }

    async fn latest_stamp(&self) -> Result<Option<StoredStamp>, StorageError> {
        self.inner.latest_stamp().await
    }

    async fn stamps_after(&self, size: u64, limit: u32) -> Result<Vec<StoredStamp>, StorageError> {
        self.inner.stamps_after(size, limit).await
    }
}

#[async_trait]
impl Archives for FragileLog {
    async fn archived(&self) -> Result<Archived, StorageError> {
        self.inner.archived().await
    }

    async fn archives(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredArchive>, StorageError> {
        self.inner.archives(before, limit).await
    }
}
