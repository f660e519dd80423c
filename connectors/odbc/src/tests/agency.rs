//! An agency's database, made through its driver.

use std::sync::atomic::{AtomicU32, Ordering};

use odbc_api::parameter::{InputParameter, VarWCharBox};
use odbc_api::{Connection, ConnectionOptions, Cursor, IntoParameter, environment};
use rabt_connect::Session;
use rabt_connect::compliance::{ColumnKind, NewTable, Row};

static PLACES: AtomicU32 = AtomicU32::new(0);

/// A driver, and what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    Sqlite,
    Postgres,
    Mariadb,
}

/// A database that lives as long as its test.
pub(super) struct Agency {
    pub(super) driver: Driver,
    /// Address of the server: host, port.
    server: Option<(String, String)>,
    pub(super) name: String,
    pub(super) folder: tempfile::TempDir,
}

impl Driver {
    /// Returns the driver's name, its Debian package, and where its server's address stands.
    const fn parts(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Sqlite => ("SQLite3", "libsqliteodbc", None),
            Self::Postgres => (
                "PostgreSQL Unicode",
                "odbc-postgresql",
                Some("RABT_TEST_POSTGRES_URL"),
            ),
            Self::Mariadb => (
                "MariaDB Unicode",
                "odbc-mariadb",
                Some("RABT_TEST_MYSQL_URL"),
            ),
        }
    }
}

fn missing<T>(what: &str) -> Option<T> {
    let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
    assert!(!required, "RABT_REQUIRE_LANES=all, and there is no {what}");
    eprintln!("skipped: no {what}");
    None
}

/// Connects; `text` is a whole connection string.
fn connect(text: &str) -> Connection<'static> {
    let connected = environment()
        .unwrap()
        .connect_with_connection_string(text, ConnectionOptions::default());
    connected.unwrap()
}

fn run(connection: &Connection<'_>, statement: &str) {
    if let Some(mut cursor) = connection.execute(statement, (), None).unwrap() {
        while cursor.next_row().unwrap().is_some() {}
    }
}

impl Agency {
    /// Returns a fresh database, or says what is missing.
    pub(super) fn new(driver: Driver) -> Option<Self> {
        let (known, package, address) = driver.parts();
        let drivers = environment().unwrap().drivers().unwrap();
        if drivers.iter().all(|driver| driver.description != known) {
            return missing(&format!("ODBC driver {known} (Debian package {package})"));
        }
        let server = match address.map(std::env::var) {
            None => None,
            Some(Err(_)) => return missing(&format!("server for {known}")),
            Some(Ok(url)) => {
                let place = url.split_once('@').unwrap().1.split('/').next().unwrap();
                let (host, port) = place.split_once(':').unwrap();
                Some((host.to_owned(), port.to_owned()))
            }
        };
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().unwrap();
        let name = match driver {
            Driver::Sqlite => folder.path().join("agency.db").display().to_string(),
            Driver::Postgres | Driver::Mariadb => {
                format!("rabt_odbc_{}_{number}", std::process::id())
            }
        };
        let agency = Self {
            driver,
            server,
            name,
            folder,
        };
        match driver.parts().2 {
            None => run(&connect(&agency.connection(&agency.name)), "VACUUM"),
            Some(_) => agency.on_server(&format!("CREATE DATABASE {}", agency.name)),
        }
        Some(agency)
    }

    /// Returns the connection string of a database, without an account.
    pub(super) fn connection(&self, database: &str) -> String {
        let (driver, ..) = self.driver.parts();
        let server = self
            .server
            .as_ref()
            .map(|(host, port)| format!(";Server={host};Port={port}"));
        format!(
            "Driver={{{driver}}}{};Database={database}",
            server.unwrap_or_default()
        )
    }

