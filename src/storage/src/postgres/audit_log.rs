//! The audit log, on PostgreSQL connections of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use rabt_model::{AgencyId, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::append::{append, in_order, put_steps};
use super::cases;
use crate::StorageError;
use crate::convert::{EntryRow, to_count, to_entry, to_integer, to_subject_key};
use crate::error::Doing;
use crate::repository::{AuditLog, leaf_hashes, newest};
use crate::row::{NewEntry, StoredCase, StoredEntry, SubjectKey};

/// Leaves are numbered without a gap, so the last one tells the size.
const SIZE: &str = "SELECT COALESCE(MAX(leaf) + 1, 0) FROM audit_entries WHERE log = $1";

const BEGIN: &str = "INSERT INTO audit_logs (origin) VALUES ($1) ON CONFLICT (origin) DO NOTHING";

const NUMBER: &str = "SELECT number FROM audit_logs WHERE origin = $1";

const ORIGINS: &str = "SELECT origin FROM audit_logs ORDER BY number";

/// One way to the server for the index and for how far it goes.
const INDEX: &str = "WITH marked AS (
        UPDATE audit_logs SET indexed = $5 WHERE number = $3 AND indexed = $4
    )
    INSERT INTO audit_subjects (log, subject, leaf)
    SELECT $3, given.* FROM UNNEST($1::BYTEA[], $2::BIGINT[]) AS given
    ON CONFLICT (subject, log, leaf) DO NOTHING";

const KEYS: &str = "INSERT INTO subject_keys (name, sealed)
    SELECT * FROM UNNEST($1::BYTEA[], $2::BYTEA[]) ON CONFLICT (name, sealed) DO NOTHING";

const KEYS_OF: &str = "SELECT name, sealed FROM subject_keys
    WHERE name = ANY($1) ORDER BY name, sealed";

const DELETE_KEYS: &str = "DELETE FROM subject_keys WHERE name = ANY($1)";

const COUNT_ERASURE: &str = "UPDATE subject_erasures SET generation = generation + 1";

const ERASURES: &str = "SELECT generation FROM subject_erasures";

/// Rows that were deleted stay in their pages until somebody tidies up.
const TIDY: &str = "VACUUM subject_keys";

const INDEXED: &str = "SELECT indexed FROM audit_logs WHERE number = $1";

const ENTRIES: &str = "SELECT leaf, body, leaf_hash, outbox FROM audit_entries
    WHERE log = $3 AND leaf >= $1 AND leaf < $2 ORDER BY leaf";

const ENTRIES_ABOUT: &str = "SELECT e.leaf, e.body, e.leaf_hash, e.outbox
    FROM (SELECT log, leaf FROM audit_subjects WHERE subject = $1 AND log = $4 AND leaf < $2
        ORDER BY leaf DESC LIMIT $3) AS about
    JOIN audit_entries AS e USING (log, leaf) ORDER BY e.leaf DESC";

/// Of every log: what another node took needs not be taken again.
const LAST_OUTBOX: &str = "SELECT GREATEST(
    (SELECT MAX(outbox) FROM audit_entries WHERE outbox IS NOT NULL),
    (SELECT MAX(archived_outbox) FROM audit_logs))";

const LATEST_CHECKPOINT: &str = "SELECT body FROM audit_checkpoints
    WHERE log = $1 ORDER BY size DESC LIMIT 1";

const LATEST_WITNESSED: &str = "SELECT body FROM audit_checkpoints
    WHERE log = $1 AND witnessed ORDER BY size DESC LIMIT 1";

const CHECKPOINT: &str = "SELECT body FROM audit_checkpoints WHERE log = $2 AND size = $1";

const PUT_WITNESSED: &str = "UPDATE audit_checkpoints SET body = $3, witnessed = TRUE
    WHERE log = $4 AND size = $1 AND body = $2";

const CHECKPOINTS: &str = "SELECT size, body FROM audit_checkpoints
    WHERE log = $1 ORDER BY size";

pub(super) struct PostgresAuditLog {
    pub(super) pool: PgPool,
    origin: String,
    /// Its number; 0 until the log has begun, as far as is known here.
    number: AtomicI64,
}

impl PostgresAuditLog {
    /// The log of an origin, which begins with its first entry.
    pub(super) const fn new(pool: PgPool, origin: String) -> Self {
        Self {
            pool,
            origin,
            number: AtomicI64::new(0),
        }
    }

    /// Returns the log's number; 0, under which there is nothing, while it has not begun.
    pub(super) async fn number(&self) -> Result<i64, StorageError> {
        let known = self.number.load(Ordering::Acquire);
        if known > 0 {
            return Ok(known);
        }
        let found: Option<i64> = sqlx::query_scalar(NUMBER)
            .bind(&self.origin)
            .fetch_optional(&self.pool)
            .await
            .doing("opening the audit log")?;
        let number = found.unwrap_or(0);
        self.number.store(number, Ordering::Release);
        Ok(number)
    }

