//! An audit log that is slow or lies when a test wants it to.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use rabt_model::{AgencyId, Timestamp};
use rabt_storage::{
    AuditLog, CaseState, NewEntry, StorageError, StoredCase, StoredEntry, SubjectKey,
};

use super::{FragileLog, unreachable};

/// Takes one of what a test asked for, when there is one left.
fn took(left: &AtomicU64) -> bool {
    let take = |left: u64| left.checked_sub(1);
    let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
    taken.is_ok()
}

#[async_trait]
impl AuditLog for FragileLog {
    async fn append(
        &self,
        first_leaf: u64,
        entries: &[NewEntry],
        checkpoint: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        let permit = self.gate.acquire().await.unwrap();
        self.inner.append(first_leaf, entries, checkpoint).await?;
        drop(permit);
        if took(&self.lies) {
            return Err(unreachable());
        }
        Ok(())
    }

    async fn size(&self) -> Result<u64, StorageError> {
        self.inner.size().await
    }

    async fn entries(
        &self,
        from: u64,
        limit: u64,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        self.inner.entries(from, limit).await
    }

    async fn entries_about(
        &self,
        subjects: &[[u8; 32]],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        self.inner.entries_about(subjects, before, limit).await
    }

    async fn indexed(&self) -> Result<u64, StorageError> {
        self.inner.indexed().await
    }

    async fn index(
        &self,
        from: u64,
        to: u64,
        subjects: &[(u64, [u8; 32])],
    ) -> Result<(), StorageError> {
        self.inner.index(from, to, subjects).await
    }

    async fn leaf_hashes(&self, from: u64, limit: u64) -> Result<Vec<[u8; 32]>, StorageError> {
        self.inner.leaf_hashes(from, limit).await
    }

    async fn last_outbox(&self) -> Result<Option<i64>, StorageError> {
        self.inner.last_outbox().await
    }

    async fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.latest_checkpoint().await
    }

    async fn latest_witnessed(&self) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.latest_witnessed().await
    }

    async fn checkpoint(&self, size: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.checkpoint(size).await
    }

    async fn put_witnessed(
        &self,
        size: u64,
        held: &[u8],
        signed: &[u8],
    ) -> Result<bool, StorageError> {
        self.inner.put_witnessed(size, held, signed).await
    }

    async fn subject_keys(&self, names: &[[u8; 32]]) -> Result<Vec<SubjectKey>, StorageError> {
        self.inner.subject_keys(names).await
    }

    async fn put_subject_keys(&self, keys: &[SubjectKey]) -> Result<(), StorageError> {
        self.inner.put_subject_keys(keys).await
    }

    async fn delete_subject_keys(&self, names: &[[u8; 32]]) -> Result<u64, StorageError> {
        let deleted = self.inner.delete_subject_keys(names).await?;
        if took(&self.torn) {
            return Err(unreachable());
        }
        Ok(deleted)
    }

    async fn scrub_subject_keys(&self) -> Result<(), StorageError> {
        if took(&self.busy) {
            return Err(StorageError::Busy {
                doing: "testing",
                code: "5".into(),
            });
        }
        self.inner.scrub_subject_keys().await
    }

    async fn cases(
        &self,
        agency: Option<&AgencyId>,
        only_open: bool,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredCase>, StorageError> {
        self.inner.cases(agency, only_open, after, limit).await
    }

    async fn case(&self, leaf: u64) -> Result<Option<StoredCase>, StorageError> {
        let case = self.inner.case(leaf).await?;
        if !took(&self.early) {
            return Ok(case);
        }
        Ok(case.map(|case| StoredCase {
            state: CaseState::Open,
            reviewer: String::new(),
            text: Vec::new(),
            reviewed_at: None,
            ..case
        }))
    }

    async fn open_cases(&self, before: Timestamp) -> Result<u64, StorageError> {
        self.inner.open_cases(before).await
    }

    async fn erasures(&self) -> Result<u64, StorageError> {
        self.inner.erasures().await
    }

    async fn checkpoints(&self) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        self.inner.checkpoints().await
    }
}
