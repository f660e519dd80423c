//! Records to citizens: the only writer of clusters and profiles.
//!
//! Invariant: every transaction is complete in itself. After a kill between two of them, the next
//! link rebuilds its index from storage, sees which clusters storage does not hold just so, and
//! ends in the same state.

mod apply;
mod arrivals;
mod decide;
mod forecast;
mod lapse;
mod partition;
mod prior;
mod question;
mod rebuild;
mod recall;
mod recompose;
mod replace;
mod shadow;
mod step;
mod view;
mod write;

use rabt_linkage::{Explanation, Index, Linked};
use rabt_model::{CitizenId, DecisionNumber, RecordNumber, SourceRecord};
use rabt_storage::{StorageError, StoredRecord, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::audited::Audited;
use crate::error::LinkError;
use crate::event;
use crate::lead::Tenure;
use crate::services::Services;
pub use apply::Arrival;
pub(crate) use arrivals::Arrivals;
pub use arrivals::upsert;
pub(crate) use decide::{Act, Effect, carry_out, foresee};
pub use forecast::Forecast;
pub(crate) use forecast::forecast;
use partition::{Held, Partition};
pub(crate) use prior::as_composed;
use question::Questions;
use rebuild::rebuild;
pub(crate) use recompose::make_stale;
use replace::Replacements;
pub use shadow::{Shadow, shadow_model};
use write::write;

/// Records that are read and compared at a time.
const PAGE: u32 = 50_000;
/// Records after which the database looks at its rows again.
const ANALYSED: u64 = 10_000;
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
    /// Citizens whom an open review task may name.
    asked: FxHashSet<CitizenId>,
    replacements: Replacements,
    /// In which it was built: it knows nothing of what another node wrote since.
    tenure: Tenure,
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
    questions: Questions,
    estranged: Vec<RecordNumber>,
    /// Decisions that ended because of a record that is somebody else's now.
    lapsed: Vec<(DecisionNumber, RecordNumber)>,
    fresh: FxHashSet<RecordNumber>,
    departed: Vec<RecordNumber>,
    kept: FxHashMap<RecordNumber, StoredRecord>,
}

/// Links every record that is not linked yet, and lets go of those that were deleted. Calls take
/// turns with each other and with the transactions of ingest, so that no record changes between its
/// comparison and its link.
///
/// # Errors
/// Storage or the audit log failed; what was committed until then stays, and the next call
/// continues.
pub async fn link(services: &Services) -> Result<Audited<LinkSummary>, LinkError> {
    let mut slot = services.linker.lock().await;
    let mut summary = LinkSummary::default();
    let (mut linker, mut audited) = slot.take(services, &mut summary).await?;
    loop {
        let _turn = services.turn.lock().await;
        let (rest, written) = link_page(services, linker, &mut summary).await?;
        linker = rest;
        if written.is_none() {
            break;
        }
        audited = written;
    }
    let (linker, composed) = recompose::recompose(services, linker, &mut summary).await?;
    slot.rest(linker);
    if summary.records >= ANALYSED
        && let Err(error) = services.storage.analyse().await
    {
        tracing::warn!(%error, "the database could not look at its rows; it may be slow for a while");
    }
    if let Some(audited) = composed.or(audited) {
        return Ok(audited);
    }
    let entry = event::of_link(&summary, services.model_fingerprint(), services.clock.now());
    Ok(services.audit.record(entry, summary).await?)
}

/// Links all that waits; the caller has the turn.
async fn drain(
    services: &Services,
    mut linker: Linker,
    summary: &mut LinkSummary,
) -> Result<(Linker, Option<Audited<LinkSummary>>), LinkError> {
    let mut audited = None;
    loop {
        let (rest, written) = link_page(services, linker, summary).await?;
        linker = rest;
        if written.is_none() {
            return Ok((linker, audited));
        }
        audited = written;
    }
}

/// Links a page of what waits; returns nothing when nothing does. The caller has the turn.
async fn link_page(
    services: &Services,
    mut linker: Linker,
    summary: &mut LinkSummary,
) -> Result<(Linker, Option<Audited<LinkSummary>>), LinkError> {
    let mut tx = services.storage.snapshot().await?;
    let (page, departed) = read_unlinked(tx.as_mut(), PAGE).await?;
    if page.is_empty() && departed.is_empty() {
        return Ok((linker, None));
    }
    let count = page.len() as u64;
    let mut feed = Feed::default();
    linker.replacements.depart(&departed);
    linker.index = remove(services, linker.index, departed, &mut feed).await?;
    recall::recall(tx.as_mut(), &mut linker.index, &page, &mut feed).await?;
    drop(tx);
    let said = &mut linker.replacements;
    linker.index = compare(services, linker.index, page, said, &mut feed, summary).await?;
    lapse::end(&mut linker.index, &linker.replacements, &mut feed);
    linker = replace::follow_alone(services, linker, &mut feed).await?;
    let written = write(services, &mut linker, feed, summary).await?;
    Ok((linker, Some(written.ok_or(LinkError::Unclustered(count))?)))
}

