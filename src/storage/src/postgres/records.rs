//! Source records and what was rejected, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{RecordNumber, RunId, SourceId, SourceRecord, StreamId};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{PostgresTransaction, lock};
use crate::StorageError;
use crate::batch::{Batch, HeldRow, Late, WriteRow};
use crate::body::{DecodeError, RecordRow, decode_record};
use crate::convert::{
    FoundRow, RejectionRow, corrupt, count_by_source, last_by_place, to_count, to_held, to_index,
    to_integer, to_rejections, without_nul,
};
use crate::error::Doing;
use crate::names::{FieldRow, Missing, StreamRow};
use crate::repository::Records;
use crate::row::{PutOutcome, RejectionCount, StoredRecord, StoredRejection};

const LIST_STREAMS: &str = "SELECT number, source, stream, agency FROM streams";

const LIST_FIELDS: &str = "SELECT number, attribute, source_column FROM fields";

const ADD_STREAM: &str = "INSERT INTO streams (source, stream, agency) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";

const ADD_FIELD: &str = "INSERT INTO fields (attribute, source_column) VALUES ($1, $2)
    ON CONFLICT DO NOTHING";

const FIND: &str = "SELECT given.place, records.number, records.content_hash, records.version,
    records.event_at, records.deleted_at IS NOT NULL
    FROM UNNEST($2::TEXT[]) WITH ORDINALITY AS given (key, place)
    JOIN records ON records.stream = $1 AND records.key = given.key";

const LOCK_STREAMS: &str = "SELECT pg_advisory_xact_lock($1, stream)
    FROM UNNEST($2::INT[]) AS given (stream)";

/// As [`FIND`], of several streams at once.
const FIND_ALL: &str = "SELECT given.place, records.number, records.content_hash, records.version,
    records.event_at, records.deleted_at IS NOT NULL
    FROM UNNEST($1::BIGINT[], $2::TEXT[]) WITH ORDINALITY AS given (stream, key, place)
    JOIN records ON records.stream = given.stream AND records.key = given.key";

const NUMBERS: &str = "SELECT NEXTVAL(PG_GET_SERIAL_SEQUENCE('records', 'number'))
    FROM GENERATE_SERIES(1, $1)";

const WRITE: &str = "INSERT INTO records
    (number, stream, key, content_hash, version, event_at, observed_at, body)
    SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::BYTEA[],
        $5::TEXT[], $6::BIGINT[], $7::BIGINT[], $8::TEXT[])";

const REWRITE: &str = "UPDATE records SET content_hash = given.content_hash,
    version = given.version, event_at = given.event_at,
    observed_at = given.observed_at, body = given.body, deleted_at = NULL
    FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::BYTEA[],
        $5::TEXT[], $6::BIGINT[], $7::BIGINT[], $8::TEXT[])
        AS given (number, stream, key, content_hash, version, event_at, observed_at, body)
    WHERE records.number = given.number";

const UNLINK: &str = "INSERT INTO unlinked (record) SELECT * FROM UNNEST($1::BIGINT[])
    ON CONFLICT DO NOTHING";

const REJECT: &str = "INSERT INTO rejections
    (source, stream, key, source_column, reason, field_only, run)
    SELECT source, stream, key, source_column, reason, field_only, $7
    FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::BOOLEAN[])
        AS given (source, stream, key, source_column, reason, field_only)
    ON CONFLICT (source, stream, key, source_column) DO UPDATE SET
        reason = excluded.reason, field_only = excluded.field_only, run = excluded.run";

const COUNT_REJECTIONS: &str = "SELECT reason, COUNT(*) FROM rejections WHERE source = $1
    GROUP BY reason ORDER BY reason";

const BY_COLUMN: &str = "SELECT stream, source_column, reason, field_only, COUNT(*)
    FROM rejections WHERE source = $1 GROUP BY stream, source_column, reason, field_only";

const AFTER: &str = "SELECT records.number, stream, key, content_hash, version, event_at,
    observed_at, body, unlinked.record IS NULL
    FROM records LEFT JOIN unlinked ON unlinked.record = records.number
    WHERE records.number > $1 AND records.deleted_at IS NULL ORDER BY records.number LIMIT $2";

