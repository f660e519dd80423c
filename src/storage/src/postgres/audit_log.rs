//! The audit log, on PostgreSQL connections of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use sqlx::PgPool;

use super::{LOCK, lock};
use crate::StorageError;
use crate::convert::{EntryRow, to_count, to_entry, to_hash, to_integer};
use crate::error::Doing;
use crate::repository::AuditLog;
use crate::row::StoredEntry;

/// Leaves are numbered without a gap, so the last one tells the size.
const SIZE: &str = "SELECT COALESCE(MAX(leaf) + 1, 0) FROM audit_entries WHERE log = $1";

const BEGIN: &str = "INSERT INTO audit_logs (origin) VALUES ($1) ON CONFLICT (origin) DO NOTHING";

const NUMBER: &str = "SELECT number FROM audit_logs WHERE origin = $1";

const ORIGINS: &str = "SELECT origin FROM audit_logs ORDER BY number";

const APPEND: &str = "INSERT INTO audit_entries (log, leaf, body, leaf_hash, outbox, subject)
    SELECT $6, given.*
    FROM UNNEST($1::BIGINT[], $2::BYTEA[], $3::BYTEA[], $4::BIGINT[], $5::BYTEA[]) AS given";

const PUT_CHECKPOINT: &str = "INSERT INTO audit_checkpoints (log, size, body) VALUES ($3, $1, $2)
    ON CONFLICT (log, size) DO UPDATE SET body = excluded.body";

const ENTRIES: &str = "SELECT leaf, body, leaf_hash, outbox, subject FROM audit_entries
    WHERE log = $3 AND leaf >= $1 ORDER BY leaf LIMIT $2";

const LEAF_HASHES: &str = "SELECT leaf_hash FROM audit_entries
    WHERE log = $3 AND leaf >= $1 ORDER BY leaf LIMIT $2";

/// Of every log: what another node took needs not be taken again.
const LAST_OUTBOX: &str = "SELECT MAX(outbox) FROM audit_entries WHERE outbox IS NOT NULL";

const LATEST_CHECKPOINT: &str = "SELECT body FROM audit_checkpoints
    WHERE log = $1 ORDER BY size DESC LIMIT 1";

const CHECKPOINTS: &str = "SELECT size, body FROM audit_checkpoints
    WHERE log = $1 ORDER BY size";

pub(super) struct PostgresAuditLog {
    pool: PgPool,
    origin: String,
    /// Its number; 0 until the log has begun, as far as is known here.
    number: AtomicI64,
}

impl PostgresAuditLog {
    /// The log of an origin, which begins with its first entry.
    pub(super) const fn new(pool: PgPool, origin: String) -> Self {
        Self {
            pool,
            origin,
            number: AtomicI64::new(0),
        }
    }

    /// Returns the log's number; 0, under which there is nothing, while it has not begun.
    async fn number(&self) -> Result<i64, StorageError> {
        let known = self.number.load(Ordering::Acquire);
        if known > 0 {
            return Ok(known);
        }
        let found: Option<i64> = sqlx::query_scalar(NUMBER)
            .bind(&self.origin)
            .fetch_optional(&self.pool)
            .await
            .doing("opening the audit log")?;
        let number = found.unwrap_or(0);
        self.number.store(number, Ordering::Release);
        Ok(number)
    }

    /// Returns the log's number; it begins now unless it did before.
    async fn begin(&self) -> Result<i64, StorageError> {
        if self.number().await? == 0 {
            sqlx::query(BEGIN)
                .bind(&self.origin)
                .execute(&self.pool)
                .await
                .doing("opening the audit log")?;
        }
        self.number().await
    }

    /// Returns the log of another origin, when it has begun.
    pub(super) async fn of(&self, origin: &str) -> Result<Option<Self>, StorageError> {
        let log = Self::new(self.pool.clone(), origin.to_owned());
        Ok((log.number().await? > 0).then_some(log))
    }

