//! What differs between the databases behind drivers: how text is asked for, how rows are limited, how
//! a value of a position is compared with a column.

use std::time::Duration;

use crate::catalog::Column;

/// A family of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `PostgreSQL`.
    Postgres,
    /// MariaDB and MySQL.
    Mysql,
    /// `SQLite`.
    Sqlite,
    /// Microsoft SQL Server.
    SqlServer,
    /// Oracle.
    Oracle,
    /// Any other, DB2 among them: what the standard says.
    Standard,
}

/// How a statement says how many rows it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// `… LIMIT 10`
    Limit,
    /// `SELECT TOP 10 …`
    Top,
    /// `… FETCH FIRST 10 ROWS ONLY`
    Fetch,
}

/// How many rows a driver is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fetch {
    /// As many as fit into a bounded room.
    #[default]
    Sets,
    /// One, cell by cell.
    Rows,
}

impl Fetch {
    /// The words of the configuration.
    pub(crate) const WORDS: [&'static str; 2] = ["sets", "rows"];

    /// Returns the way of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "sets" => Some(Self::Sets),
            "rows" => Some(Self::Rows),
            _ => None,
        }
    }

    pub(crate) const fn is_sets(self) -> bool {
        matches!(self, Self::Sets)
    }
}

impl Paging {
    /// The words of the configuration.
    pub(crate) const WORDS: [&'static str; 3] = ["limit", "top", "fetch"];

    /// Returns the way of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "limit" => Some(Self::Limit),
            "top" => Some(Self::Top),
            "fetch" => Some(Self::Fetch),
            _ => None,
        }
    }
}

