//! Audit entries on their way to the audit log, on `SQLite`.

use async_trait::async_trait;

use super::SqliteTransaction;
use super::bulk::Bulk;
use crate::StorageError;
use crate::error::Doing;
use crate::repository::Outbox;

const PUT: Bulk = Bulk {
    doing: "storing outbox rows",
    head: "INSERT INTO outbox (body) VALUES",
    row: "(?)",
    tail: "",
};

const AFTER: &str = "SELECT number, body FROM outbox WHERE number > $1 ORDER BY number LIMIT $2";

const DELETE: &str = "DELETE FROM outbox WHERE number <= ?";

#[async_trait]
impl Outbox for SqliteTransaction {
    async fn put_outbox(&mut self, bodies: &[Vec<u8>]) -> Result<(), StorageError> {
        PUT.write(self, bodies, |values, body| {
            values.add(body.as_slice());
        })
        .await
    }

    async fn outbox_after(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Vec<u8>)>, StorageError> {
        sqlx::query_as(AFTER)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading the outbox")
    }

    async fn delete_outbox_through(&mut self, number: i64) -> Result<(), StorageError> {
        self.write("clearing the outbox", DELETE, |values| {
            values.add(number);
        })
        .await
    }
}
