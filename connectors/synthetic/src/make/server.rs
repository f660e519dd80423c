//! PostgreSQL and MariaDB servers.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};

use super::sql::{Dialect, ROWS_PER_STATEMENT, Table};
use crate::SyntheticError;
use crate::row::Row;

/// Writes one table to a PostgreSQL database, in one transaction.
pub(super) async fn postgres(
    url: &str,
    table: &Table<'_>,
    rows: &[Row],
) -> Result<(), SyntheticError> {
    let failed = |error: sqlx::Error| failed("PostgreSQL", table, &error);
    let mut connection = PgConnection::connect(url).await.map_err(failed)?;
    for statement in statements(Dialect::Standard, table, rows) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        connection.execute(statement).await.map_err(failed)?;
    }
    connection.close().await.map_err(failed)
}

/// Writes one table to a MariaDB or MySQL database.
pub(super) async fn mysql(
    url: &str,
    table: &Table<'_>,
    rows: &[Row],
) -> Result<(), SyntheticError> {
    let failed = |error: sqlx::Error| failed("MariaDB", table, &error);
    let mut connection = MySqlConnection::connect(url).await.map_err(failed)?;
    for statement in statements(Dialect::Mysql, table, rows) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        connection.execute(statement).await.map_err(failed)?;
    }
    connection.close().await.map_err(failed)
}

fn failed(server: &str, table: &Table<'_>, error: &sqlx::Error) -> SyntheticError {
    SyntheticError::Database {
        database: format!("{server}, table {}", table.name),
        what: error.to_string(),
    }
}

fn statements(dialect: Dialect, table: &Table<'_>, rows: &[Row]) -> impl Iterator<Item = String> {
    let head = [
        table.drop(dialect),
        table.create(dialect),
        "BEGIN".to_owned(),
    ];
    let inserts = rows
        .chunks(ROWS_PER_STATEMENT)
        .map(move |rows| table.insert(dialect, rows));
    head.into_iter().chain(inserts).chain(["COMMIT".to_owned()])
}

/// Returns a manifest whose source is the server whose URL stands in a file.
pub(super) fn manifest(text: &str, kind: &str, url_file: &Path) -> Result<String, String> {
    let mut manifest: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let mut secret = toml::Table::new();
    let absolute = std::path::absolute(url_file).map_err(|e| e.to_string())?;
    let reference = format!("file:{}", absolute.display());
    secret.insert("secret".to_owned(), reference.into());
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), secret.into());
    let source = manifest
        .get_mut("source")
        .and_then(toml::Value::as_table_mut)
        .ok_or_else(|| "the manifest has no [source]".to_owned())?;
    source.insert("kind".to_owned(), kind.into());
    source.insert("config".to_owned(), config.into());
    toml::to_string(&manifest).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests;
