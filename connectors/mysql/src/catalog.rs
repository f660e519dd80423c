//! What the catalog says about tables, without reading a row of them.

use rabt_connect::{ColumnInfo, Table};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};

use crate::sql::quote;

/// The columns of one relation; without a schema, of the database connected to.
const COLUMNS: &str = "SELECT CAST(column_name AS CHAR), CAST(column_type AS CHAR), CAST(is_nullable AS CHAR) \
     FROM information_schema.columns \
     WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? \
     ORDER BY ordinal_position";

/// The unique keys of one relation, one row per column: index, name. An index over the beginning of
/// a text promises less than it seems and is left out.
const KEYS: &str = "SELECT CAST(s.index_name AS CHAR), CAST(s.column_name AS CHAR) \
     FROM information_schema.statistics s \
     WHERE s.table_schema = COALESCE(?, DATABASE()) AND s.table_name = ? AND s.non_unique = 0 \
       AND NOT EXISTS (SELECT 1 FROM information_schema.statistics p \
         WHERE p.table_schema = s.table_schema AND p.table_name = s.table_name \
           AND p.index_name = s.index_name AND p.sub_part IS NOT NULL) \
     ORDER BY s.index_name <> 'PRIMARY', s.index_name, s.seq_in_index";

/// Every relation that is not the system's own, one row per column, with the estimate of rows and
/// its place in the primary key.
const EVERYTHING: &str = "SELECT CAST(t.table_schema AS CHAR), CAST(t.table_name AS CHAR), \
       CAST(t.table_rows AS SIGNED), CAST(c.column_name AS CHAR), \
       CAST(c.column_type AS CHAR), CAST(c.is_nullable AS CHAR), CAST(k.ordinal_position AS SIGNED) \
     FROM information_schema.tables t \
     JOIN information_schema.columns c \
       ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
     LEFT JOIN information_schema.key_column_usage k \
       ON k.table_schema = c.table_schema AND k.table_name = c.table_name \
         AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY' \
     WHERE t.table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') \
       AND t.table_schema = COALESCE(?, DATABASE(), t.table_schema) \
     ORDER BY t.table_schema, t.table_name, c.ordinal_position";

/// A table or view.
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
    /// Its type as the catalog has it.
    pub(crate) declared_type: String,
    /// Whether it may hold nulls.
    pub(crate) nullable: bool,
    /// Whether rows are ordered by it.
    pub(crate) in_key: bool,
    /// How its values become text and come back.
    pub(crate) form: Form,
}

/// How a column is read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Texts: compared as they are.
    Text,
    /// Dates and times, the zero date included.
    Time,
    /// Whole numbers.
    Signed,
    /// Whole numbers without a sign.
    Unsigned,
    /// Exact numbers with a fraction.
    Decimal,
    /// Enumerations, sets and floating point: ordered by their text, because they sort in another
    /// order than they compare with a text.
    Uneven,
    /// Bit fields, read as numbers.
    Bits,
    /// Bytes without a character set.
    Bytes,
}

/// One row of [`EVERYTHING`].
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) rows: Option<i64>,
    pub(crate) column: Column,
    pub(crate) key_place: Option<i64>,
}

impl Relation {
    /// Returns the relation of a name, or nothing when the account sees none. The columns of `order`
    /// are marked as such.
    pub(crate) async fn find(
        connection: &mut MySqlConnection,
        schema: Option<&str>,
        table: &str,
        order: &[String],
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(quoted) = quote_path(schema, table) else {
            return Ok(None);
        };
        let query = sqlx::query(COLUMNS).bind(schema).bind(table);
        let mut columns = Vec::new();
        for row in &query.fetch_all(&mut *connection).await? {
            let mut column = column(row, 0)?;
            column.in_key = order.contains(&column.name);
            columns.push(column);
        }
        if columns.is_empty() {
            return Ok(None);
        }
        let query = sqlx::query(KEYS).bind(schema).bind(table);
        let mut unique_keys: Vec<(String, Vec<String>)> = Vec::new();
        for row in &query.fetch_all(connection).await? {
            let (index, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
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

    /// Returns the columns, in the order of the table.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
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
        self.form == Form::Time
            && !self.declared_type.starts_with("time(")
            && self.declared_type != "time"
    }
}

/// Lists the columns of every relation of one schema: the one named, else the one connected to.
pub(crate) async fn list(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
) -> Result<Vec<Listed>, sqlx::Error> {
    let query = sqlx::query(EVERYTHING).bind(schema);
    let mut listed = Vec::new();
    for row in &query.fetch_all(connection).await? {
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

fn column(row: &MySqlRow, first: usize) -> Result<Column, sqlx::Error> {
    let name: String = row.try_get(first)?;
    let declared_type: String = row.try_get(first + 1)?;
    let nullable: String = row.try_get(first + 2)?;
    Ok(Column {
        quoted: quote(&name).unwrap_or_default(),
        form: form_of(&declared_type),
        name,
        declared_type,
        nullable: nullable == "YES",
        in_key: false,
    })
}

/// Returns how a column of this declared type is read, such as `int(10) unsigned zerofill`.
fn form_of(declared_type: &str) -> Form {
    let lower = declared_type.to_lowercase();
    let word = lower
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    match word {
        // The display of a zero-filled number is part of what the agency sees.
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "year" => {
            if lower.contains("unsigned") || word == "year" {
                Form::Unsigned
            } else {
                Form::Signed
            }
        }
        "date" | "datetime" | "timestamp" | "time" => Form::Time,
        "decimal" | "numeric" | "fixed" => Form::Decimal,
        "enum" | "set" | "float" | "double" | "real" => Form::Uneven,
        "bit" => Form::Bits,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry"
        | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" => Form::Bytes,
        _ => Form::Text,
    }
}

fn quote_path(schema: Option<&str>, table: &str) -> Option<String> {
    let table = quote(table)?;
    match schema {
        Some(schema) => Some(format!("{}.{table}", quote(schema)?)),
        None => Some(table),
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, form_of};

    #[test]
    fn declared_types_have_forms() {
        for (declared_type, form) in [
            ("int(10) unsigned zerofill", Form::Unsigned),
            ("bigint(20)", Form::Signed),
            ("year(4)", Form::Unsigned),
            ("datetime(6)", Form::Time),
            ("bit(1)", Form::Bits),
            ("varbinary(16)", Form::Bytes),
            ("enum('a','unsigned')", Form::Uneven),
            ("varchar(40)", Form::Text),
            ("decimal(20,4)", Form::Decimal),
            ("uuid", Form::Text),
        ] {
            assert_eq!(form_of(declared_type), form, "{declared_type}");
        }
    }
}
