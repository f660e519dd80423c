//! Decisions that end of themselves: what a person decided about a record holds while the record is
//! about that person. A source that gives a key to somebody else must not merge two strangers.

use rabt_audit::Entry;
use rabt_linkage::Index;
use rabt_model::{DecisionNumber, Pii, RecordNumber, Timestamp};
use rabt_storage::{DecisionState, DecisionStep, StorageError, Transaction};
use rustc_hash::FxHashSet;

use super::Feed;
use super::replace::Replacements;
use crate::event;

/// Takes the decisions about estranged records out of force; what they joined or kept apart is left
/// to evidence, and asked again where that does not tell. What the owner of a row says of it holds
/// until the owner says otherwise.
pub(super) fn end(index: &mut Index, replacements: &Replacements, feed: &mut Feed) {
    let mut ended: FxHashSet<DecisionNumber> = FxHashSet::default();
    for record in std::mem::take(&mut feed.estranged) {
        let about: Vec<DecisionNumber> = index
            .judgements()
            .about(record)
            .filter(|(other, _, decision)| {
                let pair = (record.min(*other), record.max(*other));
                !replacements.is_ours(*decision, pair)
            })
            .map(|(_, _, decision)| decision)
            .collect();
        for decision in about {
            if ended.insert(decision) {
                let mut linked = index.undo(decision);
                feed.questions.report(&mut linked, &[]);
                feed.partition.report(linked.clusters);
                feed.lapsed.push((decision, record));
            }
        }
    }
}

/// Writes the ends of decisions, and returns what the audit log says of them.
pub(super) async fn write(
    tx: &mut dyn Transaction,
    lapsed: &[(DecisionNumber, RecordNumber)],
    at: Timestamp,
) -> Result<Vec<Entry>, StorageError> {
    let mut entries = Vec::with_capacity(lapsed.len());
    for (number, record) in lapsed {
        let Some(decision) = tx.get_decision(*number).await? else {
            continue;
        };
        let reason = format!("record {} no longer describes whom it described", record.0);
        let step = DecisionStep {
            state: DecisionState::Undone,
            by: event::LINKER.to_owned(),
            at,
            reason: Pii::new(reason),
        };
        if tx.step_decision(*number, decision.state(), &step).await? {
            entries.push(event::of_lapse(*number, decision.judgement, at));
        }
    }
    Ok(entries)
}
