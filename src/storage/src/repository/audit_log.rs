//! The audit log of a node, and the index of whom its entries are about.

use async_trait::async_trait;
use rabt_model::{AgencyId, Timestamp};

use crate::StorageError;
use crate::repository::{Archives, Stamps};
use crate::row::{NewEntry, StoredCase, StoredEntry, SubjectKey};

/// A node's audit log: leaves numbered from 0 without a gap, and checkpoints. The nodes of one
/// database have a log each; an outbox number is in one of them, once.
#[async_trait]
pub trait AuditLog: Stamps + Archives + Send + Sync {
    /// Appends entries, whom they are about, the keys of those, and a checkpoint of the tree that they complete, in one
    /// transaction that is durable on return. `first_leaf` must be the log's size, else `LeafTaken`.
    async fn append(
        &self,
        first_leaf: u64,
        entries: &[NewEntry],
        checkpoint: Option<&[u8]>,
    ) -> Result<(), StorageError>;

    /// Returns the number of entries.
    async fn size(&self) -> Result<u64, StorageError>;

    /// Returns the entries that are held of `limit` leaves from `from` on, each with its leaf number. None is held of
    /// those that have left for an archive.
    async fn entries(&self, from: u64, limit: u64)
    -> Result<Vec<(u64, StoredEntry)>, StorageError>;

    /// Returns up to `limit` entries about any of these persons below leaf `before`, each once, the
    /// newest first; `None` begins at the end of the log.
    async fn entries_about(
        &self,
        subjects: &[[u8; 32]],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError>;

    /// Returns up to where it is known, from the first entry on, whom every entry is about. What
    /// [`AuditLog::append`] writes is; entries of before there was an index are not.
    async fn indexed(&self) -> Result<u64, StorageError>;

    /// Notes whom the entries `from..to` are about, each as leaf and person. What is noted already
    /// stays; nothing happens to [`AuditLog::indexed`] unless it is `from`.
    async fn index(
        &self,
        from: u64,
        to: u64,
        subjects: &[(u64, [u8; 32])],
    ) -> Result<(), StorageError>;

    /// Returns up to `limit` leaf hashes from leaf `from` on, those of entries that have left among them.
    async fn leaf_hashes(&self, from: u64, limit: u64) -> Result<Vec<[u8; 32]>, StorageError>;

    /// Returns the highest outbox number that an entry of any node's log was taken from.
    async fn last_outbox(&self) -> Result<Option<i64>, StorageError>;

    /// Returns the checkpoint of the largest tree.
    async fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError>;

    /// Returns the checkpoint of the largest tree that a witness has signed.
    async fn latest_witnessed(&self) -> Result<Option<Vec<u8>>, StorageError>;

    /// Returns the checkpoint of the tree of this size.
    async fn checkpoint(&self, size: u64) -> Result<Option<Vec<u8>>, StorageError>;

    /// Puts a checkpoint that a witness has signed in place of the one that is held for this size;
    /// returns `false`, and does nothing, when another one is held by now.
    async fn put_witnessed(
        &self,
        size: u64,
        held: &[u8],
        signed: &[u8],
    ) -> Result<bool, StorageError>;

    /// Returns the keys that are stored of these persons, in the order of names and sealed keys. The nodes of a
    /// database share them; a person has one, or more when two nodes made one each at the same moment.
    async fn subject_keys(&self, names: &[[u8; 32]]) -> Result<Vec<SubjectKey>, StorageError>;

    /// Stores keys of persons; those that are there stay. They are durable on return.
    async fn put_subject_keys(&self, keys: &[SubjectKey]) -> Result<(), StorageError>;

    /// Destroys every key of these persons and returns how many there were. What they were is overwritten in the
    /// database; readers that are under way, journals that are kept elsewhere, and backups have them for as long
    /// as they last.
    async fn delete_subject_keys(&self, names: &[[u8; 32]]) -> Result<u64, StorageError>;

    /// Takes what is left of destroyed keys out of free pages and the journal, as far as no reader of before needs it.
    async fn scrub_subject_keys(&self) -> Result<(), StorageError>;

    /// Returns up to `limit` cases of emergencies in this log, the newest first; of one agency alone, or only those that
    /// are open, the oldest first, when it is asked for. Those behind the leaf `after` in that order, when it is given.
    async fn cases(
        &self,
        agency: Option<&AgencyId>,
        only_open: bool,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredCase>, StorageError>;

    /// Returns the case of an emergency.
    async fn case(&self, leaf: u64) -> Result<Option<StoredCase>, StorageError>;

    /// Returns how many cases, of every log, are open since before this time.
    async fn open_cases(&self, before: Timestamp) -> Result<u64, StorageError>;

    /// Returns how often keys were destroyed.
    async fn erasures(&self) -> Result<u64, StorageError>;

    /// Returns every checkpoint with the size of its tree, ascending.
    async fn checkpoints(&self) -> Result<Vec<(u64, Vec<u8>)>, StorageError>;
}

/// Puts what was found about several persons together: each entry once, the newest first.
pub(crate) fn newest(mut found: Vec<(u64, StoredEntry)>, limit: u32) -> Vec<(u64, StoredEntry)> {
    found.sort_by_key(|(leaf, _)| std::cmp::Reverse(*leaf));
    found.dedup_by_key(|(leaf, _)| *leaf);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    found
}
