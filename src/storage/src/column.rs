//! What rows said of their columns, in counts.

use rabt_model::StreamId;

use crate::StorageError;
use crate::convert::{parse_id, to_count};

/// What the rows that were read say of one column; never a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnCount {
    /// The column; empty for the rows as a whole.
    pub column: String,
    /// Rows read.
    pub rows: u64,
    /// Rows without a value: NULL, or nothing but blanks.
    pub missing: u64,
    /// Values that the mapping refused.
    pub refused: u64,
}

/// A row of `column_counts` of one source: stream, column, rows, missing, refused.
pub(crate) type ColumnRow = (String, String, i64, i64, i64);

pub(crate) fn to_column(row: ColumnRow) -> Result<(StreamId, ColumnCount), StorageError> {
    let (stream, column, rows, missing, refused) = row;
    let count = ColumnCount {
        column,
        rows: to_count(rows),
        missing: to_count(missing),
        refused: to_count(refused),
    };
    Ok((parse_id("column_counts", &stream)?, count))
}
