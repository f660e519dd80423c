//! The feed of what happened to citizens, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{AgencyId, Change, CitizenId, RecordNumber, Timestamp};

use super::SqliteTransaction;
use super::bulk::Bulk;
use super::profiles::json_ids;
use super::records::json;
use crate::StorageError;
use crate::convert::{
    ChangeRow, citizen_bytes, citizen_hex, corrupt, to_citizen, to_count, to_integer, to_micros,
};
use crate::error::Doing;
use crate::feed::{decode_change, encode_change};
use crate::repository::Changes;
use crate::row::StoredChange;

const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM changes";

const NUMBERS: &str = "SELECT id, number FROM citizens
    WHERE id IN (SELECT UNHEX(value) FROM json_each($1))";

const PUT: Bulk = Bulk {
    doing: "storing changes",
    head: "INSERT INTO changes
        (sequence, kind, citizen, other, body, cause, recorded_at, supersedes) VALUES",
    columns: 8,
    tail: "",
};

const AFTER: &str = "SELECT changes.sequence, kind, citizens.id, other.id, body, cause,
        recorded_at, supersedes
    FROM changes JOIN citizens ON citizens.number = changes.citizen
    LEFT JOIN citizens AS other ON other.number = changes.other
    WHERE changes.sequence > $1 ORDER BY changes.sequence LIMIT $2";

const IDENTITY: &str = "SELECT changes.sequence, kind, citizens.id, other.id, body, cause,
        recorded_at, supersedes
    FROM (SELECT UNHEX(value) AS id FROM json_each($1)) AS wanted
    CROSS JOIN citizens ON citizens.id = wanted.id
    CROSS JOIN changes ON changes.citizen = citizens.number AND changes.kind <> 'born'
    LEFT JOIN citizens AS other ON other.number = changes.other
    WHERE kind IN ('merged', 'split', 'annulled', 'holdings')
    ORDER BY changes.sequence";

const OF_AGENCY: &str = "SELECT records.number
    FROM json_each($1) AS wanted CROSS JOIN records ON records.number = wanted.value
    JOIN streams ON streams.number = records.stream
    WHERE streams.agency = $2 ORDER BY records.number";

const CITIZENS_OF_AGENCY: &str = "SELECT DISTINCT citizens.id
    FROM (SELECT UNHEX(value) AS id FROM json_each($1)) AS wanted
    CROSS JOIN citizens ON citizens.id = wanted.id
    CROSS JOIN memberships ON memberships.citizen = citizens.number
    CROSS JOIN records ON records.number = memberships.record
    CROSS JOIN streams ON streams.number = records.stream
    WHERE streams.agency = $2 AND records.deleted_at IS NULL";

#[async_trait]
impl Changes for SqliteTransaction {
    async fn put_changes(
        &mut self,
        changes: &[Change],
        at: Timestamp,
    ) -> Result<u64, StorageError> {
        let last = self.last_change().await?;
        let mut citizens: Vec<CitizenId> = changes.iter().map(|change| change.citizen).collect();
        citizens.extend(changes.iter().filter_map(|change| change.other));
        let numbers: Vec<(Vec<u8>, i64)> = sqlx::query_as(NUMBERS)
            .bind(json_ids(&citizens)?)
            .fetch_all(self.connection())
            .await
            .doing("storing changes")?;
        let numbers: rustc_hash::FxHashMap<Vec<u8>, i64> = numbers.into_iter().collect();
        let number = |citizen: CitizenId| {
            let found = numbers.get(citizen_bytes(citizen).as_slice()).copied();
            found.ok_or_else(|| corrupt("changes", "a change names a citizen who is not known"))
        };
        let mut rows = Vec::with_capacity(changes.len());
        for (sequence, change) in (last + 1..).zip(changes) {
            rows.push((
                to_integer(sequence),
                change,
                number(change.citizen)?,
                change.other.map(number).transpose()?,
                encode_change(change)?,
            ));
        }
        let fill = |values: &mut super::bulk::Values, row: &(i64, &Change, i64, _, String)| {
            let (sequence, change, citizen, other, body) = row;
            let other: Option<i64> = *other;
            values
                .add(*sequence)
                .add(change.kind.code())
                .add(*citizen)
                .add(other)
                .add(body.as_str())
                .add(change.cause.code())
                .add(to_micros(at))
                .add(change.supersedes.map(to_integer));
        };
        PUT.insert(self.connection(), &rows, fill).await?;
        self.told.add(last, changes);
        Ok(last + changes.len() as u64)
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
    ) -> Result<Vec<StoredChange>, StorageError> {
        let mut citizens: Vec<String> = citizens.iter().copied().map(citizen_hex).collect();
        citizens.sort_unstable();
        citizens.dedup();
        let rows: Vec<ChangeRow> = sqlx::query_as(IDENTITY)
            .bind(json(&citizens)?)
            .fetch_all(self.connection())
            .await
            .doing("reading changes")?;
        rows.into_iter().map(decode_change).collect()
    }

    async fn records_of_agency(
        &mut self,
        agency: &AgencyId,
        numbers: &[RecordNumber],
    ) -> Result<Vec<RecordNumber>, StorageError> {
        let mut numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let rows: Vec<i64> = sqlx::query_scalar(OF_AGENCY)
            .bind(json(&numbers)?)
            .bind(agency.as_str())
            .fetch_all(self.connection())
            .await
            .doing("reading whose records are")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }

    async fn citizens_of_agency(
        &mut self,
        agency: &AgencyId,
        citizens: &[CitizenId],
    ) -> Result<Vec<CitizenId>, StorageError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(CITIZENS_OF_AGENCY)
            .bind(json_ids(citizens)?)
            .bind(agency.as_str())
            .fetch_all(self.connection())
            .await
            .doing("reading whose citizens are")?;
        rows.iter().map(|id| to_citizen(id)).collect()
    }
}
