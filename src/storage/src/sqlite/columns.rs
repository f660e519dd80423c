//! Counts of columns, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{RunId, SourceId, StreamId};

use super::SqliteTransaction;
use super::bulk::Bulk;
use crate::StorageError;
use crate::column::{ColumnCount, ColumnRow, to_column};
use crate::convert::to_integer;
use crate::error::Doing;
use crate::repository::Columns;

const ADD: Bulk = Bulk {
    doing: "counting columns",
    head: "INSERT INTO column_counts
        (source, stream, source_column, rows_read, missing, refused) VALUES",
    row: "(?,?,?,?,?,?)",
    tail: "ON CONFLICT (source, stream, source_column) DO UPDATE SET
        rows_read = rows_read + excluded.rows_read, missing = missing + excluded.missing,
        refused = refused + excluded.refused",
};

const FORGET: &str = "DELETE FROM column_counts WHERE source = $1 AND stream = $2";

const FORGET_REJECTIONS: &str =
    "DELETE FROM rejections WHERE source = $1 AND stream = $2 AND run < $3";

const LIST: &str = "SELECT stream, source_column, rows_read, missing, refused FROM column_counts
    WHERE source = $1 ORDER BY stream, source_column";

#[async_trait]
impl Columns for SqliteTransaction {
    async fn count_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        counts: &[ColumnCount],
    ) -> Result<(), StorageError> {
        ADD.insert(self.ready().await?, counts, |values, count| {
            values
                .add(source.as_str())
                .add(stream.as_str())
                .add(count.column.as_str())
                .add(to_integer(count.rows))
                .add(to_integer(count.missing))
                .add(to_integer(count.refused));
        })
        .await
    }

    async fn forget_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<(), StorageError> {
        sqlx::query(FORGET)
            .bind(source.as_str())
            .bind(stream.as_str())
            .execute(self.ready().await?)
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
            .execute(self.ready().await?)
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
            .fetch_all(self.ready().await?)
            .await
            .doing("reading counts of columns")?;
        rows.into_iter().map(to_column).collect()
    }
}
