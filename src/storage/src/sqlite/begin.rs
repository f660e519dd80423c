//! How a writing transaction begins.

use sqlx::{Sqlite, SqlitePool, Transaction};

const BEGIN: &str = "BEGIN IMMEDIATE";

/// Begins to write on a connection that can.
///
/// When a commit fails because the disk is full, `SQLite` takes the transaction back of itself, and the
/// driver goes on counting it: nothing more could begin on that connection, also when there is room
/// again. Such a connection is closed, and another takes its place.
pub(super) async fn begin(
    writer: &SqlitePool,
) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    let begun = writer.begin_with(BEGIN).await;
    if !matches!(begun, Err(sqlx::Error::InvalidSavePointStatement)) {
        return begun;
    }
    writer.acquire().await?.close().await?;
    writer.begin_with(BEGIN).await
}
