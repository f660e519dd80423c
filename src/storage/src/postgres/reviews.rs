//! The questions that are open to clerks, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{CitizenId, DecisionNumber, ReviewKind, TaskNumber, Timestamp};

use super::PostgresTransaction;
use super::profiles::ids;
use crate::StorageError;
use crate::convert::{to_micros, without_nul};
use crate::error::Doing;
use crate::repository::Reviews;
use crate::review::{NewTask, StoredTask, TaskCounts, TaskFilter, TaskPlace};
use crate::task::{
    OpenRow, TaskBatch, TaskRow, TaskWrite, TaskWrites, citizens_of, page_start, to_kind_counts,
    to_task,
};

const NUMBERS: &str = "SELECT id, number FROM citizens
    WHERE id = ANY($1::BYTEA[])";

const NAMING: &str = "WITH named (citizen) AS MATERIALIZED (
        SELECT number FROM citizens
        WHERE id = ANY($1::BYTEA[]) AND EXISTS (SELECT 1 FROM review_tasks)
    )
    SELECT number, low_citizen, high_citizen
    FROM named JOIN review_tasks ON low_citizen = citizen
    UNION
    SELECT number, low_citizen, high_citizen
    FROM named JOIN review_tasks ON high_citizen = citizen";

const CLOSE: &str = "DELETE FROM review_tasks WHERE number = ANY($1::BIGINT[])";

const KEEP: &str = "UPDATE review_tasks SET low_record = given.low_record,
    high_record = given.high_record, kind = given.kind, weight = given.weight,
    pairs = given.pairs, worth = given.worth
    FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[],
        $7::BIGINT[]) AS given (number, low_record, high_record, kind, weight, pairs, worth)
    WHERE review_tasks.number = given.number
    AND (review_tasks.low_record, review_tasks.high_record, review_tasks.kind,
        review_tasks.weight, review_tasks.pairs, review_tasks.worth)
        <> (given.low_record, given.high_record, given.kind, given.weight, given.pairs,
            given.worth)";

const OPEN: &str = "INSERT INTO review_tasks
    (low_citizen, low_record, high_citizen, high_record, kind, weight, pairs, worth, created_at)
    SELECT low_citizen, low_record, high_citizen, high_record, kind, weight, pairs, worth, $9
    FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::BIGINT[],
        $7::BIGINT[], $8::BIGINT[])
        AS given (low_citizen, low_record, high_citizen, high_record, kind, weight, pairs, worth)
    ORDER BY low_citizen, high_citizen";

const GET: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record, high.id,
        weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    JOIN citizens AS low ON low.number = low_citizen
    JOIN citizens AS high ON high.number = high_citizen
    WHERE tasks.number = $1";

const AFTER: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record,
        high.id, weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    JOIN citizens AS low ON low.number = low_citizen
    JOIN citizens AS high ON high.number = high_citizen
    WHERE (worth, weight) <= ($1, $2) AND ((worth, weight) < ($1, $2) OR tasks.number > $3)
        AND ($4 IS NULL OR kind = $4)
        AND ($5 IS NULL OR claimed_until IS NULL OR claimed_until <= $5)
    ORDER BY worth DESC, weight DESC, tasks.number LIMIT $6";

/// As `AFTER`, by another index: one person has few tasks, and they are anywhere in the order.
const CLAIMED: &str = "SELECT tasks.number, created_at, kind, low_record, low.id, high_record,
        high.id, weight, pairs, worth, claimed_by, claimed_until, proposal
    FROM review_tasks AS tasks
    JOIN citizens AS low ON low.number = low_citizen
    JOIN citizens AS high ON high.number = high_citizen
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
impl Reviews for PostgresTransaction {
    async fn put_tasks(
        &mut self,
        citizens: &[CitizenId],
        tasks: &[NewTask],
        at: Timestamp,
    ) -> Result<TaskCounts, StorageError> {
        if citizens.is_empty() && tasks.is_empty() {
            return Ok(TaskCounts::default());
        }
        // It is held until the commit, so no other writer opens a task that this one does not see.
        self.lock_feed("storing tasks").await?;
        let numbers = self.numbers_of(&citizens_of(tasks)).await?;
        let batch = TaskBatch::new(tasks, numbers)?;
        let open: Vec<OpenRow> = sqlx::query_as(NAMING)
            .bind(ids(citizens))
            .fetch_all(self.connection())
            .await
            .doing("looking for open tasks")?;
        let writes = batch.against(&open)?;
        self.write_tasks(&writes, at).await?;
        Ok(writes.counts())
    }

    async fn get_task(&mut self, number: TaskNumber) -> Result<Option<StoredTask>, StorageError> {
        let row: Option<TaskRow> = sqlx::query_as(GET)
            .bind(number.0)
            .fetch_optional(self.connection())
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
            .fetch_all(self.connection())
            .await
            .doing("reading tasks")?;
        rows.into_iter().map(to_task).collect()
    }

    async fn count_tasks(&mut self) -> Result<Vec<(ReviewKind, u64)>, StorageError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNT)
            .fetch_all(self.connection())
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
            .execute(self.connection())
            .await
            .doing("claiming a task")?;
        Ok(done.rows_affected() > 0)
    }

    async fn release_task(&mut self, number: TaskNumber, by: &str) -> Result<bool, StorageError> {
        let done = sqlx::query(RELEASE)
            .bind(number.0)
            .bind(without_nul(by))
            .execute(self.connection())
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
            .execute(self.connection())
            .await
            .doing("proposing a decision on a task")?;
        Ok(done.rows_affected() > 0)
    }
}

impl PostgresTransaction {
    async fn numbers_of(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(Vec<u8>, i64)>, StorageError> {
        if citizens.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query_as(NUMBERS)
            .bind(ids(citizens))
            .fetch_all(self.connection())
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
                .bind(&writes.closed)
                .execute(self.connection())
                .await
                .doing("closing tasks")?;
        }
        if !writes.kept.is_empty() {
            let column = |of: fn(&TaskWrite) -> i64| writes.kept.iter().map(of).collect::<Vec<_>>();
            sqlx::query(KEEP)
                .bind(column(|task| task.number))
                .bind(column(|task| task.low_record))
                .bind(column(|task| task.high_record))
                .bind(kinds(&writes.kept))
                .bind(column(|task| task.weight.into()))
                .bind(column(|task| task.pairs.into()))
                .bind(column(|task| task.worth.into()))
                .execute(self.connection())
                .await
                .doing("keeping tasks")?;
        }
        if !writes.opened.is_empty() {
            self.open_tasks(&writes.opened, at).await?;
        }
        Ok(())
    }

    async fn open_tasks(&mut self, tasks: &[TaskWrite], at: Timestamp) -> Result<(), StorageError> {
        let column = |of: fn(&TaskWrite) -> i64| tasks.iter().map(of).collect::<Vec<_>>();
        sqlx::query(OPEN)
            .bind(column(|task| task.low_citizen))
            .bind(column(|task| task.low_record))
            .bind(column(|task| task.high_citizen))
            .bind(column(|task| task.high_record))
            .bind(kinds(tasks))
            .bind(column(|task| task.weight.into()))
            .bind(column(|task| task.pairs.into()))
            .bind(column(|task| task.worth.into()))
            .bind(to_micros(at))
            .execute(self.connection())
            .await
            .doing("opening tasks")?;
        Ok(())
    }
}

fn kinds(tasks: &[TaskWrite]) -> Vec<&'static str> {
    tasks.iter().map(|task| task.kind).collect()
}
