//! Records that arrive, change and disappear one by one: stored, linked and told in one transaction.
//!
//! Arrivals that wait while a transaction is under way share the next one, so that a commit is paid
//! for by as many as there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use rabt_linkage::Index;
use rabt_model::{ChangeCause, RecordId, RecordNumber, RunId, SourceRecord, Timestamp};
use rabt_storage::{DeleteOutcome, Deletion, PutOutcome, StorageError, StoredRecord, Transaction};
use rustc_hash::FxHashSet;

use super::arrivals::Applied;
use super::recall::recall;
use super::write::Work;
use super::{Feed, LinkSummary, Linker, LinkerSlot, batch_of, drain, lapse, replace};
use crate::audited::Audited;
use crate::error::LinkError;
use crate::event;
use crate::services::Services;

/// What a source says of some of its records.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The run that reads the source.
    pub run: RunId,
    /// Records as they are now; one that is older than what is held changes nothing.
    pub records: Vec<SourceRecord>,
    /// Records that are no more; applied after `records`.
    pub deletions: Vec<Deletion>,
}

/// What arrivals say of records that no other one of them names: it is stored at once.
#[derive(Default)]
struct Pile {
    records: BTreeMap<RunId, Vec<SourceRecord>>,
    deletions: Vec<Deletion>,
    ids: FxHashSet<RecordId>,
}

/// What a transaction holds of its arrivals behind the last of them.
#[derive(Default)]
struct Stored {
    /// The records that are new or changed.
    page: BTreeMap<RecordNumber, StoredRecord>,
    /// Those that are gone.
    departed: BTreeSet<RecordNumber>,
}

/// Carries out the transaction of arrivals.
pub(super) async fn apply(
    services: &Services,
    slot: &mut LinkerSlot,
    arrivals: Vec<Arrival>,
) -> Applied {
    let mut summary = LinkSummary::default();
    let (mut linker, _) = slot.take(services, &mut summary).await?;
    let _turn = services.turn.lock().await;
    if services.backlog.swap(false, Ordering::AcqRel) {
        // What waits is linked first, so that this transaction is about what arrived alone.
        (linker, _) = drain(services, linker, &mut summary).await?;
    }
    let (mut tx, Stored { page, departed }) = match store(services, arrivals).await {
        Ok(stored) => stored,
        Err(error) => {
            // The index has not followed yet, and need not be built anew.
            slot.rest(linker);
            return Err(error.into());
        }
    };
    let page: Vec<StoredRecord> = page.into_values().collect();
    let departed: Vec<RecordNumber> = departed.into_iter().collect();
    let mut feed = Feed::default();
    linker.replacements.depart(&departed);
    remove_here(&mut linker.index, departed, &mut feed);
    recall(tx.as_mut(), &mut linker.index, &page, &mut feed).await?;
    compare_here(&mut linker, page, &mut feed, &mut summary);
    lapse::end(&mut linker.index, &linker.replacements, &mut feed);
    let (linker, audited) = commit(services, tx, linker, feed, summary).await?;
    slot.rest(linker);
    Ok(audited)
}

/// Takes deleted records out of the index, on this thread.
fn remove_here(index: &mut Index, departed: Vec<RecordNumber>, feed: &mut Feed) {
    if !departed.is_empty() {
        let linked = index.remove(&departed);
        feed.depart(linked, departed);
    }
}

/// Feeds records to the index, on this thread.
fn compare_here(
    linker: &mut Linker,
    page: Vec<StoredRecord>,
    feed: &mut Feed,
    summary: &mut LinkSummary,
) {
    let found = linker.index.link(&batch_of(&page));
    summary.count(&found);
    feed.report(found);
    feed.take(page, &mut linker.replacements);
}

/// Begins the transaction and stores what arrived; returns what is to be linked with it.
async fn store(
    services: &Services,
    arrivals: Vec<Arrival>,
) -> Result<(Box<dyn Transaction>, Stored), StorageError> {
    let mut tx = services.storage.begin().await?;
    tx.links_at_once();
    let at = services.clock.now();
    let mut stored = Stored::default();
    for pile in piles(arrivals) {
        pile.put(tx.as_mut(), at, &mut stored).await?;
    }
    Ok((tx, stored))
}

/// Gathers arrivals into as few piles as leave each record its versions.
fn piles(arrivals: Vec<Arrival>) -> Vec<Pile> {
    let mut piles: Vec<Pile> = Vec::new();
    for arrival in arrivals {
        match piles.last_mut() {
            Some(pile) if !pile.speaks_of(&arrival) => pile.add(arrival),
            Some(_) | None => {
                let mut pile = Pile::default();
                pile.add(arrival);
                piles.push(pile);
            }
        }
    }
    piles
}

