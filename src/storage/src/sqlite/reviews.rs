//! The questions that are open to clerks, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{CitizenId, DecisionNumber, ReviewKind, TaskNumber, Timestamp};

use super::SqliteTransaction;
use super::profiles::json_ids;
use super::records::json;
use crate::StorageError;
use crate::convert::{to_micros, without_nul};
use crate::error::Doing;
use crate::repository::Reviews;
use crate::review::{NewTask, StoredTask, TaskCounts, TaskFilter, TaskPlace};
use crate::task::{
    OpenRow, TaskBatch, TaskRow, TaskWrites, citizens_of, page_start, to_kind_counts, to_task,
};

const NUMBERS: &str = "SELECT id, number FROM citizens
    WHERE id IN (SELECT UNHEX(value) FROM json_each($1))";

/// Most often there are none, and then no citizen is looked up.
const NAMING: &str = "WITH named (citizen) AS MATERIALIZED (
        SELECT citizens.number
        FROM json_each($1) AS given CROSS JOIN citizens ON citizens.id = UNHEX(given.value)
        WHERE EXISTS (SELECT 1 FROM review_tasks)
    )
    SELECT number, low_citizen, high_citizen
    FROM named CROSS JOIN review_tasks ON low_citizen = citizen
    UNION
    SELECT number, low_citizen, high_citizen
    FROM named CROSS JOIN review_tasks ON high_citizen = citizen";

const CLOSE: &str = "DELETE FROM review_tasks WHERE number IN (SELECT value FROM json_each($1))";

const KEEP: &str = "UPDATE review_tasks SET
    low_record = given.value ->> 'low_record', high_record = given.value ->> 'high_record',
    kind = given.value ->> 'kind', weight = given.value ->> 'weight',
    pairs = given.value ->> 'pairs', worth = given.value ->> 'worth'
    FROM json_each($1) AS given WHERE review_tasks.number = given.value ->> 'number'
    AND (low_record, high_record, kind, weight, pairs, worth) <> (
        given.value ->> 'low_record', given.value ->> 'high_record', given.value ->> 'kind',
        given.value ->> 'weight', given.value ->> 'pairs', given.value ->> 'worth')";

const OPEN: &str = "INSERT INTO review_tasks
    (low_citizen, low_record, high_citizen, high_record, kind, weight, pairs, worth, created_at)
    SELECT value ->> 'low_citizen', value ->> 'low_record', value ->> 'high_citizen',
        value ->> 'high_record', value ->> 'kind', value ->> 'weight', value ->> 'pairs',
        value ->> 'worth', $2
    FROM json_each($1) ORDER BY key";

const GET: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record, high.id,
        weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    CROSS JOIN citizens AS low ON low.number = low_citizen
    CROSS JOIN citizens AS high ON high.number = high_citizen
    WHERE tasks.number = $1";

const AFTER: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record,
        high.id, weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    CROSS JOIN citizens AS low ON low.number = low_citizen
    CROSS JOIN citizens AS high ON high.number = high_citizen
    WHERE (worth, weight) <= ($1, $2) AND ((worth, weight) < ($1, $2) OR tasks.number > $3)
        AND ($4 IS NULL OR kind = $4)
        AND ($5 IS NULL OR claimed_until IS NULL OR claimed_until <= $5)
    ORDER BY worth DESC, weight DESC, tasks.number LIMIT $6";

/// As `AFTER`, by another index: one person has few tasks, and they are anywhere in the order.
const CLAIMED: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record,
        high.id, weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    CROSS JOIN citizens AS low ON low.number = low_citizen
    CROSS JOIN citizens AS high ON high.number = high_citizen
    WHERE (worth, weight) <= ($1, $2) AND ((worth, weight) < ($1, $2) OR tasks.number > $3)
        AND ($4 IS NULL OR kind = $4)
        AND ($5 IS NULL OR claimed_until IS NULL OR claimed_until <= $5)
        AND claimed_by = $7
    ORDER BY worth DESC, weight DESC, tasks.number LIMIT $6";

const COUNT: &str = "SELECT kind, COUNT(*) FROM review_tasks GROUP BY kind";

const CLAIM: &str = "UPDATE review_tasks SET claimed_by = $2, claimed_until = $4
    WHERE number = $1 AND (claimed_by IS NULL OR claimed_by = $2 OR claimed_until <= $3)";

const RELEASE: &str = "UPDATE review_tasks SET claimed_by = NULL, claimed_until = NULL
    WHERE number = $1 AND claimed_by = $2";

