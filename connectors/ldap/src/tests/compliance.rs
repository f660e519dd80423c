//! The suite that every kind passes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{ColumnKind, Features, Names, NewTable, Place, Row, Subject};

use super::ldif::Ldif;
use super::slapd::{SUFFIX, Setup, Slapd};
use crate::Ldap;

struct Directory;

struct Office {
    held: Mutex<Held>,
    /// The configuration without the tables.
    config: toml::Table,
}

struct Held {
    server: Slapd,
    /// Types of attributes by their names.
    types: BTreeMap<String, String>,
    classes: BTreeMap<String, String>,
    rows: usize,
}

/// Where the tables lie.
const TABLES: &str = "ou=tables";

/// Types that every server knows.
const KNOWN: [&str; 2] = ["name", "c"];

/// The arc of private numbers that RFC 5612 keeps for examples.
const ARC: &str = "1.3.6.1.4.1.32473";

#[async_trait]
impl Subject for Directory {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Ldap)
    }

    fn features(&self) -> Features {
        Features {
            keys: false,
            // No value of a directory string is empty, and the server takes no empty one elsewhere.
            nulls: false,
            names: Names::Plain,
            own_columns: &[
                "cn",
                "dn",
                "entryUUID",
                "createTimestamp",
                "modifyTimestamp",
            ],
            ..Features::default()
        }
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        let mut server = Slapd::start(&Setup::default())?;
        let mut ldif = Ldif::default();
        let attributes = [("objectClass", "organizationalUnit"), ("ou", "tables")];
        ldif.entry(&format!("{TABLES},{SUFFIX}"), &attributes);
        server.reload(&ldif);
        let config = format!("{}scope = 'one'\n[tables]\n", server.config(TABLES));
        Some(Box::new(Office {
            config: config.parse().unwrap(),
            held: Mutex::new(Held {
                server,
                types: BTreeMap::new(),
                classes: BTreeMap::new(),
                rows: 0,
            }),
        }))
    }
}

impl Held {
    /// Makes the class of a table and the types of its columns.
    fn describe(&mut self, table: &NewTable) {
        for column in &table.columns {
            let number = self.types.len() + 1;
            let kind = match column.kind {
                ColumnKind::Text => {
                    "EQUALITY caseExactMatch ORDERING caseExactOrderingMatch \
                     SYNTAX 1.3.6.1.4.1.1466.115.121.1.15"
                }
                ColumnKind::Integer => {
                    "EQUALITY integerMatch ORDERING integerOrderingMatch \
                     SYNTAX 1.3.6.1.4.1.1466.115.121.1.27"
                }
            };
            let name = &column.name;
            if !KNOWN.contains(&name.as_str()) {
                let text =
                    format!("attributetype ( {ARC}.1.{number} NAME '{name}' {kind} SINGLE-VALUE )");
                self.types.entry(name.clone()).or_insert(text);
            }
        }
        let columns: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let (name, number) = (&table.name, self.classes.len() + 1);
        let columns = columns.join(" $ ");
        let class = format!(
            "objectclass ( {ARC}.2.{number} NAME '{name}' SUP top STRUCTURAL MUST cn MAY ( {columns} ) )"
        );
        self.classes.insert(table.name.clone(), class);
        let mut schema = String::new();
        for line in self.types.values().chain(self.classes.values()) {
            writeln!(schema, "{line}").unwrap();
        }
        self.server.stop();
        self.server.configure(&Setup {
            schema,
            ..Setup::default()
        });
    }

    fn add(&mut self, table: &NewTable, rows: &[Row]) {
        let mut ldif = Ldif::default();
        for row in rows {
            self.rows += 1;
            let name = format!("r{}", self.rows);
            let mut attributes = vec![("objectClass", table.name.as_str()), ("cn", &name)];
            for (column, cell) in table.columns.iter().zip(row) {
                attributes.extend(
                    cell.as_ref()
                        .map(|cell| (column.name.as_str(), cell.as_str())),
                );
            }
            ldif.entry(&format!("cn={name},{TABLES},{SUFFIX}"), &attributes);
        }
        self.server.reload(&ldif);
    }
}

impl Office {
    fn with(&self, key: &str, value: impl Into<toml::Value>) -> toml::Table {
        let mut config = self.config();
        config.insert(key.to_owned(), value.into());
        config
    }
}

#[async_trait]
impl Place for Office {
    fn config(&self) -> toml::Table {
        let mut config = self.config.clone();
        let tables = config["tables"].as_table_mut().unwrap();
        for name in self.held.lock().unwrap().classes.keys() {
            tables.insert(name.clone(), toml::Table::new().into());
        }
        if tables.is_empty() {
            config.remove("tables");
        }
        config
    }

    fn base(&self) -> PathBuf {
        PathBuf::from("/")
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let mut held = self.held.lock().unwrap();
        held.describe(table);
        held.add(table, rows);
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        self.held.lock().unwrap().add(table, rows);
    }

    async fn state(&self) -> Option<String> {
        Some(self.held.lock().unwrap().server.dump())
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let mut configs: Vec<toml::Table> = [
            ("password", "hunter2"),
            ("bind_dn", "cn=hunter2,dc=agency,dc=example"),
            ("bind_dn", "hunter2"),
            ("base", "ou=hunter2,dc=agency,dc=example"),
            ("base", "hunter2"),
            ("url", "hunter2"),
            ("url", "ldap://rabt:hunter2@localhost"),
            ("filter", "hunter2"),
            ("scope", "hunter2"),
            ("ca", "/hunter2.pem"),
        ]
        .into_iter()
        .map(|(key, value)| self.with(key, value))
        .collect();
        // The server has no certificate.
        configs.push(self.with("start_tls", true));
        configs.push(toml::Table::new());
        configs
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        Some(self.with("url", "ldap://127.0.0.1:1"))
    }
}

rabt_connect::compliance_tests!(Directory);
