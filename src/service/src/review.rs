//! Clerical review: what clerks are asked, what they decide, and how it is undone.
//!
//! Invariant: a person who looks at a citizen here leaves an entry about that citizen, as an
//! agency does; a decision, its entry and all that follows from it are one commit.

mod act;
mod confirm;
mod detail;

use std::time::Duration;

use rabt_model::{CitizenId, DecisionNumber, Pii, RecordNumber, TaskNumber};
use rabt_policy::{Caller, Role};
use rabt_storage::Transaction;

use crate::audited::Audited;
use crate::error::ReviewError;
use crate::event::{self, Clerical};
use crate::operate::refuse;
use crate::services::Services;

pub use act::{
    Outcome, Preview, merge_citizens, preview_merge, preview_split, protect_citizen, resolve_task,
    split_citizen,
};
pub use confirm::{confirm_decision, undo_decision, withdraw_decision};
pub use detail::{TaskDetail, explain_pair, get_task};
pub use rabt_storage::{
    DecisionOrigin, DecisionState, DecisionStep, NewTask, StoredDecision as DecisionView,
    StoredTask as TaskView, TaskFilter, TaskPlace,
};

/// How long a claimed task is kept for a clerk.
pub const CLAIM: Duration = Duration::from_mins(15);

/// Tasks or decisions that a list shows at most.
const MOST: u32 = 500;

/// Who may see what is asked and decided, without the values.
const READERS: [Role; 4] = [Role::Clerk, Role::Approver, Role::Auditor, Role::Operator];
/// Who may see values and decide.
const CLERKS: [Role; 2] = [Role::Clerk, Role::Approver];

