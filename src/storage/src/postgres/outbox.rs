//! Audit entries on their way to the audit log, on PostgreSQL.

use async_trait::async_trait;

use super::{LOCK, PostgresTransaction, lock};
use crate::StorageError;
use crate::error::Doing;
use crate::repository::Outbox;

const PUT: &str = "INSERT INTO outbox (body)
    SELECT body FROM UNNEST($1::BYTEA[]) WITH ORDINALITY AS given (body, place) ORDER BY place";

const AFTER: &str = "SELECT number, body FROM outbox WHERE number > $1 ORDER BY number LIMIT $2";

const DELETE: &str = "DELETE FROM outbox WHERE number <= $1";

#[async_trait]
impl Outbox for PostgresTransaction {
    async fn put_outbox(&mut self, bodies: &[Vec<u8>]) -> Result<(), StorageError> {
        // Numbers are given before the commit. Without the lock, a reader could see a number
        // before a smaller one of a slower transaction, and never go back for that.
        sqlx::query(LOCK)
            .bind(lock::OUTBOX)
            .bind(0_i32)
            .execute(self.connection())
            .await
            .doing("storing outbox rows")?;
        sqlx::query(PUT)
            .bind(bodies)
            .execute(self.connection())
            .await
            .doing("storing outbox rows")?;
        Ok(())
    }

    async fn outbox_after(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Vec<u8>)>, StorageError> {
        sqlx::query_as(AFTER)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading the outbox")
    }

    async fn delete_outbox_through(&mut self, number: i64) -> Result<(), StorageError> {
        sqlx::query(DELETE)
            .bind(number)
            .execute(self.connection())
            .await
            .doing("clearing the outbox")?;
        Ok(())
    }
}
