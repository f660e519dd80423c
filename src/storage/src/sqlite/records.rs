//! Source records and what was rejected, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{RecordNumber, RunId, SourceId, SourceRecord, StreamId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteTransaction;
use super::bulk::Bulk;
use super::later::Last;
use super::script::Script;
use crate::StorageError;
use crate::batch::{Batch, HeldRow, Late, WriteRow};
use crate::body::{DecodeError, RecordRow, decode_record};
use crate::convert::{
    FoundRow, RejectionRow, corrupt, count_by_source, to_count, to_held, to_index, to_integer,
    to_rejections, without_nul,
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

/// CROSS JOIN keeps `SQLite` from scanning the stream.
const FIND: &str = "SELECT wanted.key, records.number, records.content_hash, records.version,
    records.event_at, records.deleted_at IS NOT NULL
    FROM json_each($2) AS wanted CROSS JOIN records
    WHERE records.stream = $1 AND records.key = wanted.value";

/// As [`FIND`], of several streams at once; and beside places below 0 the last numbers that were given.
const FIND_ALL: &str = "SELECT wanted.key, records.number, records.content_hash, records.version,
    records.event_at, records.deleted_at IS NOT NULL
    FROM json_each($1) AS wanted CROSS JOIN records
    WHERE records.stream = wanted.value ->> 0 AND records.key = wanted.value ->> 1
    UNION ALL
    SELECT -1, seq, X'', NULL, NULL, FALSE FROM sqlite_sequence WHERE name = 'records'
    UNION ALL
    SELECT -2, COALESCE(MAX(sequence), 0), X'', NULL, NULL, FALSE FROM changes
    UNION ALL
    SELECT -3, COALESCE(MAX(number), 0), X'', NULL, NULL, FALSE FROM steps";

const WRITE: Bulk = Bulk {
    doing: "storing records",
    head: "INSERT INTO records
        (number, stream, key, content_hash, version, event_at, observed_at, body) VALUES",
    row: "(?,?,?,?,?,?,?,?)",
    tail: "",
};

/// A held record is found by its key; the number it is given here is not used.
const REWRITE: Bulk = Bulk {
    doing: "storing changed records",
    head: "INSERT INTO records
        (stream, key, content_hash, version, event_at, observed_at, body) VALUES",
    row: "(?,?,?,?,?,?,?)",
    tail: "ON CONFLICT (stream, key) DO UPDATE SET content_hash = excluded.content_hash,
        version = excluded.version, event_at = excluded.event_at,
        observed_at = excluded.observed_at, body = excluded.body, deleted_at = NULL",
};

const UNLINK: &str = "INSERT INTO unlinked (record) SELECT value FROM json_each(?) WHERE TRUE
    ON CONFLICT DO NOTHING";

const REJECT: Bulk = Bulk {
    doing: "storing rejections",
    head: "INSERT INTO rejections
        (source, stream, key, source_column, reason, field_only, run) VALUES",
    row: "(?,?,?,?,?,?,?)",
    tail: "ON CONFLICT (source, stream, key, source_column) DO UPDATE SET
        reason = excluded.reason, field_only = excluded.field_only, run = excluded.run",
};

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
    FROM unlinked CROSS JOIN records ON records.number = unlinked.record
    WHERE records.deleted_at IS NULL ORDER BY unlinked.record LIMIT $1";

const GET: &str = "SELECT records.number, stream, key, content_hash, version, event_at,
    observed_at, body, unlinked.record IS NULL
    FROM (SELECT DISTINCT value FROM json_each($1)) AS wanted
    CROSS JOIN records ON records.number = wanted.value
    LEFT JOIN unlinked ON unlinked.record = records.number
    WHERE records.deleted_at IS NULL
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
impl Records for SqliteTransaction {
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
        REJECT
            .insert(self.ready().await?, rejections, |values, rejection| {
                values
                    .add(rejection.source.as_str())
                    .add(rejection.stream.as_str())
                    .add(without_nul(rejection.key.expose()))
                    .add(rejection.column.as_str())
                    .add(rejection.reason.as_str())
                    .add(i64::from(rejection.field_only))
                    .add(run.0);
            })
            .await
    }

    async fn count_rejections(
        &mut self,
        source: &SourceId,
    ) -> Result<Vec<(String, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT_REJECTIONS)
            .bind(source.as_str())
            .fetch_all(self.ready().await?)
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
            .fetch_all(self.ready().await?)
            .await
            .doing("counting rejections")?;
        to_rejections(rows)
    }

    fn links_at_once(&mut self) {
        self.arrivals = Some(Script::once());
    }

    async fn records_after(
        &mut self,
        after: RecordNumber,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StorageError> {
        let rows = sqlx::query(AFTER)
            .bind(after.0)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading records")?;
        self.decode(&rows).await
    }

    async fn unlinked_records(&mut self, limit: u32) -> Result<Vec<StoredRecord>, StorageError> {
        let rows = sqlx::query(UNLINKED)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
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
            .bind(json(&numbers)?)
            .fetch_all(self.ready().await?)
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
        let Some(stream) = self.names.get().stream_number(source, stream) else {
            return Ok(numbers);
        };
        let rows: Vec<FoundRow> = sqlx::query_as(FIND)
            .bind(stream)
            .bind(json(&keys)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("looking for held records")?;
        for (index, number, _, _, _, deleted) in rows {
            if let Some(place) = numbers.get_mut(to_index(index)) {
                *place = (!deleted).then_some(RecordNumber(number));
            }
        }
        Ok(numbers)
    }

    async fn count_records(&mut self) -> Result<u64, StorageError> {
        let count: i64 = sqlx::query_scalar(COUNT)
            .fetch_one(self.ready().await?)
            .await
            .doing("counting records")?;
        Ok(to_count(count))
    }

    async fn count_records_by_source(&mut self) -> Result<Vec<(SourceId, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT_BY_STREAM)
            .fetch_all(self.ready().await?)
            .await
            .doing("counting records")?;
        count_by_source(&rows)
    }
}

