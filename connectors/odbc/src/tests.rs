//! Through the drivers of SQLite, `PostgreSQL` and MariaDB, where they and their servers are there; a
//! database for each test, made through ODBC too.

mod agency;
mod equal;
mod long;
mod own;
mod zone;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{Features, Names, NewTable, Place, Row, Subject};

use self::agency::{Agency, Driver};
use crate::Odbc;

#[async_trait]
impl Subject for Driver {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Odbc)
    }

    /// The driver of `SQLite` has no functions for Unicode, and cuts names that are not Latin.
    fn features(&self) -> Features {
        let names = match self {
            Self::Sqlite => Names::Plain,
            Self::Postgres | Self::Mariadb => Names::Any,
        };
        Features {
            names,
            ..Features::default()
        }
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        Some(Box::new(Agency::new(*self)?))
    }
}

#[async_trait]
impl Place for Agency {
    fn config(&self) -> toml::Table {
        self.config_with(&[])
    }

    fn base(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn schema(&self) -> Option<String> {
        (self.driver == Driver::Postgres).then(|| "public".to_owned())
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        self.create_table(table);
        self.insert_rows(table, rows);
    }

    async fn insert(&self, table: &NewTable, rows: &[Row]) {
        self.insert_rows(table, rows);
    }

    async fn state(&self) -> Option<String> {
        self.fingerprint()
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let mut configs: Vec<toml::Table> = self.wrong();
        configs.push(Agency::config_of("hunter2"));
        configs.push(Agency::config_of("Driver={No such driver};Server=x"));
        configs.push("connection = 7".parse().unwrap());
        configs
    }

    fn unreachable_config(&self) -> Option<toml::Table> {
        self.unreachable()
    }
}

mod sqlite {
    rabt_connect::compliance_tests!(super::Driver::Sqlite);
}

mod postgres {
    rabt_connect::compliance_tests!(super::Driver::Postgres);
}

mod mariadb {
    rabt_connect::compliance_tests!(super::Driver::Mariadb);
}
