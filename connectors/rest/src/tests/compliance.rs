//! The suite that every kind passes, once for each way of paging.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{ColumnKind, Features, NewTable, Place, Row, Subject};

use super::server::{Asked, Reply, Server};
use crate::Rest;

/// A server whose pages follow each other in one way.
struct Paged {
    paging: &'static str,
}

/// What a server holds: objects as JSON, and the value of their column `seen`.
type Tables = Arc<Mutex<BTreeMap<String, Vec<(String, i64)>>>>;

struct Api {
    server: Server,
    tables: Tables,
    paging: &'static str,
}

const TOKEN: &str = "right";

#[async_trait]
impl Subject for Paged {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Rest)
    }

    fn features(&self) -> Features {
        Features {
            keys: false,
            ..Features::default()
        }
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        let tables = Tables::default();
        let (held, paging) = (Arc::clone(&tables), self.paging);
        let server = Server::start(move |asked| answer(asked, &held, paging)).await;
        Some(Box::new(Api {
            server,
            tables,
            paging,
        }))
    }
}

fn answer(asked: &Asked, tables: &Tables, paging: &str) -> Reply {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return Reply::status(401);
    }
    let tables = tables.lock().unwrap();
    let name = asked.path.strip_prefix("/api/").unwrap_or_default();
    let Some(table) = tables.get(name) else {
        return Reply::status(404);
    };
    let from = asked.param("seen_from").map(|from| from.parse().unwrap());
    let rows: Vec<&str> = table
        .iter()
        .filter(|(_, seen)| from.is_none_or(|from: i64| *seen >= from))
        .map(|(json, _)| json.as_str())
        .collect();
    let size = asked.number("limit").unwrap_or(300);
    let start = match paging {
        "offset" => asked.number("offset").unwrap(),
        "page" => asked.number("page").unwrap() * size,
        "cursor" => asked.number("cursor").unwrap_or(0),
        _ => asked.number("after").unwrap_or(0),
    };
    let start = start.min(rows.len());
    let end = (start + size).min(rows.len());
    let list = rows[start..end].join(",");
    let more = end < rows.len();
    let follow = format!("{}&after={end}", asked.query);
    let follow = follow.replace(&format!("after={start}&"), "");
    let address = format!("/api/{name}?{}", follow.trim_start_matches('&'));
    let (next, link) = match (paging, more) {
        ("cursor", true) => (format!("\"{end}\""), None),
        ("next", true) => (format!("\"{address}\""), None),
        ("link", true) => (
            "null".to_owned(),
            Some(format!("<{address}>; rel=\"next\"")),
        ),
        _ => ("null".to_owned(), None),
    };
    let reply = Reply::json(format!(
        "{{\"meta\":{{\"next\":{next}}},\"data\":[{list}]}}"
    ));
    match link {
        Some(link) => reply.with("link", link),
        None => reply,
    }
}

impl Api {
    fn of(&self, token: &str) -> toml::Table {
        let paging = match self.paging {
            "offset" => "paging = 'offset'\npage_size = 1000",
            "page" => "paging = 'page'\nfirst_page = 0\npage_size = 50",
            "cursor" => "paging = 'cursor'\nnext = '/meta/next'",
            "next" => "paging = 'next'\nnext = '/meta/next'",
            _ => "paging = 'link'\npage_size = 20",
        };
        let config = format!(
            "url = '{}'\nauth = 'bearer'\ntoken = '{token}'\nrows = '/data'\n{paging}\n\
             since = {{ seen_from = '{{cursor}}' }}\n[tables]",
            self.server.url()
        );
        let mut config: toml::Table = config.parse().unwrap();
        for name in self.tables.lock().unwrap().keys() {
            list(&mut config, name);
        }
        config
    }
}

fn list(config: &mut toml::Table, name: &str) {
    let tables = config["tables"].as_table_mut().unwrap();
    tables.insert(name.to_owned(), toml::Table::new().into());
}

#[async_trait]
impl Place for Api {
    fn config(&self) -> toml::Table {
        self.of(TOKEN)
    }

    fn base(&self) -> PathBuf {
        PathBuf::from("/")
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        self.tables
            .lock()
            .unwrap()
            .insert(table.name.clone(), Vec::new());
        self.insert(table, rows).await;
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        let mut tables = self.tables.lock().unwrap();
        let held = tables.get_mut(&table.name).unwrap();
        for row in rows {
            let mut seen = 0;
            let mut object = Vec::new();
            for (column, cell) in table.columns.iter().zip(row) {
                let name = serde_json::to_string(&column.name).unwrap();
                let value = match (cell, column.kind) {
                    (None, _) => "null".to_owned(),
                    (Some(cell), ColumnKind::Integer) => cell.clone(),
                    (Some(cell), ColumnKind::Text) => serde_json::to_string(cell).unwrap(),
                };
                if column.name == "seen" {
                    seen = value.parse().unwrap();
                }
                object.push(format!("{name}: {value}"));
            }
            held.push((format!("{{{}}}", object.join(", ")), seen));
        }
    }

    async fn state(&self) -> Option<String> {
        let methods: Vec<_> = self.server.asked().into_iter().map(|a| a.method).collect();
        assert!(methods.iter().all(|method| *method == http::Method::GET));
        Some(format!("{:?}", self.tables.lock().unwrap()))
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let mut wrong = self.of("hunter2");
        list(&mut wrong, "persons");
        let mut configs = vec![wrong];
        for (key, value) in [
            ("url", "http://rabt:hunter2@localhost/"),
            ("url", "hunter2"),
            ("paging", "hunter2"),
            ("rows", "/absent"),
            ("rows", "absent"),
            ("ca", "/hunter2.pem"),
            ("page_size", "hunter2"),
        ] {
            let mut config = self.config();
            list(&mut config, "persons");
            config.insert(key.to_owned(), value.into());
            configs.push(config);
        }
        let mut elsewhere = self.config();
        list(&mut elsewhere, "persons");
        let url = format!("{}/absent", self.server.url());
        elsewhere.insert("url".to_owned(), url.into());
        configs.push(elsewhere);
        configs.push(toml::Table::new());
        configs
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        let mut config = self.config();
        list(&mut config, "persons");
        config.insert("url".to_owned(), "http://127.0.0.1:1".into());
        Some(config)
    }
}

macro_rules! suite {
    ($name:ident) => {
        mod $name {
            use super::Paged;
            rabt_connect::compliance_tests!(Paged {
                paging: stringify!($name)
            });
        }
    };
}

suite!(offset);
suite!(page);
suite!(cursor);
suite!(link);
suite!(next);