const UNLINKED: &str = "SELECT records.number, stream, key, content_hash, version, event_at,
    observed_at, body, FALSE
    FROM unlinked JOIN records ON records.number = unlinked.record
    WHERE records.deleted_at IS NULL ORDER BY unlinked.record LIMIT $1";

const GET: &str = "SELECT records.number, stream, key, content_hash, version, event_at,
    observed_at, body, unlinked.record IS NULL
    FROM records LEFT JOIN unlinked ON unlinked.record = records.number
    WHERE records.number = ANY($1::BIGINT[]) AND records.deleted_at IS NULL
    ORDER BY records.number";

/// A deletion is rare: counting it apart leaves the rest to an index.
const COUNT: &str = "SELECT (SELECT COUNT(*) FROM records)
    - (SELECT COUNT(*) FROM records WHERE deleted_at IS NOT NULL)";

const COUNT_BY_STREAM: &str = "SELECT streams.source, counted.held
    FROM (SELECT stream, COUNT(*) AS held FROM records GROUP BY stream
        UNION ALL
        SELECT stream, -COUNT(*) FROM records WHERE deleted_at IS NOT NULL GROUP BY stream)
        AS counted
    JOIN streams ON streams.number = counted.stream";

#[async_trait]
impl Records for PostgresTransaction {
    async fn put_records(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
    ) -> Result<PutOutcome, StorageError> {
        self.put(run, records, Late::Kept).await
    }

    async fn put_present_records(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
    ) -> Result<PutOutcome, StorageError> {
        self.put(run, records, Late::Counts).await
    }

    async fn put_rejections(
        &mut self,
        run: RunId,
        rejections: &[StoredRejection],
    ) -> Result<(), StorageError> {
        let rejections = last_by_place(rejections);
        let texts = |text: fn(&StoredRejection) -> &str| -> Vec<&str> {
            rejections.iter().map(|rejection| text(rejection)).collect()
        };
        let keys = rejections.iter();
        let keys = keys.map(|rejection| without_nul(rejection.key.expose()));
        let fields = rejections.iter().map(|rejection| rejection.field_only);
        sqlx::query(REJECT)
            .bind(texts(|rejection| rejection.source.as_str()))
            .bind(texts(|rejection| rejection.stream.as_str()))
            .bind(keys.collect::<Vec<String>>())
            .bind(texts(|rejection| &rejection.column))
            .bind(texts(|rejection| &rejection.reason))
            .bind(fields.collect::<Vec<bool>>())
            .bind(run.0)
            .execute(self.connection())
            .await
            .doing("storing rejections")?;
        Ok(())
    }

    async fn count_rejections(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<(String, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT_REJECTIONS)
            .bind(source.as_str())
            .fetch_all(self.connection())
            .await
            .doing("counting rejections")?;
        let counts = rows.into_iter();
        Ok(counts.map(|(reason, n)| (reason, to_count(n))).collect())
    }

