//! The kind `files`: delimited text, text of fixed width and workbooks in a folder, in any encoding
//! agencies export.
//!
//! Invariant: a file is read as a stream of bounded memory, and a row that cannot be understood is
//! handed on as unreadable, never guessed.

mod charset;
mod discover;
mod folder;
mod format;
mod read;
mod rows;
mod xlsx;

use async_trait::async_trait;
use rabt_connect::{
    Capabilities, ConfigKey, ConnectError, Connector, Description, Filter, Finding, Outlet, Plan,
    Position, Problem, Session, Table,
};
use rabt_model::Label;

/// The kind's name in a manifest.
pub const KIND: &str = "files";

/// The keys of `[source.config]`.
const KEYS: [(&str, &str); 17] = [
    (
        "path",
        "the folder of the files, or one file, from the folder of the manifest when it is relative",
    ),
    ("format", "delimited (the default), fixed_width or xlsx"),
    (
        "tables",
        "keys of their own for files whose names fit a pattern, over those of the source",
    ),
    (
        "encoding",
        "utf-8 (the default), windows-1256, utf-16le or another WHATWG name, cp720 or cp864; a byte \
         order mark wins",
    ),
    ("delimiter", "one character, or tab; a comma by default"),
    ("quote", "one character, or none; a double quote by default"),
    (
        "header",
        "whether a first line or row names the columns, true by default; without it they are c1, c2 and \
         so on; of fixed width, whether the first record is a heading, false by default",
    ),
    (
        "unit",
        "of fixed width: what start, width and record_length count, bytes or characters",
    ),
    (
        "columns",
        "of fixed width: a list of { name, start, width, trim }; the first place is 1, and a column \
         without a start follows the one before",
    ),
    (
        "trim",
        "of fixed width: which blanks are filling, both (the default), left, right or none",
    ),
    (
        "record_length",
        "of fixed width: the length of a record without the end of its line, the end of the last column \
         by default",
    ),
    (
        "short_lines",
        "of fixed width: whether blanks at the end of a line may be missing, false by default",
    ),
    (
        "line_ends",
        "of fixed width: whether each record is a line, true by default",
    ),
    (
        "sheet",
        "of a workbook: the name of the sheet, the first one that is not hidden by default",
    ),
    (
        "range",
        "of a workbook: the part of the sheet, as in B3:H200 or B:H, all of it by default",
    ),
    (
        "header_row",
        "of a workbook: the number of the row that names the columns, the first one with a value by \
         default",
    ),
    (
        "max_shared_mib",
        "of a workbook: most room for the texts that its cells share, 256 by default",
    ),
];

/// Reads files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

#[async_trait]
impl Connector for Files {
    fn describe(&self) -> Description {
        let key = |&(name, doc): &(&'static str, &'static str)| ConfigKey {
            name,
            required: name == "path",
            secret: false,
            doc,
        };
        Description {
            kind: KIND,
            label: Label::new("Text files and workbooks", "ملفات نصية وجداول إلكترونية"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: false,
                changes: false,
            },
            config: KEYS.iter().map(key).collect(),
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
