//! Time stamps, in the file of the audit log.

use async_trait::async_trait;

use super::audit_log::SqliteAuditLog;
use crate::StorageError;
use crate::convert::{StampRow, to_integer, to_micros, to_stamp};
use crate::error::Doing;
use crate::repository::Stamps;
use crate::row::StoredStamp;

const PUT: &str = "INSERT INTO audit_stamps (size, at, note, reply) VALUES ($1, $2, $3, $4)
    ON CONFLICT (size) DO NOTHING";

const LATEST: &str = "SELECT size, at, note, reply FROM audit_stamps ORDER BY size DESC LIMIT 1";

const AFTER: &str = "SELECT size, at, note, reply FROM audit_stamps
    WHERE size > $1 ORDER BY size LIMIT $2";

#[async_trait]
impl Stamps for SqliteAuditLog {
    async fn put_stamp(&self, stamp: &StoredStamp) -> Result<(), StorageError> {
        const DOING: &str = "storing a time stamp";
        let mut writing = self.writer.lock(DOING).await?;
        let put = sqlx::query(PUT)
            .bind(to_integer(stamp.size))
            .bind(to_micros(stamp.at))
            .bind(stamp.note.as_slice())
            .bind(stamp.reply.as_slice())
            .execute(&mut *writing)
            .await;
        put.doing(DOING)?;
        writing.done();
        Ok(())
    }

    async fn latest_stamp(&self) -> Result<Option<StoredStamp>, StorageError> {
        let row: Option<StampRow> = sqlx::query_as(LATEST)
            .fetch_optional(&self.reader)
            .await
            .doing("reading the latest time stamp")?;
        row.map(to_stamp).transpose()
    }

    async fn stamps_after(&self, size: u64, limit: u32) -> Result<Vec<StoredStamp>, StorageError> {
        let rows: Vec<StampRow> = sqlx::query_as(AFTER)
            .bind(to_integer(size))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .doing("reading time stamps")?;
        rows.into_iter().map(to_stamp).collect()
    }
}
