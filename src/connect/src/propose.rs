//! Proposing what the tables and columns of a discovered database mean.
//!
//! Invariant: a proposal is a pure function of names, types and shapes, holds no value of a row, and
//! says why. It maps what it can give a reason for and leaves the rest to people.

mod candidate;
mod columns;
mod dictionary;
mod fit;
mod folder;
mod line;
mod meaning;
mod naming;
mod reason;
mod steps;
mod table;
mod tokens;

use rabt_model::{Attribute, Label};

pub use folder::{FolderText, NewAgency};
pub use line::{Body, Line};
pub(crate) use naming::promise;

use crate::connector::{Capabilities, Mode};
use crate::survey::Surveyed;

/// What is proposed for a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The tables, in the order in which they were discovered.
    pub tables: Vec<TableProposal>,
}

/// What is proposed for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableProposal {
    /// The schema, where the kind has schemas.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
    /// Whether its rows are people.
    pub holds_persons: bool,
    /// How sure that is, 0 to 99.
    pub score: u8,
    /// Why.
    pub reasons: Vec<Label>,
    /// The columns, in the source's order.
    pub columns: Vec<ColumnProposal>,
    /// The lines of the mapping; none when the table does not hold people.
    pub lines: Vec<Line>,
    /// The key columns; empty for a table that has nothing.
    pub key: Vec<String>,
    /// Why these.
    pub key_reason: Label,
    /// How to read the table.
    pub mode: Mode,
    /// Why so.
    pub mode_reason: Label,
    /// When a row last changed: the column and the steps that read it.
    pub event_at: Option<(String, Vec<crate::step::Step>)>,
}

/// What is proposed for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnProposal {
    /// The column.
    pub name: String,
    /// The attribute; nothing for a column that is not mapped.
    pub attribute: Option<Attribute>,
    /// The slot of a name, the part of an address or a date, the kind of a relation.
    pub part: Option<&'static str>,
    /// How sure that is, 0 to 99; for a column that is not mapped, of the best guess.
    pub score: u8,
    /// Why, or why not.
    pub reasons: Vec<Label>,
}

/// Proposes what the tables mean. `capabilities` are those of the kind: an incremental read is
/// proposed only where there can be one.
pub fn propose(tables: &[Surveyed], capabilities: Capabilities) -> Proposal {
    let propose = |surveyed| table::propose(surveyed, capabilities);
    Proposal {
        tables: tables.iter().map(propose).collect(),
    }
}

impl Proposal {
    /// Returns the tables whose rows are people.
    pub fn of_persons(&self) -> impl Iterator<Item = &TableProposal> {
        self.tables.iter().filter(|table| table.holds_persons)
    }
}

#[cfg(test)]
mod tests;
