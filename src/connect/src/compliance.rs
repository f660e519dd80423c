//! The compliance suite: what every kind must do, as named cases.
//!
//! A kind describes how to make a table in a fresh place of its own ([`Subject`], [`Place`]) and
//! calls [`compliance_tests!`](crate::compliance_tests), which makes one test of each case; an
//! executable of others is tried by `rabt source conform`, which runs [`CASES`]. A subject that
//! needs a server which is not there says so, and its cases are skipped visibly.
#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics when the kind does not comply: that is its result"
)]

mod cases;
mod changes;
mod conform;
mod contract;
mod handshake;
mod hostile;
mod incremental;
mod run;
mod snapshot;
mod survey;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::connector::{Connector, Mode, Plan, Session};
use crate::process::Program;

pub use cases::{CASES, Case, Skipped, Verdict};
pub use changes::{
    changes_come_in_the_order_of_commits, changes_join_their_snapshot,
    changes_resume_after_kill_at_every_checkpoint, changes_tell_of_an_emptied_table,
    changes_that_were_forgotten_are_refused, changes_without_a_commit_come_again,
};
pub use conform::{Ended, conform};
pub use contract::{
    check_finds_nothing_wrong, description_is_valid, discover_finds_tables,
    discover_ignores_system_tables, nothing_is_ever_written, secrets_never_in_debug,
    unknown_key_is_suggested, unreachable_is_transient, wrong_config_is_configuration_error,
};
pub use handshake::{
    HANDSHAKE, a_wrong_cookie_is_refused, nothing_is_left_behind, nothing_printed_holds_a_value,
    start_chooses_a_protocol_of_both, start_is_answered, start_line_is_a_handshake,
    start_listens_where_it_is_told, the_end_of_input_ends_a_read, the_end_of_input_is_the_end,
};
pub use hostile::{
    hostile_values, large_cells_make_small_batches, null_is_not_empty, reserved_and_quoted_names,
};
pub use incremental::{
    incremental_equal_cursors, incremental_lag_reads_late_rows, incremental_reads_only_changes,
    incremental_resumes_after_kill_at_every_chunk,
};
pub use snapshot::{
    cancel_frees_source_within_1s, composite_key, counts_match_at_every_checkpoint, empty_table,
    equal_keys_across_chunks, foreign_position_is_refused, future_position_is_refused,
    keyless_table, missing_column, missing_table, only_mapped_columns_selected,
    slow_consumer_is_bounded, snapshot_resumes_after_kill_at_every_chunk,
};
pub use survey::survey_samples_without_values;
pub use tables::{MadeTables, TableMaker};

/// A row as the suite writes it: a text or NULL for each column.
pub type Row = Vec<Option<String>>;

/// A kind under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Returns the kind.
    fn connector(&self) -> Arc<dyn Connector>;

    /// Returns the executable of the kind, where it runs in a process of its own.
    fn program(&self) -> Option<Program> {
        None
    }

    /// Returns what the kind's tables can do.
    fn features(&self) -> Features {
        Features::default()
    }

    /// Returns a fresh, empty place: a new file, folder or database. Nothing when the server it
    /// needs is not there: the case is skipped.
    async fn place(&self) -> Option<Box<dyn Place>>;

    /// Returns a fresh place whose log may be lost without harm to the other cases, which run beside
    /// this one.
    async fn place_with_own_log(&self) -> Option<Box<dyn Place>> {
        self.place().await
    }
}

/// A place where the suite makes tables.
#[async_trait]
pub trait Place: Send + Sync {
    /// Returns a right configuration of the place, secrets put in.
    fn config(&self) -> toml::Table;

    /// Returns where relative paths start.
    fn base(&self) -> PathBuf;

    /// Returns the schema that tables are made in, where the kind has schemas.
    fn schema(&self) -> Option<String> {
        None
    }

