//! Fills the directory from storage when a node starts.

use rabt_model::{CitizenId, RecordNumber};
use rabt_storage::{Storage, StorageError, StoredProfile, StoredRecord, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Directory;
use crate::compose::{Veil, profile_of};

/// Profiles a page; each brings the records of its members with it.
const PAGE: u32 = 2_000;
/// Citizens that are followed at a time.
const FOLLOWED: usize = 2_000;
/// Steps that are read at a time: what they touch again and again is then read once.
const STEPS: u32 = 256;

impl Directory {
    /// Reads every profile from one state of storage.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) async fn load(storage: &dyn Storage, veil: &Veil<'_>) -> Result<Self, StorageError> {
        let directory = Self::default();
        directory.refresh(storage, veil).await?;
        Ok(directory)
    }

    /// Makes the directory equal to one state of storage. Lookups go on meanwhile.
    pub(crate) async fn refresh(
        &self,
        storage: &dyn Storage,
        veil: &Veil<'_>,
    ) -> Result<(), StorageError> {
        // what led elsewhere may have changed too; storage is asked where it leads
        self.forget_redirects();
        let mut tx = storage.snapshot().await?;
        let members = members_by_citizen(tx.memberships().await?);
        let mut gone = self.ids();
        let mut last = None;
        loop {
            let page = tx.profiles_after(last, PAGE).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.citizen);
            self.put_all(tx.as_mut(), veil, &page, &members).await?;
            for profile in &page {
                gone.remove(&profile.citizen);
            }
        }
        for citizen in gone {
            self.remove(citizen);
        }
        Ok(())
    }

    /// Notes whose records have changed since they were linked, for citizens of an image.
    pub(crate) async fn note_changed(&self, tx: &mut dyn Transaction) -> Result<(), StorageError> {
        for citizen in tx.citizens_of_unlinked().await? {
            self.mark_changed(citizen);
        }
        Ok(())
    }

    /// Takes the steps behind one that is resident, and returns the last.
    ///
    /// # Errors
    /// Storage failed; steps may have been taken that will be taken again.
    pub(crate) async fn follow_steps(
        &self,
        tx: &mut dyn Transaction,
        veil: &Veil<'_>,
        after: u64,
    ) -> Result<u64, StorageError> {
        let mut last = after;
        loop {
            let steps = tx.steps_after(last, STEPS).await?;
            let Some((step, _)) = steps.last() else {
                return Ok(last);
            };
            last = *step;
            let touched = steps.into_iter().flat_map(|(_, citizens)| citizens);
            let mut touched: Vec<CitizenId> = touched.collect();
            touched.sort_unstable();
            touched.dedup();
            for citizens in touched.chunks(FOLLOWED) {
                self.follow(tx, veil, citizens).await?;
            }
        }
    }

    /// Makes these citizens what they are in one state of storage.
    async fn follow(
        &self,
        tx: &mut dyn Transaction,
        veil: &Veil<'_>,
        citizens: &[CitizenId],
    ) -> Result<(), StorageError> {
        let profiles = tx.get_profiles(citizens).await?;
        let members = members_by_citizen(tx.memberships_of(citizens).await?);
        self.put_all(tx, veil, &profiles, &members).await?;
        let mut gone: FxHashSet<CitizenId> = citizens.iter().copied().collect();
        for profile in &profiles {
            gone.remove(&profile.citizen);
        }
        for citizen in gone {
            self.forget(citizen);
        }
        Ok(())
    }

    /// Puts profiles in with what the records of their citizens say.
    async fn put_all(
        &self,
        tx: &mut dyn Transaction,
        veil: &Veil<'_>,
        profiles: &[StoredProfile],
        members: &FxHashMap<CitizenId, Vec<RecordNumber>>,
    ) -> Result<(), StorageError> {
        let records = tx.get_records(&numbers_of(profiles, members)).await?;
        for profile in profiles {
            let numbers = members.get(&profile.citizen).map_or(&[][..], Vec::as_slice);
            let records = pick(&records, numbers);
            let open = veil.open_of(profile.citizen, &records);
            self.put(&profile_of(profile, &records), &open);
            if records.iter().any(|record| !record.linked) {
                self.mark_changed(profile.citizen);
            }
        }
        Ok(())
    }
}

/// Returns the records with these ascending numbers out of `records`, which is ascending too.
pub(crate) fn pick<'a>(
    records: &'a [StoredRecord],
    numbers: &[RecordNumber],
) -> Vec<&'a StoredRecord> {
    let place = |number: &RecordNumber| {
        let place = records.binary_search_by_key(number, |record| record.number);
        place.ok().map(|place| &records[place])
    };
    numbers.iter().filter_map(place).collect()
}

fn members_by_citizen(
    memberships: Vec<(RecordNumber, CitizenId)>,
) -> FxHashMap<CitizenId, Vec<RecordNumber>> {
    let mut members: FxHashMap<CitizenId, Vec<RecordNumber>> = FxHashMap::default();
    for (number, citizen) in memberships {
        members.entry(citizen).or_default().push(number);
    }
    members
}

fn numbers_of(
    profiles: &[StoredProfile],
    members: &FxHashMap<CitizenId, Vec<RecordNumber>>,
) -> Vec<RecordNumber> {
    let of = |profile: &StoredProfile| members.get(&profile.citizen).cloned().unwrap_or_default();
    let mut numbers: Vec<RecordNumber> = profiles.iter().flat_map(of).collect();
    numbers.sort_unstable();
    numbers
}
