//! The compliance suite against a file of its own for each case, and what is particular to
//! `SQLite`.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rabt_connect::compliance::{ColumnKind, NewTable, Place, Row, Subject, session};
use rabt_connect::{Cell, Connector, Message, Mode, Outlet, Plan};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use crate::Sqlite;
use crate::query::quote;

struct SqliteSubject;

struct Folder(tempfile::TempDir);

#[async_trait]
impl Subject for SqliteSubject {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Sqlite)
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.connect().await.close().await.unwrap();
        Some(Box::new(folder))
    }
}

impl Folder {
    /// Runs a script of the agency's.
    async fn run(&self, script: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.0.path().join("agency.db"))
            .create_if_missing(true)
            .connect()
            .await
            .unwrap()
    }
}

#[async_trait]
impl Place for Folder {
    fn config(&self) -> toml::Table {
        "path = 'agency.db'".parse().unwrap()
    }

    fn base(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn schema(&self) -> Option<String> {
        Some("main".to_owned())
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let mut parts: Vec<String> = Vec::new();
        for column in &table.columns {
            let kind = match column.kind {
                ColumnKind::Text => "TEXT",
                ColumnKind::Integer => "INTEGER",
            };
            parts.push(format!("{} {kind}", quote(&column.name)));
        }
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| quote(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let sql = format!("CREATE TABLE {} ({})", quote(&table.name), parts.join(", "));
        let mut connection = self.connect().await;
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.insert(table, rows).await;
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        let mut connection = self.connect().await;
        let mut transaction = connection.begin().await.unwrap();
        let places = vec!["?"; table.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} VALUES ({places})", quote(&table.name));
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for cell in row {
                query = query.bind(cell.clone());
            }
            query.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
    }

    async fn state(&self) -> Option<String> {
        let mut state = String::new();
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            state.push_str(&path.to_string_lossy());
            state.push_str(&String::from_utf8_lossy(&bytes));
        }
        Some(state)
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        std::fs::write(
            self.0.path().join("notes.txt"),
            "not a database ".repeat(100),
        )
        .unwrap();
        let configs = [
            "path = 'absent.db'",
            "path = 'notes.txt'",
            "path = 7",
            "",
            "path = '.'",
        ];
        configs.iter().map(|text| text.parse().unwrap()).collect()
    }
}

rabt_connect::compliance_tests!(SqliteSubject);

fn plan(table: &str, columns: &[&str], key: &[&str]) -> Plan {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.to_owned(),
        key: own(key),
        columns: own(columns),
        mode: Mode::Snapshot,
        chunk_rows: 2,
    }
}

/// Reads a table whole; a cell is its text, or its absence in angle brackets.
async fn read(folder: &Folder, plan: &Plan) -> Vec<Vec<String>> {
    let session = session(folder, folder.config());
    let (outlet, mut inlet) = Outlet::channel(4);
    let host = async move {
        let mut rows = Vec::new();
        while let Some(message) = inlet.receive().await.unwrap() {
            let Message::Rows(batch) = message else {
                continue;
            };
            for row in 0..batch.rows() {
                let cells =
                    (0..batch.columns().len()).map(|column| match batch.cell(row, column) {
                        Cell::Text(text) => text.to_owned(),
                        Cell::Null => "<null>".to_owned(),
                        Cell::Unchanged => "<unchanged>".to_owned(),
                        Cell::Unreadable(fault) => format!("<{}>", fault.code()),
                    });
                rows.push(cells.collect());
            }
        }
        rows
    };
    let (result, rows) =
        futures::future::join(Sqlite.read(&session, plan, None, outlet), host).await;
    result.unwrap();
    rows
}

fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn values_are_read_by_the_type_they_have() {
    let folder = folder();
    folder
        .run(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);
             INSERT INTO t VALUES (1, 'not an int'), (2, 29001010112345.5), (3, 1e400),
               (4, x'00ff'), (5, CAST(x'c328' AS TEXT)), (6, CAST(x'610062' AS TEXT)),
               (7, -9223372036854775808), (8, NULL), (9, ''), (10, 29001010112345.0);",
        )
        .await;
    let rows = read(&folder, &plan("t", &["v"], &["id"])).await;
    let values: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        values,
        [
            "not an int",
            "29001010112345.5",
            "inf",
            "<binary>",
            "<not_text>",
            "<nul_byte>",
            "-9223372036854775808",
            "<null>",
            "",
            "29001010112345",
        ]
    );
}

