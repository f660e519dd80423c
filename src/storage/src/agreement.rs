//! The versions of access agreements. Both backends take the same statements, so they are written once,
//! for whichever transaction runs them.

use rabt_model::{AgreementId, Timestamp};

use crate::StorageError;
use crate::convert::{corrupt, parse_id, to_timestamp};
use crate::row::text_enum;

text_enum! {
    /// Where a version of an access agreement stands.
    AgreementState {
        /// Handed in; nobody else has said a word about it.
        Draft = "draft",
        /// A second person stands behind it.
        Approved = "approved",
        /// In force.
        Active = "active",
        /// Was in force, and is stopped.
        Suspended = "suspended",
        /// Another version, or nothing, is in its place.
        Ended = "ended",
        /// Taken back before it came into force.
        Withdrawn = "withdrawn",
    }
}

impl AgreementState {
    /// Says whether a version is being worked on.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Approved)
    }

    /// Says whether a version is in force, or would be if it were not suspended.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

/// One version of an access agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAgreement {
    /// Which agreement.
    pub id: AgreementId,
    /// Its number, from 1; never used again.
    pub version: u32,
    /// A bundle of this agreement alone.
    pub text: String,
    /// Where it stands.
    pub state: AgreementState,
    /// Who handed it in.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// Who brought it where it stands.
    pub actor: String,
    /// Why; empty when nobody said it.
    pub reason: String,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When it came to stand where it does.
    pub updated_at: Timestamp,
}

/// A change of where a version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementMove {
    /// Where it stands now.
    pub state: AgreementState,
    /// Who approved it, when this is the approval.
    pub approver: Option<String>,
    /// Whose word it is.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

pub(crate) const NEXT: &str = "SELECT COALESCE(MAX(version), 0) + 1 FROM agreements WHERE id = $1";

pub(crate) const PUT: &str = "INSERT INTO agreements
    (id, version, body, state, author, approver, actor, reason, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(crate) const MOVE: &str = "UPDATE agreements
    SET state = $3, approver = COALESCE($4, approver), actor = $5, reason = $6, updated_at = $7
    WHERE id = $1 AND version = $2";

pub(crate) const VERSIONS: &str =
    "SELECT id, version, body, state, author, approver, actor, reason,
    created_at, updated_at FROM agreements WHERE id = $1 ORDER BY version DESC";

pub(crate) const STANDING: &str =
    "SELECT id, version, body, state, author, approver, actor, reason,
    created_at, updated_at FROM agreements
    WHERE state NOT IN ('ended', 'withdrawn') ORDER BY id, version";

pub(crate) const LAST: &str = "SELECT id, version, body, state, author, approver, actor, reason,
    created_at, updated_at FROM agreements
    WHERE version = (SELECT MAX(version) FROM agreements AS other WHERE other.id = agreements.id)
    ORDER BY id";

/// A row of `agreements`.
pub(crate) type Row = (
    String,
    i64,
    String,
    String,
    String,
    Option<String>,
    String,
    String,
    i64,
    i64,
);

pub(crate) fn to_agreement(row: Row) -> Result<StoredAgreement, StorageError> {
    const TABLE: &str = "agreements";
    let (id, version, text, state, author, approver, actor, reason, created_at, updated_at) = row;
    Ok(StoredAgreement {
        id: parse_id(TABLE, &id)?,
        version: to_version(version)?,
        text,
        state: AgreementState::from_name(&state)
            .ok_or_else(|| corrupt(TABLE, "the state is unknown"))?,
        author,
        approver,
        actor,
        reason,
        created_at: to_timestamp(TABLE, created_at)?,
        updated_at: to_timestamp(TABLE, updated_at)?,
    })
}

pub(crate) fn to_version(version: i64) -> Result<u32, StorageError> {
    u32::try_from(version).map_err(|_| corrupt("agreements", "the version is no version"))
}

/// Makes a transaction keep the versions of agreements.
macro_rules! keeps_agreements {
    ($transaction:ident) => {
        #[async_trait::async_trait]
        impl crate::repository::AgreementVersions for $transaction {
            async fn put_agreement(
                &mut self,
                agreement: &crate::agreement::StoredAgreement,
            ) -> Result<u32, crate::StorageError> {
                use crate::convert::to_micros;
                use crate::error::Doing;
                let version: i64 = sqlx::query_scalar(crate::agreement::NEXT)
                    .bind(agreement.id.as_str())
                    .fetch_one(self.connection())
                    .await
                    .doing("numbering an agreement")?;
                sqlx::query(crate::agreement::PUT)
                    .bind(agreement.id.as_str())
                    .bind(version)
                    .bind(agreement.text.as_str())
                    .bind(agreement.state.as_str())
                    .bind(agreement.author.as_str())
                    .bind(agreement.approver.as_deref())
                    .bind(agreement.actor.as_str())
                    .bind(agreement.reason.as_str())
                    .bind(to_micros(agreement.created_at))
                    .bind(to_micros(agreement.updated_at))
                    .execute(self.connection())
                    .await
                    .doing("storing an agreement")?;
                crate::agreement::to_version(version)
            }

            async fn move_agreement(
                &mut self,
                id: &rabt_model::AgreementId,
                version: u32,
                step: &crate::agreement::AgreementMove,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::agreement::MOVE)
                    .bind(id.as_str())
                    .bind(i64::from(version))
                    .bind(step.state.as_str())
                    .bind(step.approver.as_deref())
                    .bind(step.actor.as_str())
                    .bind(step.reason.as_str())
                    .bind(crate::convert::to_micros(step.at))
                    .execute(self.connection())
                    .await
                    .doing("changing where an agreement stands")?;
                Ok(done.rows_affected() > 0)
            }

            async fn agreement_versions(
                &mut self,
                id: &rabt_model::AgreementId,
            ) -> Result<Vec<crate::agreement::StoredAgreement>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::agreement::Row> = sqlx::query_as(crate::agreement::VERSIONS)
                    .bind(id.as_str())
                    .fetch_all(self.connection())
                    .await
                    .doing("reading agreements")?;
                rows.into_iter()
                    .map(crate::agreement::to_agreement)
                    .collect()
            }

            async fn standing_agreements(
                &mut self,
            ) -> Result<Vec<crate::agreement::StoredAgreement>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::agreement::Row> = sqlx::query_as(crate::agreement::STANDING)
                    .fetch_all(self.connection())
                    .await
                    .doing("reading agreements")?;
                rows.into_iter()
                    .map(crate::agreement::to_agreement)
                    .collect()
            }

            async fn last_agreements(
                &mut self,
            ) -> Result<Vec<crate::agreement::StoredAgreement>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::agreement::Row> = sqlx::query_as(crate::agreement::LAST)
                    .fetch_all(self.connection())
                    .await
                    .doing("reading agreements")?;
                rows.into_iter()
                    .map(crate::agreement::to_agreement)
                    .collect()
            }
        }
    };
}

pub(crate) use keeps_agreements;