    /// Returns the log's number; it begins now unless it did before.
    pub(super) async fn begin(&self) -> Result<i64, StorageError> {
        if self.number().await? == 0 {
            sqlx::query(BEGIN)
                .bind(&self.origin)
                .execute(&self.pool)
                .await
                .doing("opening the audit log")?;
        }
        self.number().await
    }

    /// Returns the log of another origin, when it has begun.
    pub(super) async fn of(&self, origin: &str) -> Result<Option<Self>, StorageError> {
        let log = Self::new(self.pool.clone(), origin.to_owned());
        Ok((log.number().await? > 0).then_some(log))
    }

    pub(super) async fn origins(&self) -> Result<Vec<String>, StorageError> {
        sqlx::query_scalar(ORIGINS)
            .fetch_all(&self.pool)
            .await
            .doing("reading the origins of audit logs")
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl AuditLog for PostgresAuditLog {
    async fn append(
        &self,
        first_leaf: u64,
        entries: &[NewEntry],
        checkpoint: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        const DOING: &str = "appending to the audit log";
        let log = self.begin().await?;
        let step = |new: &NewEntry| new.case.is_some() || new.archive.is_some();
        let written = if entries.iter().any(step) {
            let mut inner = self.pool.begin().await.doing(DOING)?;
            let written = append(&mut inner, log, (first_leaf, entries), checkpoint).await;
            if matches!(written, Ok(true)) {
                put_steps(&mut inner, log, (first_leaf, entries)).await?;
                inner.commit().await.doing(DOING)?;
            }
            written
        } else {
            let mut connection = self.pool.acquire().await.doing(DOING)?;
            append(&mut connection, log, (first_leaf, entries), checkpoint).await
        };
        match written {
            Ok(true) => return Ok(()),
            // nobody knows what became of it
            Err(error) if error.is_transient() => return Err(error),
            Ok(false) | Err(_) => {}
        }
        let size = self.size().await?;
        match written {
            // something is wrong that has a name of its own
            Err(error) if size == first_leaf => Err(error),
            Ok(_) | Err(_) => Err(StorageError::LeafTaken { first_leaf, size }),
        }
    }

    async fn size(&self) -> Result<u64, StorageError> {
        let size: i64 = sqlx::query_scalar(SIZE)
            .bind(self.number().await?)
            .fetch_one(&self.pool)
            .await
            .doing("reading the audit log's size")?;
        Ok(to_count(size))
    }

    async fn entries(
        &self,
        from: u64,
        limit: u64,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        let rows: Vec<EntryRow> = sqlx::query_as(ENTRIES)
            .bind(to_integer(from))
            .bind(to_integer(from.saturating_add(limit)))
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading the audit log")?;
        rows.into_iter().map(to_entry).collect()
    }

    async fn entries_about(
        &self,
        subjects: &[[u8; 32]],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        let number = self.number().await?;
        let mut found = Vec::new();
        for subject in subjects {
            let rows: Vec<EntryRow> = sqlx::query_as(ENTRIES_ABOUT)
                .bind(subject.as_slice())
                .bind(before.map_or(i64::MAX, to_integer))
                .bind(i64::from(limit))
                .bind(number)
                .fetch_all(&self.pool)
                .await
                .doing("reading the entries about a person")?;
            for row in rows {
                found.push(to_entry(row)?);
            }
        }
        Ok(newest(found, limit))
    }

    async fn indexed(&self) -> Result<u64, StorageError> {
        let size: Option<i64> = sqlx::query_scalar(INDEXED)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading how far the audit log is indexed")?;
        Ok(size.map_or(0, to_count))
    }

    async fn index(
        &self,
        from: u64,
        to: u64,
        subjects: &[(u64, [u8; 32])],
    ) -> Result<(), StorageError> {
        let number = self.number().await?;
        let inner = self.pool.begin().await;
        let mut inner = inner.doing("indexing the audit log")?;
        put_index(&mut inner, number, (from, to), subjects).await?;
        inner.commit().await.doing("indexing the audit log")
    }

    async fn leaf_hashes(&self, from: u64, limit: u64) -> Result<Vec<[u8; 32]>, StorageError> {
        leaf_hashes(self, from, limit).await
    }

    async fn last_outbox(&self) -> Result<Option<i64>, StorageError> {
        sqlx::query_scalar(LAST_OUTBOX)
            .fetch_one(&self.pool)
            .await
            .doing("reading the audit log")
    }

    async fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(LATEST_CHECKPOINT)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading the latest checkpoint")
    }

    async fn latest_witnessed(&self) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(LATEST_WITNESSED)
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading the latest witnessed checkpoint")
    }

