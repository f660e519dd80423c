//! Reads tables and views through ODBC: Oracle, SQL Server, DB2 and whatever else has a driver.
//!
//! Invariant: every value arrives whole, as text, or says why not; nothing of a driver's messages is
//! repeated, because they can hold values.

mod catalog;
mod check;
mod config;
mod connection;
mod dialect;
mod fault;
mod read;
mod rowset;
mod sql;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan, Position,
    Problem, Session, Table,
};
use rabt_model::Label;
use tokio::runtime::Handle;

/// The kind `odbc`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odbc;

/// The kind's name in a manifest.
pub const KIND: &str = "odbc";

/// How long a read that nobody wants may still take to notice it.
const GRACE: Duration = Duration::from_millis(300);

#[async_trait]
impl Connector for Odbc {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new(
                "Database with an ODBC driver",
                "قاعدة بيانات لها برنامج تشغيل ODBC",
            ),
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
        problems.extend(config::problems_of(config));
        problems
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        let session = session.clone();
        let checked = blocking(move || Ok(check::check(&session))).await;
        checked.unwrap_or_else(|error| vec![Finding::of_error("driver", &error)])
    }

    async fn discover(
        &self,
        session: &Session,
        filter: &Filter,
    ) -> Result<Vec<Table>, ConnectError> {
        let (session, filter) = (session.clone(), filter.clone());
        blocking(move || catalog::discover(&session, &filter)).await
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let (session, plan) = (session.clone(), plan.clone());
        let outlet = Arc::new(outlet);
        let sending = Arc::clone(&outlet);
        let host = Handle::current();
        let reading = blocking(move || read::read(&session, &plan, from, &sending, &host));
        tokio::pin!(reading);
        tokio::select! {
            done = &mut reading => done,
            () = outlet.cancelled() => {
                // A statement that runs on ends with its time limit, or with this process.
                let _ = tokio::time::timeout(GRACE, reading).await;
                Err(ConnectError::Cancelled)
            }
        }
    }
}

/// Does on a thread of its own what waits for a driver. A panic becomes a defect.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ConnectError::defect("odbc", "the reading thread panicked")))
}
