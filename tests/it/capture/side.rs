//! What is particular to the servers that changes are read from.

use rabt_tests::{mysql_url, postgres_url};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, Row};

/// How the names of transactions of two phases begin; the number of the process follows.
const OURS: &str = "capture.";

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Postgres,
    Mariadb,
}

/// A connection of the agency's own.
pub(super) enum Link {
    Postgres(PgConnection),
    Mariadb(MySqlConnection),
}

impl Side {
    /// Returns the address of a server, or says that there is none.
    pub(super) fn url(self) -> Option<String> {
        match self {
            Self::Postgres => postgres_url(),
            Self::Mariadb => mysql_url(),
        }
    }

    /// Returns the kind, its own key of the configuration, and what the stream is from.
    pub(super) const fn manifest(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Postgres => (
                "postgres",
                "publication = \"rabt\"",
                "{ schema = \"public\", table = \"persons\" }",
            ),
            Self::Mariadb => ("mysql", "binlog = true", "{ table = \"persons\" }"),
        }
    }

    /// Returns the full name of a test of the suite.
    pub(super) fn test(self, name: &str) -> String {
        let module = match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        };
        format!("capture::{module}::{name}")
    }

    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Postgres => {
                "CREATE TABLE persons (id int PRIMARY KEY, name text, nid text, note text);
                 ALTER TABLE persons ALTER note SET STORAGE EXTERNAL;
                 CREATE PUBLICATION rabt FOR TABLE persons;"
            }
            Self::Mariadb => {
                "CREATE TABLE persons (id int PRIMARY KEY, name text CHARACTER SET utf8mb4, nid text,
                   note mediumtext) CHARACTER SET cp1256"
            }
        }
    }

    /// Returns the beginning of a transaction, and what ends it: one in ten is taken back. On MariaDB some
    /// log a part of each row alone, some hold what is taken back, and some have two phases.
    pub(super) fn transaction(self, random: &mut ChaCha8Rng) -> (String, Vec<String>) {
        let back = random.random_bool(0.1);
        let end = ["COMMIT", "ROLLBACK"][usize::from(back)];
        let begin = match self {
            Self::Postgres => "BEGIN",
            Self::Mariadb => match random.random_range(0..5) {
                0 => "SET SESSION binlog_row_image = 'MINIMAL'; BEGIN",
                1 => {
                    "SET SESSION binlog_row_image = 'FULL'; BEGIN;
                      CREATE OR REPLACE TEMPORARY TABLE aside (id int);
                      SAVEPOINT here; UPDATE persons SET name = 'never' WHERE id < 20; ROLLBACK TO here"
                }
                2 => return two_phases(random, end),
                _ => "SET SESSION binlog_row_image = 'FULL'; BEGIN",
            },
        };
        (begin.to_owned(), vec![end.to_owned()])
    }

    /// Returns the statement that makes a row, unless it is there.
    pub(super) fn insert(self, row: &str) -> String {
        match self {
            Self::Postgres => format!("INSERT INTO persons VALUES {row} ON CONFLICT DO NOTHING"),
            Self::Mariadb => format!("INSERT IGNORE INTO persons VALUES {row}"),
        }
    }

    /// Returns the statement that gives a row another key, unless that is taken.
    pub(super) fn rekey(self, id: u32, other: u32) -> String {
        match self {
            Self::Postgres => format!(
                "UPDATE persons SET id = {other} WHERE id = {id}
                 AND NOT EXISTS (SELECT 1 FROM persons WHERE id = {other})"
            ),
            Self::Mariadb => format!("UPDATE IGNORE persons SET id = {other} WHERE id = {id}"),
        }
    }

    /// Returns the statement that makes rows of a name.
    pub(super) fn fill(self, from: u32, to: u32, name: &str) -> String {
        format!("INSERT INTO persons {}", self.rows(from, to, name))
    }

    /// Returns the statements of one transaction that takes all rows away and makes others.
    pub(super) fn refill(self, from: u32, to: u32, name: &str) -> String {
        match self {
            Self::Postgres => {
                let fill = self.fill(from, to, name);
                format!("BEGIN; TRUNCATE persons; {fill}; COMMIT")
            }
            Self::Mariadb => format!(
                "CREATE OR REPLACE TABLE persons (id int PRIMARY KEY, name text CHARACTER SET utf8mb4, nid text,
                   note mediumtext) CHARACTER SET cp1256 {}",
                self.rows(from, to, name)
            ),
        }
    }

    fn rows(self, from: u32, to: u32, name: &str) -> String {
        match self {
            Self::Postgres => format!(
                "SELECT n, '{name}', '2840211' || lpad(n::text, 7, '0'), '' FROM generate_series({from}, {to}) n"
            ),
            Self::Mariadb => format!(
                "SELECT seq AS id, '{name}' AS name, concat('2840211', lpad(seq, 7, '0')) AS nid, '' AS note
                 FROM seq_{from}_to_{to}"
            ),
        }
    }
}

/// A transaction of two phases, between which the log is flushed to others.
fn two_phases(random: &mut ChaCha8Rng, end: &str) -> (String, Vec<String>) {
    let own = format!("{OURS}{}", std::process::id());
    let xid = format!("'{own}.{}'", random.random::<u32>());
    let begin = format!("SET SESSION binlog_row_image = 'FULL'; XA START {xid}");
    let ends = [
        format!("XA END {xid}"),
        format!("XA PREPARE {xid}"),
        format!("XA {end} {xid}"),
    ];
    (begin, ends.to_vec())
}

impl Link {
    pub(super) async fn connect(side: Side, url: &str) -> Self {
        match side {
            Side::Postgres => Self::Postgres(PgConnection::connect(url).await.unwrap()),
            Side::Mariadb => {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                take_back_what_is_left(&mut connection).await;
                Self::Mariadb(connection)
            }
        }
    }

    pub(super) async fn run(&mut self, statement: &str) {
        let script = sqlx::raw_sql(AssertSqlSafe(statement));
        let run = match self {
            Self::Postgres(connection) => connection.execute(script).await.map(|_| ()),
            Self::Mariadb(connection) => connection.execute(script).await.map(|_| ()),
        };
        run.unwrap();
    }

    /// Panics unless the server keeps so many logs for the database. MariaDB keeps none for anybody.
    pub(super) async fn must_keep(&mut self, logs: i64) {
        let count = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
        match self {
            Self::Postgres(connection) => {
                let kept: i64 = sqlx::query_scalar(count)
                    .fetch_one(connection)
                    .await
                    .unwrap();
                assert_eq!(kept, logs);
            }
            Self::Mariadb(_) => {}
        }
    }
}

/// Rolls back what a test prepared that was killed, because every first reading at the server waits for its
/// end.
async fn take_back_what_is_left(connection: &mut MySqlConnection) {
    let prepared = sqlx::raw_sql("XA RECOVER").fetch_all(&mut *connection);
    for row in prepared.await.unwrap() {
        let name: Vec<u8> = row.get_unchecked(3);
        let name = String::from_utf8_lossy(&name).into_owned();
        let own = name.strip_prefix(OURS).and_then(|own| own.split_once('.'));
        let Some((process, _)) = own else { continue };
        if std::path::Path::new("/proc").join(process).exists() {
            continue;
        }
        // Another test may do the same.
        let _ = connection
            .execute(AssertSqlSafe(format!("XA ROLLBACK '{name}'")))
            .await;
    }
}
