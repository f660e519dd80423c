//! A person's decision, put in force or taken out of it with all that follows, in one transaction.

use rabt_audit::Entry;
use rabt_linkage::{Index, Linked};
use rabt_model::{
    Change, ChangeCause, CitizenId, DecisionNumber, Judgement, RecordNumber, RecordPair, TaskNumber,
};
use rabt_storage::{DecisionState, DecisionStep, NewDecision, StorageError, Transaction};

use super::write::Work;
use super::{Feed, LinkSummary, Linker};
use crate::audited::Audited;
use crate::error::{LinkError, ReviewError};
use crate::event;
use crate::services::Services;

/// The number under which a decision is tried before storage gives it one.
const TRIAL: DecisionNumber = DecisionNumber(i64::MAX);

/// What a person does.
#[derive(Debug)]
pub(crate) enum Act {
    /// Decides, or proposes to; with the task that asked.
    Make(NewDecision, Option<TaskNumber>),
    /// Takes a decision a step on from where it stands.
    Move {
        /// Which decision, as it is stored.
        number: DecisionNumber,
        judgement: Judgement,
        pairs: Vec<RecordPair>,
        from: DecisionState,
        step: DecisionStep,
    },
}

/// What an act did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) decision: DecisionNumber,
    pub(crate) state: DecisionState,
    pub(crate) changes: Vec<Change>,
    /// The citizens who had or have the records, ascending.
    pub(crate) citizens: Vec<CitizenId>,
}

/// What an act means for the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    IntoForce,
    OutOfForce,
    Nothing,
}

impl Act {
    fn parts(&self) -> (Judgement, &[RecordPair]) {
        match self {
            Self::Make(new, _) => (new.judgement, &new.pairs),
            Self::Move {
                judgement, pairs, ..
            } => (*judgement, pairs),
        }
    }

    fn step(&self) -> &DecisionStep {
        match self {
            Self::Make(new, _) => &new.step,
            Self::Move { step, .. } => step,
        }
    }

    fn turn(&self) -> Turn {
        let was = match self {
            Self::Make(..) => false,
            Self::Move { from, .. } => from.is_in_force(),
        };
        match (was, self.step().state.is_in_force()) {
            (false, true) => Turn::IntoForce,
            (true, false) => Turn::OutOfForce,
            (true, true) | (false, false) => Turn::Nothing,
        }
    }

    /// Refuses what another person was quicker with: a task that is answered or has a proposal, a
    /// decision that stands elsewhere. Whoever asks has the linker, so that it stays as it is found.
    async fn is_open(&self, tx: &mut dyn Transaction) -> Result<(), ReviewError> {
        match self {
            Self::Make(_, None) => Ok(()),
            Self::Make(_, Some(number)) => {
                let task = tx.get_task(*number).await?;
                let task = task.ok_or_else(|| ReviewError::NotFound {
                    thing: "review task",
                    name: number.0.to_string(),
                })?;
                match task.proposal {
                    None => Ok(()),
                    Some(decision) => Err(ReviewError::State {
                        decision,
                        state: "waiting for a second person",
                        remedy: "confirm or refuse it",
                    }),
                }
            }
            Self::Move { number, from, .. } => {
                let decision = tx.get_decision(*number).await?;
                if decision.is_some_and(|decision| decision.state() == *from) {
                    Ok(())
                } else {
                    Err(ReviewError::Moved(*number))
                }
            }
        }
    }

    /// Writes the act and returns the decision's number.
    async fn write(&self, tx: &mut dyn Transaction) -> Result<DecisionNumber, ReviewError> {
        match self {
            Self::Make(new, task) => {
                let number = tx.put_decision(new).await?;
                if let Some(task) = task.filter(|_| new.step.state == DecisionState::Proposed) {
                    tx.propose(task, Some(number)).await?;
                }
                Ok(number)
            }
            Self::Move {
                number, from, step, ..
            } => {
                if tx.step_decision(*number, *from, step).await? {
                    return Ok(*number);
                }
                Err(ReviewError::Moved(*number))
            }
        }
    }
}

/// Carries an act out. `entry` tells it to the audit log.
///
/// # Errors
/// It contradicts what was decided before, somebody else was quicker, or a failure; nothing was
/// changed then.
pub(crate) async fn carry_out(
    services: &Services,
    act: Act,
    entry: impl FnOnce(&Effect) -> Entry,
) -> Result<Audited<Effect>, ReviewError> {
    let mut slot = services.linker.lock().await;
    let (linker, _) = slot.take(services, &mut LinkSummary::default()).await?;
    let mut tx = services.storage.snapshot().await?;
    let open = act.is_open(tx.as_mut()).await;
    drop(tx);
    if let Err(error) = open {
        // Nothing has happened to the index yet.
        slot.rest(linker);
        return Err(error);
    }
    let (judgement, pairs) = act.parts();
    if act.step().state != DecisionState::Withdrawn
        && act.turn() != Turn::OutOfForce
        && let Some(chain) = linker.index.judgements().contradiction(judgement, pairs)
    {
        slot.rest(linker);
        return Err(ReviewError::Contradicts(chain));
    }
    let _turn = services.turn.lock().await;
    let (linker, audited) = perform(services, linker, &act, entry).await?;
    slot.rest(linker);
    Ok(audited)
}

