//! Entries that leave the audit log.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::audit_log::PostgresAuditLog;
use crate::StorageError;
use crate::convert::{
    ArchiveRow, ArchivedRow, corrupt, to_archive, to_archived, to_count, to_hash, to_integer,
    to_micros,
};
use crate::error::Doing;
use crate::repository::{Archives, LeafHashes, TILE};
use crate::row::{ArchiveStep, Archived, Removal, StoredArchive};

const PUT: &str = "INSERT INTO audit_archives
    (log, number, cutoff, reason, state, proposer, decider, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (log, number) DO UPDATE SET state = excluded.state, decider = excluded.decider,
        updated_at = excluded.updated_at";

const LIST: &str = "SELECT number, cutoff, reason, state, proposer, decider, created_at, updated_at
    FROM audit_archives WHERE log = $1 AND number < $2 ORDER BY number DESC LIMIT $3";

const ARCHIVED: &str = "SELECT archived, archived_before, archived_folder
    FROM audit_logs WHERE number = $1";

/// A tile is as many leaves as there are.
const PUT_TILES: &str = "INSERT INTO audit_tiles (log, number, hashes)
    SELECT log, leaf / 256, STRING_AGG(leaf_hash, ''::BYTEA ORDER BY leaf)
    FROM audit_entries WHERE log = $1 AND leaf >= $2 AND leaf < $3
    GROUP BY log, leaf / 256 HAVING COUNT(*) = 256";

const TILES: &str = "SELECT hashes FROM audit_tiles
    WHERE log = $1 AND number >= $2 ORDER BY number LIMIT $3";

const LEAF_HASHES: &str = "SELECT leaf, leaf_hash FROM audit_entries
    WHERE log = $3 AND leaf >= $1 ORDER BY leaf LIMIT $2";

/// A clock that was set back sets no time back.
const MOVE_ON: &str = "UPDATE audit_logs SET archived = $3,
    archived_before = GREATEST(archived_before, $4), archived_folder = $5,
    archived_outbox = GREATEST(archived_outbox,
        (SELECT MAX(outbox) FROM audit_entries WHERE log = $1 AND leaf < $3))
    WHERE number = $1 AND archived = $2";

const REMOVE: &str = "DELETE FROM audit_entries WHERE log = $1 AND leaf < $2";

/// What a witness signed stays.
const REMOVE_CHECKPOINTS: &str = "DELETE FROM audit_checkpoints
    WHERE log = $1 AND size < $2 AND NOT witnessed";

const DOING: &str = "moving entries to the archive";

#[async_trait]
impl Archives for PostgresAuditLog {
    async fn archived(&self) -> Result<Archived, StorageError> {
        let row: Option<ArchivedRow> = sqlx::query_as(ARCHIVED)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading what is in the archive")?;
        row.map_or_else(|| Ok(Archived::default()), to_archived)
    }

    async fn archives(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredArchive>, StorageError> {
        let rows: Vec<ArchiveRow> = sqlx::query_as(LIST)
            .bind(self.number().await?)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .doing("reading archives")?;
        rows.into_iter().map(to_archive).collect()
    }
}

#[async_trait]
impl LeafHashes for PostgresAuditLog {
    async fn tiles(&self, number: u64, limit: u64) -> Result<Vec<Vec<u8>>, StorageError> {
        sqlx::query_scalar(TILES)
            .bind(self.number().await?)
            .bind(to_integer(number))
            .bind(to_integer(limit))
            .fetch_all(&self.pool)
            .await
            .doing("reading leaf hashes")
    }

    async fn held(&self, from: u64, limit: u64) -> Result<Vec<(u64, [u8; 32])>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(LEAF_HASHES)
            .bind(to_integer(from))
            .bind(to_integer(limit))
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading leaf hashes")?;
        let rows = rows.into_iter();
        rows.map(|(leaf, hash)| Ok((to_count(leaf), to_hash("audit_entries", &hash)?)))
            .collect()
    }
}

/// Does to an archive of a log what an entry says.
pub(super) async fn step(
    connection: &mut PgConnection,
    log: i64,
    step: &ArchiveStep,
) -> Result<(), StorageError> {
    let archive = &step.archive;
    let put = sqlx::query(PUT)
        .bind(log)
        .bind(archive.number)
        .bind(to_micros(archive.cutoff))
        .bind(archive.reason.as_str())
        .bind(archive.state.as_str())
        .bind(archive.proposer.as_str())
        .bind(archive.decider.as_str())
        .bind(to_micros(archive.created_at))
        .bind(to_micros(archive.updated_at));
    put.execute(&mut *connection).await.doing(DOING)?;
    match &step.removes {
        Some(removal) => remove(connection, log, removal).await,
        None => Ok(()),
    }
}

/// Takes entries out of storage. One that comes too late takes nothing, and the entries beside it are written all the
/// same.
async fn remove(
    connection: &mut PgConnection,
    log: i64,
    removal: &Removal,
) -> Result<(), StorageError> {
    let (from, to) = (removal.from, removal.to);
    if to <= from {
        return Ok(());
    }
    let moved = sqlx::query(MOVE_ON)
        .bind(log)
        .bind(to_integer(from))
        .bind(to_integer(to))
        .bind(to_micros(removal.before))
        .bind(removal.folder.as_str())
        .execute(&mut *connection)
        .await;
    if moved.doing(DOING)?.rows_affected() == 0 {
        return Ok(());
    }
    let tiles = sqlx::query(PUT_TILES)
        .bind(log)
        .bind(to_integer(from))
        .bind(to_integer(to))
        .execute(&mut *connection)
        .await;
    if tiles.doing(DOING)?.rows_affected() != (to - from) / TILE {
        return Err(corrupt("audit_entries", "a leaf is missing"));
    }
    for statement in [REMOVE, REMOVE_CHECKPOINTS] {
        let removed = sqlx::query(statement).bind(log).bind(to_integer(to));
        removed.execute(&mut *connection).await.doing(DOING)?;
    }
    Ok(())
}
