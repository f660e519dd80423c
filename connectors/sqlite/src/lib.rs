//! The kind `sqlite`: one database file, opened read-only.
//!
//! Invariant: the file is never written, and a table that grows while it is read is still read
//! whole and in order.

mod discover;
mod open;
mod query;
mod read;
mod value;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConfigKey, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan,
    Position, Problem, Session, Table,
};
use rabt_model::Label;

/// The kind's name in a manifest.
pub const KIND: &str = "sqlite";

/// Reads `SQLite` files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sqlite;

#[async_trait]
impl Connector for Sqlite {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new("SQLite file", "ملف SQLite"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: true,
                changes: false,
            },
            config: vec![ConfigKey {
                name: "path",
                required: true,
                secret: false,
                doc: "the database file, from the folder of the manifest when it is relative",
            }],
        }
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = self.describe().problems_of(config);
        if let Some(path) = config.get("path")
            && path.as_str().is_none_or(str::is_empty)
        {
            problems.push(Problem::of_key("path", "must be a path in quotes"));
        }
        problems
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        discover::check(session).await
    }

    async fn discover(
        &self,
        session: &Session,
        filter: &Filter,
    ) -> Result<Vec<Table>, ConnectError> {
        discover::discover(session, filter).await
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        read::read(session, plan, from, &outlet).await
    }
}

#[cfg(test)]
mod tests;
