//! What storage promises about counts of columns.

use async_trait::async_trait;
use rabt_model::{RunId, SourceId, StreamId};

use crate::StorageError;
use crate::column::ColumnCount;

/// What the rows of streams said of their columns.
#[async_trait]
pub trait Columns: Send {
    /// Adds counts of a stream, each column once; belongs into the transaction of the rows that they
    /// count.
    async fn count_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        counts: &[ColumnCount],
    ) -> Result<(), StorageError>;

    /// Forgets the counts of a stream, because it is read from its start.
    async fn forget_columns(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<(), StorageError>;

    /// Forgets what was refused of a stream by runs before this one: their rows have come again since,
    /// or are gone.
    async fn forget_rejections(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        before: RunId,
    ) -> Result<(), StorageError>;

    /// Returns the counts of a source, in the order of the streams and of the columns' bytes.
    async fn column_counts(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<(StreamId, ColumnCount)>, StorageError>;
}
