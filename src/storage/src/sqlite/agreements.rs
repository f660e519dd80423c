//! The access agreements, by version, on `SQLite`.

use async_trait::async_trait;
use rabt_model::Timestamp;

use super::SqliteTransaction;
use crate::StorageError;
use crate::convert::{to_bundle, to_micros};
use crate::error::Doing;
use crate::repository::Agreements;
use crate::row::StoredBundle;

const PUT: &str = "INSERT INTO bundles (revision, body, stored_at) VALUES ($1, $2, $3)";

const LAST: &str = "SELECT revision, body, stored_at FROM bundles ORDER BY number DESC LIMIT $1";

#[async_trait]
impl Agreements for SqliteTransaction {
    async fn put_bundle(
        &mut self,
        revision: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let current = self.current_bundle().await?;
        if current.is_some_and(|bundle| bundle.revision == revision) {
            return Ok(());
        }
        sqlx::query(PUT)
            .bind(revision)
            .bind(text)
            .bind(to_micros(at))
            .execute(self.ready().await?)
            .await
            .doing("storing agreements")?;
        Ok(())
    }

    async fn current_bundle(&mut self) -> Result<Option<StoredBundle>, StorageError> {
        Ok(self.bundles(1).await?.pop())
    }

    async fn bundles(&mut self, limit: u32) -> Result<Vec<StoredBundle>, StorageError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(LAST)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading agreements")?;
        rows.into_iter().map(to_bundle).collect()
    }
}
