//! Whom the entries of a log are about, for logs that are older than the index.

use rabt_audit::Entry;
use rabt_storage::{AuditLog, Storage, StorageError};

use super::subjects_of;

/// Entries that are read, and noted in one commit, at a time.
const PAGE: u64 = 1_000;

/// Returns everybody whom an entry in its stored form is about. One that cannot be read here, because
/// a newer version wrote it, is about nobody; what is wrong with it is for whoever verifies the log.
pub(super) fn subjects(body: &[u8]) -> Vec<[u8; 32]> {
    Entry::decode(body).map_or_else(|_| Vec::new(), |entry| subjects_of(&entry))
}

/// Indexes what is not: all of a log from before there was an index, and what an older version of the
/// program wrote since; of every log of the database, because the node of one may be gone.
pub(super) async fn complete(storage: &dyn Storage) -> Result<(), StorageError> {
    complete_log(storage.audit_log().as_ref()).await?;
    for origin in storage.audit_origins().await? {
        if let Some(log) = storage.audit_log_of(&origin).await? {
            complete_log(log.as_ref()).await?;
        }
    }
    Ok(())
}

async fn complete_log(log: &dyn AuditLog) -> Result<(), StorageError> {
    let mut next = log.indexed().await?;
    loop {
        let page = log.entries(next, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        let (from, to) = (next, last + 1);
        let about = page.iter().flat_map(|(leaf, entry)| {
            let subjects = subjects(&entry.body).into_iter();
            subjects.map(|subject| (*leaf, subject))
        });
        let about: Vec<(u64, [u8; 32])> = about.collect();
        log.index(from, to, &about).await?;
        tracing::info!(
            from,
            to,
            "whom entries of the audit log are about was noted"
        );
        next = to;
    }
}
