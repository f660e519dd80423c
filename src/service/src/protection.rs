//! Which citizens are protected, resident: it is asked for every question.

use std::sync::{Arc, PoisonError, RwLock};

use rabt_model::{Change, Profile, RecordNumber};
use rabt_storage::{Storage, StorageError, Transaction};
use rustc_hash::FxHashSet;

use crate::directory::Directory;

/// The marked records. A citizen is protected by any record that is marked, so that a merge takes
/// nobody's protection away.
#[derive(Debug, Default)]
pub(crate) struct Protection(RwLock<Arc<FxHashSet<RecordNumber>>>);

impl Protection {
    /// Reads which records are marked.
    pub(crate) async fn load(storage: &dyn Storage) -> Result<Self, StorageError> {
        let protection = Self::default();
        protection
            .refresh(storage.snapshot().await?.as_mut())
            .await?;
        Ok(protection)
    }

    /// Becomes what one state of storage holds.
    pub(crate) async fn refresh(&self, tx: &mut dyn Transaction) -> Result<(), StorageError> {
        let marked: FxHashSet<RecordNumber> = tx.all_protected().await?.into_iter().collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(marked);
        Ok(())
    }

    /// Says whether a change is about somebody protected.
    pub(crate) fn touches(&self, directory: &Directory, change: &Change) -> bool {
        let marked = self.marked();
        if marked.is_empty() {
            return false;
        }
        let mut records = change.joined.iter().chain(&change.left);
        let citizens = [Some(change.citizen), change.other].into_iter().flatten();
        let mut profiles = citizens.filter_map(|citizen| directory.get(citizen));
        records.any(|record| marked.contains(record))
            || profiles.any(|profile| is_marked(&marked, &profile))
    }

    /// Says whether a citizen is protected.
    pub(crate) fn covers(&self, profile: &Profile) -> bool {
        let marked = self.marked();
        !marked.is_empty() && is_marked(&marked, profile)
    }

    fn marked(&self) -> Arc<FxHashSet<RecordNumber>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_marked(marked: &FxHashSet<RecordNumber>, profile: &Profile) -> bool {
    let mut holdings = profile.holdings.iter();
    holdings.any(|holding| marked.contains(&holding.record))
}
