//! The kind `ldap`: entries of a directory, asked for over LDAP version 3.
//!
//! Invariant: nothing but bind, search, `StartTLS` and unbind is ever sent; and no value, name of an
//! entry or text of the server stands in an error.

mod attribute;
mod ber;
mod check;
mod client;
mod config;
mod discover;
mod fault;
mod filter;
mod order;
mod read;
mod schema;
mod time;
mod wire;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan, Position,
    Problem, Session, Table,
};
use rabt_model::Label;

/// The kind's name in a manifest.
pub const KIND: &str = "ldap";

/// Reads the entries of a directory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ldap;

#[async_trait]
impl Connector for Ldap {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new("Directory (LDAP)", "دليل (LDAP)"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: true,
                changes: false,
            },
            config: config::KEYS.to_vec(),
        }
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = self.describe().problems_of(config);
        for problem in config::problems_of(config) {
            if problems.iter().all(|known| known.key != problem.key) {
                problems.push(problem);
            }
        }
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
        read::read(session, plan, from, &outlet).await
    }
}

#[cfg(test)]
mod tests;