const PROPOSE: &str = "UPDATE review_tasks SET proposal = $2 WHERE number = $1";

#[async_trait]
impl Reviews for SqliteTransaction {
    async fn put_tasks(
        &mut self,
        citizens: &[CitizenId],
        tasks: &[NewTask],
        at: Timestamp,
    ) -> Result<TaskCounts, StorageError> {
        if citizens.is_empty() && tasks.is_empty() {
            return Ok(TaskCounts::default());
        }
        let numbers = self.numbers_of(&citizens_of(tasks)).await?;
        let batch = TaskBatch::new(tasks, numbers)?;
        let open: Vec<OpenRow> = sqlx::query_as(NAMING)
            .bind(json_ids(citizens)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("looking for open tasks")?;
        let writes = batch.against(&open)?;
        self.write_tasks(&writes, at).await?;
        Ok(writes.counts())
    }

    async fn get_task(&mut self, number: TaskNumber) -> Result<Option<StoredTask>, StorageError> {
        let row: Option<TaskRow> = sqlx::query_as(GET)
            .bind(number.0)
            .fetch_optional(self.ready().await?)
            .await
            .doing("reading a task")?;
        row.map(to_task).transpose()
    }

    async fn tasks_after(
        &mut self,
        filter: &TaskFilter,
        after: Option<TaskPlace>,
        limit: u32,
    ) -> Result<Vec<StoredTask>, StorageError> {
        let after = page_start(after);
        let by = filter.claimed_by.as_deref().map(without_nul);
        let query = sqlx::query_as(if by.is_some() { CLAIMED } else { AFTER })
            .bind(i64::from(after.worth))
            .bind(i64::from(after.weight))
            .bind(after.number.0)
            .bind(filter.kind.map(ReviewKind::code))
            .bind(filter.free_at.map(to_micros))
            .bind(i64::from(limit));
        let query = match by {
            Some(by) => query.bind(by),
            None => query,
        };
        let rows: Vec<TaskRow> = query
            .fetch_all(self.ready().await?)
            .await
            .doing("reading tasks")?;
        rows.into_iter().map(to_task).collect()
    }

    async fn count_tasks(&mut self) -> Result<Vec<(ReviewKind, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT)
            .fetch_all(self.ready().await?)
            .await
            .doing("counting tasks")?;
        to_kind_counts(rows)
    }

    async fn claim_task(
        &mut self,
        number: TaskNumber,
        by: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(CLAIM)
            .bind(number.0)
            .bind(without_nul(by))
            .bind(to_micros(now))
            .bind(to_micros(until))
            .execute(self.ready().await?)
            .await
            .doing("claiming a task")?;
        Ok(done.rows_affected() > 0)
    }

    async fn release_task(&mut self, number: TaskNumber, by: &str) -> Result<bool, StorageError> {
        let done = sqlx::query(RELEASE)
            .bind(number.0)
            .bind(without_nul(by))
            .execute(self.ready().await?)
            .await
            .doing("releasing a task")?;
        Ok(done.rows_affected() > 0)
    }

    async fn propose(
        &mut self,
        number: TaskNumber,
        decision: Option<DecisionNumber>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(PROPOSE)
            .bind(number.0)
            .bind(decision.map(|decision| decision.0))
            .execute(self.ready().await?)
            .await
            .doing("proposing a decision on a task")?;
        Ok(done.rows_affected() > 0)
    }
}

impl SqliteTransaction {
    async fn numbers_of(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(Vec<u8>, i64)>, StorageError> {
        if citizens.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query_as(NUMBERS)
            .bind(json_ids(citizens)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("looking for the citizens of tasks")
    }

    async fn write_tasks(
        &mut self,
        writes: &TaskWrites,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        if !writes.closed.is_empty() {
            sqlx::query(CLOSE)
                .bind(json(&writes.closed)?)
                .execute(self.ready().await?)
                .await
                .doing("closing tasks")?;
        }
        if !writes.kept.is_empty() {
            sqlx::query(KEEP)
                .bind(json(&writes.kept)?)
                .execute(self.ready().await?)
                .await
                .doing("keeping tasks")?;
        }
        if !writes.opened.is_empty() {
            sqlx::query(OPEN)
                .bind(json(&writes.opened)?)
                .bind(to_micros(at))
                .execute(self.ready().await?)
                .await
                .doing("opening tasks")?;
        }
        Ok(())
    }
}
