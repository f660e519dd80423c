//! What profiles and records were, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};
use sqlx::Row;

use super::SqliteTransaction;
use super::profiles::json_ids;
use super::records::json;
use crate::StorageError;
use crate::batch::Writes;
use crate::convert::{
    PlacedRow, RevisionRow, citizen_bytes, to_index, to_integer, to_placed, to_revision,
};
use crate::error::Doing;
use crate::repository::History;
use crate::row::{Horizon, StoredRecord, StoredRevision};

const SET_ASIDE: &str = "INSERT INTO versions
    (record, late, content_hash, version, event_at, observed_at, body)
    SELECT number, FALSE, content_hash, version, event_at, observed_at, body FROM records
    WHERE number IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL
    ORDER BY number";

const ADD_LATE: &str = "INSERT INTO versions
    (record, late, content_hash, version, event_at, observed_at, body)
    SELECT $1, TRUE, $2, $3, $4, $5, $6 WHERE NOT EXISTS
        (SELECT 1 FROM versions WHERE record = $1 AND content_hash = $2)";

const PRESENT: &str = "SELECT id, composed_at, profile, revision, told, horizon, NULL
    FROM citizens
    WHERE id IN (SELECT UNHEX(value) FROM json_each($1)) AND profile IS NOT NULL";

const REVISIONS: &str = "SELECT id, composed_at, profile, revision, told, horizon, NULL
    FROM citizens WHERE id = $1 AND profile IS NOT NULL
    UNION ALL
    SELECT citizens.id, past.composed_at, past.profile, past.revision, past.told,
        past.horizon, past.ended_at
    FROM citizens JOIN revisions AS past ON past.citizen = citizens.number
    WHERE citizens.id = $1
    ORDER BY 4 DESC LIMIT $2";

const AT: &str = "SELECT id, composed_at, profile, revision, told, horizon, NULL, number
    FROM citizens WHERE number > $1 AND profile IS NOT NULL AND sequence <= $2
    UNION ALL
    SELECT citizens.id, past.composed_at, past.profile, past.revision, past.told,
        past.horizon, past.ended_at, past.citizen
    FROM revisions AS past JOIN citizens ON citizens.number = past.citizen
    WHERE past.citizen > $1 AND past.sequence <= $2 AND past.ended_sequence > $2
    ORDER BY 8 LIMIT $3";

/// The first version that was set aside behind the horizon is what the record said there.
const RECORDS_AT: &str = "SELECT records.number, records.stream, records.key,
        COALESCE(said.content_hash, records.content_hash),
        CASE WHEN said.number IS NULL THEN records.version ELSE said.version END,
        CASE WHEN said.number IS NULL THEN records.event_at ELSE said.event_at END,
        COALESCE(said.observed_at, records.observed_at), COALESCE(said.body, records.body),
        TRUE, wanted.key
    FROM json_each($1) AS wanted CROSS JOIN records ON records.number = wanted.value ->> 0
    LEFT JOIN versions AS said ON said.number = (SELECT MIN(number) FROM versions AS past
        WHERE past.record = records.number AND past.number > wanted.value ->> 1 AND NOT past.late)
    WHERE said.number IS NOT NULL OR records.deleted_at IS NULL
    ORDER BY wanted.key";

const VERSIONS: &str = "SELECT records.number, records.stream, records.key, said.content_hash,
        said.version, said.event_at, said.observed_at, said.body, TRUE, said.late
    FROM versions AS said JOIN records ON records.number = said.record
    WHERE said.record = $1 ORDER BY said.number";

#[async_trait]
impl History for SqliteTransaction {
    async fn present_revisions(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<StoredRevision>, StorageError> {
        let rows: Vec<RevisionRow> = sqlx::query_as(PRESENT)
            .bind(json_ids(citizens)?)
            .fetch_all(self.connection())
            .await
            .doing("reading profiles")?;
        rows.into_iter().map(to_revision).collect()
    }

    async fn revisions(
        &mut self,
        citizen: CitizenId,
        limit: u32,
    ) -> Result<Vec<StoredRevision>, StorageError> {
        let rows: Vec<RevisionRow> = sqlx::query_as(REVISIONS)
            .bind(citizen_bytes(citizen).to_vec())
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading revisions")?;
        rows.into_iter().map(to_revision).collect()
    }

    async fn revisions_at(
        &mut self,
        sequence: u64,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, StoredRevision)>, StorageError> {
        let rows: Vec<PlacedRow> = sqlx::query_as(AT)
            .bind(to_integer(after))
            .bind(to_integer(sequence))
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading revisions")?;
        rows.into_iter().map(to_placed).collect()
    }

    async fn records_at(
        &mut self,
        wanted: &[(RecordNumber, Horizon)],
    ) -> Result<Vec<Option<StoredRecord>>, StorageError> {
        let pairs: Vec<(i64, i64)> = wanted.iter().map(|(n, at)| (n.0, at.0)).collect();
        let rows = sqlx::query(RECORDS_AT)
            .bind(json(&pairs)?)
            .fetch_all(self.connection())
            .await
            .doing("reading past records")?;
        let decoded = self.decode(&rows).await?;
        let mut found: Vec<Option<StoredRecord>> = vec![None; wanted.len()];
        for (row, record) in rows.iter().zip(decoded) {
            let place: i64 = row.try_get(9).doing("reading past records")?;
            if let Some(slot) = found.get_mut(to_index(place)) {
                *slot = Some(record);
            }
        }
        Ok(found)
    }

    async fn versions(
        &mut self,
        record: RecordNumber,
    ) -> Result<Vec<(StoredRecord, bool)>, StorageError> {
        let rows = sqlx::query(VERSIONS)
            .bind(record.0)
            .fetch_all(self.connection())
            .await
            .doing("reading versions")?;
        let decoded = self.decode(&rows).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for (row, version) in rows.iter().zip(decoded) {
            let late: bool = row.try_get(9).doing("reading versions")?;
            versions.push((version, late));
        }
        Ok(versions)
    }
}

impl SqliteTransaction {
    /// Keeps what is about to be replaced, and what came late.
    pub(super) async fn keep_versions(&mut self, writes: &Writes<'_>) -> Result<(), StorageError> {
        let replaced: Vec<i64> = writes.updates.iter().map(|row| row.number).collect();
        self.set_aside(&replaced).await?;
        for row in &writes.late {
            sqlx::query(ADD_LATE)
                .bind(row.number)
                .bind(row.content_hash.as_slice())
                .bind(row.version)
                .bind(row.event_at)
                .bind(row.observed_at)
                .bind(row.body.as_str())
                .execute(self.connection())
                .await
                .doing("storing late versions")?;
        }
        Ok(())
    }

    /// Makes versions of the present contents of records.
    pub(super) async fn set_aside(&mut self, numbers: &[i64]) -> Result<(), StorageError> {
        if numbers.is_empty() {
            return Ok(());
        }
        sqlx::query(SET_ASIDE)
            .bind(json(&numbers)?)
            .execute(self.connection())
            .await
            .doing("storing versions")?;
        Ok(())
    }
}
