//! The resident half of linking, made anew from storage.

use std::collections::BTreeSet;
use std::sync::Arc;

use rabt_linkage::Index;
use rabt_model::{RecordNumber, SourceId, StreamId};
use rabt_storage::{Storage, StorageError, StoredRecord};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::partition::Held;
use super::recall::recall;
use super::replace::Replacements;
use super::{Feed, LinkSummary, Linker, PAGE, batch_of, compare, question, with_index};
use crate::error::LinkError;
use crate::lead::Tenure;
use crate::services::Services;

/// Pages that were read and wait to be taken in, of each reader.
const WAITING: usize = 2;

/// Ends when all of its records are handed over.
type Reader = AbortOnDropHandle<Result<(), StorageError>>;

/// Compares all records again, as one batch: the first batch of an index is by far the cheapest.
/// Nothing is written meanwhile; the caller has the turn.
pub(super) async fn rebuild(
    services: &Services,
    tenure: Tenure,
    registers: BTreeSet<(SourceId, StreamId)>,
    summary: &mut LinkSummary,
) -> Result<(Linker, Feed), LinkError> {
    let mut tx = services.storage.snapshot().await?;
    let memberships = tx.memberships().await?;
    let middle = memberships.get(memberships.len() / 2);
    let middle = middle.map_or(RecordNumber(0), |(number, _)| *number);
    let held = Held::from_memberships(&memberships);
    drop(memberships);
    let mut index = Index::with_registers(Arc::clone(&services.model), registers);
    let mut replacements = Replacements::load(tx.as_mut()).await?;
    for (number, judgement, pairs) in tx.decisions_in_force().await? {
        index.decide(number, judgement, &pairs);
    }
    let asked = question::asked_of(tx.as_mut()).await?;
    let mut feed = Feed {
        departed: tx.departed_records(u32::MAX).await?,
        ..Feed::default()
    };
    // in memory there is one connection for everybody
    drop(tx);
    let (mut pages, readers) = read(services, middle);
    let mut changed = Vec::new();
    while let Some(page) = pages.recv().await {
        let (rest, page) = stage(services, index, page, &mut changed).await?;
        index = rest;
        feed.take(page, &mut replacements);
    }
    // an index without some of the records would part their citizens
    for reader in readers {
        reader.await.map_err(|_| LinkError::Stopped)??;
    }
    index = compare(
        services,
        index,
        Vec::new(),
        &mut replacements,
        &mut feed,
        summary,
    )
    .await?;
    if !changed.is_empty() {
        let mut tx = services.storage.snapshot().await?;
        recall(tx.as_mut(), &mut index, &changed, &mut feed).await?;
        index = compare(
            services,
            index,
            changed,
            &mut replacements,
            &mut feed,
            summary,
        )
        .await?;
    }
    let linker = Linker {
        index,
        held,
        asked,
        replacements,
        tenure,
    };
    Ok((linker, feed))
}

/// Reads all records on two connections, one from the start and one behind the record in the
/// middle: decoding takes longer than everything else.
fn read(
    services: &Services,
    middle: RecordNumber,
) -> (mpsc::Receiver<Vec<StoredRecord>>, [Reader; 2]) {
    let (sender, pages) = mpsc::channel(2 * WAITING);
    let parts = [(RecordNumber(i64::MIN), Some(middle)), (middle, None)];
    let readers = parts.map(|(after, through)| {
        let storage = Arc::clone(&services.storage);
        let part = read_part(storage, after, through, sender.clone());
        AbortOnDropHandle::new(services.tasks.spawn(part))
    });
    (pages, readers)
}

async fn read_part(
    storage: Arc<dyn Storage>,
    mut after: RecordNumber,
    through: Option<RecordNumber>,
    pages: mpsc::Sender<Vec<StoredRecord>>,
) -> Result<(), StorageError> {
    let mut tx = storage.snapshot().await?;
    loop {
        let mut page = tx.records_after(after, PAGE).await?;
        if let Some(through) = through {
            page.retain(|record| record.number <= through);
        }
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.number;
        if pages.send(page).await.is_err() {
            return Ok(());
        }
    }
}

/// Lets the index take a page in, away from the threads that answer requests. Records that somebody
/// decided about and that changed since they were linked go to `changed`: what they said before
/// comes first.
async fn stage(
    services: &Services,
    index: Index,
    page: Vec<StoredRecord>,
    changed: &mut Vec<StoredRecord>,
) -> Result<(Index, Vec<StoredRecord>), LinkError> {
    let judged = |record: &StoredRecord| {
        !record.linked && index.judgements().about(record.number).next().is_some()
    };
    let (late, page): (Vec<_>, Vec<_>) = page.into_iter().partition(judged);
    changed.extend(late);
    let staged = with_index(services, index, move |index| {
        index.stage(&batch_of(&page));
        page
    });
    staged.await
}