/// Returns up to `limit` open tasks behind a place, or from the first one: those come first whose
/// answer settles most.
///
/// # Errors
/// The caller's role does not allow it, or storage failed.
pub async fn list_tasks(
    services: &Services,
    caller: &Caller,
    filter: &TaskFilter,
    after: Option<TaskPlace>,
    limit: u32,
) -> Result<Vec<TaskView>, ReviewError> {
    allow(services, caller, "ListReviewTasks", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    Ok(tx.tasks_after(filter, after, limit.min(MOST)).await?)
}

/// Gives a task to the caller for [`CLAIM`]; one that the caller has is kept for as long again.
///
/// # Errors
/// There is no such task, another person has it, or a failure.
pub async fn claim_task(
    services: &Services,
    caller: &Caller,
    number: TaskNumber,
) -> Result<Audited<TaskView>, ReviewError> {
    allow(services, caller, "ClaimReviewTask", &CLERKS).await?;
    let now = services.clock.now();
    let until = now + CLAIM;
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let by = event::person(caller);
    if !tx.claim_task(number, &by, now, until).await? {
        let task = task_of(tx.as_mut(), number).await?;
        let until = task.claim.map_or(now, |(_, until)| until);
        return Err(ReviewError::Claimed {
            task: number,
            until,
        });
    }
    let task = task_of(tx.as_mut(), number).await?;
    let clerical = Clerical::of_task("claim", number);
    let citizens = [task.task.left.1, task.task.right.1];
    let entry = event::of_review(services, caller, &clerical, &citizens, now);
    Ok(services.audit.commit(tx, tenure, entry, task).await?)
}

/// Ends the caller's claim of a task.
///
/// # Errors
/// There is no such task, it is not the caller's, or a failure.
pub async fn release_task(
    services: &Services,
    caller: &Caller,
    number: TaskNumber,
) -> Result<Audited<TaskView>, ReviewError> {
    allow(services, caller, "ReleaseReviewTask", &CLERKS).await?;
    let now = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let by = event::person(caller);
    let released = tx.release_task(number, &by).await?;
    let task = task_of(tx.as_mut(), number).await?;
    if !released {
        return Err(ReviewError::Invalid(format!(
            "task {} is not yours; only who claimed it can release it",
            number.0
        )));
    }
    let clerical = Clerical::of_task("release", number);
    let citizens = [task.task.left.1, task.task.right.1];
    let entry = event::of_review(services, caller, &clerical, &citizens, now);
    Ok(services.audit.commit(tx, tenure, entry, task).await?)
}

/// Returns up to `limit` decisions below a number, in force or not, the last one first, without
/// the reasons.
///
/// # Errors
/// The caller's role does not allow it, or storage failed.
pub async fn list_decisions(
    services: &Services,
    caller: &Caller,
    before: Option<DecisionNumber>,
    limit: u32,
) -> Result<Vec<DecisionView>, ReviewError> {
    allow(services, caller, "ListDecisions", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let mut decisions = tx.decisions_before(before, limit.min(MOST)).await?;
    for step in decisions
        .iter_mut()
        .flat_map(|decision| &mut decision.steps)
    {
        step.reason = Pii::new(String::new());
    }
    Ok(decisions)
}

/// Returns up to `limit` decisions that name a record of a citizen, the last one first: how the
/// citizen came to be who they are.
///
/// # Errors
/// There is no such citizen, the caller's role does not allow it, or a failure.
pub async fn list_decisions_of(
    services: &Services,
    caller: &Caller,
    citizen: CitizenId,
    limit: u32,
) -> Result<Audited<Vec<DecisionView>>, ReviewError> {
    allow(services, caller, "ListDecisions", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let today = today(tx.as_mut(), citizen).await?;
    let members = tx.members_of(today).await?;
    let decisions = tx.decisions_of(&members, limit.min(MOST)).await?;
    drop(tx);
    let clerical = Clerical::of("list_decisions");
    let now = services.clock.now();
    let entry = event::of_review(services, caller, &clerical, &[today], now);
    Ok(services.audit.record(entry, decisions).await?)
}

/// Returns a decision with its reasons, which may name people.
///
/// # Errors
/// There is no such decision, the caller's role does not allow it, or a failure.
pub async fn get_decision(
    services: &Services,
    caller: &Caller,
    number: DecisionNumber,
) -> Result<Audited<DecisionView>, ReviewError> {
    allow(services, caller, "GetDecision", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let decision = decision_of(tx.as_mut(), number).await?;
    drop(tx);
    let records = decision.pairs.iter().flat_map(|pair| [pair.0, pair.1]);
    let records: Vec<RecordNumber> = records.collect();
    let citizens = citizens_of(services, &records).await?;
    let clerical = Clerical {
        decision: Some(number),
        ..Clerical::of("read")
    };
    let now = services.clock.now();
    let entry = event::of_review(services, caller, &clerical, &citizens, now);
    Ok(services.audit.record(entry, decision).await?)
}

/// Returns the name that claims and decisions give a caller: the same under every role.
pub fn person(caller: &Caller) -> String {
    event::person(caller)
}

/// Refuses callers of other roles; the refusal is audited.
async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<(), ReviewError> {
    match refuse(services, caller, method, roles).await? {
        None => Ok(()),
        Some(refusal) => Err(ReviewError::NotPermitted(refusal)),
    }
}

async fn task_of(tx: &mut dyn Transaction, number: TaskNumber) -> Result<TaskView, ReviewError> {
    let task = tx.get_task(number).await?;
    task.ok_or_else(|| ReviewError::NotFound {
        thing: "review task",
        name: number.0.to_string(),
    })
}

async fn decision_of(
    tx: &mut dyn Transaction,
    number: DecisionNumber,
) -> Result<DecisionView, ReviewError> {
    let decision = tx.get_decision(number).await?;
    decision.ok_or_else(|| ReviewError::NotFound {
        thing: "decision",
        name: number.0.to_string(),
    })
}

/// Returns the citizens who have these records, ascending, each once.
async fn citizens_of(
    services: &Services,
    records: &[RecordNumber],
) -> Result<Vec<CitizenId>, ReviewError> {
    let mut tx = services.storage.snapshot().await?;
    let held = tx.citizens_of(records).await?.into_iter();
    let mut citizens: Vec<CitizenId> = held.map(|(_, citizen)| citizen).collect();
    citizens.sort_unstable();
    citizens.dedup();
    Ok(citizens)
}

/// Returns the id that a citizen has today.
async fn today(tx: &mut dyn Transaction, citizen: CitizenId) -> Result<CitizenId, ReviewError> {
    let today = tx.resolve(citizen).await?;
    today.ok_or_else(|| ReviewError::NotFound {
        thing: "citizen",
        name: citizen.to_string(),
    })
}
