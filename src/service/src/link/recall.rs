//! What records that somebody decided about said before, for an index that does not hold them: it
//! was rebuilt since, or they were deleted meanwhile. Whether a record has come to describe somebody
//! else must not hang on how long a process lived.

use rabt_linkage::Index;
use rabt_model::{RecordNumber, SourceRecord};
use rabt_storage::{StorageError, StoredRecord, Transaction};

use super::Feed;

/// Lets the index know the last version of every record of a page that is judged, not linked in its
/// present version, and not held; the page itself then comes as a change. Such records are few.
///
/// # Errors
/// Storage failed.
pub(super) async fn recall(
    tx: &mut dyn Transaction,
    index: &mut Index,
    page: &[StoredRecord],
    feed: &mut Feed,
) -> Result<(), StorageError> {
    if index.judgements().is_empty() {
        return Ok(());
    }
    let mut former: Vec<StoredRecord> = Vec::new();
    for record in page.iter().filter(|record| !record.linked) {
        let number = record.number;
        if index.holds(number) || index.judgements().about(number).next().is_none() {
            continue;
        }
        let versions = tx.versions(number).await?.into_iter();
        // What came late never was the record's content.
        let counted = versions.filter(|(_, late)| !late);
        former.extend(counted.last().map(|(version, _)| version));
    }
    if former.is_empty() {
        return Ok(());
    }
    let batch: Vec<(RecordNumber, &SourceRecord)> = former
        .iter()
        .map(|version| (version.number, &version.record))
        .collect();
    let mut linked = index.link(&batch);
    feed.questions.report(&mut linked, &[]);
    feed.partition.report(linked.clusters);
    Ok(())
}
