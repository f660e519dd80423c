//! Rows that their owner says are replaced by others of the same stream: followed as decisions
//! that the two are one person.
//!
//! Invariant: what stands of these decisions is a function of what the live rows say, of what
//! people decided against it, and of which of several came first where people contradict some. A
//! row speaks for rows of its own stream alone; one that is gone is taken to say what it said.

use std::collections::{BTreeMap, BTreeSet};

use rabt_audit::Entry;
use rabt_connect::RejectReason;
use rabt_linkage::{Index, Linked};
use rabt_model::{
    DecisionNumber, Judgement, Pii, RecordId, RecordNumber, RecordPair, SourceRecord, Timestamp,
};
use rabt_storage::{
    DecisionOrigin, DecisionState, DecisionStep, NewDecision, StorageError, StoredDecision,
    StoredRejection, Transaction,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Feed, Linker};
use crate::error::LinkError;
use crate::event;
use crate::services::Services;

/// Decisions that are read at a time.
const PAGE: u32 = 10_000;

/// What the live rows say of their replacements, and what was made of it.
#[derive(Debug, Default)]
pub(super) struct Replacements {
    /// For a row: which it is, and which takes its place.
    wanted: FxHashMap<RecordNumber, (RecordId, RecordId)>,
    /// For a row: the records whose place it takes.
    awaited: FxHashMap<RecordId, BTreeSet<RecordNumber>>,
    /// The decisions that were made of it, unless the linker ended them. One of these that is not
    /// in force was ended by a person, whose word stands.
    made: BTreeMap<RecordPair, DecisionNumber>,
    /// The records of these decisions, and perhaps more.
    named: FxHashSet<RecordNumber>,
    /// Rows that are to be looked at.
    touched: BTreeMap<RecordNumber, RecordId>,
    /// Rows whose word people contradict; they are looked at again every time.
    refused: BTreeMap<RecordNumber, RecordId>,
}

/// What follows from a look at the touched rows, before it is known what contradicts it.
#[derive(Debug, Default)]
struct Wish {
    end: Vec<(RecordPair, DecisionNumber)>,
    make: Vec<(RecordNumber, RecordPair)>,
}

/// What became of a wish in the index.
#[derive(Debug, Default)]
struct Done {
    ended: Vec<(RecordPair, DecisionNumber)>,
    /// Under the number that the index knows it by until storage gives it one.
    made: Vec<(RecordPair, DecisionNumber)>,
    refused: Vec<RecordNumber>,
    linked: Vec<Linked>,
}

impl Replacements {
    /// Reads the decisions that were made of what rows said.
    pub(super) async fn load(tx: &mut dyn Transaction) -> Result<Self, StorageError> {
        let mut replacements = Self::default();
        let mut before = None;
        loop {
            let page = tx.decisions_before(before, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(replacements);
            };
            before = Some(last.number);
            for decision in page {
                replacements.remember(&decision);
            }
        }
    }

    fn remember(&mut self, decision: &StoredDecision) {
        let by_linker = decision
            .steps
            .last()
            .is_some_and(|step| step.by == event::LINKER);
        let stands = decision.state().is_in_force() || !by_linker;
        if decision.origin != DecisionOrigin::Agency || !stands {
            return;
        }
        for pair in &decision.pairs {
            self.named.extend([pair.0, pair.1]);
            // Decisions come the last one first.
            self.made.entry(*pair).or_insert(decision.number);
        }
    }

    /// Takes notice of what a row says now.
    pub(super) fn note(&mut self, number: RecordNumber, record: &SourceRecord) {
        let id = &record.id;
        let said = self.forget(number);
        if let Some(key) = &record.replaced_by {
            let target = RecordId {
                key: key.clone(),
                ..id.clone()
            };
            self.awaited
                .entry(target.clone())
                .or_default()
                .insert(number);
            self.wanted.insert(number, (id.clone(), target));
        }
        if said || record.replaced_by.is_some() || self.named.contains(&number) {
            self.touched.insert(number, id.clone());
        }
        for waiting in self.awaited.get(id).into_iter().flatten() {
            if let Some((id, _)) = self.wanted.get(waiting) {
                self.touched.insert(*waiting, id.clone());
            }
        }
    }

    /// Takes notice that rows are gone. What was made of their word stays.
    pub(super) fn depart(&mut self, numbers: &[RecordNumber]) {
        for number in numbers {
            self.forget(*number);
            self.touched.remove(number);
            self.refused.remove(number);
        }
    }