    /// Returns what a plan calls the table of this name: `persons` may be `persons.csv`.
    fn table_name(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Makes a table with these rows, as the agency would.
    async fn create(&self, table: &NewTable, rows: &[Row]);

    /// Returns a value as it comes back from a place that cannot hold it as it is: blanks at the end
    /// of a value are filling in records of fixed width.
    fn kept(&self, value: &str) -> String {
        value.to_owned()
    }

    /// Adds rows to a table that `create` made.
    async fn insert(&self, table: &NewTable, rows: &[Row]);

    /// Changes a table that `create` made and whose key is its first column, in a transaction of its
    /// own. Only kinds that read changes are asked.
    async fn change(&self, _table: &NewTable, change: Change) {
        panic!("a kind that reads changes makes them: {change:?}");
    }

    /// Loses the log, as the source does by rules of its own; says whether there is such a thing. The
    /// others keep their log until they are told to forget it.
    async fn lose_log(&self) -> bool {
        false
    }

    /// Returns a fingerprint of everything in the place, where it is cheap to say.
    async fn state(&self) -> Option<String> {
        None
    }

    /// Returns configurations that an operator must correct: a wrong password, a missing file.
    /// Secrets in them contain the word `hunter2`.
    fn wrong_configs(&self) -> Vec<toml::Table>;

    /// Returns a configuration of a server that does not answer, where the kind has servers.
    fn unreachable_config(&self) -> Option<toml::Table> {
        None
    }
}

/// What a kind's tables can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// NULL differs from the empty text.
    pub nulls: bool,
    /// Tables declare their key.
    pub keys: bool,
    /// A table may be made without a column that tells its rows apart.
    pub keyless: bool,
    /// What names of columns may hold.
    pub names: Names,
    /// Columns that every table has beside those it was made with.
    pub own_columns: &'static [&'static str],
}

/// A change to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new row.
    Insert(Row),
    /// The row of a key becomes this one.
    Update(String, Row),
    /// The row of a key is gone.
    Delete(String),
    /// All rows are gone at once.
    Truncate,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            nulls: true,
            keys: true,
            keyless: true,
            names: Names::Any,
            own_columns: &[],
        }
    }
}

/// What names of columns may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Anything: spaces, quotes, Arabic.
    Any,
    /// Latin letters and digits.
    Plain,
}

/// A table to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    /// Its name, to be quoted.
    pub name: String,
    /// Its columns.
    pub columns: Vec<NewColumn>,
    /// Its primary key; empty for none.
    pub key: Vec<String>,
}

/// A column to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    /// Its name, to be quoted.
    pub name: String,
    /// Its type.
    pub kind: ColumnKind,
}

/// The type of a column to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text of any length; a text in a key is at most 100 characters.
    Text,
    /// A whole number of 64 bits.
    Integer,
}

impl NewTable {
    /// Returns a table; a name that ends in `#` is a column of whole numbers, without the sign.
    pub fn new(name: &str, columns: &[&str], key: &[&str]) -> Self {
        let column = |name: &&str| match name.strip_suffix('#') {
            Some(name) => NewColumn {
                name: name.to_owned(),
                kind: ColumnKind::Integer,
            },
            None => NewColumn {
                name: (*name).to_owned(),
                kind: ColumnKind::Text,
            },
        };
        Self {
            name: name.to_owned(),
            columns: columns.iter().map(column).collect(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Returns a plan that reads every column of the table as a snapshot.
    pub fn plan(&self, place: &dyn Place, chunk_rows: u32) -> Plan {
        Plan {
            stream: "person".parse().expect("a constant that parses"),
            schema: place.schema(),
            table: place.table_name(&self.name),
            key: self.key.clone(),
            columns: self
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            mode: Mode::Snapshot,
            chunk_rows,
        }
    }
}

/// Returns a session of a configuration in a place.
pub fn session(place: &dyn Place, config: toml::Table) -> Session {
    let source = "compliance".parse().expect("a constant that parses");
    Session::new(source, config, place.base())
}

/// Returns a row of texts.
pub fn row(cells: &[&str]) -> Row {
    cells.iter().map(|cell| Some((*cell).to_owned())).collect()
}

/// Returns a fresh place, unless what it needs is not there.
pub(crate) async fn place(subject: &dyn Subject) -> Result<Box<dyn Place>, Skipped> {
    there(subject, subject.place().await)
}

/// Returns a place when what it needs is there.
pub(crate) fn there(
    subject: &dyn Subject,
    place: Option<Box<dyn Place>>,
) -> Result<Box<dyn Place>, Skipped> {
    place.ok_or_else(|| {
        let kind = subject.connector().describe().kind;
        Skipped::of(format!("no {kind} server"), format!("لا يوجد خادم {kind}"))
    })
}
