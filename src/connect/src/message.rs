//! What a connector sends while it reads.
//!
//! Invariant: the rows between two checkpoints are exactly as many as the second one says; the
//! receiving side counts them itself.

mod batch;
mod channel;
mod position;

pub use batch::{Batch, BatchBuilder, Cell, Fault, MAX_BATCH_BYTES, MAX_CELL_BYTES};
pub use channel::{Inlet, Outlet};
pub use position::{Identity, Position};

use crate::connector::Table;

/// One message of a connector to its host.
#[derive(Debug)]
pub enum Message {
    /// Rows, in the columns of the plan.
    Rows(Batch),
    /// Everything sent so far may be committed; reading can resume here.
    Checkpoint {
        /// Where reading resumes.
        position: Position,
        /// Number of rows since the checkpoint before.
        rows: u64,
    },
    /// The table no longer looks as it did: a notice, when no mapped column is touched.
    SchemaChanged(Table),
    /// How far reading is.
    Progress(Estimate),
}

/// How far reading is, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Rows sent in this run.
    pub done: u64,
    /// Rows there are, when the source can say so cheaply.
    pub of: Option<u64>,
}