    async fn checkpoint(&self, size: u64) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(CHECKPOINT)
            .bind(to_integer(size))
            .bind(self.number().await?)
            .fetch_optional(&self.pool)
            .await
            .doing("reading a checkpoint")
    }

    async fn put_witnessed(
        &self,
        size: u64,
        held: &[u8],
        signed: &[u8],
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(PUT_WITNESSED)
            .bind(to_integer(size))
            .bind(held)
            .bind(signed)
            .bind(self.number().await?)
            .execute(&self.pool)
            .await
            .doing("storing a witnessed checkpoint")?;
        Ok(done.rows_affected() > 0)
    }

    async fn subject_keys(&self, names: &[[u8; 32]]) -> Result<Vec<SubjectKey>, StorageError> {
        let names = names.iter().map(<[u8; 32]>::as_slice);
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(KEYS_OF)
            .bind(names.collect::<Vec<&[u8]>>())
            .fetch_all(&self.pool)
            .await
            .doing("reading keys of persons")?;
        rows.into_iter().map(to_subject_key).collect()
    }

    async fn put_subject_keys(&self, keys: &[SubjectKey]) -> Result<(), StorageError> {
        let inner = self.pool.begin().await;
        let mut inner = inner.doing("storing keys of persons")?;
        put_keys(&mut inner, &keys.iter().collect::<Vec<_>>()).await?;
        inner.commit().await.doing("storing keys of persons")
    }

    async fn delete_subject_keys(&self, names: &[[u8; 32]]) -> Result<u64, StorageError> {
        const DOING: &str = "destroying keys of persons";
        let names = names.iter().map(<[u8; 32]>::as_slice);
        let inner = self.pool.begin().await;
        let mut inner = inner.doing(DOING)?;
        let done = sqlx::query(DELETE_KEYS)
            .bind(names.collect::<Vec<&[u8]>>())
            .execute(&mut *inner)
            .await;
        let deleted = done.doing(DOING)?.rows_affected();
        let counted = sqlx::query(COUNT_ERASURE).execute(&mut *inner).await;
        counted.doing(DOING)?;
        inner.commit().await.doing(DOING)?;
        Ok(deleted)
    }

    async fn scrub_subject_keys(&self) -> Result<(), StorageError> {
        let tidied = sqlx::query(TIDY).execute(&self.pool).await;
        tidied.doing("tidying up behind keys of persons")?;
        Ok(())
    }

    async fn cases(
        &self,
        agency: Option<&AgencyId>,
        only_open: bool,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredCase>, StorageError> {
        let log = self.number().await?;
        cases::list(&self.pool, log, (agency, only_open), (after, limit)).await
    }

    async fn case(&self, leaf: u64) -> Result<Option<StoredCase>, StorageError> {
        cases::one(&self.pool, self.number().await?, leaf).await
    }

    async fn open_cases(&self, before: Timestamp) -> Result<u64, StorageError> {
        cases::count_open(&self.pool, before).await
    }

    async fn erasures(&self) -> Result<u64, StorageError> {
        let generation: i64 = sqlx::query_scalar(ERASURES)
            .fetch_one(&self.pool)
            .await
            .doing("reading how often keys were destroyed")?;
        Ok(to_count(generation))
    }

    async fn checkpoints(&self) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(CHECKPOINTS)
            .bind(self.number().await?)
            .fetch_all(&self.pool)
            .await
            .doing("reading checkpoints")?;
        let checkpoints = rows.into_iter();
        Ok(checkpoints
            .map(|(size, body)| (to_count(size), body))
            .collect())
    }
}

async fn put_keys(connection: &mut PgConnection, keys: &[&SubjectKey]) -> Result<(), StorageError> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys = in_order(keys);
    let names = keys.iter().map(|key| key.name.as_slice());
    let sealed = keys.iter().map(|key| key.sealed.as_slice());
    sqlx::query(KEYS)
        .bind(names.collect::<Vec<&[u8]>>())
        .bind(sealed.collect::<Vec<&[u8]>>())
        .execute(connection)
        .await
        .doing("storing keys of persons")?;
    Ok(())
}

/// Notes whom the entries from one leaf up to another are about.
async fn put_index(
    connection: &mut PgConnection,
    log: i64,
    (from, to): (u64, u64),
    about: &[(u64, [u8; 32])],
) -> Result<(), StorageError> {
    let subjects = about.iter().map(|(_, subject)| subject.as_slice());
    let leaves = about.iter().map(|(leaf, _)| to_integer(*leaf));
    sqlx::query(INDEX)
        .bind(subjects.collect::<Vec<&[u8]>>())
        .bind(leaves.collect::<Vec<i64>>())
        .bind(log)
        .bind(to_integer(from))
        .bind(to_integer(to))
        .execute(connection)
        .await
        .doing("noting whom entries are about")?;
    Ok(())
}