    /// Says whether there is nothing to look at.
    fn is_quiet(&self) -> bool {
        self.touched.is_empty() && self.refused.is_empty()
    }

    /// Says whether a decision was made of what a row says.
    pub(super) fn is_ours(&self, decision: DecisionNumber, pair: RecordPair) -> bool {
        self.made.get(&pair) == Some(&decision)
    }

    /// Forgets what a row said; says whether it said anything.
    fn forget(&mut self, number: RecordNumber) -> bool {
        let Some((_, target)) = self.wanted.remove(&number) else {
            return false;
        };
        if let Some(waiting) = self.awaited.get_mut(&target) {
            waiting.remove(&number);
            if waiting.is_empty() {
                self.awaited.remove(&target);
            }
        }
        true
    }

    /// Returns what the touched rows ask for. `found` are the rows that take the places of others.
    fn wish(
        &self,
        index: &Index,
        touched: &BTreeMap<RecordNumber, RecordId>,
        found: &FxHashMap<RecordNumber, RecordNumber>,
    ) -> Wish {
        let mut wish = Wish::default();
        for (record, id) in touched {
            let target = found.get(record).copied();
            for (other, _, decision) in index.judgements().about(*record) {
                let pair = (other.min(*record), other.max(*record));
                if !self.is_ours(decision, pair) {
                    continue;
                }
                let theirs = self.wanted.get(&other).is_some_and(|(_, to)| to == id);
                if target != Some(other) && !theirs && index.holds(other) {
                    wish.end.push((pair, decision));
                }
            }
            let Some(target) = target.filter(|target| index.holds(*target)) else {
                continue;
            };
            let pair = (target.min(*record), target.max(*record));
            if target != *record && !self.made.contains_key(&pair) {
                wish.make.push((*record, pair));
            }
        }
        wish.end.sort_unstable();
        wish.end.dedup();
        // Two rows may say of each other that they are replaced by them.
        let mut seen = FxHashSet::default();
        wish.make.retain(|(_, pair)| seen.insert(*pair));
        wish
    }
}

/// Follows what the noted rows say, in a transaction of its own. A kill behind the commit leaves
/// decisions in force that the next rebuild clusters by.
pub(super) async fn follow_alone(
    services: &Services,
    linker: Linker,
    feed: &mut Feed,
) -> Result<Linker, LinkError> {
    if linker.replacements.is_quiet() {
        return Ok(linker);
    }
    let mut tx = services.storage.begin().await?;
    let mut entries = Vec::new();
    let linker = follow(services, tx.as_mut(), linker, feed, &mut entries).await?;
    let told = services.audit.commit_all(tx, linker.tenure, entries, ());
    told.await?;
    Ok(linker)
}

/// Follows what the noted rows say: decisions are stored, and the index clusters by them.
pub(super) async fn follow(
    services: &Services,
    tx: &mut dyn Transaction,
    mut linker: Linker,
    feed: &mut Feed,
    entries: &mut Vec<Entry>,
) -> Result<Linker, LinkError> {
    if linker.replacements.is_quiet() {
        return Ok(linker);
    }
    let mut touched = std::mem::take(&mut linker.replacements.touched);
    touched.extend(linker.replacements.refused.clone());
    let found = targets(tx, &linker.replacements, &touched).await?;
    let wish = linker.replacements.wish(&linker.index, &touched, &found);
    let (index, done) = carry_out(services, linker.index, wish).await?;
    linker.index = index;
    settle(services, tx, &mut linker, &touched, &done, entries).await?;
    for mut linked in done.linked {
        feed.questions.report(&mut linked, &[]);
        feed.partition.report(linked.clusters);
    }
    Ok(linker)
}

/// Finds the rows that take the places of touched ones.
async fn targets(
    tx: &mut dyn Transaction,
    replacements: &Replacements,
    touched: &BTreeMap<RecordNumber, RecordId>,
) -> Result<FxHashMap<RecordNumber, RecordNumber>, StorageError> {
    let mut by_stream: BTreeMap<_, Vec<(RecordNumber, &str)>> = BTreeMap::new();
    for record in touched.keys() {
        if let Some((_, to)) = replacements.wanted.get(record) {
            let wanted = (*record, to.key.expose().as_str());
            by_stream
                .entry((&to.source, &to.stream))
                .or_default()
                .push(wanted);
        }
    }
    let mut found = FxHashMap::default();
    for ((source, stream), wanted) in by_stream {
        let keys: Vec<&str> = wanted.iter().map(|(_, key)| *key).collect();
        let numbers = tx.find_records(source, stream, &keys).await?;
        let pairs = wanted.iter().zip(numbers);
        found.extend(pairs.filter_map(|((record, _), number)| Some((*record, number?))));
    }
    Ok(found)
}

