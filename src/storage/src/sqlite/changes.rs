//! The feed of what happened to citizens, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{AgencyId, Change, CitizenId, RecordNumber, Timestamp};

use super::SqliteTransaction;
use super::bulk::Bulk;
use super::profiles::json_ids;
use super::records::json;
use crate::StorageError;
use crate::convert::{
    ChangeRow, citizen_bytes, citizen_hex, parse_id, to_citizen, to_count, to_integer, to_micros,
};
use crate::error::Doing;
use crate::feed::{decode_change, encode_change};
use crate::repository::Changes;
use crate::row::StoredChange;

const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM changes";

const PUT: Bulk = Bulk {
    doing: "storing changes",
    head: "INSERT INTO changes
        (sequence, kind, citizen, other, body, cause, recorded_at, supersedes) VALUES",
    // one who is not known breaks the reference
    row: "(?,?,(SELECT number FROM citizens WHERE id = ?),
        IIF(? IS NULL, NULL, COALESCE((SELECT number FROM citizens WHERE id = ?), -1)),?,?,?,?)",
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
    WHERE kind IN ('merged', 'split', 'annulled', 'holdings') AND changes.sequence > $2
    ORDER BY changes.sequence";

const AGENCIES_OF_RECORDS: &str = "SELECT records.number, streams.agency
    FROM json_each($1) AS wanted CROSS JOIN records ON records.number = wanted.value
    JOIN streams ON streams.number = records.stream ORDER BY records.number";

const AGENCIES_OF_CITIZENS: &str = "SELECT DISTINCT citizens.id, streams.agency
    FROM (SELECT UNHEX(value) AS id FROM json_each($1)) AS wanted
    CROSS JOIN citizens ON citizens.id = wanted.id
    CROSS JOIN memberships ON memberships.citizen = citizens.number
    CROSS JOIN records ON records.number = memberships.record
    CROSS JOIN streams ON streams.number = records.stream
    WHERE records.deleted_at IS NULL";

#[async_trait]
impl Changes for SqliteTransaction {
    async fn put_changes(
        &mut self,
        changes: &[Change],
        at: Timestamp,
    ) -> Result<u64, StorageError> {
        let last = to_count(self.last().await?.change);
        if changes.is_empty() {
            return Ok(last);
        }
        let mut rows = Vec::with_capacity(changes.len());
        for (sequence, change) in (last + 1..).zip(changes) {
            rows.push((to_integer(sequence), change, encode_change(change)?));
        }
        let fill = |values: &mut super::bulk::Values, row: &(i64, &Change, String)| {
            let (sequence, change, body) = row;
            let other = change.other.map(|other| citizen_bytes(other).to_vec());
            values
                .add(*sequence)
                .add(change.kind.code())
                .add(citizen_bytes(change.citizen).to_vec())
                .add(other.clone())
                .add(other)
                .add(body.as_str())
                .add(change.cause.code())
                .add(to_micros(at))
                .add(change.supersedes.map(to_integer));
        };
        PUT.write(self, &rows, fill).await?;
        self.told.add(last, changes);
        let last = last + changes.len() as u64;
        self.took(|numbers| numbers.change = to_integer(last));
        Ok(last)
    }

    async fn last_change(&mut self) -> Result<u64, StorageError> {
        let last: i64 = sqlx::query_scalar(LAST)
            .fetch_one(self.ready().await?)
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
            .fetch_all(self.ready().await?)
            .await
            .doing("reading changes")?;
        rows.into_iter().map(decode_change).collect()
    }

    async fn identity_changes(
        &mut self,
        citizens: &[CitizenId],
        after: u64,
    ) -> Result<Vec<StoredChange>, StorageError> {
        let mut citizens: Vec<String> = citizens.iter().copied().map(citizen_hex).collect();
        citizens.sort_unstable();
        citizens.dedup();
        let rows: Vec<ChangeRow> = sqlx::query_as(IDENTITY)
            .bind(json(&citizens)?)
            .bind(to_integer(after))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading changes")?;
        rows.into_iter().map(decode_change).collect()
    }

    async fn agencies_of_records(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, AgencyId)>, StorageError> {
        let mut numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let rows: Vec<(i64, String)> = sqlx::query_as(AGENCIES_OF_RECORDS)
            .bind(json(&numbers)?)
            .fetch_all(self.ready().await?)
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
            .bind(json_ids(citizens)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading whose citizens are")?;
        let holder =
            |(id, agency): (Vec<u8>, String)| Ok((to_citizen(&id)?, parse_id("streams", &agency)?));
        rows.into_iter().map(holder).collect()
    }
}