impl Pile {
    /// Says whether a record of the arrival is in the pile already: each of its versions counts, so
    /// they are stored one behind the other.
    fn speaks_of(&self, arrival: &Arrival) -> bool {
        let records = arrival.records.iter().map(|record| &record.id);
        let deletions = arrival.deletions.iter().map(|deletion| &deletion.id);
        records.chain(deletions).any(|id| self.ids.contains(id))
    }

    fn add(&mut self, arrival: Arrival) {
        let records = arrival.records.iter().map(|record| &record.id);
        let deletions = arrival.deletions.iter().map(|deletion| &deletion.id);
        self.ids.extend(records.chain(deletions).cloned());
        let of_run = self.records.entry(arrival.run).or_default();
        of_run.extend(arrival.records);
        self.deletions.extend(arrival.deletions);
    }

    async fn put(
        &self,
        tx: &mut dyn Transaction,
        at: Timestamp,
        stored: &mut Stored,
    ) -> Result<(), StorageError> {
        for (run, records) in &self.records {
            if !records.is_empty() {
                let outcome = tx.put_records(*run, records).await?;
                stored.came(records, &outcome);
            }
        }
        if !self.deletions.is_empty() {
            let outcome = tx.delete_records(&self.deletions, at).await?;
            stored.went(&outcome);
        }
        Ok(())
    }
}

impl Stored {
    fn came(&mut self, records: &[SourceRecord], outcome: &PutOutcome) {
        let places = outcome.numbers.iter().zip(&outcome.counted);
        for (record, (number, counted)) in records.iter().zip(places) {
            if *counted {
                let held = StoredRecord::unlinked(*number, record);
                self.page.insert(*number, held);
                self.departed.remove(number);
            }
        }
    }

    fn went(&mut self, outcome: &DeleteOutcome) {
        for number in &outcome.numbers {
            self.page.remove(number);
            self.departed.insert(*number);
        }
    }
}

async fn commit(
    services: &Services,
    mut tx: Box<dyn Transaction>,
    linker: Linker,
    mut feed: Feed,
    mut summary: LinkSummary,
) -> Result<(Linker, Audited<LinkSummary>), LinkError> {
    let at = services.clock.now();
    let mut entries = Vec::new();
    let followed = replace::follow(services, tx.as_mut(), linker, &mut feed, &mut entries);
    let mut linker = followed.await?;
    let mut work = Work::of(tx.as_mut(), &linker, feed, usize::MAX).await?;
    let mut steps = Vec::new();
    for pack in std::mem::take(&mut work.packs) {
        let step = work
            .decide(services, tx.as_mut(), &linker, &pack, ChangeCause::Link)
            .await?;
        let place = step.write(tx.as_mut(), at).await?;
        step.move_in(&mut linker.held);
        summary.add(&step.summary());
        steps.push((step, place));
    }
    entries.push(event::of_link(&summary, services.model_fingerprint(), at));
    work.finish(tx.as_mut(), &mut linker, at, &mut entries)
        .await?;
    let audited = services
        .audit
        .commit_all(tx, linker.tenure, entries, summary)
        .await?;
    for (step, place) in &steps {
        step.publish(services, *place, at);
    }
    Ok((linker, audited))
}

#[cfg(test)]
mod tests {
    use rabt_model::{RunId, SourceRecord};
    use rabt_storage::Deletion;
    use rabt_storage::conformance::sample::record;

    use super::{Arrival, piles};

    fn arrival(records: &[&SourceRecord], gone: &[&SourceRecord]) -> Arrival {
        let deletion = |record: &&SourceRecord| Deletion {
            id: record.id.clone(),
            version: None,
            event_at: None,
        };
        Arrival {
            run: RunId(1),
            records: records.iter().copied().cloned().collect(),
            deletions: gone.iter().map(deletion).collect(),
        }
    }

    #[test]
    fn a_record_that_comes_twice_is_stored_twice_and_others_at_once() {
        let (a, b, c) = (
            record("tax", "a", 1),
            record("tax", "b", 1),
            record("tax", "c", 1),
        );
        let again = record("tax", "a", 2);
        let arrivals = vec![
            arrival(&[&a], &[]),
            arrival(&[&b], &[]),
            arrival(&[&again], &[]),
            arrival(&[], &[&b]),
            arrival(&[&c], &[]),
            arrival(&[&b], &[]),
        ];
        let piles = piles(arrivals);
        let counts = |pile: &super::Pile| (pile.records[&RunId(1)].len(), pile.deletions.len());
        let counts: Vec<_> = piles.iter().map(counts).collect();
        assert_eq!(counts, [(2, 0), (2, 1), (1, 0)]);
        assert_eq!(piles[1].records[&RunId(1)], [again, c]);
    }
}
