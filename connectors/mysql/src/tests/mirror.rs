//! A host for tests: it holds what it was told, and reads on from there.

use std::collections::BTreeMap;

use rabt_connect::{
    Cell, ConnectError, Connector, Inlet, Message, Mode, Outlet, Plan, Position, Session,
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};

use super::{Agency, plan};
use crate::Mysql;

pub(super) const PEOPLE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text, note text)";

/// What a host holds that takes every message as it comes.
#[derive(Debug, Default, Clone)]
pub(super) struct Mirror {
    /// The rows by their first column, as texts joined by `|`.
    pub(super) rows: BTreeMap<String, String>,
    /// Every message but checkpoints, in order.
    pub(super) log: Vec<String>,
    pub(super) position: Option<Position>,
    pub(super) checkpoints: usize,
}

/// Reads the table [`PEOPLE`] for the first time; returns how it is read on.
pub(super) async fn followed(agency: &Agency) -> (Session, Plan, Mirror) {
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    (session, plan, mirror)
}

impl Mirror {
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Rows(batch) => {
                for row in 0..batch.rows() {
                    let cells = (0..batch.columns().len()).map(|c| match batch.cell(row, c) {
                        Cell::Text(text) => text.to_owned(),
                        Cell::Null => "∅".to_owned(),
                        Cell::Unchanged => "unchanged".to_owned(),
                        Cell::Unreadable(fault) => fault.code().to_owned(),
                    });
                    let cells: Vec<String> = cells.collect();
                    self.rows.insert(cells[0].clone(), cells.join("|"));
                    self.log.push(format!("+{}", cells.join("|")));
                }
            }
            Message::Deleted(keys) => {
                for gone in keys {
                    self.rows.remove(gone.key.expose());
                    self.log.push(format!("-{}", gone.key.expose()));
                }
            }
            Message::Truncated => {
                self.rows.clear();
                self.log.push("truncated".to_owned());
            }
            Message::SchemaChanged(table) => {
                let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                self.log.push(format!("columns {}", names.join(",")));
            }
            Message::Checkpoint { position, .. } => {
                self.position = Some(position.as_str().parse().unwrap());
                self.checkpoints += 1;
            }
            Message::Progress(_) => {}
        }
    }

    /// Reads from where the mirror is until the read ends.
    pub(super) async fn read(
        &mut self,
        session: &Session,
        plan: &Plan,
    ) -> Result<(), ConnectError> {
        let (outlet, inlet) = Outlet::channel(2);
        let reading = Mysql.read(session, plan, self.position.clone(), outlet);
        let (read, ()) = tokio::join!(reading, self.take_all(inlet));
        read
    }

    async fn take_all(&mut self, mut inlet: Inlet) {
        while let Some(message) = inlet.receive().await.unwrap() {
            let committed = if let Message::Checkpoint { position, .. } = &message {
                Some(position.clone())
            } else {
                None
            };
            self.take(message);
            if let Some(position) = committed {
                inlet.acknowledge(position);
            }
        }
    }

    /// Reads until the log has so many lines, and commits nothing.
    pub(super) async fn read_unacknowledged(
        &mut self,
        session: &Session,
        plan: &Plan,
        lines: usize,
    ) {
        let (outlet, mut inlet) = Outlet::channel(1);
        let reading = Mysql.read(session, plan, self.position.clone(), outlet);
        let host = async {
            while self.log.len() < lines {
                self.take(inlet.receive().await.unwrap().unwrap());
            }
            drop(inlet);
        };
        let (read, ()) = tokio::join!(reading, host);
        assert!(
            matches!(read, Ok(()) | Err(ConnectError::Cancelled)),
            "{read:?}"
        );
    }

    /// Reads once more and returns what came.
    pub(super) async fn news(&mut self, session: &Session, plan: &Plan) -> Vec<String> {
        let before = self.log.len();
        self.read(session, plan).await.unwrap();
        self.log.split_off(before)
    }
}

pub(super) fn changes(table: &str, key: &[&str], columns: &[&str]) -> Plan {
    Plan {
        mode: Mode::Changes { follow: false },
        chunk_rows: 100,
        ..plan(table, key, columns)
    }
}

pub(super) fn logging(url: &str, source: &str) -> Session {
    let mut config = toml::Table::new();
    config.insert("url".into(), url.into());
    config.insert("binlog".into(), true.into());
    Session::new(source.parse().unwrap(), config, "/")
}

impl Agency {
    pub(super) fn logging(&self) -> Session {
        logging(&self.url(), &self.name)
    }
}

/// The table as it is now, as a mirror holds it.
pub(super) async fn table(url: &str, select: &str) -> BTreeMap<String, String> {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(select))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    rows.iter()
        .map(|row| (row.get::<String, _>(0), row.get::<String, _>(1)))
        .collect()
}
