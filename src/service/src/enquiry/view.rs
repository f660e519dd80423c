//! What a permit sees of a citizen: their golden record without the sources that are hidden from it.
//!
//! Invariant: what is seen is composed from records that may be seen and from nothing else. Where there
//! is no such record, or a question leads to a citizen through what is hidden, the citizen is handed on
//! whole, and the gate of the permit keeps them back.

use std::sync::Arc;

use rabt_model::{CitizenId, Holding, Profile};
use rabt_policy::{Found, Permit};
use rabt_storage::{StorageError, StoredRecord};

use crate::compose::Veil;
use crate::directory::Key;
use crate::registry::Known;
use crate::services::Services;

impl Services {
    /// Returns what composes citizens without restricted sources, as they are now.
    pub(crate) fn veil(&self) -> Veil<'_> {
        Veil::new(&self.rules, self.registry.current())
    }

    /// Returns a citizen as the gate wants them.
    pub(crate) fn found(&self, profile: Profile) -> Found {
        Found {
            protected: self.protection.covers(&profile),
            restricted: Arc::clone(self.registry.current().restricted()),
            profile,
        }
    }

    /// Returns a citizen of whom perhaps not everything is seen: who is protected by a record that is hidden is
    /// protected.
    pub(super) fn found_in_part(&self, profile: Profile) -> Found {
        let mut found = self.found(profile);
        if !found.protected && !found.restricted.is_empty() {
            let whole = self.directory.get(found.profile.citizen);
            found.protected = whole.is_some_and(|whole| self.protection.covers(&whole));
        }
        found
    }
}

/// Returns what a permit sees of a citizen.
pub(crate) async fn view(
    services: &Services,
    permit: &Permit,
    whole: Profile,
) -> Result<Found, StorageError> {
    let known = services.registry.current();
    let found = services.found(whole);
    if !known.hides_some(permit, &found.profile) {
        return Ok(found);
    }
    let seen = match services.directory.open(found.profile.citizen) {
        Some(open) if known.hides_all(permit, &found.profile) && !known.touches(&open) => {
            Some(open)
        }
        _ => compose(services, permit, &known, &found.profile).await?,
    };
    // who is protected by a record that is hidden is protected
    let seen = seen.filter(|seen| !seen.holdings.is_empty());
    Ok(match seen {
        Some(profile) => Found { profile, ..found },
        None => found,
    })
}

/// Returns the citizen of an identifier as a permit sees them.
pub(super) async fn by_identifier(
    services: &Services,
    permit: &Permit,
    key: &Key,
) -> Result<Option<Found>, StorageError> {
    let directory = &services.directory;
    if services.registry.current().restricted().is_empty() {
        let whole = directory.choose(directory.all_by(key, usize::MAX), key);
        return Ok(whole.map(|whole| services.found(whole)));
    }
    let (mut seen, mut hidden) = (Vec::new(), Vec::new());
    for whole in directory.all_by_either(key, usize::MAX) {
        let found = view(services, permit, whole).await?;
        let known = services.registry.current();
        if key.leads_to(&found.profile) && !known.hides_some(permit, &found.profile) {
            seen.push(found);
        } else {
            hidden.push(found);
        }
    }
    let profiles = seen.iter().map(|found| found.profile.clone()).collect();
    let chosen = directory.choose(profiles, key).map(|chosen| chosen.citizen);
    if let Some(citizen) = chosen {
        let mut seen = seen.into_iter();
        return Ok(seen.find(|found| found.profile.citizen == citizen));
    }
    if !seen.is_empty() || hidden.len() != 1 {
        return Ok(None);
    }
    // the log says whom the question would have led to
    let led = hidden.pop().map(|found| found.profile.citizen);
    let whole = led.and_then(|citizen| directory.get(citizen));
    Ok(whole
        .filter(|whole| key.leads_to(whole))
        .map(|whole| services.found(whole)))
}

async fn compose(
    services: &Services,
    permit: &Permit,
    known: &Known,
    whole: &Profile,
) -> Result<Option<Profile>, StorageError> {
    let members = members(services, whole.citizen).await?;
    let members: Vec<&StoredRecord> = members
        .iter()
        .filter(|member| known.shows(permit, member))
        .collect();
    Ok(services.veil().compose(whole.citizen, &members))
}

/// Returns the records of a citizen, in the order of their numbers.
pub(super) async fn members(
    services: &Services,
    citizen: CitizenId,
) -> Result<Vec<StoredRecord>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let numbers = tx.members_of(citizen).await?;
    tx.get_records(&numbers).await
}

impl Known {
    /// Says whether a record is of a source that a permit sees.
    pub(super) fn shows(&self, permit: &Permit, member: &StoredRecord) -> bool {
        let record = &member.record;
        !permit.hides(self.restricted(), &record.agency, &record.id.source)
    }

    /// Says whether a permit does not see every source that holds a citizen.
    pub(crate) fn hides_some(&self, permit: &Permit, profile: &Profile) -> bool {
        let mut holdings = profile.holdings.iter();
        !self.restricted().is_empty() && holdings.any(|holding| self.hides(permit, holding))
    }

    /// Says whether a permit sees no restricted source that holds a citizen.
    fn hides_all(&self, permit: &Permit, profile: &Profile) -> bool {
        let holdings = profile.holdings.iter();
        let mut restricted = holdings.filter(|holding| self.restricted().contains(&holding.source));
        restricted.all(|holding| self.hides(permit, holding))
    }

    fn hides(&self, permit: &Permit, holding: &Holding) -> bool {
        permit.hides(self.restricted(), &holding.agency, &holding.source)
    }
}