    async fn rejections_by_column(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<RejectionCount>, StorageError> {
        let rows: Vec<RejectionRow> = sqlx::query_as(BY_COLUMN)
            .bind(source.as_str())
            .fetch_all(self.connection())
            .await
            .doing("counting rejections")?;
        to_rejections(rows)
    }

    fn links_at_once(&mut self) {
        self.marks = false;
    }

    async fn records_after(
        &mut self,
        after: RecordNumber,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StorageError> {
        let rows = sqlx::query(AFTER)
            .bind(after.0)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading records")?;
        self.decode(&rows).await
    }

    async fn unlinked_records(&mut self, limit: u32) -> Result<Vec<StoredRecord>, StorageError> {
        let rows = sqlx::query(UNLINKED)
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading unlinked records")?;
        self.decode(&rows).await
    }

    async fn get_records(
        &mut self,
        numbers: &[RecordNumber],
    ) -> Result<Vec<StoredRecord>, StorageError> {
        let numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        let rows = sqlx::query(GET)
            .bind(numbers)
            .fetch_all(self.connection())
            .await
            .doing("reading records")?;
        self.decode(&rows).await
    }

    async fn find_records(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        keys: &[&str],
    ) -> Result<Vec<Option<RecordNumber>>, StorageError> {
        let mut numbers = vec![None; keys.len()];
        self.learn_streams([(source, stream)]).await?;
        let Some(stream) = self.names.get().stream_number(source, stream) else {
            return Ok(numbers);
        };
        let rows: Vec<FoundRow> = sqlx::query_as(FIND)
            .bind(stream)
            .bind(keys)
            .fetch_all(self.connection())
            .await
            .doing("looking for held records")?;
        for (index, number, _, _, _, deleted) in rows {
            // Places count from 1.
            if let Some(place) = numbers.get_mut(to_index(index - 1)) {
                *place = (!deleted).then_some(RecordNumber(number));
            }
        }
        Ok(numbers)
    }

    async fn count_records(&mut self) -> Result<u64, StorageError> {
        let count: i64 = sqlx::query_scalar(COUNT)
            .fetch_one(self.connection())
            .await
            .doing("counting records")?;
        Ok(to_count(count))
    }

    async fn count_records_by_source(&mut self) -> Result<Vec<(SourceId, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT_BY_STREAM)
            .fetch_all(self.connection())
            .await
            .doing("counting records")?;
        count_by_source(&rows)
    }
}

impl PostgresTransaction {
    async fn put(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
        late: Late,
    ) -> Result<PutOutcome, StorageError> {
        self.add_names(records).await?;
        let mut batch = Batch::new(records, self.names.get(), late)?;
        let streams = batch.streams();
        let locks: Vec<i64> = streams.iter().map(|keys| keys.number).collect();
        self.lock_streams(&locks).await?;
        let ids: Vec<(i64, &str)> = batch.ids().collect();
        for (index, held) in self.find(&ids).await? {
            batch.held(index, &held);
        }
        self.clear_rejections(run, &streams).await?;
        let numbers = self.new_numbers(batch.count_new()).await?;
        let writes = batch.writes(self.names.get(), numbers.into_iter())?;
        self.keep_versions(&writes).await?;
        self.write(WRITE, &writes.inserts).await?;
        self.write(REWRITE, &writes.updates).await?;
        if !self.marks {
            return Ok(writes.outcome);
        }
        let changed = writes.inserts.iter().chain(&writes.updates);
        let mut changed: Vec<i64> = changed.map(|row| row.number).collect();
        changed.sort_unstable();
        sqlx::query(UNLINK)
            .bind(changed)
            .execute(self.connection())
            .await
            .doing("marking records as unlinked")?;
        Ok(writes.outcome)
    }

    async fn add_names(&mut self, records: &[SourceRecord]) -> Result<(), StorageError> {
        let missing = self.names.get().missing(records)?;
        if missing.is_empty() {
            return Ok(());
        }
        self.insert_names(missing).await?;
        self.read_names().await?;
        // Two records of this call may disagree about the agency.
        self.names.get().missing(records).map(|_| ())
    }

    async fn insert_names(&mut self, missing: Missing) -> Result<(), StorageError> {
        for (source, stream, agency) in missing.streams {
            sqlx::query(ADD_STREAM)
                .bind(source.as_str())
                .bind(stream.as_str())
                .bind(agency.as_str())
                .execute(self.connection())
                .await
                .doing("storing a stream")?;
        }
        for (attribute, column) in missing.fields {
            sqlx::query(ADD_FIELD)
                .bind(attribute.to_string())
                .bind(column)
                .execute(self.connection())
                .await
                .doing("storing a field")?;
        }
        Ok(())
    }

    /// Reads the names again when one of these streams has no number here: another process may have
    /// given it one.
    pub(super) async fn learn_streams<'a>(
        &mut self,
        streams: impl IntoIterator<Item = (&'a SourceId, &'a StreamId)>,
    ) -> Result<(), StorageError> {
        let names = self.names.get();
        let known = |(source, stream)| names.stream_number(source, stream).is_some();
        if !streams.into_iter().all(known) {
            self.read_names().await?;
        }
        Ok(())
    }

    pub(super) async fn read_names(&mut self) -> Result<(), StorageError> {
        let streams: Vec<StreamRow> = sqlx::query_as(LIST_STREAMS)
            .fetch_all(self.connection())
            .await
            .doing("reading streams")?;
        let fields: Vec<FieldRow> = sqlx::query_as(LIST_FIELDS)
            .fetch_all(self.connection())
            .await
            .doing("reading fields")?;
        self.names.add(streams, fields)
    }

