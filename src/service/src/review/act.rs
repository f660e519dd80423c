//! Deciding, confirming, undoing.

use rabt_model::{
    Change, CitizenId, DecisionNumber, Judgement, Pii, RecordNumber, RecordPair, TaskNumber,
};
use rabt_policy::{Caller, Role};
use rabt_storage::{DecisionOrigin, DecisionState, DecisionStep, NewDecision, Transaction};

use super::{CLERKS, allow, task_of, today};
use crate::audited::Audited;
use crate::error::ReviewError;
use crate::event::{self, Clerical};
use crate::link::{Act, Effect, carry_out, foresee};
use crate::services::Services;

/// Pairs of records that one decision may be about.
const PAIRS: usize = 10_000;

/// Longest reason, in characters.
const REASON: usize = 2_000;

/// What a decision or a step of it led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which decision.
    pub decision: DecisionNumber,
    /// Where it stands now.
    pub state: DecisionState,
    /// What happened to citizens, as the feed tells it; nothing while a second person is awaited.
    pub changes: Vec<Change>,
}

/// What a decision would lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What would happen to citizens. Ids of citizens who would be new are made up.
    pub changes: Vec<Change>,
    /// Whether a second person would have to confirm it.
    pub second_person: bool,
}

/// Answers a task: the two citizens are one person, are two, or nobody can tell.
///
/// # Errors
/// There is no such task, another person has it, the answer contradicts an earlier decision, or a
/// failure; nothing was changed then.
pub async fn resolve_task(
    services: &Services,
    caller: &Caller,
    number: TaskNumber,
    judgement: Judgement,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "ResolveReviewTask", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let task = task_of(tx.as_mut(), number).await?;
    let now = services.clock.now();
    match &task.claim {
        Some((by, until)) if *by != event::person(caller) && *until > now => {
            return Err(ReviewError::Claimed {
                task: number,
                until: *until,
            });
        }
        Some(_) | None => {}
    }
    let left = tx.members_of(task.task.left.1).await?;
    let right = tx.members_of(task.task.right.1).await?;
    let ask = Ask {
        judgement,
        origin: DecisionOrigin::Task,
        pairs: cross(&left, &right)?,
        task: Some(number),
    };
    let protected = is_protected(tx.as_mut(), &ask.pairs).await?;
    drop(tx);
    make(services, caller, ask, protected, reason).await
}

/// Merges two citizens, whatever the evidence says. A clerk's merge waits for an approver.
///
/// # Errors
/// There is no such citizen, they are one already, it contradicts an earlier decision, or a
/// failure; nothing was changed then.
pub async fn merge_citizens(
    services: &Services,
    caller: &Caller,
    citizens: (CitizenId, CitizenId),
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "MergeCitizens", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let ask = ask_to_merge(tx.as_mut(), citizens).await?;
    let second = needs_second(tx.as_mut(), caller, &ask).await?;
    drop(tx);
    make(services, caller, ask, second, reason).await
}

/// Splits records off a citizen, whatever the evidence says. A clerk's split waits for an approver.
///
/// # Errors
/// There is no such citizen, a record is not theirs, all or none are named, it contradicts an
/// earlier decision, or a failure; nothing was changed then.
pub async fn split_citizen(
    services: &Services,
    caller: &Caller,
    citizen: CitizenId,
    records: &[RecordNumber],
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "SplitCitizen", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let ask = ask_to_split(tx.as_mut(), citizen, records).await?;
    let second = needs_second(tx.as_mut(), caller, &ask).await?;
    drop(tx);
    make(services, caller, ask, second, reason).await
}

