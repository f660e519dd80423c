//! Sources are read by themselves: kindly, fairly, and by the node that leads.
//!
//! Invariant: what is started is decided by a pure function of what storage holds, what is being
//! read and the time; so a restart or another leader goes on as if nothing had been.

mod drive;
mod due;
mod plan;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rabt_connect::{Schedule, Window};
use rabt_model::{AgencyId, SourceId, Timestamp};
use rabt_storage::{SourceState, StoredRun};

#[cfg(test)]
pub(crate) use drive::Driver;
pub use drive::keep_schedules;
pub(crate) use due::{TRIPS, unreachable_in_a_row};

/// How much is read at once by schedule, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Most readings at once, at least one. An agency has half of them at most, and those of
    /// degraded sources have one.
    pub parallel: usize,
    /// Longest time of a reading.
    pub deadline: Duration,
    /// Longest time in which nothing comes of a source, beyond what its manifest allows.
    pub idle: Duration,
}

/// A source that has a schedule, as the planner sees it.
#[derive(Debug, Clone)]
struct Candidate {
    source: SourceId,
    agency: AgencyId,
    schedule: Schedule,
    window: Option<Window>,
    state: SourceState,
    /// When its folder or its state last changed.
    since: Timestamp,
    /// Its last runs, newest first.
    runs: Vec<StoredRun>,
    /// Whether somebody reads it who is not the planner's.
    busy: bool,
    /// Nothing is tried before: the last start came to nothing.
    not_before: Option<Timestamp>,
    /// Longest time in which nothing comes.
    idle: Duration,
}

/// A reading that the planner started.
#[derive(Debug, Clone)]
struct UnderWay {
    source: SourceId,
    began: Timestamp,
    /// When something last came of the source.
    heard: Timestamp,
    asked: Asked,
}

/// What a reading under way was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// Nothing.
    Nothing,
    /// To stop at its next checkpoint.
    Rest,
    /// To stop where it is.
    Stop,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    /// Begin to read a source.
    Start(SourceId),
    /// Let a reading stop at its next checkpoint: its window has closed.
    Rest(SourceId),
    /// Stop a reading.
    Stop(SourceId, Why),
}

/// Why a reading is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nothing came for so long.
    Idle(Duration),
    /// It has taken so long.
    Deadline(Duration),
}

/// What to do now, and when to ask again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Planned {
    actions: Vec<Action>,
    /// When something will be due; sooner when a reading ends.
    wake: Option<Timestamp>,
}