    pub(super) fn open(&self) -> Connection<'static> {
        let account = if self.server.is_some() {
            ";UID=rabt;PWD=rabt"
        } else {
            ""
        };
        connect(&format!("{}{account}", self.connection(&self.name)))
    }

    fn on_server(&self, statement: &str) {
        let usual = if self.driver == Driver::Postgres {
            "postgres"
        } else {
            "mysql"
        };
        let text = format!("{};UID=rabt;PWD=rabt", self.connection(usual));
        run(&connect(&text), statement);
    }

    /// Runs a statement of the agency's.
    pub(super) fn run(&self, statement: &str) {
        run(&self.open(), statement);
    }

    pub(super) fn config_of(connection: &str) -> toml::Table {
        let mut config = toml::Table::new();
        config.insert("connection".to_owned(), connection.into());
        config
    }

    /// Returns a right configuration with some keys more.
    pub(super) fn config_with(&self, more: &[(&str, &str)]) -> toml::Table {
        let mut config = Self::config_of(&self.connection(&self.name));
        if self.server.is_some() {
            config.insert("user".to_owned(), "rabt".into());
            config.insert("password".to_owned(), "rabt".into());
        }
        for (key, value) in more {
            config.insert((*key).to_owned(), (*value).into());
        }
        config
    }

    pub(super) fn session(&self) -> Session {
        Session::new("tax".parse().unwrap(), self.config_with(&[]), "/")
    }

    pub(super) fn wrong(&self) -> Vec<toml::Table> {
        if self.server.is_none() {
            let absent = self.folder.path().join("absent.db").display().to_string();
            let notes = self.folder.path().join("notes.txt");
            std::fs::write(&notes, "not a database ".repeat(100)).unwrap();
            let notes = notes.display().to_string();
            return [absent, notes]
                .map(|path| Self::config_of(&self.connection(&path)))
                .into();
        }
        let mut absent = self.config_with(&[]);
        let elsewhere = self.connection("rabt_absent");
        absent.insert("connection".to_owned(), elsewhere.into());
        vec![
            self.config_with(&[("password", "hunter2")]),
            self.config_with(&[("user", "nobody"), ("password", "hunter2")]),
            absent,
        ]
    }

    pub(super) fn unreachable(&self) -> Option<toml::Table> {
        self.server.as_ref()?;
        let (driver, ..) = self.driver.parts();
        let nobody = format!("Driver={{{driver}}};Server=127.0.0.1;Port=1;Database=x");
        let mut config = Self::config_of(&nobody);
        config.insert("user".to_owned(), "u".into());
        config.insert("password".to_owned(), "hunter2".into());
        Some(config)
    }

    pub(super) fn quote(&self, name: &str) -> String {
        let quote = if self.driver == Driver::Mariadb {
            "`"
        } else {
            "\""
        };
        format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2)))
    }

    pub(super) fn create_table(&self, table: &NewTable) {
        let mut parts = Vec::new();
        for column in &table.columns {
            let kind = match (column.kind, self.driver) {
                (ColumnKind::Integer, _) => "bigint",
                (ColumnKind::Text, Driver::Mariadb) if table.key.contains(&column.name) => {
                    "varchar(100)"
                }
                (ColumnKind::Text, Driver::Mariadb) => "mediumtext",
                (ColumnKind::Text, Driver::Sqlite | Driver::Postgres) => "text",
            };
            parts.push(format!("{} {kind}", self.quote(&column.name)));
        }
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| self.quote(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let encoding = match self.driver {
            Driver::Mariadb => " CHARACTER SET utf8mb4",
            Driver::Sqlite | Driver::Postgres => "",
        };
        let name = self.quote(&table.name);
        self.run(&format!(
            "CREATE TABLE {name} ({}){encoding}",
            parts.join(", ")
        ));
    }

    pub(super) fn insert_rows(&self, table: &NewTable, rows: &[Row]) {
        let places = vec!["?"; table.columns.len()].join(", ");
        let insert = format!("INSERT INTO {} VALUES ({places})", self.quote(&table.name));
        let connection = self.open();
        connection.set_autocommit(false).unwrap();
        let mut statement = connection.prepare(&insert).unwrap();
        for row in rows {
            let cells = row.iter().zip(&table.columns);
            let cells = cells.map(|(cell, column)| -> Box<dyn InputParameter> {
                match (column.kind, cell) {
                    (ColumnKind::Integer, cell) => {
                        let number = cell.as_ref().map(|cell| cell.parse::<i64>().unwrap());
                        Box::new(number.into_parameter())
                    }
                    (ColumnKind::Text, Some(text)) => Box::new(VarWCharBox::from_str_slice(text)),
                    (ColumnKind::Text, None) => Box::new(VarWCharBox::null()),
                }
            });
            let cells: Vec<Box<dyn InputParameter>> = cells.collect();
            statement.execute(cells.as_slice()).unwrap();
        }
        drop(statement);
        connection.commit().unwrap();
    }

    /// Returns what changes with the rows of the database.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let statement = match self.driver {
            Driver::Sqlite => {
                let bytes = std::fs::read(&self.name).unwrap();
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            Driver::Postgres => {
                "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::text FROM pg_stat_user_tables"
            }
            Driver::Mariadb => {
                "SELECT CAST(MAX(update_time) AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE()"
            }
        };
        let connection = self.open();
        let mut cursor = connection.execute(statement, (), None).unwrap()?;
        let mut row = cursor.next_row().unwrap()?;
        let mut text = Vec::new();
        row.get_text(1, &mut text).unwrap();
        String::from_utf8(text).ok()
    }
}

impl Drop for Agency {
    fn drop(&mut self) {
        if self.server.is_some() {
            let force = if self.driver == Driver::Postgres {
                " WITH (FORCE)"
            } else {
                ""
            };
            self.on_server(&format!("DROP DATABASE {}{force}", self.name));
        }
    }
}
