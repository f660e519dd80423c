//! Profiles as they were composed, without a look at storage.

use rabt_model::{Attributed, CitizenId, Profile};
use rabt_storage::{GoldenRef, StoredProfile};

use super::Directory;

impl Directory {
    /// Returns the present profile of a citizen with what its records said when it was composed.
    /// `None` where storage alone knows: the citizen is not resident just so, or was read when a
    /// record of theirs had changed already and was not linked yet.
    pub(crate) fn composed(&self, stored: &StoredProfile) -> Option<Profile> {
        let citizen = stored.citizen;
        if self.changed.contains_key(&citizen) {
            return None;
        }
        let profile = self.whole.get(citizen)?;
        let same = profile.composed_at == stored.composed_at
            && profile.values.len() == stored.values.len()
            && profile.values.iter().zip(&stored.values).all(is_of);
        same.then_some(profile)
    }

    /// Notes that a citizen is resident with records that were not linked as they are now.
    pub(super) fn mark_changed(&self, citizen: CitizenId) {
        self.changed.insert(citizen, ());
    }
}

fn is_of((held, golden): (&Attributed, &GoldenRef)) -> bool {
    held.attribute == golden.attribute
        && held.provenance.record == golden.record
        && held.rule == golden.rule
        && held.disputed == golden.disputed
        && held.supporters == golden.supporters
}