/// Returns what would happen if it were decided, and changes nothing.
///
/// # Errors
/// As [`carry_out`].
pub(crate) async fn foresee(
    services: &Services,
    judgement: Judgement,
    pairs: &[RecordPair],
) -> Result<Vec<Change>, ReviewError> {
    let mut slot = services.linker.lock().await;
    let (mut linker, _) = slot.take(services, &mut LinkSummary::default()).await?;
    if let Some(chain) = linker.index.judgements().contradiction(judgement, pairs) {
        slot.rest(linker);
        return Err(ReviewError::Contradicts(chain));
    }
    let _turn = services.turn.lock().await;
    let list = pairs.to_vec();
    let (index, found) = judge(services, linker.index, move |index| {
        let found = index.decide(TRIAL, judgement, &list);
        index.undo(TRIAL);
        found
    })
    .await?;
    linker.index = index;
    let mut tx = services.storage.snapshot().await?;
    let mut work = work_of(tx.as_mut(), &linker, found).await?;
    let mut changes = Vec::new();
    for pack in std::mem::take(&mut work.packs) {
        let step = work
            .decide(services, tx.as_mut(), &linker, &pack, ChangeCause::Decision)
            .await?;
        changes.extend(step.changes());
    }
    slot.rest(linker);
    Ok(changes)
}

async fn perform(
    services: &Services,
    mut linker: Linker,
    act: &Act,
    entry: impl FnOnce(&Effect) -> Entry,
) -> Result<(Linker, Audited<Effect>), ReviewError> {
    let (judgement, pairs) = act.parts();
    let (pairs_asked, turn) = (pairs.to_vec(), act.turn());
    let taken = match act {
        Act::Make(..) => TRIAL,
        Act::Move { number, .. } => *number,
    };
    let (index, found) = judge(services, linker.index, move |index| match turn {
        Turn::IntoForce => index.decide(taken, judgement, &pairs_asked),
        Turn::OutOfForce => index.undo(taken),
        Turn::Nothing => Linked::default(),
    })
    .await?;
    linker.index = index;
    let before = held_of(&linker, pairs);
    let mut tx = services.storage.snapshot().await?;
    let mut work = work_of(tx.as_mut(), &linker, found).await?;
    let mut steps = Vec::new();
    for pack in std::mem::take(&mut work.packs) {
        steps.push(
            work.decide(services, tx.as_mut(), &linker, &pack, ChangeCause::Decision)
                .await?,
        );
    }
    drop(tx);
    let at = act.step().at;
    let mut tx = services.storage.begin().await?;
    let number = act.write(tx.as_mut()).await?;
    let mut written = Vec::with_capacity(steps.len());
    for step in &steps {
        written.push(step.write(tx.as_mut(), at).await?);
        step.move_in(&mut linker.held);
    }
    let mut entries = Vec::new();
    work.finish(tx.as_mut(), &mut linker, at, &mut entries)
        .await?;
    let mut citizens = before;
    citizens.extend(held_of(&linker, pairs));
    citizens.sort_unstable();
    citizens.dedup();
    let effect = Effect {
        decision: number,
        state: act.step().state,
        changes: steps.iter().flat_map(super::step::Step::changes).collect(),
        citizens,
    };
    entries.push(entry(&effect));
    entries.extend(
        steps
            .iter()
            .map(|step| event::of_link(&step.summary(), services.model_fingerprint(), at)),
    );
    let tenure = linker.tenure;
    let told = services.audit.commit_all(tx, tenure, entries, effect);
    let audited = told.await?;
    for (step, place) in steps.iter().zip(written) {
        step.publish(services, place, at);
    }
    if taken != number {
        linker.index.renumber(taken, number);
    }
    Ok((linker, audited))
}

/// Lets the index judge, away from the threads that answer requests.
async fn judge(
    services: &Services,
    mut index: Index,
    act: impl FnOnce(&mut Index) -> Linked + Send + 'static,
) -> Result<(Index, Linked), LinkError> {
    let work = services.tasks.spawn_blocking(move || {
        let found = act(&mut index);
        (index, found)
    });
    work.await.map_err(|_| LinkError::Stopped)
}

/// Returns what follows from a report, in one transaction.
async fn work_of(
    tx: &mut dyn Transaction,
    linker: &Linker,
    mut found: Linked,
) -> Result<Work, StorageError> {
    let mut feed = Feed::default();
    feed.questions.report(&mut found, &[]);
    feed.partition.report(found.clusters);
    Work::of(tx, linker, feed, usize::MAX).await
}

fn held_of(linker: &Linker, pairs: &[RecordPair]) -> Vec<CitizenId> {
    let records = pairs.iter().flat_map(|(left, right)| [left, right]);
    let held = records.filter_map(|record: &RecordNumber| linker.held.of(*record));
    held.collect()
}
