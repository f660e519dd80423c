//! Entries that leave the audit log, in its own file.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::audit_log::SqliteAuditLog;
use super::script::Script;
use crate::StorageError;
use crate::convert::{
    ArchiveRow, ArchivedRow, corrupt, to_archive, to_archived, to_count, to_hash, to_integer,
    to_micros,
};
use crate::error::Doing;
use crate::repository::{Archives, LeafHashes, TILE};
use crate::row::{Archived, Removal, StoredArchive};

const PUT: &str = "INSERT INTO audit_archives
    (number, cutoff, reason, state, proposer, decider, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (number) DO UPDATE SET state = excluded.state, decider = excluded.decider,
        updated_at = excluded.updated_at";

const LIST: &str = "SELECT number, cutoff, reason, state, proposer, decider, created_at, updated_at
    FROM audit_archives WHERE number < $1 ORDER BY number DESC LIMIT $2";

const ARCHIVED: &str = "SELECT size, before, folder FROM audit_archived";

const HASHES: &str = "SELECT leaf_hash FROM audit_entries
    WHERE leaf >= $1 AND leaf < $2 ORDER BY leaf";

const LEFT: &str = "SELECT size FROM audit_archived";

const LEAF_HASHES: &str = "SELECT leaf, leaf_hash FROM audit_entries
    WHERE leaf >= $1 ORDER BY leaf LIMIT $2";

const PUT_TILE: &str = "INSERT INTO audit_tiles (number, hashes) VALUES ($1, $2)";

const TILES: &str = "SELECT hashes FROM audit_tiles WHERE number >= $1 ORDER BY number LIMIT $2";

/// A clock that was set back sets no time back.
const MOVE_ON: &str = "UPDATE audit_archived SET size = $1, before = MAX(COALESCE(before, $2), $2),
    folder = $3, outbox = (SELECT MAX(outbox) FROM (SELECT outbox FROM audit_archived
        UNION ALL SELECT MAX(outbox) FROM audit_entries WHERE leaf < $1))";

const REMOVE: &str = "DELETE FROM audit_entries WHERE leaf < $1";

/// What a witness signed stays.
const REMOVE_CHECKPOINTS: &str = "DELETE FROM audit_checkpoints WHERE size < $1 AND witnessed = 0";

const DOING: &str = "moving entries to the archive";

#[async_trait]
impl Archives for SqliteAuditLog {
    async fn archived(&self) -> Result<Archived, StorageError> {
        let row: ArchivedRow = sqlx::query_as(ARCHIVED)
            .fetch_one(&self.reader)
            .await
            .doing("reading what is in the archive")?;
        to_archived(row)
    }

    async fn archives(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredArchive>, StorageError> {
        let rows: Vec<ArchiveRow> = sqlx::query_as(LIST)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .doing("reading archives")?;
        rows.into_iter().map(to_archive).collect()
    }
}

#[async_trait]
impl LeafHashes for SqliteAuditLog {
    async fn tiles(&self, number: u64, limit: u64) -> Result<Vec<Vec<u8>>, StorageError> {
        sqlx::query_scalar(TILES)
            .bind(to_integer(number))
            .bind(to_integer(limit))
            .fetch_all(&self.reader)
            .await
            .doing("reading leaf hashes")
    }

    async fn held(&self, from: u64, limit: u64) -> Result<Vec<(u64, [u8; 32])>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(LEAF_HASHES)
            .bind(to_integer(from))
            .bind(to_integer(limit))
            .fetch_all(&self.reader)
            .await
            .doing("reading leaf hashes")?;
        let rows = rows.into_iter();
        rows.map(|(leaf, hash)| Ok((to_count(leaf), to_hash("audit_entries", &hash)?)))
            .collect()
    }
}

/// Notes where an archive stands.
pub(super) fn put(script: &mut Script, archive: &StoredArchive) {
    let put = script.add(PUT).add(archive.number);
    put.add(to_micros(archive.cutoff))
        .add(archive.reason.as_str());
    put.add(archive.state.as_str())
        .add(archive.proposer.as_str());
    put.add(archive.decider.as_str());
    put.add(to_micros(archive.created_at));
    put.add(to_micros(archive.updated_at));
}

/// Takes entries out of storage, in the transaction of the entry that says so. Whether all of them are there is looked
/// at between the statements. One that comes too late takes nothing, and the entries beside it are written all the same.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    removal: &Removal,
) -> Result<(), StorageError> {
    let (from, to) = (removal.from, removal.to);
    let left: i64 = sqlx::query_scalar(LEFT)
        .fetch_one(&mut *connection)
        .await
        .doing(DOING)?;
    if to_count(left) != from || to <= from {
        return Ok(());
    }
    let moved = sqlx::query(MOVE_ON)
        .bind(to_integer(to))
        .bind(to_micros(removal.before))
        .bind(removal.folder.as_str())
        .execute(&mut *connection)
        .await;
    moved.doing(DOING)?;
    for number in from / TILE..to / TILE {
        let (start, end) = (number * TILE, (number + 1) * TILE);
        let hashes: Vec<Vec<u8>> = sqlx::query_scalar(HASHES)
            .bind(to_integer(start))
            .bind(to_integer(end))
            .fetch_all(&mut *connection)
            .await
            .doing(DOING)?;
        if hashes.len() as u64 != TILE {
            return Err(corrupt("audit_entries", "a leaf is missing"));
        }
        let put = sqlx::query(PUT_TILE).bind(to_integer(number));
        let put = put.bind(hashes.concat()).execute(&mut *connection);
        put.await.doing(DOING)?;
    }
    for statement in [REMOVE, REMOVE_CHECKPOINTS] {
        let removed = sqlx::query(statement).bind(to_integer(to));
        removed.execute(&mut *connection).await.doing(DOING)?;
    }
    Ok(())
}
