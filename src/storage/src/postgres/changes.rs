//! The feed of what happened to citizens, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{AgencyId, Change, CitizenId, RecordNumber, Timestamp};

use super::profiles::ids;
use super::{LOCK, PostgresTransaction, lock};
use crate::StorageError;
use crate::convert::{
    ChangeRow, citizen_bytes, corrupt, parse_id, to_citizen, to_count, to_integer, to_micros,
};
use crate::error::Doing;
use crate::feed::{decode_change, encode_change};
use crate::repository::Changes;
use crate::row::StoredChange;

const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM changes";

const PUT: &str = "INSERT INTO changes
    (sequence, kind, citizen, other, body, cause, recorded_at, supersedes)
    SELECT given.sequence, given.kind, citizens.number, other.number, given.body, given.cause,
        $7, given.supersedes
    FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::BYTEA[], $4::BYTEA[], $5::TEXT[], $6::TEXT[],
        $8::BIGINT[])
        AS given (sequence, kind, citizen, other, body, cause, supersedes)
    JOIN citizens ON citizens.id = given.citizen
    LEFT JOIN citizens AS other ON other.id = given.other
    WHERE given.other IS NULL OR other.number IS NOT NULL";

const AFTER: &str = "SELECT changes.sequence, kind, citizens.id, other.id, body, cause,
        recorded_at, supersedes
    FROM changes JOIN citizens ON citizens.number = changes.citizen
    LEFT JOIN citizens AS other ON other.number = changes.other
    WHERE changes.sequence > $1 ORDER BY changes.sequence LIMIT $2";

/// LATERAL and OFFSET keep the planner from passing over all changes while few are not first sights.
const IDENTITY: &str = "SELECT changes.sequence, kind, citizens.id, other.id, body, cause,
        recorded_at, supersedes
    FROM citizens CROSS JOIN LATERAL (SELECT * FROM changes
        WHERE changes.citizen = citizens.number AND changes.kind <> 'born'
            AND changes.sequence > $2 OFFSET 0) AS changes
    LEFT JOIN citizens AS other ON other.number = changes.other
    WHERE citizens.id = ANY($1::BYTEA[]) AND kind IN ('merged', 'split', 'annulled', 'holdings')
    ORDER BY changes.sequence";

const AGENCIES_OF_RECORDS: &str = "SELECT records.number, streams.agency
    FROM records JOIN streams ON streams.number = records.stream
    WHERE records.number = ANY($1::BIGINT[]) ORDER BY records.number";

const AGENCIES_OF_CITIZENS: &str = "SELECT DISTINCT citizens.id, streams.agency
    FROM citizens JOIN memberships ON memberships.citizen = citizens.number
    JOIN records ON records.number = memberships.record
    JOIN streams ON streams.number = records.stream
    WHERE citizens.id = ANY($1::BYTEA[]) AND records.deleted_at IS NULL";

#[async_trait]
impl Changes for PostgresTransaction {
    async fn put_changes(
        &mut self,
        changes: &[Change],
        at: Timestamp,
    ) -> Result<u64, StorageError> {
        if changes.is_empty() {
            return self.last_change().await;
        }
        // The lock is held until the commit, so the numbers are in the order of the commits and
        // one that is undone leaves no gap.
        self.lock_feed("storing changes").await?;
        let last = self.last_change().await?;
        let end = last + changes.len() as u64;
        let mut bodies = Vec::with_capacity(changes.len());
        for change in changes {
            bodies.push(encode_change(change)?);
        }
        let id = |citizen| citizen_bytes(citizen).to_vec();
        let each = changes.iter();
        let stored = sqlx::query(PUT)
            .bind((last + 1..=end).map(to_integer).collect::<Vec<i64>>())
            .bind(each.clone().map(|c| c.kind.code()).collect::<Vec<&str>>())
            .bind(each.clone().map(|c| id(c.citizen)).collect::<Vec<_>>())
            .bind(each.clone().map(|c| c.other.map(id)).collect::<Vec<_>>())
            .bind(bodies)
            .bind(each.clone().map(|c| c.cause.code()).collect::<Vec<&str>>())
            .bind(to_micros(at))
            .bind(
                each.map(|c| c.supersedes.map(to_integer))
                    .collect::<Vec<_>>(),
            )
            .execute(self.connection())
            .await
            .doing("storing changes")?;
        self.told.add(last, changes);
        if stored.rows_affected() == changes.len() as u64 {
            return Ok(end);
        }
        Err(corrupt(
            "changes",
            "a change names a citizen who is not known",
        ))
    }

    async fn last_change(&mut self) -> Result<u64, StorageError> {
        let last: i64 = sqlx::query_scalar(LAST)
            .fetch_one(self.connection())
            .await
            .doing("reading the last change")?;
        Ok(to_count(last))
    }

    async fn changes_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredChange>, StorageError> {
        let rows: Vec<ChangeRow> = sqlx::query_as(AFTER)
            .bind(to_integer(after))
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading changes")?;
        rows.into_iter().map(decode_change).collect()
    }

    async fn identity_changes(
        &mut self,
        citizens: &[CitizenId],
        after: u64,
    ) -> Result<Vec<StoredChange>, StorageError> {
        let rows: Vec<ChangeRow> = sqlx::query_as(IDENTITY)
            .bind(ids(citizens))
            .bind(to_integer(after))
            .fetch_all(self.connection())
            .await
            .doing("reading changes")?;
        rows.into_iter().map(decode_change).collect()
    }

    async fn agencies_of_records(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, AgencyId)>, StorageError> {
        let numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        let rows: Vec<(i64, String)> = sqlx::query_as(AGENCIES_OF_RECORDS)
            .bind(numbers)
            .fetch_all(self.connection())
            .await
            .doing("reading whose records are")?;
        let owner = |(number, agency): (i64, String)| {
            Ok((RecordNumber(number), parse_id("streams", &agency)?))
        };
        rows.into_iter().map(owner).collect()
    }

    async fn agencies_of_citizens(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(CitizenId, AgencyId)>, StorageError> {
        let rows: Vec<(Vec<u8>, String)> = sqlx::query_as(AGENCIES_OF_CITIZENS)
            .bind(ids(citizens))
            .fetch_all(self.connection())
            .await
            .doing("reading whose citizens are")?;
        let holder =
            |(id, agency): (Vec<u8>, String)| Ok((to_citizen(&id)?, parse_id("streams", &agency)?));
        rows.into_iter().map(holder).collect()
    }
}

impl PostgresTransaction {
    /// Waits for the other writers of the feed and of tasks.
    pub(super) async fn lock_feed(&mut self, doing: &'static str) -> Result<(), StorageError> {
        sqlx::query(LOCK)
            .bind(lock::CHANGES)
            .bind(0_i32)
            .execute(self.connection())
            .await
            .doing(doing)?;
        Ok(())
    }
}