/// Lets the index decide, away from the threads that answer requests. What people contradict is
/// left out.
async fn carry_out(
    services: &Services,
    mut index: Index,
    wish: Wish,
) -> Result<(Index, Done), LinkError> {
    let work = services.tasks.spawn_blocking(move || {
        let mut done = Done::default();
        for (_, decision) in &wish.end {
            done.linked.push(index.undo(*decision));
        }
        done.ended = wish.end;
        let mut trial = i64::MAX;
        for (record, pair) in wish.make {
            let judgements = index.judgements();
            if judgements.contradiction(Judgement::Same, &[pair]).is_some() {
                done.refused.push(record);
                continue;
            }
            trial -= 1;
            let number = DecisionNumber(trial);
            let linked = index.decide(number, Judgement::Same, &[pair]);
            done.linked.push(linked);
            done.made.push((pair, number));
        }
        (index, done)
    });
    work.await.map_err(|_| LinkError::Stopped)
}

/// Stores what was decided, with its entries of the audit log, and lets memory follow.
async fn settle(
    services: &Services,
    tx: &mut dyn Transaction,
    linker: &mut Linker,
    touched: &BTreeMap<RecordNumber, RecordId>,
    done: &Done,
    entries: &mut Vec<Entry>,
) -> Result<(), LinkError> {
    let at = services.clock.now();
    for (_, number) in &done.ended {
        let Some(decision) = tx.get_decision(*number).await? else {
            continue;
        };
        let step = step(
            DecisionState::Undone,
            "the row does not say so any more",
            at,
        );
        if tx.step_decision(*number, decision.state(), &step).await? {
            entries.push(event::of_replacement(*number, DecisionState::Undone, at));
        }
    }
    let mut numbers = Vec::with_capacity(done.made.len());
    for (pair, _) in &done.made {
        let new = NewDecision {
            judgement: Judgement::Same,
            origin: DecisionOrigin::Agency,
            pairs: vec![*pair],
            step: step(
                DecisionState::Standing,
                "the agency replaced one of its rows by the other",
                at,
            ),
        };
        let number = tx.put_decision(&new).await?;
        entries.push(event::of_replacement(number, DecisionState::Standing, at));
        numbers.push(number);
    }
    let refused: BTreeMap<RecordNumber, RecordId> = done
        .refused
        .iter()
        .filter_map(|record| Some((*record, touched.get(record)?.clone())))
        .collect();
    let known = &linker.replacements.refused;
    let news = refused
        .iter()
        .filter(|(record, _)| !known.contains_key(record));
    for (_, id) in news {
        reject(services, tx, id).await?;
    }
    let replacements = &mut linker.replacements;
    replacements.refused = refused;
    for (pair, _) in &done.ended {
        replacements.made.remove(pair);
    }
    for ((pair, trial), number) in done.made.iter().zip(numbers) {
        replacements.named.extend([pair.0, pair.1]);
        replacements.made.insert(*pair, number);
        linker.index.renumber(*trial, number);
    }
    Ok(())
}

fn step(state: DecisionState, reason: &str, at: Timestamp) -> DecisionStep {
    DecisionStep {
        state,
        by: event::LINKER.to_owned(),
        at,
        reason: Pii::new(reason.to_owned()),
    }
}

/// Stores that a row's word is not followed, with the last run of its source.
async fn reject(
    services: &Services,
    tx: &mut dyn Transaction,
    id: &RecordId,
) -> Result<(), StorageError> {
    let Some(run) = tx.runs(&id.source, 1).await?.pop() else {
        return Ok(());
    };
    let known = services.registry.current();
    let rejection = StoredRejection {
        source: id.source.clone(),
        stream: id.stream.clone(),
        key: id.key.clone(),
        column: known.replacement_column(&id.source, &id.stream),
        reason: RejectReason::ContradictedReplacement.code().to_owned(),
        field_only: true,
    };
    tx.put_rejections(run.run, &[rejection]).await
}
