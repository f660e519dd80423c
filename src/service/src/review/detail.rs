//! What a clerk sees: both people, and what speaks for and against their being one.

use rabt_linkage::Explanation;
use rabt_model::{Profile, RecordNumber, TaskNumber};
use rabt_policy::Caller;

use super::{CLERKS, TaskView, allow, citizens_of, task_of};
use crate::audited::Audited;
use crate::error::ReviewError;
use crate::event::{self, Clerical};
use crate::link::explain;
use crate::services::Services;

/// A task with what is known of the two citizens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDetail {
    /// The task.
    pub task: TaskView,
    /// The citizen of the left record; `None` when they are no more since.
    pub left: Option<Profile>,
    /// The citizen of the right record.
    pub right: Option<Profile>,
    /// Whether one of the two is protected, so that a second person must confirm the answer.
    pub protected: bool,
    /// What speaks for and against the two records being one person; `None` when one of them is
    /// no more.
    pub explanation: Option<Explanation>,
}

/// Shows a task to a clerk.
///
/// # Errors
/// There is no such task, the caller's role does not allow it, or a failure.
pub async fn get_task(
    services: &Services,
    caller: &Caller,
    number: TaskNumber,
) -> Result<Audited<TaskDetail>, ReviewError> {
    allow(services, caller, "GetReviewTask", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let task = task_of(tx.as_mut(), number).await?;
    let (left, right) = (task.task.left, task.task.right);
    let mut records = tx.members_of(left.1).await?;
    records.extend(tx.members_of(right.1).await?);
    let protected = !tx.protected(&records).await?.is_empty();
    drop(tx);
    let explanation = explain(services, left.0, right.0).await?;
    let detail = TaskDetail {
        left: services.directory.get(left.1),
        right: services.directory.get(right.1),
        protected,
        explanation,
        task,
    };
    let clerical = Clerical::of_task("read", number);
    let now = services.clock.now();
    let entry = event::of_review(services, caller, &clerical, &[left.1, right.1], now);
    Ok(services.audit.record(entry, detail).await?)
}

/// Explains what speaks for and against two records being one person, linked or not.
///
/// # Errors
/// One of the records is not held, the caller's role does not allow it, or a failure.
pub async fn explain_pair(
    services: &Services,
    caller: &Caller,
    left: RecordNumber,
    right: RecordNumber,
) -> Result<Audited<Explanation>, ReviewError> {
    allow(services, caller, "ExplainPair", &CLERKS).await?;
    let explanation = explain(services, left, right).await?;
    let explanation = explanation.ok_or_else(|| ReviewError::NotFound {
        thing: "pair of records",
        name: format!("{} and {}", left.0, right.0),
    })?;
    let citizens = citizens_of(services, &[left, right]).await?;
    let clerical = Clerical::of("explain");
    let now = services.clock.now();
    let entry = event::of_review(services, caller, &clerical, &citizens, now);
    Ok(services.audit.record(entry, explanation).await?)
}
