//! The suite that every kind passes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{Change, ColumnKind, NewTable, Place, Row, Subject};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::Agency;
use super::own::OwnServer;
use crate::Mysql;
use crate::sql::quote;

struct Server;

static PLACES: AtomicU32 = AtomicU32::new(0);

#[async_trait]
impl Subject for Server {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Mysql)
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let agency = Agency::with(&format!("compliance{number}"), "SELECT 1").await?;
        Some(Box::new(agency))
    }

    async fn place_with_own_log(&self) -> Option<Box<dyn Place>> {
        let server = OwnServer::start(&[]).await?;
        let mut agency = Agency::at(server.url(), "forgotten", "SELECT 1").await;
        agency.own = Some(server);
        Some(Box::new(agency))
    }
}

impl Agency {
    async fn connect(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url()).await.unwrap()
    }

    fn config_of(url: String) -> toml::Table {
        let mut config = toml::Table::new();
        config.insert("url".to_owned(), url.into());
        config.insert("binlog".to_owned(), true.into());
        config
    }
}

#[async_trait]
impl Place for Agency {
    fn config(&self) -> toml::Table {
        Self::config_of(self.url())
    }

    fn base(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn schema(&self) -> Option<String> {
        None
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let mut parts = Vec::new();
        for column in &table.columns {
            let kind = match column.kind {
                ColumnKind::Text => {
                    if table.key.contains(&column.name) {
                        "varchar(100)"
                    } else {
                        "mediumtext"
                    }
                }
                ColumnKind::Integer => "bigint",
            };
            parts.push(format!("{} {kind}", quote(&column.name).unwrap()));
        }
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| quote(name).unwrap()).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let name = quote(&table.name).unwrap();
        self.run(&format!("CREATE TABLE {name} ({})", parts.join(", ")))
            .await;
        self.insert(table, rows).await;
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        let values: Vec<String> = (0..table.columns.len()).map(|_| "?".to_owned()).collect();
        let name = quote(&table.name).unwrap();
        let insert = format!("INSERT INTO {name} VALUES ({})", values.join(", "));
        let mut connection = self.connect().await;
        let mut transaction = connection.begin().await.unwrap();
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(insert.as_str()));
            for (cell, column) in row.iter().zip(&table.columns) {
                query = match column.kind {
                    ColumnKind::Text => query.bind(cell.clone()),
                    ColumnKind::Integer => {
                        query.bind(cell.as_ref().map(|cell| cell.parse::<i64>().unwrap()))
                    }
                };
            }
            query.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
    }

    async fn change(&self, table: &NewTable, change: Change) {
        let name = quote(&table.name).unwrap();
        let columns = table
            .columns
            .iter()
            .map(|column| quote(&column.name).unwrap());
        let columns: Vec<String> = columns.collect();
        let text = |cell: &Option<String>| match cell {
            Some(text) => format!("'{text}'"),
            None => "NULL".to_owned(),
        };
        let statement = match change {
            Change::Insert(row) => return self.insert(table, &[row]).await,
            Change::Update(key, row) => {
                let cells = columns.iter().zip(&row);
                let cells = cells.map(|(column, cell)| format!("{column} = {}", text(cell)));
                let cells: Vec<String> = cells.collect();
                format!(
                    "UPDATE {name} SET {} WHERE {} = '{key}'",
                    cells.join(", "),
                    columns[0]
                )
            }
            Change::Delete(key) => format!("DELETE FROM {name} WHERE {} = '{key}'", columns[0]),
            Change::Truncate => format!("TRUNCATE {name}"),
        };
        self.run(&statement).await;
    }

    /// The administrator removes the files of the log, all but the last.
    async fn lose_log(&self) -> bool {
        let server = self.own.as_ref().expect("a server of the test's own");
        server.purge().await;
        true
    }

    async fn state(&self) -> Option<String> {
        let mut connection = self.connect().await;
        let last = "SELECT CAST(MAX(update_time) AS CHAR) FROM information_schema.tables \
             WHERE table_schema = DATABASE()";
        sqlx::query_scalar(last)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let url = self.url();
        let wrong = [
            url.replace("rabt:rabt@", "rabt:hunter2@"),
            url.replace("rabt:rabt@", "nobody:hunter2@"),
            format!("{url}_absent"),
            "hunter2".to_owned(),
        ];
        let mut configs: Vec<toml::Table> = wrong.into_iter().map(Self::config_of).collect();
        configs.push("host = '127.0.0.1'".parse().unwrap());
        configs.push("host = 7".parse().unwrap());
        configs
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        Some(Self::config_of(
            "mysql://u:hunter2@127.0.0.1:1/x".to_owned(),
        ))
    }
}

rabt_connect::compliance_tests!(Server);
