//! What storage promises about human decisions and review tasks.

use async_trait::async_trait;
use rabt_model::{
    CitizenId, DecisionNumber, Judgement, RecordNumber, RecordPair, ReviewKind, TaskNumber,
    Timestamp,
};

use crate::StorageError;
use crate::review::{
    DecisionState, DecisionStep, NewDecision, NewTask, StoredDecision, StoredTask, TaskCounts,
    TaskFilter, TaskPlace,
};

/// What people decided about records. Nothing is ever removed: a decision is undone by a step.
#[async_trait]
pub trait Decisions: Send {
    /// Stores a decision with its first step. A record that never existed is an error.
    async fn put_decision(
        &mut self,
        decision: &NewDecision,
    ) -> Result<DecisionNumber, StorageError>;

    /// Appends a step to a decision that stands at `from`. Returns `false`, with nothing changed,
    /// when there is no such decision or it stands elsewhere.
    async fn step_decision(
        &mut self,
        number: DecisionNumber,
        from: DecisionState,
        step: &DecisionStep,
    ) -> Result<bool, StorageError>;

    /// Returns a decision.
    async fn get_decision(
        &mut self,
        number: DecisionNumber,
    ) -> Result<Option<StoredDecision>, StorageError>;

    /// Returns every decision that is in force, with its pairs ascending, in the order of the
    /// numbers.
    async fn decisions_in_force(
        &mut self,
    ) -> Result<Vec<(DecisionNumber, Judgement, Vec<RecordPair>)>, StorageError>;

    /// Returns up to `limit` decisions, in force or not, below the number `before`, the last one
    /// first.
    async fn decisions_before(
        &mut self,
        before: Option<DecisionNumber>,
        limit: u32,
    ) -> Result<Vec<StoredDecision>, StorageError>;

    /// Returns up to `limit` decisions, in force or not, that name one of these records, the last
    /// one first, each once.
    async fn decisions_of(
        &mut self,
        records: &[RecordNumber],
        limit: u32,
    ) -> Result<Vec<StoredDecision>, StorageError>;

    /// Marks records as those of protected people. Those that are marked stay as they were. A
    /// record that never existed is an error.
    async fn protect(
        &mut self,
        records: &[RecordNumber],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Takes the marks away.
    async fn unprotect(&mut self, records: &[RecordNumber]) -> Result<(), StorageError>;

    /// Returns every record that is marked, ascending.
    async fn all_protected(&mut self) -> Result<Vec<RecordNumber>, StorageError>;

    /// Returns which of these records are marked, ascending.
    async fn protected(
        &mut self,
        records: &[RecordNumber],
    ) -> Result<Vec<RecordNumber>, StorageError>;
}

/// The questions that are open to clerks.
#[async_trait]
pub trait Reviews: Send {
    /// Makes `tasks` the open ones that name any of `citizens`, who must have been assigned a
    /// record or redirected before; every task names one of them. There is one task for two
    /// citizens, whichever comes first: one that is open already keeps its number, its time, its
    /// claim and its proposal, and is otherwise replaced; the last one counts when a call holds
    /// two. What is asked no more is removed. Redirects are not followed. A task of one citizen
    /// alone, or of somebody unknown, is an error. On PostgreSQL a second writer waits for the
    /// first one's commit, as with [`Changes::put_changes`], so that neither misses a task.
    async fn put_tasks(
        &mut self,
        citizens: &[CitizenId],
        tasks: &[NewTask],
        at: Timestamp,
    ) -> Result<TaskCounts, StorageError>;

    /// Returns an open task.
    async fn get_task(&mut self, number: TaskNumber) -> Result<Option<StoredTask>, StorageError>;

    /// Returns up to `limit` open tasks behind a place, or from the first one, in their order.
    async fn tasks_after(
        &mut self,
        filter: &TaskFilter,
        after: Option<TaskPlace>,
        limit: u32,
    ) -> Result<Vec<StoredTask>, StorageError>;

    /// Returns how many tasks of each kind are open, in the order of the kinds; none for a kind
    /// without any.
    async fn count_tasks(&mut self) -> Result<Vec<(ReviewKind, u64)>, StorageError>;

    /// Gives a task to a person until a time. Returns `false`, with nothing changed, when there is
    /// no such task or another person has it beyond `now`.
    async fn claim_task(
        &mut self,
        number: TaskNumber,
        by: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Ends a person's claim. Returns `false` when it is not theirs.
    async fn release_task(&mut self, number: TaskNumber, by: &str) -> Result<bool, StorageError>;

    /// Says which decision on a task waits for a second person. Returns `false` when there is no
    /// such task.
    async fn propose(
        &mut self,
        number: TaskNumber,
        decision: Option<DecisionNumber>,
    ) -> Result<bool, StorageError>;
}
