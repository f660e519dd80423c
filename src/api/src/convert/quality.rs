//! How good the data of a source is.

use rabt_proto::connector as pb;
use rabt_service::{ColumnQuality, Quality};

/// Returns the parts and those of each column.
pub(crate) fn quality(quality: &Quality) -> pb::Quality {
    pb::Quality {
        score: quality.score().map(u32::from),
        completeness: quality.completeness.map(u32::from),
        validity: quality.validity.map(u32::from),
        freshness: quality.freshness.map(u32::from),
        columns: quality.columns.iter().map(column).collect(),
    }
}

fn column(column: &ColumnQuality) -> pb::ColumnQuality {
    pb::ColumnQuality {
        stream: column.stream.to_string(),
        column: column.column.clone(),
        row_count: column.rows,
        missing_count: column.missing,
        refused_count: column.refused,
        completeness: column.completeness.map(u32::from),
        validity: column.validity.map(u32::from),
    }
}