    /// Returns what is held of the records with these streams and keys, with their places.
    pub(super) async fn find(
        &mut self,
        ids: &[(i64, &str)],
    ) -> Result<Vec<(usize, HeldRow)>, StorageError> {
        let (streams, keys): (Vec<i64>, Vec<&str>) = ids.iter().copied().unzip();
        let rows: Vec<FoundRow> = sqlx::query_as(FIND_ALL)
            .bind(streams)
            .bind(keys)
            .fetch_all(self.connection())
            .await
            .doing("looking for held records")?;
        let rows = rows.into_iter();
        let held = rows.map(|(place, number, hash, version, event_at, deleted)| {
            let held = to_held(number, hash, version, event_at, deleted);
            // Places count from 1.
            (to_index(place - 1), held)
        });
        Ok(held.collect())
    }

    /// Makes other writers of these streams wait, so that nobody inserts what was not found here.
    /// Everybody asks in ascending order.
    pub(super) async fn lock_streams(&mut self, streams: &[i64]) -> Result<(), StorageError> {
        let streams = streams.iter();
        let streams: Vec<i32> = streams
            .map(|stream| i32::try_from(*stream).unwrap_or(i32::MAX))
            .collect();
        sqlx::query(LOCK_STREAMS)
            .bind(lock::STREAM)
            .bind(streams)
            .execute(self.connection())
            .await
            .doing("waiting for other writers of a stream")?;
        Ok(())
    }

    async fn new_numbers(&mut self, count: usize) -> Result<Vec<i64>, StorageError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        sqlx::query_scalar(NUMBERS)
            .bind(to_integer(count as u64))
            .fetch_all(self.connection())
            .await
            .doing("numbering records")
    }

    async fn write(
        &mut self,
        statement: &'static str,
        rows: &[WriteRow<'_>],
    ) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        let numbers = rows.iter().map(|row| row.number);
        let streams = rows.iter().map(|row| row.stream);
        let keys = rows.iter().map(|row| row.key);
        let hashes = rows.iter().map(|row| row.content_hash.as_slice());
        let versions = rows.iter().map(|row| row.version);
        let events = rows.iter().map(|row| row.event_at);
        let observations = rows.iter().map(|row| row.observed_at);
        let bodies = rows.iter().map(|row| row.body.as_str());
        sqlx::query(statement)
            .bind(numbers.collect::<Vec<i64>>())
            .bind(streams.collect::<Vec<i64>>())
            .bind(keys.collect::<Vec<&str>>())
            .bind(hashes.collect::<Vec<&[u8]>>())
            .bind(versions.collect::<Vec<Option<&str>>>())
            .bind(events.collect::<Vec<Option<i64>>>())
            .bind(observations.collect::<Vec<i64>>())
            .bind(bodies.collect::<Vec<&str>>())
            .execute(self.connection())
            .await
            .doing("storing records")?;
        Ok(())
    }

    pub(super) async fn decode(
        &mut self,
        rows: &[PgRow],
    ) -> Result<Vec<StoredRecord>, StorageError> {
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            let decoded = decode_record(self.names.get(), record_row(row)?);
            let decoded = match decoded {
                Err(DecodeError::UnknownName) => {
                    self.read_names().await?;
                    decode_record(self.names.get(), record_row(row)?)
                }
                Ok(_) | Err(DecodeError::Storage(_)) => decoded,
            };
            records.push(decoded.map_err(|error| match error {
                DecodeError::UnknownName => corrupt("records", "it uses a name without a number"),
                DecodeError::Storage(error) => error,
            })?);
        }
        Ok(records)
    }
}

fn record_row(row: &PgRow) -> Result<RecordRow, StorageError> {
    let read = || -> Result<RecordRow, sqlx::Error> {
        Ok(RecordRow {
            number: row.try_get(0)?,
            stream: row.try_get(1)?,
            key: row.try_get(2)?,
            content_hash: row.try_get(3)?,
            version: row.try_get(4)?,
            event_at: row.try_get(5)?,
            observed_at: row.try_get(6)?,
            body: row.try_get(7)?,
            linked: row.try_get(8)?,
        })
    };
    read().doing("reading records")
}
