//! Erasures: that nobody can find a citizen's entries any more. Both backends take the same statements, so they
//! are written once, for whichever transaction runs them.

pub(crate) const PUT: &str = "INSERT INTO erasures
    (citizen, reason, state, proposer, decider, created_at, updated_at)
    VALUES ($1, $2, $3, $4, '', $5, $5) RETURNING number";

pub(crate) const PAGE: &str =
    "SELECT number, citizen, reason, state, proposer, decider, created_at,
    updated_at FROM erasures WHERE number < $1 ORDER BY number DESC LIMIT $2";

/// What is over names nobody any more; what is confirmed can only be done.
pub(crate) const DECIDE: &str = "UPDATE erasures SET state = $2, decider = $3, updated_at = $4,
    citizen = CASE WHEN $2 = 'confirmed' THEN citizen END
    WHERE number = $1 AND (state = 'asked' OR (state = 'confirmed' AND $2 = 'done'))";

pub(crate) const FORGET_CORRECTIONS: &str = "DELETE FROM corrections WHERE citizen = $1";

/// Makes a transaction keep erasures.
macro_rules! keeps_erasures {
    ($transaction:ident) => {
        #[async_trait::async_trait]
        impl crate::repository::Erasures for $transaction {
            async fn put_erasure(
                &mut self,
                new: &crate::row::StoredErasure,
            ) -> Result<i64, crate::StorageError> {
                use crate::error::Doing;
                let citizen = new
                    .citizen
                    .map(|one| crate::convert::citizen_bytes(one).to_vec());
                sqlx::query_scalar(crate::erasure::PUT)
                    .bind(citizen)
                    .bind(new.reason.as_str())
                    .bind(new.state.as_str())
                    .bind(new.proposer.as_str())
                    .bind(crate::convert::to_micros(new.created_at))
                    .fetch_one(self.connection())
                    .await
                    .doing("storing an erasure")
            }

            async fn erasures(
                &mut self,
                before: Option<i64>,
                limit: u32,
            ) -> Result<Vec<crate::row::StoredErasure>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::convert::ErasureRow> = sqlx::query_as(crate::erasure::PAGE)
                    .bind(before.unwrap_or(i64::MAX))
                    .bind(i64::from(limit))
                    .fetch_all(self.connection())
                    .await
                    .doing("reading erasures")?;
                rows.into_iter().map(crate::convert::to_erasure).collect()
            }

            async fn decide_erasure(
                &mut self,
                number: i64,
                state: crate::row::ErasureState,
                decider: &str,
                at: rabt_model::Timestamp,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::erasure::DECIDE)
                    .bind(number)
                    .bind(state.as_str())
                    .bind(decider)
                    .bind(crate::convert::to_micros(at))
                    .execute(self.connection())
                    .await
                    .doing("deciding an erasure")?;
                Ok(done.rows_affected() > 0)
            }

            async fn forget_corrections(
                &mut self,
                citizen: rabt_model::CitizenId,
            ) -> Result<u64, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::erasure::FORGET_CORRECTIONS)
                    .bind(crate::convert::citizen_bytes(citizen).to_vec())
                    .execute(self.connection())
                    .await
                    .doing("forgetting corrections")?;
                Ok(done.rows_affected())
            }
        }
    };
}

pub(crate) use keeps_erasures;
