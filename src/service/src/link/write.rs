//! From a feed to transactions: what changed is packed, decided and written.

use rabt_audit::Entry;
use rabt_model::{ChangeCause, CitizenId, DecisionNumber, RecordNumber, Timestamp};
use rabt_storage::{StorageError, StoredRecord, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::partition::{Held, Pack, pack};
use super::prior::{self, Before, Returning};
use super::question::Questions;
use super::step::{Question, Step};
use super::view::Seen;
use super::{Feed, LinkSummary, Linker, lapse};
use crate::audited::Audited;
use crate::directory::Directory;
use crate::error::LinkError;
use crate::event;
use crate::services::Services;

/// Records whose clusters are written in one transaction, about.
pub(super) const TRANSACTION: usize = 20_000;

/// Writes what a feed changed, in transactions that are each complete in themselves.
pub(super) async fn write(
    services: &Services,
    linker: &mut Linker,
    feed: Feed,
    summary: &mut LinkSummary,
) -> Result<Option<Audited<LinkSummary>>, LinkError> {
    let mut tx = services.storage.snapshot().await?;
    let mut work = Work::of(tx.as_mut(), linker, feed, TRANSACTION).await?;
    drop(tx);
    let mut audited = None;
    let packs = std::mem::take(&mut work.packs);
    let last = packs.len().checked_sub(1);
    for (place, pack) in packs.iter().enumerate() {
        let mut tx = services.storage.snapshot().await?;
        let step = work
            .decide(services, tx.as_mut(), linker, pack, ChangeCause::Link)
            .await?;
        drop(tx);
        let at = services.clock.now();
        let mut tx = services.storage.begin().await?;
        let written = step.write(tx.as_mut(), at).await?;
        step.move_in(&mut linker.held);
        let model = services.model_fingerprint();
        let mut entries = vec![event::of_link(&step.summary(), model, at)];
        if Some(place) == last {
            work.finish(tx.as_mut(), linker, at, &mut entries).await?;
        }
        summary.add(&step.summary());
        let told = services
            .audit
            .commit_all(tx, linker.tenure, entries, *summary);
        audited = Some(told.await?);
        step.publish(services, written, at);
    }
    if last.is_none() {
        // Clusters are as storage has them, and still a rebuild may find that tasks are missing.
        let at = services.clock.now();
        let mut tx = services.storage.begin().await?;
        let mut entries = Vec::new();
        work.finish(tx.as_mut(), linker, at, &mut entries).await?;
        let told = services.audit.commit_all(tx, linker.tenure, entries, ());
        told.await?;
    }
    Ok(audited)
}

/// What was fed, and the transactions it is packed into.
pub(super) struct Work {
    pub(super) packs: Vec<Pack>,
    lapsed: Vec<(DecisionNumber, RecordNumber)>,
    questions: Questions,
    /// Who had the touched records before.
    told: FxHashSet<CitizenId>,
    fresh: FxHashSet<RecordNumber>,
    kept: FxHashMap<RecordNumber, StoredRecord>,
    returning: Returning,
}

impl Work {
    pub(super) async fn of(
        tx: &mut dyn Transaction,
        linker: &Linker,
        feed: Feed,
        limit: usize,
    ) -> Result<Self, StorageError> {
        let changed = feed.partition.into_changed(&linker.held, &feed.fresh);
        let returning = prior::returning(tx, &linker.held, &changed).await?;
        let claims = &returning.claims;
        Ok(Self {
            packs: pack(changed, &feed.departed, &linker.held, claims, limit),
            lapsed: feed.lapsed,
            told: feed.questions.citizens(&linker.held),
            questions: feed.questions,
            fresh: feed.fresh,
            kept: feed.kept,
            returning,
        })
    }

    pub(super) async fn decide(
        &mut self,
        services: &Services,
        tx: &mut dyn Transaction,
        linker: &Linker,
        pack: &Pack,
        cause: ChangeCause,
    ) -> Result<Step, StorageError> {
        let records = records_of(tx, &pack.clusters, &mut self.kept).await?;
        let (before, led) =
            before(tx, &services.directory, &linker.held, pack, &self.returning).await?;
        let seen = Seen::find(services, tx, (&linker.held, pack), &before, &records).await?;
        let question = Question {
            cause,
            held: &linker.held,
            pack,
            fresh: &self.fresh,
            records: &records,
            returning: &self.returning,
            before: &before,
            seen: &seen,
            led: &led,
        };
        Ok(Step::decide(services, &question))
    }

    /// Writes what belongs to the whole feed: the tasks that are open behind it, and the decisions
    /// that ended with it. The memberships must have followed.
    pub(super) async fn finish(
        &self,
        tx: &mut dyn Transaction,
        linker: &mut Linker,
        at: Timestamp,
        entries: &mut Vec<Entry>,
    ) -> Result<(), StorageError> {
        linker
            .put_tasks(tx, &self.questions, &self.told, at)
            .await?;
        entries.extend(lapse::write(tx, &self.lapsed, at).await?);
        Ok(())
    }
}

/// Returns the profiles that a pack may change, and where the citizens lead who may return.
async fn before(
    tx: &mut dyn Transaction,
    directory: &Directory,
    held: &Held,
    pack: &Pack,
    returning: &Returning,
) -> Result<
    (
        FxHashMap<CitizenId, Before>,
        FxHashMap<CitizenId, CitizenId>,
    ),
    StorageError,
> {
    let members = pack.clusters.iter().flatten().chain(&pack.departed);
    let (mut citizens, mut led) = (FxHashSet::default(), FxHashMap::default());
    let mut retired = FxHashSet::default();
    for record in members {
        citizens.extend(held.of(*record));
        retired.extend(returning.claims.get(record).copied());
    }
    if citizens.is_empty() && retired.is_empty() {
        return Ok((FxHashMap::default(), led));
    }
    for citizen in retired {
        if let Some(today) = tx.resolve(citizen).await? {
            led.insert(citizen, today);
        }
    }
    let citizens: Vec<CitizenId> = citizens.into_iter().collect();
    let before = prior::profiles_before(tx, directory, &citizens).await?;
    Ok((before, led))
}

/// Returns the records of some clusters, ascending; those that were kept are not read again.
async fn records_of(
    tx: &mut dyn Transaction,
    clusters: &[Vec<RecordNumber>],
    kept: &mut FxHashMap<RecordNumber, StoredRecord>,
) -> Result<Vec<StoredRecord>, StorageError> {
    let mut records = Vec::new();
    let mut missing = Vec::new();
    for number in clusters.iter().flatten() {
        match kept.remove(number) {
            Some(record) => records.push(record),
            None => missing.push(*number),
        }
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        records.extend(tx.get_records(&missing).await?);
    }
    records.sort_unstable_by_key(|record| record.number);
    Ok(records)
}
