//! Registered sources, how far they were read, and their runs, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{RunId, SourceId, StreamId, Timestamp};

use super::SqliteTransaction;
use crate::StorageError;
use crate::convert::{RunRow, SourceRow, to_integer, to_micros, to_position, to_run, to_source};
use crate::error::Doing;
use crate::repository::Sources;
use crate::row::{RunCounts, RunOutcome, SourceState, StoredPosition, StoredRun, StoredSource};

const PUT: &str = "INSERT INTO sources
    (id, agency, kind, manifest, mapping, state, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET agency = excluded.agency, kind = excluded.kind,
        manifest = excluded.manifest, mapping = excluded.mapping, state = excluded.state,
        updated_at = excluded.updated_at";

const GET: &str = "SELECT id, agency, kind, manifest, mapping, state, created_at, updated_at
    FROM sources WHERE id = $1";

const LIST: &str = "SELECT id, agency, kind, manifest, mapping, state, created_at, updated_at
    FROM sources ORDER BY id";

const SET_STATE: &str = "UPDATE sources SET state = $2, updated_at = $3 WHERE id = $1";

const GET_POSITION: &str = "SELECT position FROM positions WHERE source = $1 AND stream = $2";

const POSITIONS: &str = "SELECT stream, position, rows_read FROM positions
    WHERE source = $1 ORDER BY stream";

const PUT_POSITION: &str = "INSERT INTO positions (source, stream, position, rows_read)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (source, stream) DO UPDATE SET
        position = excluded.position, rows_read = excluded.rows_read";

const DELETE_POSITION: &str = "DELETE FROM positions WHERE source = $1 AND stream = $2";

const START_RUN: &str = "INSERT INTO runs (source, started_at, state)
    VALUES ($1, $2, 'running') RETURNING number";

const COUNT_RUN: &str = "UPDATE runs SET rows_read = rows_read + $2,
    records_stored = records_stored + $3, rejected = rejected + $4, unchanged = unchanged + $5,
    deleted = deleted + $6, late = late + $7
    WHERE number = $1";

const FINISH_RUN: &str = "UPDATE runs SET state = $2, finished_at = $3,
    error_class = $4, error_summary = $5 WHERE number = $1";

const INTERRUPT_RUNS: &str = "UPDATE runs SET state = 'interrupted', finished_at = $1
    WHERE state = 'running'";

const GET_RUN: &str = "SELECT number, source, started_at, finished_at, state,
    error_class, error_summary, rows_read, records_stored, rejected, unchanged, deleted, late
    FROM runs WHERE number = $1";

const RUNS: &str = "SELECT number, source, started_at, finished_at, state,
    error_class, error_summary, rows_read, records_stored, rejected, unchanged, deleted, late
    FROM runs WHERE source = $1 ORDER BY number DESC LIMIT $2";

#[async_trait]
impl Sources for SqliteTransaction {
    async fn put_source(&mut self, source: &StoredSource) -> Result<(), StorageError> {
        sqlx::query(PUT)
            .bind(source.id.as_str())
            .bind(source.agency.as_str())
            .bind(source.kind.as_str())
            .bind(source.manifest.as_str())
            .bind(source.mapping.as_str())
            .bind(source.state.as_str())
            .bind(to_micros(source.created_at))
            .bind(to_micros(source.updated_at))
            .execute(self.ready().await?)
            .await
            .doing("storing a source")?;
        Ok(())
    }

    async fn get_source(&mut self, id: &SourceId) -> Result<Option<StoredSource>, StorageError> {
        let row: Option<SourceRow> = sqlx::query_as(GET)
            .bind(id.as_str())
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a source")?;
        row.map(to_source).transpose()
    }

    async fn list_sources(&mut self) -> Result<Vec<StoredSource>, StorageError> {
        let rows: Vec<SourceRow> = sqlx::query_as(LIST)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading sources")?;
        rows.into_iter().map(to_source).collect()
    }

    async fn set_state(
        &mut self,
        id: &SourceId,
        state: SourceState,
        at: Timestamp,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(SET_STATE)
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(to_micros(at))
            .execute(self.ready().await?)
            .await
            .doing("changing the state of a source")?;
        Ok(done.rows_affected() > 0)
    }

    async fn get_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<Option<String>, StorageError> {
        sqlx::query_scalar(GET_POSITION)
            .bind(source.as_str())
            .bind(stream.as_str())
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a position")
    }

    async fn positions(&mut self, source: &SourceId) -> Result<Vec<StoredPosition>, StorageError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(POSITIONS)
            .bind(source.as_str())
            .fetch_all(self.ready().await?)
            .await
            .doing("reading positions")?;
        rows.into_iter().map(to_position).collect()
    }

    async fn put_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
        position: &str,
        rows: u64,
    ) -> Result<(), StorageError> {
        sqlx::query(PUT_POSITION)
            .bind(source.as_str())
            .bind(stream.as_str())
            .bind(position)
            .bind(to_integer(rows))
            .execute(self.ready().await?)
            .await
            .doing("storing a position")?;
        Ok(())
    }

    async fn delete_position(
        &mut self,
        source: &SourceId,
        stream: &StreamId,
    ) -> Result<(), StorageError> {
        sqlx::query(DELETE_POSITION)
            .bind(source.as_str())
            .bind(stream.as_str())
            .execute(self.ready().await?)
            .await
            .doing("forgetting a position")?;
        Ok(())
    }

    async fn start_run(&mut self, source: &SourceId, at: Timestamp) -> Result<RunId, StorageError> {
        let number = sqlx::query_scalar(START_RUN)
            .bind(source.as_str())
            .bind(to_micros(at))
            .fetch_one(self.ready().await?)
            .await
            .doing("starting a run")?;
        Ok(RunId(number))
    }

    async fn count_run(&mut self, run: RunId, counts: RunCounts) -> Result<(), StorageError> {
        sqlx::query(COUNT_RUN)
            .bind(run.0)
            .bind(to_integer(counts.rows))
            .bind(to_integer(counts.records))
            .bind(to_integer(counts.rejected))
            .bind(to_integer(counts.unchanged))
            .bind(to_integer(counts.deleted))
            .bind(to_integer(counts.late))
            .execute(self.ready().await?)
            .await
            .doing("counting a run")?;
        Ok(())
    }

    async fn finish_run(&mut self, run: RunId, outcome: &RunOutcome) -> Result<(), StorageError> {
        let error = outcome.error.as_ref();
        sqlx::query(FINISH_RUN)
            .bind(run.0)
            .bind(outcome.state.as_str())
            .bind(to_micros(outcome.finished_at))
            .bind(error.map(|error| error.class.reason()))
            .bind(error.map(|error| error.summary.as_str()))
            .execute(self.ready().await?)
            .await
            .doing("finishing a run")?;
        Ok(())
    }

    async fn interrupt_runs(&mut self, at: Timestamp) -> Result<u64, StorageError> {
        let done = sqlx::query(INTERRUPT_RUNS)
            .bind(to_micros(at))
            .execute(self.ready().await?)
            .await
            .doing("ending interrupted runs")?;
        Ok(done.rows_affected())
    }

    async fn get_run(&mut self, run: RunId) -> Result<Option<StoredRun>, StorageError> {
        let row: Option<RunRow> = sqlx::query_as(GET_RUN)
            .bind(run.0)
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a run")?;
        row.map(to_run).transpose()
    }

    async fn runs(
        &mut self,
        source: &SourceId,
        limit: u32,
    ) -> Result<Vec<StoredRun>, StorageError> {
        let rows: Vec<RunRow> = sqlx::query_as(RUNS)
            .bind(source.as_str())
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading runs")?;
        rows.into_iter().map(to_run).collect()
    }
}
