//! Records that disappeared at their source, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{CitizenId, Pii, RecordNumber, SourceId, StreamId, Timestamp};

use super::SqliteTransaction;
use super::records::json;
use crate::StorageError;
use crate::convert::{to_memberships, to_micros, to_streams};
use crate::deletion::DeletionBatch;
use crate::error::Doing;
use crate::repository::Deletions;
use crate::row::{DeleteOutcome, Deletion};

const MARK: &str = "UPDATE records SET deleted_at = ?, content_hash = X'', body = '',
    version = COALESCE(given.value ->> 1, records.version),
    event_at = COALESCE(given.value ->> 2, records.event_at)
    FROM json_each(?) AS given WHERE records.number = given.value ->> 0";

const UNLINK: &str = "INSERT INTO unlinked (record)
    SELECT value FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING";

const DEPARTED: &str = "SELECT unlinked.record
    FROM unlinked CROSS JOIN records ON records.number = unlinked.record
    WHERE records.deleted_at IS NOT NULL ORDER BY unlinked.record LIMIT $1";

const REMEMBER: &str = "INSERT INTO departures (record, citizen)
    SELECT record, citizen FROM memberships
    WHERE record IN (SELECT value FROM json_each(?))
    ON CONFLICT (record) DO UPDATE SET citizen = excluded.citizen";

const FORGET: &str = "DELETE FROM memberships WHERE record IN (SELECT value FROM json_each(?))";

const DEPARTURES: &str = "SELECT departures.record, citizens.id
    FROM departures CROSS JOIN citizens ON citizens.number = departures.citizen
    WHERE departures.record IN (SELECT value FROM json_each($1)) ORDER BY departures.record";

const STREAMS: &str = "SELECT stream FROM streams WHERE source = $1";

const KEYS: &str = "SELECT key FROM records
    WHERE stream = $1 AND key > $2 AND deleted_at IS NULL ORDER BY key LIMIT $3";

#[async_trait]
impl Deletions for SqliteTransaction {
    async fn delete_records(
        &mut self,
        deletions: &[Deletion],
        at: Timestamp,
    ) -> Result<DeleteOutcome, StorageError> {
        let mut batch = DeletionBatch::new(deletions, self.names.get());
        let ids = batch.ids();
        for (index, held) in self.find(&ids).await? {
            if let Some((stream, key)) = ids.get(index) {
                batch.held(*stream, key, &held);
            }
        }
        let (marks, outcome) = batch.finish();
        let numbers: Vec<i64> = marks.iter().map(|(number, ..)| *number).collect();
        self.set_aside(&numbers).await?;
        let marks = json(&marks)?;
        self.write("deleting records", MARK, |values| {
            values.add(to_micros(at)).add(marks);
        })
        .await?;
        if self.arrivals.is_some() {
            return Ok(outcome);
        }
        self.write_list("marking records as unlinked", UNLINK, json(&numbers)?)
            .await?;
        Ok(outcome)
    }

    async fn streams_of(&mut self, source: &SourceId) -> Result<Vec<StreamId>, StorageError> {
        let streams: Vec<String> = sqlx::query_scalar(STREAMS)
            .bind(source.as_str())
            .fetch_all(self.ready().await?)
            .await
            .doing("reading streams")?;
        to_streams(&streams)
    }

    async fn keys_after(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        after: Option<&Pii<String>>,
        limit: u32,
    ) -> Result<Vec<Pii<String>>, StorageError> {
        let Some(stream) = self.names.get().stream_number(source, stream) else {
            return Ok(Vec::new());
        };
        // no key is empty
        let after = after.map_or("", |key| key.expose().as_str());
        let keys: Vec<String> = sqlx::query_scalar(KEYS)
            .bind(stream)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading keys")?;
        Ok(keys.into_iter().map(Pii::new).collect())
    }

    async fn departed_records(&mut self, limit: u32) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(DEPARTED)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading deleted records")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }

    async fn release(&mut self, numbers: &[RecordNumber]) -> Result<(), StorageError> {
        // new records may be among them, and are remembered then
        self.took(|last| last.before = i64::MAX);
        let list: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        for statement in [REMEMBER, FORGET] {
            self.write_list("releasing records", statement, json(&list)?)
                .await?;
        }
        self.unmark(&list).await
    }

    async fn departures(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let numbers = numbers.iter().map(|number| number.0);
        let list: Vec<i64> = numbers.filter(|number| !self.is_new(*number)).collect();
        if list.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(DEPARTURES)
            .bind(json(&list)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading departures")?;
        to_memberships(rows)
    }
}
