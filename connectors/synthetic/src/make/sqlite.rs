//! SQLite files.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::files;
use super::sql::{Dialect, ROWS_PER_STATEMENT, Table};
use crate::SyntheticError;
use crate::row::Row;

/// Writes one table to a fresh file, in one transaction. Nothing is flushed on the way: a file that
/// was interrupted is written anew.
pub(super) async fn write(
    path: &Path,
    table: &Table<'_>,
    rows: &[Row],
) -> Result<(), SyntheticError> {
    files::make_folder_of(path)?;
    files::remove(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let failed = |error: sqlx::Error| SyntheticError::Database {
        database: path.display().to_string(),
        what: error.to_string(),
    };
    let mut connection = options.connect().await.map_err(failed)?;
    fill(&mut connection, table, rows).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

async fn fill(
    connection: &mut SqliteConnection,
    table: &Table<'_>,
    rows: &[Row],
) -> Result<(), sqlx::Error> {
    connection.execute("BEGIN").await?;
    let create = table.create(Dialect::Standard);
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(create)))
        .await?;
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let insert = table.insert(Dialect::Standard, rows);
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(insert)))
            .await?;
    }
    connection.execute("COMMIT").await?;
    Ok(())
}
