//! Profiles as they were, as far as a permit sees them.
//!
//! Invariant: what is seen of the past is a part of what was, never composed anew: the values of hidden
//! sources are left out, and nothing is said any more of how many records agreed or whether one
//! contradicted, because it may have been a hidden one.

use rabt_model::Profile;
use rabt_policy::Permit;
use rabt_storage::StorageError;

use crate::enquiry::view;
use crate::registry::Known;
use crate::services::Services;

/// Returns what a permit sees of a profile of a snapshot: of the present one, what it sees today. `None`
/// when that is nothing.
pub(super) async fn seen(
    services: &Services,
    permit: &Permit,
    profile: Profile,
) -> Result<Option<Profile>, StorageError> {
    let known = services.registry.current();
    if known.restricted().is_empty() {
        return Ok(Some(profile));
    }
    if let Some(whole) = services.directory.get(profile.citizen)
        && whole.composed_at == profile.composed_at
        && whole.citizen == profile.citizen
    {
        if !known.hides_some(permit, &whole) {
            return Ok(Some(profile));
        }
        let found = view(services, permit, whole).await?;
        let seen = !known.hides_some(permit, &found.profile);
        return Ok(seen.then_some(found.profile));
    }
    let left = part_of(&known, permit, profile);
    Ok((!left.values.is_empty()).then_some(left))
}

/// Returns what a permit sees of a profile that was.
pub(crate) fn part_of(known: &Known, permit: &Permit, mut profile: Profile) -> Profile {
    let restricted = known.restricted();
    if known.is_all_seen(permit) {
        return profile;
    }
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
