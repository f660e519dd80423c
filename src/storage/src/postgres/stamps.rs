//! Time stamps, beside the audit log.

use async_trait::async_trait;

use super::audit_log::PostgresAuditLog;
use crate::StorageError;
use crate::convert::{StampRow, to_integer, to_micros, to_stamp};
use crate::error::Doing;
use crate::repository::Stamps;
use crate::row::StoredStamp;

const PUT: &str = "INSERT INTO audit_stamps (log, size, at, note, reply)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (log, size) DO NOTHING";

const LATEST: &str = "SELECT size, at, note, reply FROM audit_stamps
    WHERE log = $1 ORDER BY size DESC LIMIT 1";

const AFTER: &str = "SELECT size, at, note, reply FROM audit_stamps
    WHERE log = $1 AND size > $2 ORDER BY size LIMIT $3";

#[async_trait]
impl Stamps for PostgresAuditLog {
    async fn put_stamp(&self, stamp: &StoredStamp) -> Result<(), StorageError> {
        sqlx::query(PUT)
            .bind(self.begin().await?)
            .bind(to_integer(stamp.size))
            .bind(to_micros(stamp.at))
            .bind(stamp.note.as_slice())
            .bind(stamp.reply.as_slice())
            .execute(&self.pool)
            .await
            .doing("storing a time stamp")?;
        Ok(())
    }

    async fn latest_stamp(&self) -> Result<Option<StoredStamp>, StorageError> {
        let row: Option<StampRow> = sqlx::query_as(LATEST)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading the latest time stamp")?;
        row.map(to_stamp).transpose()
    }

    async fn stamps_after(&self, size: u64, limit: u32) -> Result<Vec<StoredStamp>, StorageError> {
        let rows: Vec<StampRow> = sqlx::query_as(AFTER)
            .bind(self.number().await?)
            .bind(to_integer(size))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .doing("reading time stamps")?;
        rows.into_iter().map(to_stamp).collect()
    }
}
