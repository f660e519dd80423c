//! Entries that have left an audit log for an archive.

use async_trait::async_trait;

use crate::StorageError;
use crate::row::{Archived, StoredArchive};

/// Leaves of a tile of hashes.
pub(crate) const TILE: u64 = 256;

/// A leaf hash.
type Hash = [u8; 32];

/// What became of a log's oldest entries. They leave by the [`crate::ArchiveStep`] of an entry.
#[async_trait]
pub trait Archives: Send + Sync {
    /// Returns what has left.
    async fn archived(&self) -> Result<Archived, StorageError>;

    /// Returns up to `limit` acts by which entries leave, below the number `before`, the last one first.
    async fn archives(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredArchive>, StorageError>;
}

/// Where a log keeps its leaf hashes: those of entries that have left in tiles, the others with their entries.
#[async_trait]
pub(crate) trait LeafHashes: Archives {
    /// Returns up to `limit` tiles from this number on.
    async fn tiles(&self, number: u64, limit: u64) -> Result<Vec<Vec<u8>>, StorageError>;

    /// Returns up to `limit` hashes of entries that are held, from leaf `from` on, each with its leaf.
    async fn held(&self, from: u64, limit: u64) -> Result<Vec<(u64, Hash)>, StorageError>;
}

/// Returns up to `limit` leaf hashes, those of entries that have left among them. Nothing is read that is not returned.
pub(crate) async fn leaf_hashes(
    log: &dyn LeafHashes,
    from: u64,
    limit: u64,
) -> Result<Vec<Hash>, StorageError> {
    let mut left = log.archived().await?.size;
    loop {
        let mut hashes = Vec::new();
        if from < left {
            let wanted = limit.min(left - from);
            let number = from / TILE;
            let end = (from + wanted).div_ceil(TILE);
            let tiles = log.tiles(number, end - number).await?;
            let all = tiles.iter().flat_map(|tile| tile.as_chunks::<32>().0);
            let skipped = usize::try_from(from % TILE).unwrap_or_default();
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            hashes.extend(all.skip(skipped).take(wanted));
        }
        let next = from + hashes.len() as u64;
        let rest = limit - hashes.len() as u64;
        if rest == 0 {
            return Ok(hashes);
        }
        let held = log.held(next, rest).await?;
        if held.first().is_none_or(|(leaf, _)| *leaf != next) {
            // they may have left between the two looks
            let now = log.archived().await?.size;
            if now > left {
                left = now;
                continue;
            }
        }
        hashes.extend(held.into_iter().map(|(_, hash)| hash));
        return Ok(hashes);
    }
}