    pub(super) async fn origins(&self) -> Result<Vec<String>, StorageError> {
        sqlx::query_scalar(ORIGINS)
            .fetch_all(&self.pool)
            .await
            .doing("reading the origins of audit logs")
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl AuditLog for PostgresAuditLog {
    async fn append(
        &self,
        first_leaf: u64,
        entries: &[StoredEntry],
        checkpoint: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        let number = self.begin().await?;
        let inner = self.pool.begin().await;
        let mut inner = inner.doing("appending to the audit log")?;
        sqlx::query(LOCK)
            .bind(lock::AUDIT_LOG)
            // any key serves, as long as it is the log's
            .bind(i32::try_from(number).unwrap_or(i32::MAX))
            .execute(&mut *inner)
            .await
            .doing("appending to the audit log")?;
        let size: i64 = sqlx::query_scalar(SIZE)
            .bind(number)
            .fetch_one(&mut *inner)
            .await
            .doing("appending to the audit log")?;
        let size = to_count(size);
        if size != first_leaf {
            return Err(StorageError::LeafTaken { first_leaf, size });
        }
        let leaves = to_integer(first_leaf)..to_integer(first_leaf + entries.len() as u64);
        let bodies = entries.iter().map(|entry| entry.body.as_slice());
        let hashes = entries.iter().map(|entry| entry.leaf_hash.as_slice());
        let outbox = entries.iter().map(|entry| entry.outbox);
        let subjects = entries
            .iter()
            .map(|entry| entry.subject.as_ref().map(<[u8; 32]>::as_slice));
        sqlx::query(APPEND)
            .bind(leaves.collect::<Vec<i64>>())
            .bind(bodies.collect::<Vec<&[u8]>>())
            .bind(hashes.collect::<Vec<&[u8]>>())
            .bind(outbox.collect::<Vec<Option<i64>>>())
            .bind(subjects.collect::<Vec<Option<&[u8]>>>())
            .bind(number)
            .execute(&mut *inner)
            .await
            .doing("appending to the audit log")?;
        if let Some(body) = checkpoint {
            sqlx::query(PUT_CHECKPOINT)
                .bind(to_integer(first_leaf + entries.len() as u64))
                .bind(body)
                .bind(number)
                .execute(&mut *inner)
                .await
                .doing("storing a checkpoint")?;
        }
        inner.commit().await.doing("appending to the audit log")
    }

    async fn size(&self) -> Result<u64, StorageError> {
        let size: i64 = sqlx::query_scalar(SIZE)
            .bind(self.number().await?)
            .fetch_one(&self.pool)
            .await
            .doing("reading the audit log's size")?;
        Ok(to_count(size))
    }

    async fn entries(
        &self,
        from: u64,
        limit: u64,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        let rows: Vec<EntryRow> = sqlx::query_as(ENTRIES)
            .bind(to_integer(from))
            .bind(to_integer(limit))
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading the audit log")?;
        rows.into_iter().map(to_entry).collect()
    }

    async fn leaf_hashes(&self, from: u64, limit: u64) -> Result<Vec<[u8; 32]>, StorageError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(LEAF_HASHES)
            .bind(to_integer(from))
            .bind(to_integer(limit))
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading leaf hashes")?;
        let hashes = rows.iter();
        hashes.map(|hash| to_hash("audit_entries", hash)).collect()
    }

    async fn last_outbox(&self) -> Result<Option<i64>, StorageError> {
        sqlx::query_scalar(LAST_OUTBOX)
            .fetch_one(&self.pool)
            .await
            .doing("reading the audit log")
    }

    async fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(LATEST_CHECKPOINT)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading the latest checkpoint")
    }

    async fn checkpoints(&self) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(CHECKPOINTS)
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading checkpoints")?;
        let checkpoints = rows.into_iter();
        Ok(checkpoints
            .map(|(size, body)| (to_count(size), body))
            .collect())
    }
}
