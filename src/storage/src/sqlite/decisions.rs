//! What people decided about records, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{DecisionNumber, RecordNumber, Timestamp};

use super::SqliteTransaction;
use super::records::json;
use crate::StorageError;
use crate::convert::{to_micros, without_nul};
use crate::decision::{
    DecisionRow, ForceRow, InForce, PairRow, StepRow, to_decisions, to_in_force,
};
use crate::error::Doing;
use crate::repository::Decisions;
use crate::review::{DecisionState, DecisionStep, NewDecision, StoredDecision};

const PUT: &str = "INSERT INTO decisions (judgement, origin, state)
    VALUES ($1, $2, $3) RETURNING number";

const ADD_PAIRS: &str = "INSERT INTO decision_pairs (decision, low_record, high_record)
    SELECT $1, value ->> 0, value ->> 1 FROM json_each($2)";

const ADD_STEP: &str = "INSERT INTO decision_steps
    (decision, step, state, taken_by, taken_at, reason)
    SELECT $1, COALESCE(MAX(step), 0) + 1, $2, $3, $4, $5
    FROM decision_steps WHERE decision = $1";

const MOVE: &str = "UPDATE decisions SET state = $3 WHERE number = $1 AND state = $2";

const GET: &str = "SELECT number, judgement, origin FROM decisions WHERE number = $1";

const IN_FORCE: &str = "SELECT number, judgement, low_record, high_record
    FROM decisions LEFT JOIN decision_pairs ON decision = number
    WHERE state IN ('standing', 'undo_proposed')
    ORDER BY number, low_record, high_record";

const BEFORE: &str = "SELECT number, judgement, origin FROM decisions
    WHERE number < $1 ORDER BY number DESC LIMIT $2";

const OF_RECORDS: &str = "SELECT number, judgement, origin FROM decisions
    WHERE number IN (
        SELECT decision FROM json_each($1) CROSS JOIN decision_pairs ON low_record = value
        UNION
        SELECT decision FROM json_each($1) CROSS JOIN decision_pairs ON high_record = value)
    ORDER BY number DESC LIMIT $2";

const PAIRS: &str = "SELECT decision, low_record, high_record FROM decision_pairs
    WHERE decision IN (SELECT value FROM json_each($1))
    ORDER BY decision, low_record, high_record";

const STEPS: &str = "SELECT decision, state, taken_by, taken_at, reason FROM decision_steps
    WHERE decision IN (SELECT value FROM json_each($1)) ORDER BY decision, step";

const PROTECT: &str = "INSERT INTO protections (record, protected_by, protected_at)
    SELECT value, $2, $3 FROM json_each($1) WHERE TRUE ON CONFLICT (record) DO NOTHING";

const UNPROTECT: &str = "DELETE FROM protections
    WHERE record IN (SELECT value FROM json_each($1))";

const ALL_PROTECTED: &str = "SELECT record FROM protections ORDER BY record";

const PROTECTED: &str = "SELECT record FROM protections
    WHERE record IN (SELECT value FROM json_each($1)) ORDER BY record";

#[async_trait]
impl Decisions for SqliteTransaction {
    async fn put_decision(
        &mut self,
        decision: &NewDecision,
    ) -> Result<DecisionNumber, StorageError> {
        let pairs = decision.pairs.iter();
        let pairs: Vec<(i64, i64)> = pairs.map(|(low, high)| (low.0, high.0)).collect();
        let number: i64 = sqlx::query_scalar(PUT)
            .bind(decision.judgement.code())
            .bind(decision.origin.code())
            .bind(decision.step.state.code())
            .fetch_one(self.ready().await?)
            .await
            .doing("storing a decision")?;
        sqlx::query(ADD_PAIRS)
            .bind(number)
            .bind(json(&pairs)?)
            .execute(self.ready().await?)
            .await
            .doing("storing what a decision is about")?;
        self.add_step(number, &decision.step).await?;
        Ok(DecisionNumber(number))
    }

