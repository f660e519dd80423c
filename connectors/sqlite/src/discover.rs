//! What a file holds, and whether it can be read.

use rabt_connect::{ColumnInfo, ConnectError, Filter, Finding, Session, Table};
use sqlx::{Connection, Row, SqliteConnection};

use crate::open::{explain, open};

const TABLES: &str = "SELECT name FROM main.sqlite_schema \
    WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

/// Hidden columns of virtual tables (1) are left out; generated ones (2, 3) are columns.
const COLUMNS: &str = "SELECT name, type, \"notnull\" AS required, pk \
    FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid";

pub(crate) async fn discover(
    session: &Session,
    filter: &Filter,
) -> Result<Vec<Table>, ConnectError> {
    let mut connection = open(session).await?;
    let names: Vec<String> = sqlx::query_scalar(TABLES)
        .fetch_all(&mut connection)
        .await
        .map_err(|error| explain(&error, "source.config.path"))?;
    let mut tables = Vec::new();
    for name in names {
        if !filter.wants(Some("main"), &name) {
            continue;
        }
        // A view over a table that is gone cannot be described, and must not hide the others.
        if let Ok(Some(table)) = describe(&mut connection, &name).await {
            tables.push(table);
        }
    }
    let _ = connection.close().await;
    Ok(tables)
}

/// Returns one table, if there is such a table.
pub(crate) async fn describe(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Table>, ConnectError> {
    let rows = sqlx::query(COLUMNS)
        .bind(name)
        .fetch_all(connection)
        .await
        .map_err(|error| explain(&error, &format!("table {name}")))?;
    let mut columns = Vec::new();
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in &rows {
        let column: String = row.get("name");
        let place: i64 = row.get("pk");
        if place > 0 {
            key.push((place, column.clone()));
        }
        columns.push(ColumnInfo {
            name: column,
            declared_type: row.get("type"),
            nullable: row.get::<i64, _>("required") == 0,
        });
    }
    key.sort();
    let table = Table {
        schema: Some("main".to_owned()),
        name: name.to_owned(),
        columns,
        key: key.into_iter().map(|(_, column)| column).collect(),
        estimated_rows: None,
    };
    Ok((!table.columns.is_empty()).then_some(table))
}

pub(crate) async fn check(session: &Session) -> Vec<Finding> {
    let mut connection = match open(session).await {
        Ok(connection) => connection,
        Err(error) => return vec![Finding::of_error("reach", &error)],
    };
    let mut findings = vec![Finding::pass("reach", "the file opens, read-only")];
    findings.push(count_tables(&mut connection).await);
    findings.push(check_encoding(&mut connection).await);
    let _ = connection.close().await;
    findings
}

async fn count_tables(connection: &mut SqliteConnection) -> Finding {
    let tables = sqlx::query_scalar::<_, String>(TABLES).fetch_all(connection);
    match tables.await {
        Ok(tables) if tables.is_empty() => Finding::warn(
            "tables",
            "the file holds no table",
            "see that the path names the agency's database and not a new file",
        ),
        Ok(tables) => Finding::pass("tables", format!("the file holds {} tables", tables.len())),
        Err(error) => Finding::of_error("tables", &explain(&error, "source.config.path")),
    }
}

async fn check_encoding(connection: &mut SqliteConnection) -> Finding {
    let encoding = sqlx::query_scalar::<_, String>("PRAGMA encoding").fetch_one(connection);
    match encoding.await {
        Ok(encoding) => Finding::pass("encoding", format!("texts are stored as {encoding}")),
        Err(error) => Finding::of_error("encoding", &explain(&error, "source.config.path")),
    }
}
