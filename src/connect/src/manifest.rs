//! What an agency's folder says: who the agency is, where its databases are, which tables to read
//! and how.

mod expand;
mod load;
mod schedule;
mod stream;
mod truth;

use std::sync::Arc;
use std::time::Duration;

use rabt_model::{AgencyId, AgreementId, Attribute, Label, SourceId, StreamId};

use crate::connector::{Mode, Plan, Protect};
use crate::kinds::Kinds;
use crate::mapping::Mapping;
use crate::problem::Problems;
use crate::schedule::{Schedule, Window};

/// A folder `manifest.toml` + `mapping.toml`, as text.
#[derive(Debug, Clone, Copy)]
pub struct AgencyFolder;

/// An agency and its sources.
#[derive(Debug, Clone)]
pub struct Agency {
    /// Which agency.
    pub id: AgencyId,
    /// What people call it.
    pub name: Label,
    /// Its rank in survivorship, 0 to 255; higher wins. 50 when the manifest says nothing.
    pub rank: u8,
    /// Who answers for the data.
    pub steward: String,
    /// Under which supply agreement the data is read.
    pub agreement: AgreementId,
    /// Its databases: one, or one for each office.
    pub sources: Vec<SourceSpec>,
}

/// One database of an agency.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Which source: the agency's id, or `<agency>-<office>`.
    pub id: SourceId,
    /// The office, when the manifest lists offices.
    pub office: Option<String>,
    /// The kind: `sqlite`.
    pub kind: String,
    /// In which process the kind runs.
    pub isolation: Isolation,
    /// The executable that is the kind, when it is not the one that the kind is named by.
    pub executable: Option<String>,
    /// The kind's configuration; secrets are still references.
    pub config: toml::Table,
    /// Limits that spare the database.
    pub protect: Protect,
    /// When it is read by itself; a source without a schedule is read when an operator says so.
    pub schedule: Option<Schedule>,
    /// In which hours it may be read by itself; at any time when there is none.
    pub window: Option<Window>,
    /// Whether it speaks in answers only where an agreement names it.
    pub restricted: bool,
    /// The tables to read.
    pub streams: Vec<StreamSpec>,
}

/// In which process a kind runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// In that of the node, when it is a kind of this binary.
    #[default]
    Shared,
    /// In one of its own.
    Process,
}

/// One table of a source.
#[derive(Debug, Clone)]
pub struct StreamSpec {
    /// Which stream.
    pub id: StreamId,
    /// The schema, where the kind has schemas.
    pub schema: Option<String>,
    /// The table or view, or the pattern of the files.
    pub table: String,
    /// The key columns; empty for a table without a key.
    pub key: Vec<String>,
    /// How to read it.
    pub mode: Mode,
    /// What its columns mean.
    pub mapping: Arc<Mapping>,
    /// What becomes of rows that are no longer there.
    pub deletes: Deletes,
    /// How long the keys of an incremental stream that sweeps are left unread; every run reads them
    /// when nothing is said.
    pub sweep_every: Option<Duration>,
    /// When to stop before harm.
    pub guard: Guard,
    /// What its rows are the record of truth for.
    pub truth: Truth,
}

/// What the rows of a stream are the record of truth for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Truth {
    /// For the person: the stream holds each person once, so that no two of its rows are one
    /// person, unless somebody decides so.
    pub person: bool,
    /// For these attributes, in the order of the manifest.
    pub attributes: Vec<Attribute>,
}

/// What becomes of records whose rows are no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deletes {
    /// A snapshot that was read from its start to its end deletes them; in an incremental stream, a
    /// reading of the keys alone.
    Sweep,
    /// The source's log tells of them: the rule in a stream of changes.
    Log,
    /// Nothing: they stay as they were last read.
    #[default]
    Never,
}

/// When to stop before harm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Guard {
    /// Largest share of rejected rows, 0 to 1.
    pub max_reject: Option<f64>,
    /// Largest share of records whose rows may be gone at once, 0 to 1; `None` is
    /// [`MAX_VANISH`](Self::MAX_VANISH).
    pub max_vanish: Option<f64>,
    /// What to do when a mapped column changes.
    pub on_drift: OnDrift,
}

impl Guard {
    /// More rows than two in a hundred that are gone at once are rather an accident than deletions.
    pub const MAX_VANISH: f64 = 0.02;
}

/// What to do when a mapped column changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// Stop the stream.
    #[default]
    Stop,
    /// Go on and report it.
    Report,
}

impl AgencyFolder {
    /// Reads the files of a folder, given as name and text; files other than `manifest.toml` and
    /// `mapping.toml` do not matter.
    ///
    /// # Errors
    /// Every mistake in both files.
    pub fn load(files: &[(&str, &str)]) -> Result<Agency, Problems> {
        load::load(files, None)
    }

    /// Reads the files of a folder and lets the source's kind check its configuration as well.
    ///
    /// # Errors
    /// Every mistake in both files, an unknown kind and what the kind says included.
    pub fn load_for(files: &[(&str, &str)], kinds: &Kinds) -> Result<Agency, Problems> {
        load::load(files, Some(kinds))
    }

    /// Reads a manifest that names no table yet and has no mapping: the agency with its sources, which
    /// have no streams. They can be looked at, and not read.
    ///
    /// # Errors
    /// Every mistake in the manifest, an unknown kind and what the kind says included.
    pub fn load_draft(manifest: &str, kinds: &Kinds) -> Result<Agency, Problems> {
        load::load_draft(manifest, kinds)
    }
}

impl StreamSpec {
    /// Returns the plan of a read with a checkpoint every `chunk_rows` rows. Its columns are those
    /// of the mapping, the key and the cursor, each once, in the order of their names.
    pub fn plan(&self, chunk_rows: u32) -> Plan {
        let mut columns: Vec<String> = self.mapping.columns().map(str::to_owned).collect();
        columns.extend(self.key.iter().cloned());
        columns.extend(self.cursor().map(str::to_owned));
        columns.sort();
        columns.dedup();
        Plan {
            stream: self.id.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
            key: self.key.clone(),
            columns,
            mode: self.mode.clone(),
            chunk_rows,
        }
    }

    /// Returns the plan of a read of the keys alone, and of the column that says which rows are
    /// taken: the cheapest way to see what is no longer there.
    pub fn key_plan(&self, chunk_rows: u32) -> Plan {
        let mut columns = self.key.clone();
        columns.extend(self.mapping.only_column().map(str::to_owned));
        columns.sort();
        columns.dedup();
        Plan {
            columns,
            mode: Mode::Snapshot,
            ..self.plan(chunk_rows)
        }
    }

    /// Returns the cursor column of an incremental stream.
    pub fn cursor(&self) -> Option<&str> {
        match &self.mode {
            Mode::Snapshot | Mode::Changes { .. } => None,
            Mode::Incremental { cursor, .. } => Some(cursor),
        }
    }
}

#[cfg(test)]
mod tests;
