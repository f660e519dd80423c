//! Profiles as they were, as far as a permit sees them.
//!
//! Invariant: what is seen of the past is a part of what was, never composed anew: the values of hidden
//! sources are left out, and nothing is said any more of how many records agreed or whether one
//! contradicted, because it may have been a hidden one.

use rabt_model::Profile;
use rabt_policy::{Found, Permit};
use rabt_storage::StorageError;

use crate::enquiry::view;
use crate::registry::Known;
use crate::services::Services;

/// Returns what a permit sees of a profile of a snapshot. Who does not see every source is shown the present of
/// those who are still there: what stood without some sources then was never composed, and what changed since is
/// told by the feed all the same. `None` when nothing is seen.
pub(super) async fn seen(
    services: &Services,
    permit: &Permit,
    profile: Profile,
) -> Result<Option<Found>, StorageError> {
    let known = services.registry.current();
    if known.is_all_seen(permit) {
        return Ok(Some(services.found(profile)));
    }
    let present = services.directory.get(profile.citizen);
    let Some(present) = present.filter(|present| present.citizen == profile.citizen) else {
        let left = part_of(&known, permit, profile);
        return Ok((!left.values.is_empty()).then(|| services.found(left)));
    };
    let found = view(services, permit, present).await?;
    let seen = !known.hides_some(permit, &found.profile);
    Ok(seen.then_some(found))
}

/// Returns what a permit sees of a profile that was.
pub(crate) fn part_of(known: &Known, permit: &Permit, mut profile: Profile) -> Profile {
    let restricted = known.restricted();
    profile.values.retain(|value| {
        let origin = &value.provenance;
        !permit.hides(restricted, &origin.agency, &origin.source)
    });
    profile
        .holdings
        .retain(|holding| !permit.hides(restricted, &holding.agency, &holding.source));
    for value in &mut profile.values {
        value.supporters = 1;
        value.disputed = false;
        value.rule = rabt_model::Rule::Kept;
    }
    profile
}