#[tokio::test]
async fn keys_of_any_kind_cut_chunks() {
    let folder = folder();
    folder
        .run(
            "CREATE TABLE mixed (k, v);
             INSERT INTO mixed VALUES (NULL, 1), (NULL, 2), (NULL, 3), (1, 4), (1.5, 5), (2, 6),
               ('a', 7), ('a', 8), ('a', 9), (x'01', 10), (x'01', 11), (x'01', 12);
             CREATE TABLE folded (k TEXT COLLATE NOCASE, v);
             INSERT INTO folded VALUES ('a', 1), ('A', 2), ('a', 3), ('B', 4), ('b', 5);
             CREATE TABLE bare (a TEXT, b INTEGER, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
             INSERT INTO bare VALUES ('x', 1, 1), ('x', 2, 2), ('x', 3, 3), ('y', 1, 4);
             CREATE TABLE hidden (rowid TEXT, k INTEGER, v);
             INSERT INTO hidden VALUES ('z', 1, 1), ('y', 1, 2), ('x', 1, 3);
             CREATE VIEW seen AS SELECT k, v FROM mixed;",
        )
        .await;
    for (table, key, count) in [
        ("mixed", vec!["k"], 12),
        ("folded", vec!["k"], 5),
        ("bare", vec!["a", "b"], 4),
        ("bare", vec!["a"], 4),
        ("hidden", vec!["k"], 3),
        ("seen", vec!["k"], 12),
    ] {
        let rows = read(&folder, &plan(table, &["v"], &key)).await;
        let mut values: Vec<usize> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
        values.sort_unstable();
        let expected: Vec<usize> = (1..=count).collect();
        assert_eq!(values, expected, "{table} by {key:?}");
    }
}

#[tokio::test]
async fn a_column_outside_the_plan_is_never_evaluated() {
    let folder = folder();
    folder
        .run(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v);
             INSERT INTO t VALUES (1, 'x');
             CREATE VIEW trap AS SELECT id, v, abs(-9223372036854775808 + id - 1) AS boom FROM t;",
        )
        .await;
    let rows = read(&folder, &plan("trap", &["v"], &["id"])).await;
    assert_eq!(rows, [["x"]]);
}

#[tokio::test]
async fn a_broken_view_hides_no_table() {
    let folder = folder();
    folder
        .run(
            "CREATE TABLE gone (a); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone;
             CREATE TABLE t (id INTEGER PRIMARY KEY, g AS (id + 1));",
        )
        .await;
    let session = session(&folder, folder.config());
    let tables = Sqlite
        .discover(&session, &rabt_connect::Filter::default())
        .await
        .unwrap();
    let last = tables.last().unwrap();
    assert_eq!(last.name, "t");
    assert_eq!(last.columns[1].name, "g");
}

#[tokio::test]
async fn a_file_that_is_held_is_transient() {
    let folder = folder();
    folder.run("CREATE TABLE t (id INTEGER PRIMARY KEY);").await;
    let mut holder = folder.connect().await;
    sqlx::raw_sql("BEGIN EXCLUSIVE")
        .execute(&mut holder)
        .await
        .unwrap();
    let session = session(&folder, folder.config());
    let found = Sqlite
        .discover(&session, &rabt_connect::Filter::default())
        .await;
    assert_eq!(found.unwrap_err().name(), "transient");
}

#[tokio::test]
async fn another_schema_than_main_is_told() {
    let folder = folder();
    folder.run("CREATE TABLE t (id INTEGER PRIMARY KEY);").await;
    let session = session(&folder, folder.config());
    let mut plan = plan("t", &["id"], &["id"]);
    plan.schema = Some("public".to_owned());
    let (outlet, _inlet) = Outlet::channel(1);
    let error = Sqlite
        .read(&session, &plan, None, outlet)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "configuration");
}
