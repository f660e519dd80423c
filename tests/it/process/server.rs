//! Databases of a PostgreSQL server as places of the compliance suite.

use std::path::PathBuf;

use async_trait::async_trait;
use rabt_connect::Session;
use rabt_connect::compliance::{Change, ColumnKind, NewTable, Place, Row};
use rabt_tests::{Database, postgres_url};
use sqlx::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

pub(super) struct Server(Database);

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(cell: Option<&String>) -> String {
    cell.map_or_else(
        || "NULL".to_owned(),
        |text| format!("'{}'", text.replace('\'', "''")),
    )
}

fn config_of(url: &str) -> toml::Table {
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), url.into());
    config.insert("publication".to_owned(), "rabt".into());
    config
}

impl Server {
    /// Returns an empty database whose log is published; nothing when there is no server.
    pub(super) async fn start() -> Option<Self> {
        let database = Database::on(&postgres_url()?).await;
        database.run("CREATE PUBLICATION rabt FOR ALL TABLES").await;
        Some(Self(database))
    }

    pub(super) async fn run(&self, script: &str) {
        self.0.run(script).await;
    }

    /// Returns the first cell of an answer.
    pub(super) async fn ask(&self, question: &str) -> Option<String> {
        let mut connection = PgConnection::connect(&self.0.url()).await.unwrap();
        let asked = sqlx::query_scalar(AssertSqlSafe(question));
        asked.fetch_one(&mut connection).await.unwrap()
    }

    pub(super) fn session(&self) -> Session {
        rabt_connect::compliance::session(self, self.config())
    }
}

#[async_trait]
impl Place for Server {
    fn config(&self) -> toml::Table {
        config_of(&self.0.url())
    }

    fn base(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn schema(&self) -> Option<String> {
        Some("public".to_owned())
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let columns = table.columns.iter().map(|column| match column.kind {
            ColumnKind::Text => format!("{} text", quote(&column.name)),
            ColumnKind::Integer => format!("{} bigint", quote(&column.name)),
        });
        let mut parts: Vec<String> = columns.collect();
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| quote(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let (name, parts) = (quote(&table.name), parts.join(", "));
        self.run(&format!("CREATE TABLE {name} ({parts})")).await;
        self.insert(table, rows).await;
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        let name = quote(&table.name);
        for page in rows.chunks(500) {
            let rows = page.iter().map(|row| {
                let cells: Vec<String> = row.iter().map(|cell| literal(cell.as_ref())).collect();
                format!("({})", cells.join(", "))
            });
            let rows: Vec<String> = rows.collect();
            self.run(&format!("INSERT INTO {name} VALUES {}", rows.join(", ")))
                .await;
        }
    }

    async fn change(&self, table: &NewTable, change: Change) {
        let (name, key) = (quote(&table.name), quote(&table.columns[0].name));
        let statement = match change {
            Change::Insert(row) => return self.insert(table, &[row]).await,
            Change::Update(of, row) => {
                let cells = table.columns.iter().zip(&row).map(|(column, cell)| {
                    format!("{} = {}", quote(&column.name), literal(cell.as_ref()))
                });
                let cells: Vec<String> = cells.collect();
                format!(
                    "UPDATE {name} SET {} WHERE {key} = '{of}'",
                    cells.join(", ")
                )
            }
            Change::Delete(of) => format!("DELETE FROM {name} WHERE {key} = '{of}'"),
            Change::Truncate => format!("TRUNCATE {name}"),
        };
        self.run(&statement).await;
    }

    async fn state(&self) -> Option<String> {
        let count = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::text FROM pg_stat_user_tables";
        self.ask(count).await
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let absent = format!("{}_absent", self.0.url());
        vec![
            config_of(&absent),
            config_of("hunter2"),
            "host = 7".parse().unwrap(),
        ]
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        Some(config_of("postgres://u:hunter2@127.0.0.1:1/x"))
    }
}
