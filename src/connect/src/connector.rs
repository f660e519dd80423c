//! The contract of a kind of source. It is the whole of what a kind implements, and the compliance
//! suite checks every sentence of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{Label, SourceId, StreamId};

use crate::error::ConnectError;
use crate::message::{Outlet, Position};
use crate::problem::Problem;
use crate::secret::wrong_reference;

/// A kind of source. Implementations hold no policy: they never retry, never log or report a
/// value, never write to the source, and select only the columns they are given.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Returns what the kind is and which configuration it takes. Pure.
    fn describe(&self) -> Description;

    /// Returns everything that is wrong with a configuration. Pure: nothing is reached. Secrets
    /// may still be references (`{ secret = "…" }`).
    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        self.describe().problems_of(config)
    }

    /// Tries the source and returns every finding, not the first. Never writes.
    async fn check(&self, session: &Session) -> Vec<Finding>;

    /// Returns the tables a reader may read, without those of the system, ordered by name.
    ///
    /// # Errors
    /// Configuration when the source cannot be opened as configured, transient when it cannot be
    /// reached.
    async fn discover(
        &self,
        session: &Session,
        filter: &Filter,
    ) -> Result<Vec<Table>, ConnectError>;

    /// Sends the rows of a table behind `from`, then returns. Each checkpoint counts the rows
    /// since the one before and may be given as `from` later: no row is lost, and none that lies
    /// before it comes twice (except inside the lag of an incremental read). At least one
    /// checkpoint is sent, also for an empty table.
    ///
    /// In [`Mode::Changes`] moreover:
    /// - Without `from`, the rows of one snapshot come first, and behind them the changes that were
    ///   committed after that very snapshot: none is missing between the two, none is in both. A read
    ///   that goes on inside the snapshot reads the rest of it as it is now; changes that came in
    ///   between are told again behind it, so that the end is the same.
    /// - Then come inserts and updates as rows and deletions as [`Message::Deleted`], in the order in
    ///   which the source committed them. A row may come many times; the last one counts. A change of
    ///   the key is the deletion of the old one and a row with the new one.
    /// - A column that the source does not repeat is put in by the connector, which reads the row
    ///   again by its key: a host never sees [`Cell::Unchanged`] of a kind in process.
    /// - [`Message::Truncated`] says that every row before it is gone. The read ends where the
    ///   transaction that did it ends, and the host takes away what did not come again.
    /// - Checkpoints lie where a transaction ends. One of more than `chunk_rows` changes has some
    ///   inside, so that memory stays flat.
    /// - The source keeps its log until the host has said what it committed
    ///   ([`Outlet::acknowledged`]); never is more confirmed to it than that. A read that nobody
    ///   acknowledges leaves the log as it was, and its changes come again.
    /// - The read ends when it has come to the end of the log as it was at the start, or, with
    ///   `follow`, when the host drops its end.
    /// - A position is bound to the identity of the server and of its log. When the log no longer
    ///   holds what follows the position, that is a configuration error whose remedy is to read from
    ///   the start.
    ///
    /// [`Cell::Unchanged`]: crate::Cell::Unchanged
    /// [`Message::Deleted`]: crate::Message::Deleted
    /// [`Message::Truncated`]: crate::Message::Truncated
    ///
    /// # Errors
    /// [`ConnectError::Cancelled`] soon after the host drops its end; otherwise by class.
    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError>;

    /// Takes back what reading left at the source for a stream that is not read any more: the log
    /// that is kept for [`Mode::Changes`]. Nothing is left by the other modes. Forgetting twice is
    /// as good as once.
    ///
    /// # Errors
    /// As [`Connector::read`].
    async fn forget(&self, _session: &Session, _plan: &Plan) -> Result<(), ConnectError> {
        Ok(())
    }
}

/// What a kind is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name in a manifest: `sqlite`.
    pub kind: &'static str,
    /// What people call it.
    pub label: Label,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The keys of `[source.config]`.
    pub config: Vec<ConfigKey>,
}

/// What a kind can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Reads a whole table in resumable chunks.
    pub snapshot: bool,
    /// Reads what has changed since a cursor.
    pub incremental: bool,
    /// Reads changes from the source's own log, deletions included.
    pub changes: bool,
}

/// One key of a kind's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// The key.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it must be a reference to a secret.
    pub secret: bool,
    /// One English sentence for the operator.
    pub doc: &'static str,
}

