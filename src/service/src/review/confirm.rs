//! The life of a decision: confirmed, withdrawn, undone.

use rabt_model::{DecisionNumber, Pii};
use rabt_policy::{Caller, Role};
use rabt_storage::{DecisionOrigin, DecisionState};

use super::act::{Ask, Outcome, needs_second, new_step, outcome};
use super::{CLERKS, DecisionView, allow, decision_of};
use crate::audited::Audited;
use crate::error::ReviewError;
use crate::event::{self, Clerical};
use crate::link::{Act, Effect, carry_out};
use crate::services::Services;

/// Confirms, as a second person, what waits for one: that a decision be made, or be undone.
///
/// # Errors
/// There is no such decision, it waits for nobody, the caller is who proposed it, a clerk's merge
/// or split needs an approver, it contradicts what was decided since, or a failure.
pub async fn confirm_decision(
    services: &Services,
    caller: &Caller,
    number: DecisionNumber,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "ConfirmDecision", &CLERKS).await?;
    let decision = read(services, number).await?;
    let to = match decision.state() {
        DecisionState::Proposed => DecisionState::Standing,
        DecisionState::UndoProposed => DecisionState::Undone,
        state @ (DecisionState::Standing | DecisionState::Undone | DecisionState::Withdrawn) => {
            return Err(wrong_state(number, state, "it waits for nobody"));
        }
    };
    let proposed = decision.steps.last();
    let free = matches!(
        decision.origin,
        DecisionOrigin::Merge | DecisionOrigin::Split
    );
    let same = proposed.is_some_and(|step| is_person(&step.by, caller));
    if same || (free && caller.role != Role::Approver) {
        return Err(ReviewError::SecondPerson(number));
    }
    step(services, caller, decision, to, reason).await
}

/// Takes back, or refuses as a second person, what waits for one. What was in force stays so.
///
/// # Errors
/// There is no such decision, it waits for nobody, or a failure.
pub async fn withdraw_decision(
    services: &Services,
    caller: &Caller,
    number: DecisionNumber,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "WithdrawDecision", &CLERKS).await?;
    let decision = read(services, number).await?;
    let to = match decision.state() {
        DecisionState::Proposed => DecisionState::Withdrawn,
        DecisionState::UndoProposed => DecisionState::Standing,
        state @ (DecisionState::Standing | DecisionState::Undone | DecisionState::Withdrawn) => {
            return Err(wrong_state(number, state, "undo it instead"));
        }
    };
    step(services, caller, decision, to, reason).await
}

/// Undoes a decision with all its consequences. Where making it needed a second person, undoing
/// it does too.
///
/// # Errors
/// There is no such decision, it is not in force, or a failure.
pub async fn undo_decision(
    services: &Services,
    caller: &Caller,
    number: DecisionNumber,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    allow(services, caller, "UndoDecision", &CLERKS).await?;
    let mut tx = services.storage.snapshot().await?;
    let decision = decision_of(tx.as_mut(), number).await?;
    let ask = Ask {
        judgement: decision.judgement,
        origin: decision.origin,
        pairs: decision.pairs.clone(),
        task: None,
    };
    let second = needs_second(tx.as_mut(), caller, &ask).await?;
    drop(tx);
    match decision.state() {
        DecisionState::Standing => {}
        DecisionState::Proposed => {
            return Err(wrong_state(
                number,
                DecisionState::Proposed,
                "withdraw it instead",
            ));
        }
        state
        @ (DecisionState::UndoProposed | DecisionState::Undone | DecisionState::Withdrawn) => {
            return Err(wrong_state(number, state, "there is nothing to undo"));
        }
    }
    let to = if second {
        DecisionState::UndoProposed
    } else {
        DecisionState::Undone
    };
    step(services, caller, decision, to, reason).await
}

async fn step(
    services: &Services,
    caller: &Caller,
    decision: DecisionView,
    to: DecisionState,
    reason: &Pii<String>,
) -> Result<Audited<Outcome>, ReviewError> {
    let from = decision.state();
    let step = new_step(services, caller, to, reason)?;
    let at = step.at;
    let judgement = decision.judgement;
    let entry = |effect: &Effect| {
        let clerical = Clerical::of_decision(effect.decision, judgement, effect.state);
        event::of_review(services, caller, &clerical, &effect.citizens, at)
    };
    let act = Act::Move {
        number: decision.number,
        judgement,
        pairs: decision.pairs,
        from,
        step,
    };
    let effect = carry_out(services, act, entry).await?;
    Ok(effect.map(outcome))
}

async fn read(services: &Services, number: DecisionNumber) -> Result<DecisionView, ReviewError> {
    let mut tx = services.storage.snapshot().await?;
    decision_of(tx.as_mut(), number).await
}

/// Says whether a step was taken by the caller, under whichever role.
fn is_person(by: &str, caller: &Caller) -> bool {
    by == event::person(caller)
}

fn wrong_state(
    decision: DecisionNumber,
    state: DecisionState,
    remedy: &'static str,
) -> ReviewError {
    let state = match state {
        DecisionState::Proposed => "waiting for a second person",
        DecisionState::Standing => "in force",
        DecisionState::UndoProposed => "in force, and that it be undone waits for a second person",
        DecisionState::Undone => "undone",
        DecisionState::Withdrawn => "withdrawn",
    };
    ReviewError::State {
        decision,
        state,
        remedy,
    }
}