/// Returns what a merge would change.
///
/// # Errors
/// As [`merge_citizens`].
pub async fn preview_merge(
    services: &Services,
    caller: &Caller,
    citizens: (CitizenId, CitizenId),
) -> Result<Audited<Preview>, ReviewError> {
    allow(services, caller, "PreviewMerge", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let ask = ask_to_merge(tx.as_mut(), citizens).await?;
    let second = needs_second(tx.as_mut(), caller, &ask).await?;
    drop(tx);
    preview(services, caller, &ask, second, &[citizens.0, citizens.1]).await
}

/// Returns what a split would change.
///
/// # Errors
/// As [`split_citizen`].
pub async fn preview_split(
    services: &Services,
    caller: &Caller,
    citizen: CitizenId,
    records: &[RecordNumber],
) -> Result<Audited<Preview>, ReviewError> {
    allow(services, caller, "PreviewSplit", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let ask = ask_to_split(tx.as_mut(), citizen, records).await?;
    let second = needs_second(tx.as_mut(), caller, &ask).await?;
    drop(tx);
    preview(services, caller, &ask, second, &[citizen]).await
}

/// Marks a citizen as protected, or no longer: decisions about protected people need a second
/// person. The mark goes with the citizen's records.
///
/// # Errors
/// There is no such citizen, the caller is no approver, or a failure.
pub async fn protect_citizen(
    services: &Services,
    caller: &Caller,
    citizen: CitizenId,
    protected: bool,
) -> Result<Audited<()>, ReviewError> {
    allow(services, caller, "ProtectCitizen", &[Role::Approver]).await?;
    let now = services.clock.now();
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let citizen = today(tx.as_mut(), citizen).await?;
    let records = tx.members_of(citizen).await?;
    let action = if protected {
        tx.protect(&records, &event::person(caller), now).await?;
        "protect"
    } else {
        tx.unprotect(&records).await?;
        "unprotect"
    };
    let clerical = Clerical::of(action);
    let entry = event::of_review(services, caller, &clerical, &[citizen], now);
    let audited = services.audit.commit(tx, tenure, entry, ()).await?;
    let mut tx = services.storage.snapshot().await?;
    services.protection.refresh(tx.as_mut()).await?;
    Ok(audited)
}

/// What is to be decided.
pub(super) struct Ask {
    pub(super) judgement: Judgement,
    pub(super) origin: DecisionOrigin,
    pub(super) pairs: Vec<RecordPair>,
    pub(super) task: Option<TaskNumber>,
}

async fn ask_to_merge(
    tx: &mut dyn Transaction,
    citizens: (CitizenId, CitizenId),
) -> Result<Ask, ReviewError> {
    let (one, other) = (today(tx, citizens.0).await?, today(tx, citizens.1).await?);
    if one == other {
        let text = "the two ids are of one citizen already; there is nothing to merge";
        return Err(ReviewError::Invalid(text.to_owned()));
    }
    let (left, right) = (tx.members_of(one).await?, tx.members_of(other).await?);
    Ok(Ask {
        judgement: Judgement::Same,
        origin: DecisionOrigin::Merge,
        pairs: cross(&left, &right)?,
        task: None,
    })
}

async fn ask_to_split(
    tx: &mut dyn Transaction,
    citizen: CitizenId,
    records: &[RecordNumber],
) -> Result<Ask, ReviewError> {
    let citizen = today(tx, citizen).await?;
    let members = tx.members_of(citizen).await?;
    if let Some(stranger) = records.iter().find(|record| !members.contains(record)) {
        return Err(ReviewError::Invalid(format!(
            "record {} is not of this citizen; name records that are",
            stranger.0
        )));
    }
    let (left, right): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|record| records.contains(record));
    if left.is_empty() || right.is_empty() {
        let text = "a split parts some records of a citizen from the others; name some, not all";
        return Err(ReviewError::Invalid(text.to_owned()));
    }
    Ok(Ask {
        judgement: Judgement::Different,
        origin: DecisionOrigin::Split,
        pairs: cross(&left, &right)?,
        task: None,
    })
}

/// Returns every pair across two groups of records, ascending.
fn cross(left: &[RecordNumber], right: &[RecordNumber]) -> Result<Vec<RecordPair>, ReviewError> {
    if left.is_empty() || right.is_empty() {
        let text = "one of the citizens has no record any more; look at the task again";
        return Err(ReviewError::Invalid(text.to_owned()));
    }
    if left.len() * right.len() > PAIRS {
        return Err(ReviewError::Invalid(format!(
            "{} and {} records are more than one decision may be about; decide on parts of them",
            left.len(),
            right.len()
        )));
    }
    let pairs = left
        .iter()
        .flat_map(|one| right.iter().map(move |two| (*one.min(two), *one.max(two))));
    let mut pairs: Vec<RecordPair> = pairs.collect();
    pairs.sort_unstable();
    Ok(pairs)
}

pub(super) async fn needs_second(
    tx: &mut dyn Transaction,
    caller: &Caller,
    ask: &Ask,
) -> Result<bool, ReviewError> {
    let free = matches!(ask.origin, DecisionOrigin::Merge | DecisionOrigin::Split);
    Ok((free && caller.role != Role::Approver) || is_protected(tx, &ask.pairs).await?)
}

async fn is_protected(tx: &mut dyn Transaction, pairs: &[RecordPair]) -> Result<bool, ReviewError> {
    let mut records: Vec<RecordNumber> = pairs.iter().flat_map(|pair| [pair.0, pair.1]).collect();
    records.sort_unstable();
    records.dedup();
    Ok(!tx.protected(&records).await?.is_empty())
}

async fn make(
    services: &Services,
    caller: &Caller,
    ask: Ask,
    second: bool,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    let state = if second {
        DecisionState::Proposed
    } else {
        DecisionState::Standing
    };
    let new = NewDecision {
        judgement: ask.judgement,
        origin: ask.origin,
        pairs: ask.pairs,
        step: new_step(services, caller, state, reason)?,
    };
    let at = new.step.at;
    let judgement = ask.judgement;
    let entry = |effect: &Effect| {
        let clerical = Clerical {
            task: ask.task,
            ..Clerical::of_decision(effect.decision, judgement, effect.state)
        };
        event::of_review(services, caller, &clerical, &effect.citizens, at)
    };
    let effect = carry_out(services, Act::Make(new, ask.task), entry).await?;
    Ok(effect.map(outcome))
}

async fn preview(
    services: &Services,
    caller: &Caller,
    ask: &Ask,
    second_person: bool,
    citizens: &[CitizenId],
) -> Result<Audited<Preview>, ReviewError> {
    let preview = Preview {
        changes: foresee(services, ask.judgement, &ask.pairs).await?,
        second_person,
    };
    let clerical = Clerical::of("preview");
    let now = services.clock.now();
    let entry = event::of_review(services, caller, &clerical, citizens, now);
    Ok(services.audit.record(entry, preview).await?)
}

pub(super) fn outcome(effect: Effect) -> Outcome {
    Outcome {
        decision: effect.decision,
        state: effect.state,
        changes: effect.changes,
    }
}

pub(super) fn new_step(
    services: &Services,
    caller: &Caller,
    state: DecisionState,
    reason: &Pii<String>,
) -> Result<DecisionStep, ReviewError> {
    let length = reason.expose().trim().chars().count();
    if length == 0 || length > REASON {
        return Err(ReviewError::Invalid(format!(
            "a decision needs a reason of 1 to {REASON} characters"
        )));
    }
    Ok(DecisionStep {
        state,
        by: event::person(caller),
        at: services.clock.now(),
        reason: reason.clone(),
    })
}
