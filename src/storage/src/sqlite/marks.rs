//! Short texts by name, on `SQLite`.

use async_trait::async_trait;

use super::SqliteTransaction;
use crate::StorageError;
use crate::error::Doing;
use crate::repository::Marks;

const GET: &str = "SELECT body FROM marks WHERE name = $1";

const PUT: &str = "INSERT INTO marks (name, body) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET body = excluded.body";

#[async_trait]
impl Marks for SqliteTransaction {
    async fn get_mark(&mut self, name: &str) -> Result<Option<String>, StorageError> {
        sqlx::query_scalar(GET)
            .bind(name)
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a mark")
    }

    async fn put_mark(&mut self, name: &str, text: &str) -> Result<(), StorageError> {
        sqlx::query(PUT)
            .bind(name)
            .bind(text)
            .execute(self.ready().await?)
            .await
            .doing("storing a mark")?;
        Ok(())
    }
}
