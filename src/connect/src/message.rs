//! What a connector sends while it reads.
//!
//! Invariant: the rows between two checkpoints are exactly as many as the second one says; the
//! receiving side counts them itself.

mod batch;
mod channel;
mod position;

pub use batch::{Batch, BatchBuilder, Cell, Fault, MAX_BATCH_BYTES, MAX_CELL_BYTES};
pub(crate) use batch::{Column, Mark};
pub(crate) use channel::Acknowledger;
pub use channel::{Acknowledgements, Inlet, Outlet};
pub use position::{Identity, Position, READ_ANEW};

use rabt_model::{Pii, Timestamp};

use crate::connector::Table;

/// One message of a connector to its host.
#[derive(Debug)]
pub enum Message {
    /// Rows, in the columns of the plan.
    Rows(Batch),
    /// Rows that are no longer there. They are not among the rows that a checkpoint counts.
    Deleted(Vec<Deleted>),
    /// Every row that was there before is gone. The read ends at the next checkpoint that ends a
    /// transaction; what was not sent between this and the end is no longer there.
    Truncated,
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

/// A row that is no longer in its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The row's key; parts of a composite key are joined by U+001F.
    pub key: Pii<String>,
    /// The source's own version of the deletion, when it has one.
    pub version: Option<String>,
    /// When the source says the row was deleted.
    pub event_at: Option<Timestamp>,
}

/// How far reading is, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Rows sent in this run.
    pub done: u64,
    /// Rows there are, when the source can say so cheaply.
    pub of: Option<u64>,
}
