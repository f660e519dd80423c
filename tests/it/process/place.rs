//! `SQLite` files as places of the compliance suite.

use std::path::PathBuf;

use async_trait::async_trait;
use rabt_connect::Session;
use rabt_connect::compliance::{ColumnKind, NewTable, Place, Row};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

pub(super) struct Folder(tempfile::TempDir);

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Folder {
    /// Returns a folder with a file that holds no table.
    pub(super) async fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.connect().await.close().await.unwrap();
        folder
    }

    /// Runs a script of the agency's.
    pub(super) async fn run(&self, script: &str) {
        let mut connection = self.connect().await;
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    pub(super) fn session(&self) -> Session {
        rabt_connect::compliance::session(self, self.config())
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
        let (name, parts) = (quote(&table.name), parts.join(", "));
        self.run(&format!("CREATE TABLE {name} ({parts})")).await;
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
        let notes = "not a database ".repeat(100);
        std::fs::write(self.0.path().join("notes.txt"), notes).unwrap();
        let wrong = ["absent.db", "notes.txt", "."].map(|path| format!("path = '{path}'"));
        let configs = wrong.iter().map(String::as_str).chain(["path = 7", ""]);
        configs.map(|text| text.parse().unwrap()).collect()
    }
}