/// An opened configuration. `Debug` does not show the configuration, which holds secrets.
#[derive(Clone)]
pub struct Session {
    /// Whose configuration it is.
    pub source: SourceId,
    /// `[source.config]` with the secrets put in.
    pub config: toml::Table,
    /// Where relative paths start.
    pub base: PathBuf,
    /// What the agency asked to be spared.
    pub protect: Protect,
}

/// Limits that spare the agency's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protect {
    /// Most connections at once.
    pub max_connections: Option<u32>,
    /// Most rows in a second; the host sets it on the outlet.
    pub rows_per_second: Option<u32>,
    /// Longest time one statement may take.
    pub statement_timeout: Option<Duration>,
    /// Most bytes of log that the source may keep for one stream of changes.
    pub slot_budget: Option<u64>,
}

/// Which tables to discover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only this schema.
    pub schema: Option<String>,
    /// Only tables with this in their name, in any case.
    pub name_contains: Option<String>,
}

/// A table or view, or a set of files of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The schema, where the kind has schemas; of a workbook, the sheet.
    pub schema: Option<String>,
    /// The name, or the pattern of the files.
    pub name: String,
    /// The columns, in the source's order.
    pub columns: Vec<ColumnInfo>,
    /// The columns of the primary key; empty when there is none.
    pub key: Vec<String>,
    /// How many rows there may be, when that is cheap to say.
    pub estimated_rows: Option<u64>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The name.
    pub name: String,
    /// The declared type, in the source's words; empty when there is none.
    pub declared_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// What to read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The stream that the rows are for.
    pub stream: StreamId,
    /// The schema, where the kind has schemas; of a workbook, the sheet.
    pub schema: Option<String>,
    /// The table, or the pattern of the files.
    pub table: String,
    /// The key columns in their order; empty for a table without a key.
    pub key: Vec<String>,
    /// The columns to select, mapping, key and cursor together; no other is ever selected.
    pub columns: Vec<String>,
    /// How to read.
    pub mode: Mode,
    /// Rows between two checkpoints.
    pub chunk_rows: u32,
}

/// How to read a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// All of it.
    Snapshot,
    /// What has changed, by a column that only grows.
    Incremental {
        /// The column.
        cursor: String,
        /// How far behind the last cursor to begin, for transactions that commit late.
        lag: Option<Duration>,
    },
    /// All of it once, then what the source's log says.
    Changes {
        /// Whether to go on at the end of the log instead of returning.
        follow: bool,
    },
}

/// One result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name: `reach`, `login`, `read_only`.
    pub id: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// One sentence.
    pub summary: String,
    /// What to do about it, ready to paste where possible.
    pub remedy: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// Reading works, and something should be better.
    Warn,
    /// Reading will not work.
    Fail,
}

impl Description {
    /// Returns what is wrong with the keys of a configuration: unknown ones, missing ones, and
    /// secrets written in clear.
    pub fn problems_of(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, value) in config {
            let Some(known) = self.config.iter().find(|known| known.name == key) else {
                let problem =
                    Problem::of_key(key, format!("is not a key of the kind {}", self.kind));
                let names = self.config.iter().map(|known| known.name);
                problems.push(problem.suggest(key, names));
                continue;
            };
            let wrong = known.secret.then(|| wrong_reference(value)).flatten();
            problems.extend(wrong.map(|message| Problem::of_key(key, message)));
        }
        for key in self.config.iter().filter(|key| key.required) {
            if !config.contains_key(key.name) {
                let message = format!("is missing: {}", key.doc);
                problems.push(Problem::of_key(key.name, message));
            }
        }
        problems
    }
}

impl Session {
    /// Returns a session without limits.
    pub fn new(source: SourceId, config: toml::Table, base: impl Into<PathBuf>) -> Self {
        Self {
            source,
            config,
            base: base.into(),
            protect: Protect::default(),
        }
    }

    /// Returns the text under a key.
    ///
    /// # Errors
    /// A configuration error when it is missing or not text.
    pub fn text(&self, key: &str) -> Result<&str, ConnectError> {
        self.optional_text(key)?.ok_or_else(|| {
            let remedy = format!("add `{key}` to [source.config]");
            ConnectError::configuration(format!("source.config.{key}"), "is missing", remedy)
        })
    }

    /// Returns the text under a key, if the key is there.
    ///
    /// # Errors
    /// A configuration error when it is not text.
    pub fn optional_text(&self, key: &str) -> Result<Option<&str>, ConnectError> {
        let Some(value) = self.config.get(key) else {
            return Ok(None);
        };
        value.as_str().map(Some).ok_or_else(|| {
            let place = format!("source.config.{key}");
            ConnectError::configuration(place, "is not text", "write it in quotes")
        })
    }