impl Dialect {
    /// Returns the family by the name that a driver gives its database.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.contains("postgres") {
            Self::Postgres
        } else if name.contains("mysql") || name.contains("mariadb") {
            Self::Mysql
        } else if name.contains("sqlite") {
            Self::Sqlite
        } else if name.contains("sql server") {
            Self::SqlServer
        } else if name.contains("oracle") {
            Self::Oracle
        } else {
            Self::Standard
        }
    }

    /// Says whether tests read this family.
    pub(crate) const fn is_tested(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql | Self::Sqlite)
    }

    /// Returns how rows are limited.
    pub(crate) const fn paging(self) -> Paging {
        match self {
            Self::Postgres | Self::Mysql | Self::Sqlite => Paging::Limit,
            Self::SqlServer => Paging::Top,
            Self::Oracle | Self::Standard => Paging::Fetch,
        }
    }

    /// Returns the statements that a session begins with: it writes nothing, and no statement takes
    /// longer than it may.
    pub(crate) fn session(self, timeout: Duration) -> Vec<String> {
        match self {
            Self::Postgres => vec![
                "SET default_transaction_read_only = on".to_owned(),
                "SET application_name = 'rabt'".to_owned(),
                // As the kind `postgres` does: a time of the server's own zone comes twice in autumn.
                "SET TimeZone = 'UTC'".to_owned(),
                format!("SET statement_timeout = {}", timeout.as_millis()),
            ],
            Self::Mysql => vec![
                "SET SESSION TRANSACTION READ ONLY".to_owned(),
                "SET SESSION sql_mode = ''".to_owned(),
                "SET SESSION time_zone = '+00:00'".to_owned(),
            ],
            // The driver opens what is no database, and then finds nothing in it.
            Self::Sqlite => vec![
                "PRAGMA query_only = 1".to_owned(),
                "SELECT COUNT(*) FROM sqlite_master".to_owned(),
            ],
            // A text is read as a date by the language of the account otherwise.
            Self::SqlServer => vec!["SET DATEFORMAT ymd".to_owned()],
            // It orders by the language of the client otherwise, and compares by bytes.
            Self::Oracle => vec![
                "ALTER SESSION SET NLS_SORT = BINARY".to_owned(),
                "ALTER SESSION SET NLS_COMP = BINARY".to_owned(),
            ],
            Self::Standard => Vec::new(),
        }
    }

    /// Returns the statement that gives the columns of a table's primary key in the order of the key, for
    /// drivers that give them in the order of the table.
    pub(crate) const fn key(self) -> Option<&'static str> {
        match self {
            Self::Mysql => Some(
                "SELECT column_name FROM information_schema.key_column_usage \
                 WHERE table_schema = DATABASE() AND table_name = ? AND constraint_name = 'PRIMARY' \
                 ORDER BY ordinal_position",
            ),
            Self::Sqlite => Some("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"),
            Self::Postgres | Self::SqlServer | Self::Oracle | Self::Standard => None,
        }
    }

    /// Returns an expression for the text of a quoted column, as the database itself writes it where
    /// drivers have a mind of their own about numbers and dates.
    pub(crate) fn text(self, quoted: &str) -> String {
        match self {
            Self::Postgres => format!("CAST({quoted} AS text)"),
            Self::Mysql => format!("CAST({quoted} AS CHAR)"),
            Self::Sqlite | Self::SqlServer | Self::Oracle | Self::Standard => quoted.to_owned(),
        }
    }

    /// Returns what rows are ordered by for a quoted column, which is also what places are compared with.
    /// A choice is ordered by its number otherwise, and compared by its text.
    pub(crate) fn ordered(self, column: &Column, quoted: String) -> String {
        if self == Self::Mysql && column.is_choice() {
            return format!("CAST({quoted} AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin");
        }
        quoted
    }

    /// Returns the statement that gives a time, or now where the time lies in the future; nothing where
    /// the family's clock is not known.
    pub(crate) fn not_after_now(self, column: &Column) -> Option<String> {
        if !column.is_time() {
            return None;
        }
        match self {
            Self::Postgres => {
                let kind = &column.declared_type;
                let own = self.placeholder(column);
                Some(format!(
                    "SELECT CAST(LEAST({own}, CAST(now() AS \"{kind}\")) AS text)"
                ))
            }
            Self::Mysql => {
                let least = "SELECT CAST(LEAST(CAST(? AS DATETIME(6)), NOW(6)) AS CHAR)";
                Some(least.to_owned())
            }
            Self::Sqlite | Self::SqlServer | Self::Oracle | Self::Standard => None,
        }
    }

    /// Returns the place of a value that is compared with a column.
    pub(crate) fn placeholder(self, column: &Column) -> String {
        if column.is_whole() && !column.is_unsigned() {
            return "?".to_owned();
        }
        match self {
            Self::Postgres => format!(
                "CAST(? AS \"{}\")",
                column.declared_type.replace('"', "\"\"")
            ),
            Self::Mysql if column.is_whole() => "CAST(? AS UNSIGNED)".to_owned(),
            Self::Mysql if column.is_exact() => "CAST(? AS DECIMAL(65, 30))".to_owned(),
            // It orders by the collation of the column, and compares by that of Unicode otherwise.
            Self::SqlServer if column.is_narrow() => "CAST(? AS varchar(8000))".to_owned(),
            Self::Mysql | Self::Sqlite | Self::SqlServer | Self::Oracle | Self::Standard => {
                "?".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared_type: &str, sql_type: i16) -> Column {
        Column {
            name: "id".to_owned(),
            declared_type: declared_type.to_owned(),
            nullable: false,
            sql_type,
            size: 0,
        }
    }

    #[test]
    fn sessions_order_and_read_dates_in_one_way() {
        let minute = Duration::from_mins(1);
        let sessions = |name| Dialect::of(name).session(minute);
        assert_eq!(sessions("Microsoft SQL Server"), ["SET DATEFORMAT ymd"]);
        assert_eq!(
            sessions("Oracle"),
            [
                "ALTER SESSION SET NLS_SORT = BINARY",
                "ALTER SESSION SET NLS_COMP = BINARY"
            ]
        );
        assert_eq!(Dialect::of("Oracle").paging(), Paging::Fetch);
    }

    #[test]
    fn narrow_text_is_compared_as_narrow_text() {
        let server = Dialect::SqlServer;
        let narrow = "CAST(? AS varchar(8000))";
        assert_eq!(server.placeholder(&column("varchar", 12)), narrow);
        assert_eq!(server.placeholder(&column("char", 1)), narrow);
        assert_eq!(server.placeholder(&column("nvarchar", -9)), "?");
        assert_eq!(server.placeholder(&column("bigint", -5)), "?");
        assert_eq!(server.placeholder(&column("datetime2", 93)), "?");
    }
}
