//! The kind `files`: delimited text files in a folder, in any encoding agencies export.
//!
//! Invariant: a file is read as a stream of bounded memory, and a row that cannot be understood is
//! handed on as unreadable, never guessed.

mod discover;
mod folder;
mod format;
mod read;
mod rows;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConfigKey, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan,
    Position, Problem, Session, Table,
};
use rabt_model::Label;

/// The kind's name in a manifest.
pub const KIND: &str = "files";

/// Reads delimited files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

#[async_trait]
impl Connector for Files {
    fn describe(&self) -> Description {
        let key = |name, required, doc| ConfigKey {
            name,
            required,
            secret: false,
            doc,
        };
        Description {
            kind: KIND,
            label: Label::new("Delimited text files", "ملفات نصية مفصولة الحقول"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: false,
                changes: false,
            },
            config: vec![
                key(
                    "path",
                    true,
                    "the folder of the files, or one file, from the folder of the manifest when it is relative",
                ),
                key(
                    "encoding",
                    false,
                    "utf-8 (the default), windows-1256, utf-16le or another WHATWG name; a byte order mark wins",
                ),
                key(
                    "delimiter",
                    false,
                    "one character, or tab; a comma by default",
                ),
                key(
                    "quote",
                    false,
                    "one character, or none; a double quote by default",
                ),
                key(
                    "header",
                    false,
                    "whether the first line names the columns, true by default; without it they are c1, c2 and so on",
                ),
            ],
        }
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = self.describe().problems_of(config);
        problems.extend(format::problems_of(config));
        problems
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        let session = session.clone();
        blocking(move || Ok(discover::check(&session)))
            .await
            .unwrap_or_else(|error| vec![Finding::of_error("reach", &error)])
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
        read::read(session, plan, from, &outlet).await
    }
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ConnectError::defect("files", "reading a file panicked"))?
}

#[cfg(test)]
mod tests;
