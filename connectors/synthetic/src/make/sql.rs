//! SQL text of a table and its rows, alike for all databases but for the quotes.
//!
//! Values stand in the statements as literals: a literal takes the type of its column in every
//! database, where a bound text would not. All of them were made here, and all are quoted.

use crate::habits::Column;
use crate::row::Row;

/// Rows in one statement.
pub(super) const ROWS_PER_STATEMENT: usize = 250;

/// A table to write.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a [String],
    pub(super) columns: &'a [Column],
}

/// How a database quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// SQLite and PostgreSQL: standard strings, names in double quotes.
    Standard,
    /// MariaDB and MySQL: names in back quotes, a backslash escapes.
    Mysql,
}

impl Dialect {
    fn name(self, name: &str) -> String {
        let quote = match self {
            Self::Standard => '"',
            Self::Mysql => '`',
        };
        let doubled: String = [quote, quote].iter().collect();
        format!("{quote}{}{quote}", name.replace(quote, &doubled))
    }

    fn push_value(self, sql: &mut String, value: Option<&str>) {
        let Some(text) = value else {
            sql.push_str("NULL");
            return;
        };
        sql.push('\'');
        for c in text.chars() {
            if c == '\'' || (c == '\\' && self == Self::Mysql) {
                sql.push(c);
            }
            sql.push(c);
        }
        sql.push('\'');
    }
}

impl Table<'_> {
    /// Returns the statement that makes the table.
    pub(super) fn create(&self, dialect: Dialect) -> String {
        let mut parts: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{} {}", dialect.name(&column.name), column.declared))
            .collect();
        let declared = |column: &Column| column.declared.contains("PRIMARY KEY");
        if !self.columns.iter().any(declared) {
            let key: Vec<String> = self.key.iter().map(|name| dialect.name(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let tail = match dialect {
            Dialect::Standard => "",
            Dialect::Mysql => " CHARACTER SET utf8mb4",
        };
        let name = dialect.name(self.name);
        format!("CREATE TABLE {name} (\n  {}\n){tail}", parts.join(",\n  "))
    }

    /// Returns the statement that removes the table if it is there.
    pub(super) fn drop(&self, dialect: Dialect) -> String {
        format!("DROP TABLE IF EXISTS {}", dialect.name(self.name))
    }

    /// Returns the statement that adds rows; there is at least one.
    pub(super) fn insert(&self, dialect: Dialect, rows: &[Row]) -> String {
        let mut sql = format!("INSERT INTO {} VALUES ", dialect.name(self.name));
        sql.reserve(rows.len() * self.columns.len() * 24);
        for (index, row) in rows.iter().enumerate() {
            sql.push_str(if index == 0 { "(" } else { ",(" });
            for (place, value) in row.iter().enumerate() {
                if place > 0 {
                    sql.push(',');
                }
                dialect.push_value(&mut sql, value.as_deref());
            }
            sql.push(')');
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Table};

    #[test]
    fn values_and_names_are_quoted() {
        let table = Table {
            name: "it's \"one\"",
            key: &[],
            columns: &[],
        };
        let rows = [vec![Some("a'b\\c".to_owned()), None]];
        assert_eq!(
            table.insert(Dialect::Standard, &rows),
            "INSERT INTO \"it's \"\"one\"\"\" VALUES ('a''b\\c',NULL)"
        );
        assert_eq!(
            table.insert(Dialect::Mysql, &rows),
            "INSERT INTO `it's \"one\"` VALUES ('a''b\\\\c',NULL)"
        );
    }
}
