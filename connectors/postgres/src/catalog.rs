//! What the catalog says about tables, without reading a row of them.

use rabt_connect::{ColumnInfo, Table};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::sql::quote;

/// The columns of one relation. `to_regclass` follows the search path and gives null when there is
/// no such relation.
const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull \
     FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
     ORDER BY a.attnum";

/// The unique keys of one relation, one row per column: index, whether it is the primary key, name.
const KEYS: &str = "SELECT i.indexrelid::bigint, i.indisprimary, a.attname::text \
     FROM pg_catalog.pg_index i \
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
     WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid \
       AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts \
     ORDER BY i.indisprimary DESC, i.indexrelid, k.place";

/// Every relation that is not the system's own, one row per column, with its place in the primary
/// key and the planner's estimate of rows.
const EVERYTHING: &str = "SELECT n.nspname::text, c.relname::text, c.reltuples::bigint, \
       a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
       array_position(i.indkey::int2[], a.attnum)::int4 \
     FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
       AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' \
       AND ($1::text IS NULL OR n.nspname = $1) \
     ORDER BY n.nspname, c.relname, a.attnum";

/// A table, view or foreign table.
#[derive(Debug)]
pub(crate) struct Relation {
    /// Its name as statements write it.
    pub(crate) quoted: String,
    columns: Vec<Column>,
    unique_keys: Vec<Vec<String>>,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name as the catalog has it.
    pub(crate) name: String,
    /// Its name as statements write it.
    pub(crate) quoted: String,
    /// Its type as statements write it.
    pub(crate) declared_type: String,
    /// Whether it may hold nulls; columns of a view always may.
    pub(crate) nullable: bool,
}

/// One row of [`EVERYTHING`].
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) rows: i64,
    pub(crate) column: Column,
    pub(crate) key_place: Option<i32>,
}

impl Relation {
    /// Returns the relation of a name, or nothing when the account sees none.
    pub(crate) async fn find(
        connection: &mut PgConnection,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(quoted) = quote_path(schema, table) else {
            return Ok(None);
        };
        let rows = sqlx::query(COLUMNS)
            .bind(&quoted)
            .fetch_all(&mut *connection)
            .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(rows.len());
        for row in &rows {
            columns.push(column(row, 0)?);
        }
        let rows = sqlx::query(KEYS)
            .bind(&quoted)
            .fetch_all(connection)
            .await?;
        let mut unique_keys: Vec<(i64, Vec<String>)> = Vec::new();
        for row in &rows {
            let (index, name): (i64, String) = (row.try_get(0)?, row.try_get(2)?);
            match unique_keys.last_mut() {
                Some((last, names)) if *last == index => names.push(name),
                _ => unique_keys.push((index, vec![name])),
            }
        }
        Ok(Some(Self {
            quoted,
            columns,
            unique_keys: unique_keys.into_iter().map(|(_, names)| names).collect(),
        }))
    }

    /// Returns the column of a name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns the relation as the host sees it.
    pub(crate) fn as_table(&self, schema: Option<&str>, name: &str) -> Table {
        let columns = self.columns.iter().map(|column| ColumnInfo {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nullable: column.nullable,
        });
        Table {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            columns: columns.collect(),
            key: self.unique_keys.first().cloned().unwrap_or_default(),
            estimated_rows: None,
        }
    }

    /// Says whether no two rows agree in all these columns, as far as the catalog promises it.
    pub(crate) fn is_unique(&self, names: &[String]) -> bool {
        let covered = |key: &Vec<String>| key.iter().all(|name| names.contains(name));
        self.unique_keys.iter().any(covered)
    }

    #[cfg(test)]
    pub(crate) fn for_test(quoted: &str) -> Self {
        Self {
            quoted: quoted.to_owned(),
            columns: Vec::new(),
            unique_keys: Vec::new(),
        }
    }
}

impl Column {
    /// Says whether the column holds dates or times of a day, which a lag can be taken from.
    pub(crate) fn is_time(&self) -> bool {
        self.declared_type == "date" || self.declared_type.starts_with("timestamp")
    }
}

/// Lists the columns of every relation, or of those in one schema.
pub(crate) async fn list(
    connection: &mut PgConnection,
    schema: Option<&str>,
) -> Result<Vec<Listed>, sqlx::Error> {
    let query = sqlx::query(EVERYTHING).bind(schema);
    let rows = query.fetch_all(connection).await?;
    let mut listed = Vec::with_capacity(rows.len());
    for row in &rows {
        listed.push(Listed {
            schema: row.try_get(0)?,
            table: row.try_get(1)?,
            rows: row.try_get(2)?,
            column: column(row, 3)?,
            key_place: row.try_get(6)?,
        });
    }
    Ok(listed)
}

fn column(row: &PgRow, first: usize) -> Result<Column, sqlx::Error> {
    let name: String = row.try_get(first)?;
    Ok(Column {
        quoted: quote(&name).unwrap_or_default(),
        name,
        declared_type: row.try_get(first + 1)?,
        nullable: row.try_get(first + 2)?,
    })
}

fn quote_path(schema: Option<&str>, table: &str) -> Option<String> {
    let table = quote(table)?;
    match schema {
        Some(schema) => Some(format!("{}.{table}", quote(schema)?)),
        None => Some(table),
    }
}
