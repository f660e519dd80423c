//! Records to citizens: the only writer of clusters and profiles.
//!
//! Invariant: every transaction is complete in itself. After a kill between two of them, the next
//! link rebuilds its index from storage, sees which clusters storage does not hold just so, and
//! ends in the same state.

mod partition;
mod prior;
mod step;

use std::sync::Arc;

use rabt_linkage::Index;
use rabt_model::{CitizenId, RecordNumber, SourceRecord};
use rabt_storage::{StorageError, StoredRecord};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::audited::Audited;
use crate::error::LinkError;
use crate::event;
use crate::services::Services;
use partition::{Held, Pack, Partition, pack};
pub(crate) use prior::as_composed;
use prior::{Before, Returning};
use step::{Question, Step};

/// Records that are read and compared at a time.
const PAGE: u32 = 50_000;
/// Records whose clusters are written in one transaction, about.
const TRANSACTION: usize = 20_000;
/// Records that a rebuild compares at a time: the first batch of an index is by far the cheapest.
const REBUILD: usize = 500_000;
/// Records that are kept between comparing and composing, so that they are read once.
const KEPT: usize = 500_000;

/// What a call of [`link`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkSummary {
    /// New or changed records that were linked.
    pub records: u64,
    /// Deleted records that left their citizens.
    pub departed: u64,
    /// Pairs that shared a blocking key and were compared.
    pub candidate_pairs: u64,
    /// Pairs judged to be one person.
    pub links: u64,
    /// Pairs that a clerk should judge.
    pub reviews: u64,
    /// Links that clustering did not follow.
    pub contradicted: u64,
    /// Blocks too large to compare.
    pub skipped_blocks: u64,
    /// Profiles composed.
    pub profiles: u64,
    /// Citizens who were not known before.
    pub new_citizens: u64,
    /// Citizens who turned out to be another one.
    pub merged_citizens: u64,
    /// Changes told to the feed.
    pub changes: u64,
    /// Transactions committed.
    pub transactions: u64,
}

/// The resident half of linking. It is taken out while a link runs: a link that does not finish
/// leaves none, and the next one rebuilds it.
pub(crate) struct Linker {
    index: Index,
    held: Held,
}

/// Where the linker rests between two calls.
#[derive(Default)]
pub(crate) struct LinkerSlot {
    linker: Option<Linker>,
    /// Whether a link began and did not end: it may have committed what the directory has not seen.
    broken: bool,
}

/// What was fed to the index and waits to be written.
#[derive(Default)]
struct Feed {
    partition: Partition,
    fresh: FxHashSet<RecordNumber>,
    departed: Vec<RecordNumber>,
    kept: FxHashMap<RecordNumber, StoredRecord>,
}

/// Links every record that is not linked yet, and lets go of those that were deleted. Calls take turns with each other and with the
/// transactions of ingest, so that no record changes between its comparison and its link.
///
/// # Errors
/// Storage or the audit log failed; what was committed until then stays, and the next call
/// continues.
pub async fn link(services: &Services) -> Result<Audited<LinkSummary>, LinkError> {
    let mut slot = services.linker.lock().await;
    let mut summary = LinkSummary::default();
    let mut audited = None;
    if slot.broken {
        services
            .directory
            .refresh(services.storage.as_ref())
            .await?;
    }
    slot.broken = true;
    let mut linker = if let Some(linker) = slot.linker.take() {
        linker
    } else {
        let _turn = services.turn.lock().await;
        let (mut linker, feed) = rebuild(services, &mut summary).await?;
        audited = write(services, &mut linker, feed, &mut summary).await?;
        linker
    };
    loop {
        let _turn = services.turn.lock().await;
        let (page, departed) = read_unlinked(services).await?;
        if page.is_empty() && departed.is_empty() {
            break;
        }
        let count = page.len() as u64;
        let mut feed = Feed::default();
        linker.index = remove(services, linker.index, departed, &mut feed).await?;
        linker.index = compare(services, linker.index, page, &mut feed, &mut summary).await?;
        let written = write(services, &mut linker, feed, &mut summary).await?;
        audited = Some(written.ok_or(LinkError::Unclustered(count))?);
    }
    *slot = LinkerSlot {
        linker: Some(linker),
        broken: false,
    };
    if let Some(audited) = audited {
        return Ok(audited);
    }
    let entry = event::of_link(&summary, services.model_fingerprint(), services.clock.now());
    Ok(services.audit.record(&entry, summary).await?)
}