    async fn step_decision(
        &mut self,
        number: DecisionNumber,
        from: DecisionState,
        step: &DecisionStep,
    ) -> Result<bool, StorageError> {
        let moved = sqlx::query(MOVE)
            .bind(number.0)
            .bind(from.code())
            .bind(step.state.code())
            .execute(self.ready().await?)
            .await
            .doing("taking a decision further")?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        self.add_step(number.0, step).await?;
        Ok(true)
    }

    async fn get_decision(
        &mut self,
        number: DecisionNumber,
    ) -> Result<Option<StoredDecision>, StorageError> {
        let rows: Vec<DecisionRow> = sqlx::query_as(GET)
            .bind(number.0)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading a decision")?;
        Ok(self.complete(rows).await?.pop())
    }

    async fn decisions_in_force(&mut self) -> Result<Vec<InForce>, StorageError> {
        let rows: Vec<ForceRow> = sqlx::query_as(IN_FORCE)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading the decisions in force")?;
        to_in_force(rows)
    }

    async fn decisions_before(
        &mut self,
        before: Option<DecisionNumber>,
        limit: u32,
    ) -> Result<Vec<StoredDecision>, StorageError> {
        let rows: Vec<DecisionRow> = sqlx::query_as(BEFORE)
            .bind(before.map_or(i64::MAX, |number| number.0))
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading decisions")?;
        self.complete(rows).await
    }

    async fn decisions_of(
        &mut self,
        records: &[RecordNumber],
        limit: u32,
    ) -> Result<Vec<StoredDecision>, StorageError> {
        let rows: Vec<DecisionRow> = sqlx::query_as(OF_RECORDS)
            .bind(json_numbers(records)?)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading decisions")?;
        self.complete(rows).await
    }

    async fn protect(
        &mut self,
        records: &[RecordNumber],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        sqlx::query(PROTECT)
            .bind(json_numbers(records)?)
            .bind(without_nul(by))
            .bind(to_micros(at))
            .execute(self.ready().await?)
            .await
            .doing("protecting records")?;
        Ok(())
    }

    async fn unprotect(&mut self, records: &[RecordNumber]) -> Result<(), StorageError> {
        sqlx::query(UNPROTECT)
            .bind(json_numbers(records)?)
            .execute(self.ready().await?)
            .await
            .doing("ending the protection of records")?;
        Ok(())
    }

    async fn all_protected(&mut self) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(ALL_PROTECTED)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading which records are protected")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }

    async fn protected(
        &mut self,
        records: &[RecordNumber],
    ) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(PROTECTED)
            .bind(json_numbers(records)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading which records are protected")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }
}

impl SqliteTransaction {
    async fn add_step(&mut self, decision: i64, step: &DecisionStep) -> Result<(), StorageError> {
        sqlx::query(ADD_STEP)
            .bind(decision)
            .bind(step.state.code())
            .bind(without_nul(&step.by))
            .bind(to_micros(step.at))
            .bind(without_nul(step.reason.expose()))
            .execute(self.ready().await?)
            .await
            .doing("storing a step of a decision")?;
        Ok(())
    }

    /// Reads the pairs and the steps of decisions.
    async fn complete(
        &mut self,
        rows: Vec<DecisionRow>,
    ) -> Result<Vec<StoredDecision>, StorageError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let pairs: Vec<PairRow> = sqlx::query_as(PAIRS)
            .bind(json(&numbers)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading what decisions are about")?;
        let steps: Vec<StepRow> = sqlx::query_as(STEPS)
            .bind(json(&numbers)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading the steps of decisions")?;
        to_decisions(rows, pairs, steps)
    }
}

fn json_numbers(records: &[RecordNumber]) -> Result<String, StorageError> {
    let numbers: Vec<i64> = records.iter().map(|record| record.0).collect();
    json(&numbers)
}
