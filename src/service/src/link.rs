//! Records to citizens: the only writer of clusters and profiles.
//!
//! Invariant: every transaction is complete in itself. After a kill between two of them, the next
//! link rebuilds its index from storage, sees which clusters storage does not hold just so, and
//! ends in the same state.

mod partition;

use std::sync::Arc;

use rabt_linkage::{ClusterChange, Index, continue_identity};
use rabt_model::{CitizenId, Profile, RecordNumber, SourceRecord};
use rabt_storage::{StorageError, StoredProfile, StoredRecord};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::audited::Audited;
use crate::compose::{compose, profile_of};
use crate::directory::pick;
use crate::error::LinkError;
use crate::event;
use crate::services::Services;
use partition::{Held, Partition, pack};

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
    kept: FxHashMap<RecordNumber, StoredRecord>,
}

/// Links every record that is not linked yet. Calls take turns with each other and with the
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
        let page = read_unlinked(services).await?;
        if page.is_empty() {
            break;
        }
        let count = page.len() as u64;
        let mut feed = Feed::default();
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
    let mut feed = Feed::default();
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

async fn read_unlinked(services: &Services) -> Result<Vec<StoredRecord>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    tx.unlinked_records(PAGE).await
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
        mut kept,
    } = feed;
    let changed = partition.into_changed(&linker.held, &fresh);
    let mut audited = None;
    for clusters in pack(changed, &linker.held, TRANSACTION) {
        let records = records_of(services, &clusters, &mut kept).await?;
        let step = Step::decide(services, &linker.held, &clusters, &fresh, &records);
        audited = Some(commit(services, &mut linker.held, step, summary).await?);
    }
    Ok(audited)
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

/// One transaction, decided but not written.
struct Step {
    assign: Vec<(RecordNumber, CitizenId)>,
    unmoved: Vec<RecordNumber>,
    redirects: Vec<(CitizenId, CitizenId)>,
    emptied: Vec<CitizenId>,
    stored: Vec<StoredProfile>,
    served: Vec<Profile>,
    records: u64,
    new_citizens: u64,
}

impl Step {
    fn decide(
        services: &Services,
        held: &Held,
        clusters: &[Vec<RecordNumber>],
        fresh: &FxHashSet<RecordNumber>,
        records: &[StoredRecord],
    ) -> Self {
        let (change, new_citizens) = continue_identities(services, held, clusters);
        let moved: FxHashSet<RecordNumber> = change.assign.iter().map(|(n, _)| *n).collect();
        let members = clusters.iter().flatten().filter(|n| fresh.contains(n));
        let (mut unmoved, mut count) = (Vec::new(), 0);
        for number in members {
            count += 1;
            if !moved.contains(number) {
                unmoved.push(*number);
            }
        }
        let at = services.clock.now();
        let rank = services.registry.ranks();
        let mut stored = Vec::with_capacity(change.clusters.len());
        let mut served = Vec::with_capacity(change.clusters.len());
        for (citizen, mut numbers) in change.clusters {
            numbers.sort_unstable();
            let members = pick(records, &numbers);
            let profile = compose(citizen, &members, &rank, at);
            served.push(profile_of(&profile, &members));
            stored.push(profile);
        }
        Self {
            emptied: held.emptied_by(&change.assign),
            assign: change.assign,
            unmoved,
            redirects: change.redirects,
            stored,
            served,
            records: count,
            new_citizens,
        }
    }
}

fn continue_identities(
    services: &Services,
    held: &Held,
    clusters: &[Vec<RecordNumber>],
) -> (ClusterChange, u64) {
    let mut minted = 0;
    let mut mint = || {
        minted += 1;
        loop {
            let citizen = services.mint();
            // 128 random bits do not repeat, unless somebody seeded them alike twice
            if !held.knows(citizen) {
                return citizen;
            }
        }
    };
    let change = continue_identity(clusters, &|record| held.of(record), &mut mint);
    (change, minted)
}

/// Writes one step, then lets the directory and the memberships follow.
async fn commit(
    services: &Services,
    held: &mut Held,
    step: Step,
    summary: &mut LinkSummary,
) -> Result<Audited<LinkSummary>, LinkError> {
    let mut tx = services.storage.begin().await?;
    tx.assign(&step.assign).await?;
    tx.mark_linked(&step.unmoved).await?;
    tx.redirect(&step.redirects).await?;
    tx.put_profiles(&step.stored).await?;
    tx.delete_profiles(&step.emptied, services.clock.now())
        .await?;
    let this = LinkSummary {
        records: step.records,
        profiles: step.stored.len() as u64,
        new_citizens: step.new_citizens,
        merged_citizens: step.redirects.len() as u64,
        transactions: 1,
        ..LinkSummary::default()
    };
    summary.records += this.records;
    summary.profiles += this.profiles;
    summary.new_citizens += this.new_citizens;
    summary.merged_citizens += this.merged_citizens;
    summary.transactions += 1;
    let entry = event::of_link(&this, services.model_fingerprint(), services.clock.now());
    let audited = services.audit.commit(tx, &entry, *summary).await?;
    held.assign(&step.assign);
    for profile in &step.served {
        services.directory.put(profile);
    }
    for citizen in &step.emptied {
        services.directory.remove(*citizen);
    }
    for (from, to) in &step.redirects {
        services.directory.redirect(*from, *to);
    }
    Ok(audited)
}
