//! Cases of emergencies, beside the audit log.

use rabt_model::{AgencyId, Timestamp};
use sqlx::{PgConnection, PgPool};

use crate::StorageError;
use crate::convert::{CaseRow, behind, to_case, to_count, to_integer, to_micros};
use crate::error::Doing;
use crate::row::{CaseStep, StoredCase};

const OPEN: &str = "INSERT INTO audit_cases (log, leaf, agency, at, state, reviewer, text)
    VALUES ($1, $2, $3, $4, 'open', '', '')";

const JUDGE: &str = "UPDATE audit_cases SET state = $3, reviewer = $4, text = $5, reviewed_at = $6
    WHERE leaf = $2 AND state = 'open'
    AND log = (SELECT number FROM audit_logs WHERE origin = $1)";

const LIST: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE log = $4 AND leaf < $1 AND ($2::TEXT IS NULL OR agency = $2)
    ORDER BY leaf DESC LIMIT $3";

/// What waits longest comes first.
const LIST_OPEN: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE log = $4 AND leaf > $1 AND ($2::TEXT IS NULL OR agency = $2)
    AND state = 'open' ORDER BY leaf LIMIT $3";

const ONE: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE log = $2 AND leaf = $1";

const COUNT_OPEN: &str = "SELECT COUNT(*) FROM audit_cases WHERE state = 'open' AND at < $1";

pub(super) async fn list(
    pool: &PgPool,
    log: i64,
    (agency, only_open): (Option<&AgencyId>, bool),
    (after, limit): (Option<u64>, u32),
) -> Result<Vec<StoredCase>, StorageError> {
    let rows: Vec<CaseRow> = sqlx::query_as(if only_open { LIST_OPEN } else { LIST })
        .bind(behind(after, only_open))
        .bind(agency.map(AgencyId::as_str))
        .bind(i64::from(limit))
        .bind(log)
        .fetch_all(pool)
        .await
        .doing("reading cases of emergencies")?;
    rows.into_iter().map(to_case).collect()
}

pub(super) async fn one(
    pool: &PgPool,
    log: i64,
    leaf: u64,
) -> Result<Option<StoredCase>, StorageError> {
    let row: Option<CaseRow> = sqlx::query_as(ONE)
        .bind(to_integer(leaf))
        .bind(log)
        .fetch_optional(pool)
        .await
        .doing("reading the case of an emergency")?;
    row.map(to_case).transpose()
}

pub(super) async fn count_open(pool: &PgPool, before: Timestamp) -> Result<u64, StorageError> {
    let count: i64 = sqlx::query_scalar(COUNT_OPEN)
        .bind(to_micros(before))
        .fetch_one(pool)
        .await
        .doing("counting cases of emergencies")?;
    Ok(to_count(count))
}

/// Does what the entry at a leaf does to a case.
pub(super) async fn put(
    connection: &mut PgConnection,
    (log, leaf): (i64, u64),
    step: &CaseStep,
) -> Result<(), StorageError> {
    let query = match step {
        CaseStep::Open { agency, at } => sqlx::query(OPEN)
            .bind(log)
            .bind(to_integer(leaf))
            .bind(agency.as_str())
            .bind(to_micros(*at)),
        CaseStep::Judge { origin, case } => sqlx::query(JUDGE)
            .bind(origin.as_str())
            .bind(to_integer(case.leaf))
            .bind(case.state.as_str())
            .bind(case.reviewer.as_str())
            .bind(case.text.as_slice())
            .bind(case.reviewed_at.map(to_micros)),
    };
    let done = query.execute(connection).await;
    done.doing("noting the case of an emergency")?;
    Ok(())
}
