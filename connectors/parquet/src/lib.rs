//! Reads Parquet files: one, or those of a folder.
//!
//! Invariant: a row group is read a page at a time, so memory is bounded by the pages of a file; what
//! the decoder cannot make sense of, even by a panic, is a data error that names the file.

mod discover;
mod file;
mod folder;
mod form;
mod read;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConfigKey, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan,
    Position, Problem, Session, Table,
};
use rabt_model::Label;
use tokio::runtime::Handle;

/// The kind `parquet`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parquet;

/// The kind's name in a manifest.
pub const KIND: &str = "parquet";

/// How long a read that nobody wants may still take to notice it.
const GRACE: Duration = Duration::from_millis(300);

#[async_trait]
impl Connector for Parquet {
    fn describe(&self) -> Description {
        Description {
            kind: KIND,
            label: Label::new("Parquet files", "ملفات Parquet"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: false,
                changes: false,
            },
            config: vec![ConfigKey {
                name: "path",
                required: true,
                secret: false,
                doc: "the folder of the files, or one file, from the folder of the manifest when it is relative",
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
        let session = session.clone();
        let checked = blocking(move || Ok(discover::check(&session))).await;
        checked.unwrap_or_else(|error| vec![Finding::of_error("files", &error)])
    }

    async fn discover(
        &self,
        session: &Session,
        filter: &Filter,
    ) -> Result<Vec<Table>, ConnectError> {
        let (session, filter) = (session.clone(), filter.clone());
        blocking(move || discover::discover(&session, &filter)).await
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
                // Decoding a page goes on until it is done.
                let _ = tokio::time::timeout(GRACE, reading).await;
                Err(ConnectError::Cancelled)
            }
        }
    }
}

/// Does on a thread of its own what waits for the disk. A panic of the decoder is a data error.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        Err(ConnectError::data(
            "a Parquet file",
            "holds what the decoder gave up on",
            "write the file anew with another program, or another version of it",
        ))
    })
}
