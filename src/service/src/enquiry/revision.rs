//! What a citizen's profile was.

use rabt_model::{CitizenId, Profile, Timestamp};
use rabt_policy::{PastProfile, Permit, Target};
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
        Target::Citizen(citizen) if services.registry.current().is_all_seen(&permit) => {
            self::as_of(services, *citizen, as_of).await?
        }
        Target::Citizen(citizen) => seen(services, &permit, *citizen, as_of).await?,
        Target::Identifier { .. } | Target::Criteria(_) | Target::Feed(_) => Vec::new(),
    };
    let found = super::find(services, &permit).await?;
    let asked = asked(services, &permit);
    release(services, permit.revisions(found, past), asked, wire).await
}

/// Returns what a permit sees of the past that does not see every source: revisions between which nothing
/// changed that is seen are one, and numbers are those of what is seen.
async fn seen(
    services: &Services,
    permit: &Permit,
    citizen: CitizenId,
    as_of: AsOf,
) -> Result<Vec<PastProfile>, StorageError> {
    let all = AsOf {
        recorded_at: None,
        valid_at: None,
    };
    let known = services.registry.current();
    let (mut seen, mut gap): (Vec<PastProfile>, bool) = (Vec::new(), true);
    for mut one in self::read(services, citizen, all, u32::MAX)
        .await?
        .into_iter()
        .rev()
    {
        one.profile = part_of(&known, permit, one.profile);
        one.sequence = 0;
        if one.profile.values.is_empty() {
            gap = true;
            continue;
        }
        match seen.last_mut() {
            Some(last) if !gap && last.profile.values == one.profile.values => {
                last.ended_at = one.ended_at;
            }
            last => {
                one.revision = last.map_or(1, |last| last.revision + 1);
                seen.push(one);
            }
        }
        gap = false;
    }
    if let Some(at) = as_of.recorded_at {
        seen.retain(|one| one.profile.composed_at <= at && one.ended_at.is_none_or(|end| at < end));
    }
    seen.reverse();
    seen.truncate(REVISIONS as usize);
    for one in &mut seen {
        valid(&mut one.profile, as_of.valid_at);
    }
    Ok(seen)
}

/// Returns what a citizen's profile was; the gate is for whoever shows it.
pub(crate) async fn as_of(
    services: &Services,
    citizen: CitizenId,
    as_of: AsOf,
) -> Result<Vec<PastProfile>, StorageError> {
    read(services, citizen, as_of, REVISIONS).await
}

async fn read(
    services: &Services,
    citizen: CitizenId,
    as_of: AsOf,
    most: u32,
) -> Result<Vec<PastProfile>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let mut revisions = select(tx.as_mut(), citizen, as_of, most).await?;
    if revisions.is_empty()
        && let Some(today) = tx.resolve(citizen).await?.filter(|today| *today != citizen)
    {
        revisions = select(tx.as_mut(), today, as_of, most).await?;
    }
    let profiles = as_composed(tx.as_mut(), &revisions).await?;
    let pairs = revisions.into_iter().zip(profiles);
    let past = pairs.map(|(revision, mut profile)| {
        valid(&mut profile, as_of.valid_at);
        PastProfile {
            revision: revision.revision,
            sequence: revision.sequence,
            ended_at: revision.ended_at,
            profile,
        }
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
    most: u32,
) -> Result<Vec<StoredRevision>, StorageError> {
    let Some(at) = as_of.recorded_at else {
        return tx.revisions(citizen, most).await;
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
fn valid(profile: &mut Profile, at: Option<Timestamp>) {
    if let Some(at) = at {
        profile.values.retain(|value| {
            let origin = &value.provenance;
            origin.event_at.unwrap_or(origin.observed_at) <= at
        });
    }
}
