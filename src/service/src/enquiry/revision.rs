//! What a citizen's profile was.

use rabt_model::{CitizenId, Profile, Timestamp};
use rabt_policy::{Found, PastProfile, Permit, Target};
use rabt_storage::{StorageError, StoredRevision, Transaction};

use super::{Answer, Exchange, asked, permit, release};
use crate::change::part_of;
use crate::link::as_composed;
use crate::services::Services;

/// Most revisions of one answer.
pub const REVISIONS: u32 = 100;

/// Which of a citizen's revisions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AsOf {
    /// Only what was known then: the one revision that was present.
    pub recorded_at: Option<Timestamp>,
    /// Only what was so then: values whose event is not later.
    pub valid_at: Option<Timestamp>,
}

/// Discloses what a citizen's profile was, the last revision first, at most [`REVISIONS`]. An id
/// that was merged answers with its own past when the time asked for lies in it, and otherwise
/// with that of the citizen who goes on.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn list_citizen_revisions(
    services: &Services,
    question: impl Into<Exchange<'_>>,
    as_of: AsOf,
) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let past = match permit.subject() {
        Target::Citizen(citizen) => self::as_of(services, *citizen, as_of).await?,
        Target::Identifier { .. } | Target::Criteria(_) | Target::Feed(_) => Vec::new(),
    };
    let found = super::find(services, &permit).await?;
    let past = seen(services, &permit, found.as_ref(), past);
    let asked = asked(services, &permit);
    release(services, permit.revisions(found, past), asked, wire).await
}

/// Returns what a permit sees of past profiles. Of a citizen whom restricted sources know, revisions
/// between which nothing changes that is seen are told as one.
fn seen(
    services: &Services,
    permit: &Permit,
    now: Option<&Found>,
    past: Vec<PastProfile>,
) -> Vec<PastProfile> {
    let known = services.registry.current();
    let is_veiled = |now: &Found| services.directory.open(now.profile.citizen).is_some();
    let mut were = past.iter().map(|one| &one.profile);
    let is_veiled = now.is_some_and(is_veiled) || were.any(|was| known.touches(was));
    if !is_veiled || known.is_all_seen(permit) {
        return past;
    }
    let mut told: Vec<PastProfile> = Vec::with_capacity(past.len());
    for mut one in past {
        one.profile = part_of(&known, permit, one.profile);
        match told.last_mut() {
            // the last revision is first: this one began earlier
            Some(later) if later.profile.values == one.profile.values => {
                one.ended_at = later.ended_at;
                *later = one;
            }
            _ => told.push(one),
        }
    }
    told
}

/// Returns what a citizen's profile was; the gate is for whoever shows it.
pub(crate) async fn as_of(
    services: &Services,
    citizen: CitizenId,
    as_of: AsOf,
) -> Result<Vec<PastProfile>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let mut revisions = select(tx.as_mut(), citizen, as_of).await?;
    if revisions.is_empty()
        && let Some(today) = tx.resolve(citizen).await?.filter(|today| *today != citizen)
    {
        revisions = select(tx.as_mut(), today, as_of).await?;
    }
    let profiles = as_composed(tx.as_mut(), &revisions).await?;
    let pairs = revisions.into_iter().zip(profiles);
    let past = pairs.map(|(revision, profile)| PastProfile {
        revision: revision.revision,
        sequence: revision.sequence,
        ended_at: revision.ended_at,
        profile: valid(profile, as_of.valid_at),
    });
    Ok(past.collect())
}

/// Returns every profile that a citizen ever had under this id.
pub(crate) async fn ever(
    services: &Services,
    citizen: CitizenId,
) -> Result<Vec<Profile>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let revisions = tx.revisions(citizen, u32::MAX).await?;
    as_composed(tx.as_mut(), &revisions).await
}

async fn select(
    tx: &mut dyn Transaction,
    citizen: CitizenId,
    as_of: AsOf,
) -> Result<Vec<StoredRevision>, StorageError> {
    let Some(at) = as_of.recorded_at else {
        return tx.revisions(citizen, REVISIONS).await;
    };
    let mut revisions = tx.revisions(citizen, u32::MAX).await?;
    revisions.retain(|revision| {
        revision.profile.composed_at <= at && revision.ended_at.is_none_or(|end| at < end)
    });
    // several in one instant: the last one counts
    revisions.truncate(1);
    Ok(revisions)
}

/// Leaves out the values that became so later. A value whose source does not say when holds from
/// when it was first read.
fn valid(mut profile: Profile, at: Option<Timestamp>) -> Profile {
    if let Some(at) = at {
        profile.values.retain(|value| {
            let origin = &value.provenance;
            origin.event_at.unwrap_or(origin.observed_at) <= at
        });
    }
    profile
}
