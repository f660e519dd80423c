//! What citizens say is wrong. Both backends take the same statements, so they are written once, for
//! whichever transaction runs them.

pub(crate) const PUT: &str = "INSERT INTO corrections
    (citizen, agency, source, stream, record_key, attribute, wrong, evidence, state, answer,
    created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $10) RETURNING number";

pub(crate) const WORD: &str =
    "UPDATE corrections SET record_key = $2, wrong = $3 WHERE number = $1";

pub(crate) const OF_CITIZEN: &str = "SELECT number, citizen, agency, source, stream, record_key,
    attribute, wrong, evidence, state, answer, created_at, updated_at
    FROM corrections WHERE citizen = $1 ORDER BY number DESC";

pub(crate) const OF_AGENCY: &str = "SELECT number, citizen, agency, source, stream, record_key,
    attribute, wrong, evidence, state, answer, created_at, updated_at
    FROM corrections WHERE agency = $1 AND number < $2 ORDER BY number DESC LIMIT $3";

pub(crate) const ONE: &str = "SELECT number, citizen, agency, source, stream, record_key,
    attribute, wrong, evidence, state, answer, created_at, updated_at
    FROM corrections WHERE number = $1";

pub(crate) const ANSWER: &str = "UPDATE corrections SET state = $2, answer = $3, updated_at = $4
    WHERE number = $1 AND state = 'asked'";

/// Makes a transaction keep corrections.
macro_rules! keeps_corrections {
    ($transaction:ident) => {
        #[async_trait::async_trait]
        impl crate::repository::Corrections for $transaction {
            async fn put_correction(
                &mut self,
                new: &crate::row::StoredCorrection,
            ) -> Result<i64, crate::StorageError> {
                use crate::error::Doing;
                sqlx::query_scalar(crate::correction::PUT)
                    .bind(crate::convert::citizen_bytes(new.citizen).to_vec())
                    .bind(new.agency.as_str())
                    .bind(new.source.as_str())
                    .bind(new.stream.as_str())
                    .bind(new.record_key.expose().as_str())
                    .bind(new.attribute.to_string())
                    .bind(new.wrong.expose().as_str())
                    .bind(new.evidence.as_str())
                    .bind(new.state.as_str())
                    .bind(crate::convert::to_micros(new.created_at))
                    .fetch_one(self.connection())
                    .await
                    .doing("storing a correction")
            }

            async fn word_correction(
                &mut self,
                number: i64,
                record_key: &str,
                wrong: &str,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::correction::WORD)
                    .bind(number)
                    .bind(record_key)
                    .bind(wrong)
                    .execute(self.connection())
                    .await
                    .doing("wording a correction")?;
                Ok(done.rows_affected() > 0)
            }

            async fn corrections_of(
                &mut self,
                citizen: rabt_model::CitizenId,
            ) -> Result<Vec<crate::row::StoredCorrection>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::convert::CorrectionRow> =
                    sqlx::query_as(crate::correction::OF_CITIZEN)
                        .bind(crate::convert::citizen_bytes(citizen).to_vec())
                        .fetch_all(self.connection())
                        .await
                        .doing("reading corrections")?;
                let rows = rows.into_iter();
                rows.map(crate::convert::to_correction).collect()
            }

            async fn corrections_for(
                &mut self,
                agency: &rabt_model::AgencyId,
                before: Option<i64>,
                limit: u32,
            ) -> Result<Vec<crate::row::StoredCorrection>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::convert::CorrectionRow> =
                    sqlx::query_as(crate::correction::OF_AGENCY)
                        .bind(agency.as_str())
                        .bind(before.unwrap_or(i64::MAX))
                        .bind(i64::from(limit))
                        .fetch_all(self.connection())
                        .await
                        .doing("reading corrections")?;
                let rows = rows.into_iter();
                rows.map(crate::convert::to_correction).collect()
            }

            async fn get_correction(
                &mut self,
                number: i64,
            ) -> Result<Option<crate::row::StoredCorrection>, crate::StorageError> {
                use crate::error::Doing;
                let row: Option<crate::convert::CorrectionRow> =
                    sqlx::query_as(crate::correction::ONE)
                        .bind(number)
                        .fetch_optional(self.connection())
                        .await
                        .doing("reading a correction")?;
                row.map(crate::convert::to_correction).transpose()
            }

            async fn answer_correction(
                &mut self,
                number: i64,
                state: crate::row::CorrectionState,
                answer: &str,
                at: rabt_model::Timestamp,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::correction::ANSWER)
                    .bind(number)
                    .bind(state.as_str())
                    .bind(answer)
                    .bind(crate::convert::to_micros(at))
                    .execute(self.connection())
                    .await
                    .doing("answering a correction")?;
                Ok(done.rows_affected() > 0)
            }
        }
    };
}

pub(crate) use keeps_corrections;