    /// Returns a path, from the base when it is relative.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base.join(path)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: BTreeSet<&String> = self.config.keys().collect();
        f.debug_struct("Session")
            .field("source", &self.source)
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Says whether a table is wanted.
    pub fn wants(&self, schema: Option<&str>, name: &str) -> bool {
        let schema_fits = self.schema.is_none() || self.schema.as_deref() == schema;
        let name_fits = self
            .name_contains
            .as_ref()
            .is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()));
        schema_fits && name_fits
    }
}

impl Plan {
    /// Returns a configuration error when the plan asks for changes: for kinds that have no log.
    ///
    /// # Errors
    /// When the mode is [`Mode::Changes`].
    pub fn refuse_changes(&self, kind: &str) -> Result<(), ConnectError> {
        match self.mode {
            Mode::Snapshot | Mode::Incremental { .. } => Ok(()),
            Mode::Changes { .. } => Err(ConnectError::configuration(
                format!("stream {}", self.stream),
                format!("asks for changes, which the kind {kind} does not know"),
                "set mode = \"snapshot\" or \"incremental\"",
            )),
        }
    }

    /// Returns a configuration error for the first planned column that `table` does not have.
    ///
    /// # Errors
    /// When a column is missing; the remedy names the nearest one that exists.
    pub fn check_columns(&self, table: &Table) -> Result<(), ConnectError> {
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let cursor = match &self.mode {
            Mode::Snapshot | Mode::Changes { .. } => None,
            Mode::Incremental { cursor, .. } => Some(cursor),
        };
        for column in self.columns.iter().chain(&self.key).chain(cursor) {
            if names.contains(&column.as_str()) {
                continue;
            }
            let place = format!("table {}", self.table);
            let what = format!("has no column '{column}'");
            let remedy = match crate::problem::nearest(column, names.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("it has the columns {}", names.join(", ")),
            };
            return Err(ConnectError::configuration(place, what, remedy));
        }
        Ok(())
    }
}

impl Finding {
    /// Returns a finding that all is well.
    pub fn pass(id: &'static str, summary: impl Into<String>) -> Self {
        Self {
            id,
            outcome: Outcome::Pass,
            summary: summary.into(),
            remedy: None,
        }
    }

    /// Returns a finding that something should be better.
    pub fn warn(id: &'static str, summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            id,
            outcome: Outcome::Warn,
            summary: summary.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Returns a finding that reading will not work.
    pub fn fail(id: &'static str, summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            id,
            outcome: Outcome::Fail,
            summary: summary.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Returns the finding that an error is.
    pub fn of_error(id: &'static str, error: &ConnectError) -> Self {
        Self::fail(id, error.to_string(), error.remedy())
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, ConfigKey, Description, Filter, Session};
    use rabt_model::Label;

    fn description() -> Description {
        let key = |name, required, secret| ConfigKey {
            name,
            required,
            secret,
            doc: "what it is",
        };
        Description {
            kind: "test",
            label: Label::default(),
            capabilities: Capabilities::default(),
            config: vec![key("host", true, false), key("password", false, true)],
        }
    }

    #[test]
    fn unknown_missing_and_clear_keys_are_all_reported() {
        let config: toml::Table = "hots = 'x'\npassword = 'clear'".parse().unwrap();
        let problems = description().problems_of(&config);
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "hots: is not a key of the kind test; did you mean 'host'?",
                "password: must be a reference: { secret = \"env:NAME\" }, \"file:PATH\" or \"store:NAME\"",
                "host: is missing: what it is",
            ]
        );
    }

    #[test]
    fn a_session_shows_no_secret() {
        let config = "password = 'hunter2'".parse().unwrap();
        let session = Session::new("tax".parse().unwrap(), config, "/data");
        let shown = format!("{session:?}");
        assert!(
            shown.contains("password") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert_eq!(session.resolve("a.db"), std::path::Path::new("/data/a.db"));
        assert_eq!(session.resolve("/b.db"), std::path::Path::new("/b.db"));
        assert_eq!(session.text("host").unwrap_err().name(), "configuration");
    }

    #[test]
    fn a_filter_takes_schema_and_part_of_a_name() {
        let filter = Filter {
            schema: Some("public".into()),
            name_contains: Some("PERS".into()),
        };
        assert!(filter.wants(Some("public"), "persons"));
        assert!(!filter.wants(None, "persons"));
        assert!(!filter.wants(Some("public"), "cars"));
    }
}
