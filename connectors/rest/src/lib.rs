//! The kind `rest`: lists of JSON objects that a server gives page by page over HTTP.
//!
//! Invariant: every value leaves as the text the server wrote, so a number keeps its digits; and
//! nothing that came from the server, and no secret, stands in an error.

mod check;
mod client;
mod config;
mod cursor;
mod discover;
mod fault;
mod json;
mod page;
mod pointer;
mod post;
mod read;
mod walk;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan, Position,
    Problem, Session, Table,
};
use rabt_model::Label;

pub use post::Post;

/// The kind's name in a manifest.
pub const KIND: &str = "rest";

/// Reads paged JSON over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rest;

#[async_trait]
impl Connector for Rest {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new("JSON over HTTP (REST)", "واجهة JSON عبر HTTP (REST)"),
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
