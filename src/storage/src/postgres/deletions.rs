//! Records that disappeared at their source, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{CitizenId, Pii, RecordNumber, SourceId, StreamId, Timestamp};

use super::PostgresTransaction;
use crate::StorageError;
use crate::convert::{to_memberships, to_micros, to_streams};
use crate::deletion::DeletionBatch;
use crate::error::Doing;
use crate::repository::Deletions;
use crate::row::{DeleteOutcome, Deletion};

const MARK: &str = "UPDATE records SET deleted_at = $4, content_hash = '', body = '',
    version = COALESCE(given.version, records.version),
    event_at = COALESCE(given.event_at, records.event_at)
    FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::BIGINT[]) AS given (number, version, event_at)
    WHERE records.number = given.number";

const UNLINK: &str = "INSERT INTO unlinked (record) SELECT * FROM UNNEST($1::BIGINT[])
    ON CONFLICT DO NOTHING";

const DEPARTED: &str = "SELECT unlinked.record
    FROM unlinked JOIN records ON records.number = unlinked.record
    WHERE records.deleted_at IS NOT NULL ORDER BY unlinked.record LIMIT $1";

const REMEMBER: &str = "INSERT INTO departures (record, citizen)
    SELECT record, citizen FROM memberships WHERE record = ANY($1::BIGINT[])
    ON CONFLICT (record) DO UPDATE SET citizen = excluded.citizen";

const FORGET: &str = "DELETE FROM memberships WHERE record = ANY($1::BIGINT[])";

const DEPARTURES: &str = "SELECT departures.record, citizens.id
    FROM departures JOIN citizens ON citizens.number = departures.citizen
    WHERE departures.record = ANY($1::BIGINT[]) ORDER BY departures.record";

const STREAMS: &str = "SELECT stream FROM streams WHERE source = $1";

const KEYS: &str = "SELECT key FROM records
    WHERE stream = $1 AND key > $2 AND deleted_at IS NULL ORDER BY key LIMIT $3";

#[async_trait]
impl Deletions for PostgresTransaction {
    async fn delete_records(
        &mut self,
        deletions: &[Deletion],
        at: Timestamp,
    ) -> Result<DeleteOutcome, StorageError> {
        let ids = deletions.iter().map(|deletion| &deletion.id);
        self.learn_streams(ids.map(|id| (&id.source, &id.stream)))
            .await?;
        let mut batch = DeletionBatch::new(deletions, self.names.get());
        let ids = batch.ids();
        let mut streams: Vec<i64> = ids.iter().map(|(stream, _)| *stream).collect();
        streams.dedup();
        self.lock_streams(&streams).await?;
        for (index, held) in self.find(&ids).await? {
            if let Some((stream, key)) = ids.get(index) {
                batch.held(*stream, key, &held);
            }
        }
        let (marks, outcome) = batch.finish();
        let numbers: Vec<i64> = marks.iter().map(|(number, ..)| *number).collect();
        let versions: Vec<Option<String>> = marks.iter().map(|mark| mark.1.clone()).collect();
        let events: Vec<Option<i64>> = marks.iter().map(|mark| mark.2).collect();
        self.set_aside(&numbers).await?;
        sqlx::query(MARK)
            .bind(&numbers)
            .bind(versions)
            .bind(events)
            .bind(to_micros(at))
            .execute(self.connection())
            .await
            .doing("deleting records")?;
        if !self.marks {
            return Ok(outcome);
        }
        sqlx::query(UNLINK)
            .bind(&numbers)
            .execute(self.connection())
            .await
            .doing("marking records as unlinked")?;
        Ok(outcome)
    }

    async fn streams_of(&mut self, source: &SourceId) -> Result<Vec<StreamId>, StorageError> {
        let streams: Vec<String> = sqlx::query_scalar(STREAMS)
            .bind(source.as_str())
            .fetch_all(self.connection())
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
        self.learn_streams([(source, stream)]).await?;
        let Some(stream) = self.names.get().stream_number(source, stream) else {
            return Ok(Vec::new());
        };
        // no key is empty
        let after = after.map_or("", |key| key.expose().as_str());
        let keys: Vec<String> = sqlx::query_scalar(KEYS)
            .bind(stream)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading keys")?;
        Ok(keys.into_iter().map(Pii::new).collect())
    }

    async fn departed_records(&mut self, limit: u32) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(DEPARTED)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading deleted records")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }

    async fn release(&mut self, numbers: &[RecordNumber]) -> Result<(), StorageError> {
        let list: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        for statement in [REMEMBER, FORGET] {
            sqlx::query(statement)
                .bind(&list)
                .execute(self.connection())
                .await
                .doing("releasing records")?;
        }
        self.unmark(&list).await
    }

    async fn departures(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let list: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(DEPARTURES)
            .bind(&list)
            .fetch_all(self.connection())
            .await
            .doing("reading departures")?;
        to_memberships(rows)
    }
}
