//! Agreements as people see them.

use rabt_model::{AgreementId, Timestamp};
use rabt_policy::{Agreement, Caller};
use rabt_storage::{AgreementState, StoredAgreement};
use sha2::{Digest, Sha256};

use super::{READERS, allow, current, is_standing, parse, unknown};
use crate::error::AgreementError;
use crate::services::Services;

/// Where an agreement stands for those who look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A version is stored in this state.
    Is(AgreementState),
    /// In force by its version, and its period is over.
    Expired,
}

/// An agreement, as people see it.
#[derive(Debug, Clone)]
pub struct AgreementView {
    /// The version that is meant: the one being worked on, else the one in force or suspended, else the
    /// last one.
    pub stored: StoredAgreement,
    /// What it says.
    pub agreement: Agreement,
    /// Where it stands.
    pub standing: Standing,
    /// The number of the version that is in force or suspended.
    pub held: Option<(u32, Standing)>,
    /// Changes when the version or its state does; opaque.
    pub etag: String,
}

/// Returns an agreement.
///
/// # Errors
/// There is none of this id, or storage failed.
pub async fn get_agreement(
    services: &Services,
    caller: &Caller,
    id: &AgreementId,
) -> Result<AgreementView, AgreementError> {
    allow(services, caller, "GetAgreement", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let versions = tx.agreement_versions(id).await?;
    AgreementView::of(&versions, services.clock.now()).ok_or_else(|| unknown(id))
}

/// Returns every agreement that is being worked on, in force or suspended, in the order of the ids; with
/// `all`, those that ended too.
///
/// # Errors
/// Storage failed.
pub async fn list_agreements(
    services: &Services,
    caller: &Caller,
    all: bool,
) -> Result<Vec<AgreementView>, AgreementError> {
    allow(services, caller, "ListAgreements", &READERS).await?;
    let at = services.clock.now();
    let mut tx = services.storage.snapshot().await?;
    let mut versions = tx.standing_agreements().await?;
    if all {
        let last = tx.last_agreements().await?.into_iter();
        versions.extend(last.filter(|version| !is_standing(version)));
    }
    versions.sort_by(|left, right| {
        let order = left.id.cmp(&right.id);
        order.then_with(|| right.version.cmp(&left.version))
    });
    let of_one = versions.chunk_by(|left, right| left.id == right.id);
    Ok(of_one
        .filter_map(|versions| AgreementView::of(versions, at))
        .collect())
}

impl AgreementView {
    /// Returns the view of an agreement with these versions, the last one first; nothing when there is
    /// none, or none that loads.
    pub(super) fn of(versions: &[StoredAgreement], at: Timestamp) -> Option<Self> {
        let stored = current(versions)?.clone();
        let held = versions.iter().find(|version| version.state.is_held());
        let stands = |version: &StoredAgreement| {
            let over = parse(version).is_ok_and(|agreement| agreement.period().is_over(at));
            if version.state == AgreementState::Active && over {
                Standing::Expired
            } else {
                Standing::Is(version.state)
            }
        };
        Some(Self {
            agreement: parse(&stored).ok()?,
            standing: stands(&stored),
            held: held.map(|version| (version.version, stands(version))),
            etag: etag(&stored),
            stored,
        })
    }
}

/// Refuses to change what has changed since it was looked at.
pub(super) fn match_etag(version: &StoredAgreement, given: &str) -> Result<(), AgreementError> {
    if etag(version) == given {
        return Ok(());
    }
    Err(AgreementError::Moved(version.id.clone()))
}

fn etag(version: &StoredAgreement) -> String {
    let mut digest = Sha256::new();
    digest.update(version.id.as_str());
    digest.update(version.version.to_be_bytes());
    digest.update(version.state.as_str());
    digest.update(version.updated_at.as_microsecond().to_be_bytes());
    data_encoding::HEXLOWER.encode(&digest.finalize()[..12])
}

impl Standing {
    /// Returns the state's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is(state) => state.as_str(),
            Self::Expired => "expired",
        }
    }
}
