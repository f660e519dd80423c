//! Counts of columns, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{RunId, SourceId, StreamId};

use super::PostgresTransaction;
use crate::StorageError;
use crate::column::{ColumnCount, ColumnRow, to_column};
use crate::convert::to_integer;
use crate::error::Doing;
use crate::repository::Columns;

const ADD: &str = "INSERT INTO column_counts
        (source, stream, source_column, rows_read, missing, refused)
    SELECT $1, $2, given.* FROM UNNEST($3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[]) AS given
    ON CONFLICT (source, stream, source_column) DO UPDATE SET
        rows_read = column_counts.rows_read + excluded.rows_read,
        missing = column_counts.missing + excluded.missing,
        refused = column_counts.refused + excluded.refused";

const FORGET: &str = "DELETE FROM column_counts WHERE source = $1 AND stream = $2";

const FORGET_REJECTIONS: &str =
    "DELETE FROM rejections WHERE source = $1 AND stream = $2 AND run < $3";

const LIST: &str = "SELECT stream, source_column, rows_read, missing, refused FROM column_counts
    WHERE source = $1 ORDER BY stream COLLATE \"C\", source_column COLLATE \"C\"";

#[async_trait]
impl Columns for PostgresTransaction {
    async fn count_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        counts: &[ColumnCount],
    ) -> Result<(), StorageError> {
        let numbers = |of: fn(&ColumnCount) -> u64| -> Vec<i64> {
            counts.iter().map(|count| to_integer(of(count))).collect()
        };
        let columns: Vec<&str> = counts.iter().map(|count| count.column.as_str()).collect();
        sqlx::query(ADD)
            .bind(source.as_str())
            .bind(stream.as_str())
            .bind(columns)
            .bind(numbers(|count| count.rows))
            .bind(numbers(|count| count.missing))
            .bind(numbers(|count| count.refused))
            .execute(self.connection())
            .await
            .doing("counting columns")?;
        Ok(())
    }

    async fn forget_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<(), StorageError> {
        sqlx::query(FORGET)
            .bind(source.as_str())
            .bind(stream.as_str())
            .execute(self.connection())
            .await
            .doing("forgetting counts of columns")?;
        Ok(())
    }

    async fn forget_rejections(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        before: RunId,
    ) -> Result<(), StorageError> {
        sqlx::query(FORGET_REJECTIONS)
            .bind(source.as_str())
            .bind(stream.as_str())
            .bind(before.0)
            .execute(self.connection())
            .await
            .doing("forgetting rejections")?;
        Ok(())
    }

    async fn column_counts(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<(StreamId, ColumnCount)>, StorageError> {
        let rows: Vec<ColumnRow> = sqlx::query_as(LIST)
            .bind(source.as_str())
            .fetch_all(self.connection())
            .await
            .doing("reading counts of columns")?;
        rows.into_iter().map(to_column).collect()
    }
}
