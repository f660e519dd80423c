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
    PlacedRow, RevisionRow, citizen_bytes, to_count, to_index, to_integer, to_placed, to_revision,
};
use crate::error::Doing;
use crate::repository::History;
use crate::row::{Horizon, RevisionPage, StoredRecord, StoredRevision};

const SET_ASIDE: &str = "INSERT INTO versions
    (record, late, content_hash, version, event_at, observed_at, body)
    SELECT number, FALSE, content_hash, version, event_at, observed_at, body FROM records
    WHERE number IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL
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

/// The places of the citizens that a page looks at.
const PLACES: &str = "SELECT COUNT(*), COALESCE(MAX(number), 0)
    FROM (SELECT number FROM citizens WHERE number > $1 ORDER BY number LIMIT $2) AS looked";

/// Of the revisions that ended behind the place in the feed, the first one was present there, unless
/// it began behind it too. CROSS JOIN keeps the planner from passing over every past revision of
/// the citizens of the page.
pub(super) const AT: &str = "SELECT id, composed_at, profile, revision, told, horizon, NULL, number
    FROM citizens
    WHERE number > $1 AND number <= $3 AND profile IS NOT NULL AND sequence <= $2
    UNION ALL
    SELECT citizens.id, past.composed_at, past.profile, past.revision, past.told,
        past.horizon, past.ended_at, past.citizen
    FROM citizens CROSS JOIN revisions AS past
        ON past.citizen = citizens.number AND past.revision =
        (SELECT revision FROM revisions
            WHERE citizen = citizens.number AND ended_sequence > $2
            ORDER BY ended_sequence, revision LIMIT 1)
    WHERE citizens.number > $1 AND citizens.number <= $3 AND past.sequence <= $2
        AND (citizens.profile IS NULL OR citizens.sequence > $2)
    ORDER BY 8";

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
            .fetch_all(self.ready().await?)
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
            .fetch_all(self.ready().await?)
            .await
            .doing("reading revisions")?;
        rows.into_iter().map(to_revision).collect()
    }

    async fn revisions_at(
        &mut self,
        sequence: u64,
        after: u64,
        limit: u32,
    ) -> Result<RevisionPage, StorageError> {
        let after = to_integer(after);
        let (looked, last): (i64, i64) = sqlx::query_as(PLACES)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_one(self.ready().await?)
            .await
            .doing("reading revisions")?;
        let rows: Vec<PlacedRow> = sqlx::query_as(AT)
            .bind(after)
            .bind(to_integer(sequence))
            .bind(last)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading revisions")?;
        let revisions = rows.into_iter().map(to_placed).collect::<Result<_, _>>()?;
        let next = (looked == i64::from(limit)).then(|| to_count(last));
        Ok(RevisionPage { revisions, next })
    }

    async fn records_at(
        &mut self,
        wanted: &[(RecordNumber, Horizon)],
    ) -> Result<Vec<Option<StoredRecord>>, StorageError> {
        let pairs: Vec<(i64, i64)> = wanted.iter().map(|(n, at)| (n.0, at.0)).collect();
        let rows = sqlx::query(RECORDS_AT)
            .bind(json(&pairs)?)
            .fetch_all(self.ready().await?)
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
            .fetch_all(self.ready().await?)
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
                .execute(self.ready().await?)
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
        self.write_list("storing versions", SET_ASIDE, json(&numbers)?)
            .await
    }
}
