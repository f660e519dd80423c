//! Human decisions and review tasks, as callers of storage see them.

use rabt_model::{
    CitizenId, DecisionNumber, Judgement, Pii, RecordNumber, RecordPair, ReviewKind, TaskNumber,
    Timestamp,
};

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionState {
    /// It waits for a second person and has no effect.
    Proposed,
    /// It is in force.
    Standing,
    /// It is in force; that it be undone waits for a second person.
    UndoProposed,
    /// It was in force and is no more.
    Undone,
    /// It never was in force: a second person refused it, or it was taken back.
    Withdrawn,
}

/// How a decision came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionOrigin {
    /// A review task was answered.
    Task,
    /// Two citizens were merged.
    Merge,
    /// Records were split off a citizen.
    Split,
    /// An agency said that one of its records takes the place of another.
    Agency,
}

/// A step of a decision's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionStep {
    /// Where the decision stood from then on.
    pub state: DecisionState,
    /// Who took the step, as their certificate says.
    pub by: String,
    /// When; kept to the microsecond.
    pub at: Timestamp,
    /// Why, in the person's own words; may name people.
    pub reason: Pii<String>,
}

/// A decision to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// What is said.
    pub judgement: Judgement,
    /// How it came about.
    pub origin: DecisionOrigin,
    /// About which records, ascending, each pair once and the lower number first.
    pub pairs: Vec<RecordPair>,
    /// Its first step: `Proposed` or `Standing`.
    pub step: DecisionStep,
}

/// A decision with its life so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Its number: growing, never used again.
    pub number: DecisionNumber,
    /// What is said.
    pub judgement: Judgement,
    /// How it came about.
    pub origin: DecisionOrigin,
    /// About which records, ascending.
    pub pairs: Vec<RecordPair>,
    /// Its steps, the first one first; there is one at least, and the last one says where it
    /// stands.
    pub steps: Vec<DecisionStep>,
}

/// A question to a clerk: are these two citizens one person?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Why it is asked.
    pub kind: ReviewKind,
    /// The records that speak most for it, the lower number first, and whose they are.
    pub left: (RecordNumber, CitizenId),
    /// As `left`, for the other citizen.
    pub right: (RecordNumber, CitizenId),
    /// The weight of the two records, in 1/1024 bit.
    pub weight: i32,
    /// Pairs of records that the answer settles.
    pub pairs: u32,
    /// How much an answer is worth: those with more come first.
    pub worth: u32,
}

/// A question with its place in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its number: growing, never used again.
    pub number: TaskNumber,
    /// When it was first asked.
    pub created_at: Timestamp,
    /// What is asked.
    pub task: NewTask,
    /// Who works on it, and until when it is theirs.
    pub claim: Option<(String, Timestamp)>,
    /// A decision on it that waits for a second person.
    pub proposal: Option<DecisionNumber>,
}

/// Which tasks are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// Only of this kind.
    pub kind: Option<ReviewKind>,
    /// Only those that nobody has claimed beyond this time.
    pub free_at: Option<Timestamp>,
    /// Only those whose claim is of this person, run out or not.
    pub claimed_by: Option<String>,
}

/// A place in the order of tasks: by worth, then by weight, both falling, then by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskPlace {
    /// Of the task at this place.
    pub worth: u32,
    /// Of the task at this place.
    pub weight: i32,
    /// Of the task at this place.
    pub number: TaskNumber,
}

/// What became of the tasks of some citizens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskCounts {
    /// Asked for the first time.
    pub opened: u64,
    /// Asked before and still.
    pub kept: u64,
    /// Asked no more.
    pub closed: u64,
}

impl DecisionState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Proposed,
        Self::Standing,
        Self::UndoProposed,
        Self::Undone,
        Self::Withdrawn,
    ];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Standing => "standing",
            Self::UndoProposed => "undo_proposed",
            Self::Undone => "undone",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Says whether a decision is in force.
    pub const fn is_in_force(self) -> bool {
        matches!(self, Self::Standing | Self::UndoProposed)
    }
}

impl DecisionOrigin {
    /// Every origin.
    pub const ALL: [Self; 4] = [Self::Task, Self::Merge, Self::Split, Self::Agency];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Agency => "agency",
        }
    }

    /// Returns the origin of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.code() == code)
    }
}

impl StoredDecision {
    /// Returns where the decision stands.
    pub fn state(&self) -> DecisionState {
        let last = self.steps.last();
        last.map_or(DecisionState::Withdrawn, |step| step.state)
    }
}

impl StoredTask {
    /// Returns the task's place in the order.
    pub fn place(&self) -> TaskPlace {
        TaskPlace {
            worth: self.task.worth,
            weight: self.task.weight,
            number: self.number,
        }
    }
}
