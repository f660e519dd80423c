//! The one place where SQL is put together, from quoted identifiers alone.

use std::fmt::Write;

use sqlx::AssertSqlSafe;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use crate::value::Scalar;

/// Returns an identifier in quotes: reserved words, spaces and quotes in a name are all fine.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A `SELECT` of one table and the values it compares with.
pub(crate) struct Select {
    sql: String,
    values: Vec<Scalar>,
}

impl Select {
    /// Returns a query of these columns (already quoted where they are names).
    pub(crate) fn new(columns: &[String], table: &str) -> Self {
        let columns = columns.join(", ");
        Self {
            sql: format!("SELECT {columns} FROM {}", quote(table)),
            values: Vec::new(),
        }
    }

    /// Takes only rows whose `column` is at least `value`, or NULL.
    pub(crate) fn at_least(&mut self, column: &str, value: Scalar) {
        let _ = write!(self.sql, " WHERE ({column} >= ? OR {column} IS NULL)");
        self.values.push(value);
    }

    /// Takes only rows behind `last` in the order of `columns`. NULL comes first, as in
    /// `ORDER BY`.
    pub(crate) fn behind(&mut self, columns: &[String], last: &[Scalar]) {
        let condition = behind(columns, last, &mut self.values);
        let _ = write!(self.sql, " WHERE {condition}");
    }

    /// Orders by these columns and takes at most `limit` rows.
    pub(crate) fn ordered(&mut self, columns: &[String], limit: u32) {
        let columns = columns.join(", ");
        let _ = write!(self.sql, " ORDER BY {columns} LIMIT {limit}");
    }

    /// Returns the query with its values bound.
    pub(crate) fn query(&self) -> Query<'static, Sqlite, SqliteArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql.clone())).persistent(false);
        for value in &self.values {
            query = match value {
                Scalar::Null => query.bind(None::<i64>),
                Scalar::Integer(number) => query.bind(*number),
                Scalar::Real(bits) => query.bind(f64::from_bits(*bits)),
                Scalar::Text(text) => query.bind(text.clone()),
                Scalar::Blob(bytes) => query.bind(bytes.clone()),
            };
        }
        query
    }
}

/// Returns the condition that a row lies behind `last`, and adds the values it compares with.
fn behind(columns: &[String], last: &[Scalar], values: &mut Vec<Scalar>) -> String {
    let ((Some(column), rest), Some(value)) = (split(columns), last.first()) else {
        return "FALSE".to_owned();
    };
    if *value == Scalar::Null {
        let tie = behind(rest, &last[1..], values);
        return format!("({column} IS NOT NULL OR ({column} IS NULL AND {tie}))");
    }
    // The plain bound in front lets an index on the column find the first row.
    values.push(value.clone());
    values.push(value.clone());
    let tie = behind(rest, &last[1..], values);
    format!("({column} >= ? AND ({column} > ? OR {tie}))")
}

fn split(columns: &[String]) -> (Option<&String>, &[String]) {
    columns
        .split_first()
        .map_or((None, &[]), |(first, rest)| (Some(first), rest))
}

#[cfg(test)]
mod tests {
    use super::{Scalar, Select, quote};

    #[test]
    fn names_are_quoted() {
        assert_eq!(quote("select"), "\"select\"");
        assert_eq!(quote("a \"b\"; DROP"), "\"a \"\"b\"\"; DROP\"");
    }

    #[test]
    fn behind_follows_the_order_of_nulls() {
        let columns = ["\"a\"".to_owned(), "\"b\"".to_owned()];
        let sql = |last: &[Scalar]| {
            let mut select = Select::new(&columns, "t");
            select.behind(&columns, last);
            (select.sql, select.values.len())
        };
        let (text, bound) = sql(&[Scalar::Integer(1), Scalar::Integer(2)]);
        assert!(
            text.ends_with(
                "WHERE (\"a\" >= ? AND (\"a\" > ? OR (\"b\" >= ? AND (\"b\" > ? OR FALSE))))"
            ),
            "{text}"
        );
        assert_eq!(bound, 4);
        let (text, bound) = sql(&[Scalar::Null, Scalar::Null]);
        assert!(
            text.ends_with(
                "WHERE (\"a\" IS NOT NULL OR (\"a\" IS NULL AND \
                 (\"b\" IS NOT NULL OR (\"b\" IS NULL AND FALSE))))"
            ),
            "{text}"
        );
        assert_eq!(bound, 0);
    }
}