/// Explains a pair of records, or returns `None` when one of them is not held.
pub(crate) async fn explain(
    services: &Services,
    left: RecordNumber,
    right: RecordNumber,
) -> Result<Option<Explanation>, LinkError> {
    let mut slot = services.linker.lock().await;
    let (linker, _) = slot.take(services, &mut LinkSummary::default()).await?;
    let explanation = linker.index.explain(left, right);
    slot.rest(linker);
    Ok(explanation)
}

impl LinkerSlot {
    /// Takes the linker out; one that is not there, because none was needed before or the last
    /// one did not come to its end, is rebuilt and brings storage up to date.
    async fn take(
        &mut self,
        services: &Services,
        summary: &mut LinkSummary,
    ) -> Result<(Linker, Option<Audited<LinkSummary>>), LinkError> {
        let tenure = services.lead.tenure()?;
        if self.broken {
            services
                .directory
                .refresh(services.storage.as_ref(), &services.veil())
                .await?;
        }
        self.broken = true;
        // Which streams hold each person once decides about clusters that nothing touches.
        let registers = services.registry.current().registers();
        let linker = self.linker.take().filter(|linker| linker.tenure == tenure);
        if let Some(linker) = linker.filter(|linker| *linker.index.registers() == registers) {
            return Ok((linker, None));
        }
        let _turn = services.turn.lock().await;
        let (mut linker, mut feed) = rebuild(services, tenure, registers, summary).await?;
        lapse::end(&mut linker.index, &linker.replacements, &mut feed);
        let mut linker = replace::follow_alone(services, linker, &mut feed).await?;
        let audited = write(services, &mut linker, feed, summary).await?;
        Ok((linker, audited))
    }

    /// Puts the linker back, with everything it knows in storage too.
    fn rest(&mut self, linker: Linker) {
        self.linker = Some(linker);
        self.broken = false;
    }
}

/// Returns up to `limit` records that wait to be linked, and as many that were deleted.
async fn read_unlinked(
    tx: &mut dyn Transaction,
    limit: u32,
) -> Result<(Vec<StoredRecord>, Vec<RecordNumber>), StorageError> {
    let departed = tx.departed_records(limit).await?;
    Ok((tx.unlinked_records(limit).await?, departed))
}

/// Lets the index work, away from the threads that answer requests.
async fn with_index<T: Send + 'static>(
    services: &Services,
    mut index: Index,
    act: impl FnOnce(&mut Index) -> T + Send + 'static,
) -> Result<(Index, T), LinkError> {
    let acting = services.tasks.spawn_blocking(move || {
        let done = act(&mut index);
        (index, done)
    });
    acting.await.map_err(|_| LinkError::Stopped)
}

/// Takes deleted records out of the index.
async fn remove(
    services: &Services,
    index: Index,
    departed: Vec<RecordNumber>,
    feed: &mut Feed,
) -> Result<Index, LinkError> {
    if departed.is_empty() {
        return Ok(index);
    }
    let act = move |index: &mut Index| (index.remove(&departed), departed);
    let (index, (linked, departed)) = with_index(services, index, act).await?;
    feed.depart(linked, departed);
    Ok(index)
}

/// Feeds a page to the index, with what was staged before.
async fn compare(
    services: &Services,
    index: Index,
    page: Vec<StoredRecord>,
    replacements: &mut Replacements,
    feed: &mut Feed,
    summary: &mut LinkSummary,
) -> Result<Index, LinkError> {
    let act = move |index: &mut Index| (index.link(&batch_of(&page)), page);
    let (index, (linked, page)) = with_index(services, index, act).await?;
    summary.count(&linked);
    feed.report(linked);
    feed.take(page, replacements);
    Ok(index)
}

fn batch_of(page: &[StoredRecord]) -> Vec<(RecordNumber, &SourceRecord)> {
    page.iter().map(|r| (r.number, &r.record)).collect()
}

impl Feed {
    /// Takes what became of the index as records left it.
    fn depart(&mut self, mut linked: Linked, departed: Vec<RecordNumber>) {
        self.questions.report(&mut linked, &departed);
        self.partition.report(linked.clusters);
        self.departed = departed;
    }

    /// Takes what a call of the index found.
    fn report(&mut self, mut linked: Linked) {
        self.questions.report(&mut linked, &[]);
        self.partition.report(linked.clusters);
        self.estranged.extend(linked.estranged);
    }

    /// Takes records that were fed. Those that were not linked as they are now will be composed.
    fn take(&mut self, page: Vec<StoredRecord>, replacements: &mut Replacements) {
        for record in page {
            replacements.note(record.number, &record.record);
            if record.linked {
                continue;
            }
            self.fresh.insert(record.number);
            if self.kept.len() < KEPT {
                self.kept.insert(record.number, record);
            }
        }
    }
}

impl LinkSummary {
    fn count(&mut self, linked: &Linked) {
        self.candidate_pairs += linked.candidate_pairs;
        self.links += linked.links;
        self.reviews += linked.reviews;
        self.contradicted += linked.contradicted;
        self.skipped_blocks += linked.skipped_blocks.len() as u64;
    }

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
