//! Reads tables and views of MariaDB and MySQL.
//!
//! Invariant: every value arrives as the text the server itself writes, so that a zero date, an
//! unsigned number or a member of a set is read like any other.

mod catalog;
mod change;
mod check;
mod config;
mod connection;
mod discover;
mod fault;
mod read;
mod sql;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan, Position,
    Problem, Session, Table,
};
use rabt_model::Label;

/// The kind `mysql`: MariaDB and MySQL.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mysql;

const KIND: &str = "mysql";

#[async_trait]
impl Connector for Mysql {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new("MariaDB or MySQL database", "قاعدة بيانات MariaDB أو MySQL"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: true,
                changes: true,
            },
            config: config::KEYS.to_vec(),
        }
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = self.describe().problems_of(config);
        problems.extend(config::problems_of(config));
        problems
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        check::check(session).await
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
        read::read(session, plan, from, outlet).await
    }
}