impl SqliteTransaction {
    async fn put(
        &mut self,
        run: RunId,
        records: &[SourceRecord],
        late: Late,
    ) -> Result<PutOutcome, StorageError> {
        self.add_names(records).await?;
        let mut batch = Batch::new(records, self.names.get(), late)?;
        let ids: Vec<(i64, &str)> = batch.ids().collect();
        for (index, held) in self.find(&ids).await? {
            batch.held(index, &held);
        }
        let last = self.last().await?.record;
        self.clear_rejections(run, &batch.streams()).await?;
        let writes = batch.writes(self.names.get(), last + 1..)?;
        self.keep_versions(&writes).await?;
        WRITE
            .write(self, &writes.inserts, |values, row| {
                values.add(row.number);
                fill(values, row);
            })
            .await?;
        REWRITE.write(self, &writes.updates, fill).await?;
        let given = writes.inserts.len();
        self.took(|last| last.record += to_integer(given as u64));
        let changed = writes.inserts.iter().chain(&writes.updates);
        let mut changed: Vec<i64> = changed.map(|row| row.number).collect();
        changed.sort_unstable();
        if changed.is_empty() || self.arrivals.is_some() {
            return Ok(writes.outcome);
        }
        self.write_list("marking records as unlinked", UNLINK, json(&changed)?)
            .await?;
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
                .execute(self.ready().await?)
                .await
                .doing("storing a stream")?;
        }
        for (attribute, column) in missing.fields {
            sqlx::query(ADD_FIELD)
                .bind(attribute.to_string())
                .bind(column)
                .execute(self.ready().await?)
                .await
                .doing("storing a field")?;
        }
        Ok(())
    }

    pub(super) async fn read_names(&mut self) -> Result<(), StorageError> {
        let streams: Vec<StreamRow> = sqlx::query_as(LIST_STREAMS)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading streams")?;
        let fields: Vec<FieldRow> = sqlx::query_as(LIST_FIELDS)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading fields")?;
        self.names.add(streams, fields)
    }

    /// Returns what is held of the records with these streams and keys, with their places; and learns the
    /// last numbers that were given.
    pub(super) async fn find(
        &mut self,
        ids: &[(i64, &str)],
    ) -> Result<Vec<(usize, HeldRow)>, StorageError> {
        let rows: Vec<FoundRow> = sqlx::query_as(FIND_ALL)
            .bind(json(&ids)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("looking for held records")?;
        let (mut found, mut last) = (Vec::with_capacity(ids.len()), Last::default());
        for (index, number, hash, version, event_at, deleted) in rows {
            match index {
                -1 => last.record = number,
                -2 => last.change = number,
                -3 => last.step = number,
                _ => {
                    let held = to_held(number, hash, version, event_at, deleted);
                    found.push((to_index(index), held));
                }
            }
        }
        self.last = Some(match self.last {
            Some(known) => known,
            None => Last {
                before: last.record,
                ..last
            },
        });
        Ok(found)
    }

    pub(super) async fn decode(
        &mut self,
        rows: &[SqliteRow],
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

fn fill(values: &mut super::bulk::Values, row: &WriteRow<'_>) {
    values
        .add(row.stream)
        .add(row.key)
        .add(row.content_hash.as_slice())
        .add(row.version)
        .add(row.event_at)
        .add(row.observed_at)
        .add(row.body.as_str());
}

fn record_row(row: &SqliteRow) -> Result<RecordRow, StorageError> {
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

/// Returns a JSON array, for `json_each`.
pub(super) fn json(values: &impl serde::Serialize) -> Result<String, StorageError> {
    serde_json::to_string(values).map_err(|_| corrupt("records", "a list cannot be written"))
}