/// Compares all records again, in the order of their numbers.
async fn rebuild(
    services: &Services,
    summary: &mut LinkSummary,
) -> Result<(Linker, Feed), LinkError> {
    let mut tx = services.storage.snapshot().await?;
    let held = Held::from_memberships(&tx.memberships().await?);
    let mut index = Index::new(Arc::clone(&services.model));
    let mut feed = Feed {
        departed: tx.departed_records(u32::MAX).await?,
        ..Feed::default()
    };
    let mut after = RecordNumber(i64::MIN);
    let mut batch = Vec::new();
    loop {
        let page = tx.records_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        batch.extend(page);
        if batch.len() >= REBUILD {
            let full = std::mem::take(&mut batch);
            index = compare(services, index, full, &mut feed, summary).await?;
        }
    }
    drop(tx);
    if !batch.is_empty() {
        index = compare(services, index, batch, &mut feed, summary).await?;
    }
    Ok((Linker { index, held }, feed))
}

async fn read_unlinked(
    services: &Services,
) -> Result<(Vec<StoredRecord>, Vec<RecordNumber>), StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let departed = tx.departed_records(PAGE).await?;
    Ok((tx.unlinked_records(PAGE).await?, departed))
}

/// Takes deleted records out of the index, away from the threads that answer requests.
async fn remove(
    services: &Services,
    mut index: Index,
    departed: Vec<RecordNumber>,
    feed: &mut Feed,
) -> Result<Index, LinkError> {
    if departed.is_empty() {
        return Ok(index);
    }
    let work = services.tasks.spawn_blocking(move || {
        let linked = index.remove(&departed);
        (index, departed, linked)
    });
    let (index, departed, linked) = work.await.map_err(|_| LinkError::Stopped)?;
    feed.partition.report(linked.clusters);
    feed.departed = departed;
    Ok(index)
}

/// Feeds a page to the index, away from the threads that answer requests.
async fn compare(
    services: &Services,
    mut index: Index,
    page: Vec<StoredRecord>,
    feed: &mut Feed,
    summary: &mut LinkSummary,
) -> Result<Index, LinkError> {
    let work = services.tasks.spawn_blocking(move || {
        let batch: Vec<(RecordNumber, &SourceRecord)> =
            page.iter().map(|r| (r.number, &r.record)).collect();
        let linked = index.link(&batch);
        (index, page, linked)
    });
    let (index, page, linked) = work.await.map_err(|_| LinkError::Stopped)?;
    summary.candidate_pairs += linked.candidate_pairs;
    summary.links += linked.links;
    summary.reviews += linked.reviews;
    summary.contradicted += linked.contradicted;
    summary.skipped_blocks += linked.skipped_blocks.len() as u64;
    feed.partition.report(linked.clusters);
    for record in page {
        if !record.linked {
            feed.fresh.insert(record.number);
        }
        if feed.kept.len() < KEPT {
            feed.kept.insert(record.number, record);
        }
    }
    Ok(index)
}

async fn write(
    services: &Services,
    linker: &mut Linker,
    feed: Feed,
    summary: &mut LinkSummary,
) -> Result<Option<Audited<LinkSummary>>, LinkError> {
    let Feed {
        partition,
        fresh,
        departed,
        mut kept,
    } = feed;
    let changed = partition.into_changed(&linker.held, &fresh);
    let mut tx = services.storage.snapshot().await?;
    let returning = prior::returning(tx.as_mut(), &linker.held, &changed).await?;
    drop(tx);
    let claims = &returning.claims;
    let mut audited = None;
    for pack in pack(changed, &departed, &linker.held, claims, TRANSACTION) {
        let records = records_of(services, &pack.clusters, &mut kept).await?;
        let (before, led) = before(services, &linker.held, &pack, &returning).await?;
        let step = Step::decide(
            services,
            &Question {
                held: &linker.held,
                pack: &pack,
                fresh: &fresh,
                records: &records,
                returning: &returning,
                before: &before,
                led: &led,
            },
        );
        audited = Some(step.commit(services, &mut linker.held, summary).await?);
    }
    Ok(audited)
}

/// Returns the profiles that a pack may change, and where the citizens lead who may return.
async fn before(
    services: &Services,
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
    let mut tx = services.storage.snapshot().await?;
    for citizen in retired {
        if let Some(today) = tx.resolve(citizen).await? {
            led.insert(citizen, today);
        }
    }
    let citizens: Vec<CitizenId> = citizens.into_iter().collect();
    let before = prior::profiles_before(tx.as_mut(), &citizens).await?;
    Ok((before, led))
}

/// Returns the records of some clusters, ascending; those that were kept are not read again.
async fn records_of(
    services: &Services,
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
        let mut tx = services.storage.snapshot().await?;
        records.extend(tx.get_records(&missing).await?);
    }
    records.sort_unstable_by_key(|record| record.number);
    Ok(records)
}

impl LinkSummary {
    fn add(&mut self, step: &Self) {
        self.records += step.records;
        self.departed += step.departed;
        self.profiles += step.profiles;
        self.new_citizens += step.new_citizens;
        self.merged_citizens += step.merged_citizens;
        self.changes += step.changes;
        self.transactions += step.transactions;
    }
}
