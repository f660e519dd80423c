//! Decisions between rows and what callers see, the same for both backends.

use rabt_model::{DecisionNumber, Judgement, Pii, RecordNumber, RecordPair};
use rustc_hash::FxHashMap;

use crate::StorageError;
use crate::convert::{corrupt, to_timestamp};
use crate::review::{DecisionOrigin, DecisionState, DecisionStep, StoredDecision};

/// A row of `decisions`: number, judgement, origin.
pub(crate) type DecisionRow = (i64, String, String);

/// A row of `decision_pairs`: decision, lower record, higher record.
pub(crate) type PairRow = (i64, i64, i64);

/// A row of `decision_steps`: decision, state, who, when, why.
pub(crate) type StepRow = (i64, String, String, i64, String);

/// A pair of a decision in force: decision, judgement, both records; none when it has no pair.
pub(crate) type ForceRow = (i64, String, Option<i64>, Option<i64>);

/// A decision in force.
pub(crate) type InForce = (DecisionNumber, Judgement, Vec<RecordPair>);

/// Returns the decisions of `rows` in their order; pairs and steps are in theirs.
pub(crate) fn to_decisions(
    rows: Vec<DecisionRow>,
    pairs: Vec<PairRow>,
    steps: Vec<StepRow>,
) -> Result<Vec<StoredDecision>, StorageError> {
    let mut pairs_of: FxHashMap<i64, Vec<RecordPair>> = FxHashMap::default();
    for (decision, low, high) in pairs {
        let pair = (RecordNumber(low), RecordNumber(high));
        pairs_of.entry(decision).or_default().push(pair);
    }
    let mut steps_of: FxHashMap<i64, Vec<DecisionStep>> = FxHashMap::default();
    for (decision, state, by, at, reason) in steps {
        let step = to_step(&state, by, at, reason)?;
        steps_of.entry(decision).or_default().push(step);
    }
    let mut decisions = Vec::with_capacity(rows.len());
    for (number, judgement, origin) in rows {
        decisions.push(StoredDecision {
            number: DecisionNumber(number),
            judgement: to_judgement(&judgement)?,
            origin: DecisionOrigin::from_code(&origin)
                .ok_or_else(|| corrupt("decisions", "the origin is unknown"))?,
            pairs: pairs_of.remove(&number).unwrap_or_default(),
            steps: steps_of
                .remove(&number)
                .ok_or_else(|| corrupt("decisions", "a decision has no step"))?,
        });
    }
    Ok(decisions)
}

/// Returns the decisions of rows that are in the order of their numbers and pairs.
pub(crate) fn to_in_force(rows: Vec<ForceRow>) -> Result<Vec<InForce>, StorageError> {
    let mut decisions: Vec<InForce> = Vec::new();
    for (number, judgement, low, high) in rows {
        let number = DecisionNumber(number);
        if decisions.last().is_none_or(|last| last.0 != number) {
            decisions.push((number, to_judgement(&judgement)?, Vec::new()));
        }
        if let (Some(last), Some((low, high))) = (decisions.last_mut(), low.zip(high)) {
            last.2.push((RecordNumber(low), RecordNumber(high)));
        }
    }
    Ok(decisions)
}

fn to_judgement(code: &str) -> Result<Judgement, StorageError> {
    Judgement::from_code(code).ok_or_else(|| corrupt("decisions", "the judgement is unknown"))
}

fn to_step(state: &str, by: String, at: i64, reason: String) -> Result<DecisionStep, StorageError> {
    Ok(DecisionStep {
        state: DecisionState::from_code(state)
            .ok_or_else(|| corrupt("decision_steps", "the state is unknown"))?,
        by,
        at: to_timestamp("decision_steps", at)?,
        reason: Pii::new(reason),
    })
}
