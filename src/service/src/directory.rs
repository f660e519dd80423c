//! Profiles resident in memory, for reads that must not wait for a database.
//!
//! Invariant: the directory is a copy. It is rebuilt from storage at start, follows each commit
//! of the linker, and is never the only place where something is known.

mod composed;
mod dictionary;
mod image;
mod key;
mod load;
mod pack;
mod seal;
mod shelf;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use rabt_model::{Attribute, CitizenId, Profile, Value};
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::compose::Open;
pub(crate) use image::Imaged;
pub(crate) use key::Key;
pub(crate) use load::pick;
use shelf::{Lexicon, Shelf};

/// The resident profiles and the keys that lead to them.
#[derive(Debug)]
pub struct Directory {
    /// Everybody, as all of their records have them.
    whole: Shelf,
    /// Those of whom a restricted source holds a record, as their other records have them; a
    /// profile without a holding is of somebody of whom there is no other.
    open: Shelf,
    redirects: DashMap<CitizenId, CitizenId, FxBuildHasher>,
    /// Citizens who were read from storage when a record of theirs had changed and not been linked.
    changed: DashMap<CitizenId, (), FxBuildHasher>,
    ambiguous: AtomicU64,
    /// How often a profile was put in, replaced or removed.
    changes: AtomicU64,
}

impl Default for Directory {
    fn default() -> Self {
        let lexicon = Arc::new(Lexicon::default());
        Self {
            whole: Shelf::new(Arc::clone(&lexicon)),
            open: Shelf::new(lexicon),
            redirects: DashMap::default(),
            changed: DashMap::default(),
            ambiguous: AtomicU64::default(),
            changes: AtomicU64::default(),
        }
    }
}

impl Directory {
    /// Returns how many citizens are resident.
    pub fn len(&self) -> usize {
        self.whole.len()
    }

    /// Says whether nobody is resident.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }

    /// Returns how many lookups found two citizens with equal claim to an identifier, and so
    /// answered as if there were none.
    pub fn ambiguous_lookups(&self) -> u64 {
        self.ambiguous.load(Ordering::Relaxed)
    }

    /// Returns how often a profile was put in, replaced or removed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Returns the profile of a citizen, following merges.
    pub(crate) fn get(&self, citizen: CitizenId) -> Option<Profile> {
        let mut citizen = citizen;
        // bounded: redirects of redirects are rare, and a cycle must not hang a request
        for _ in 0..16 {
            if let Some(profile) = self.whole.get(citizen) {
                return Some(profile);
            }
            citizen = *self.redirects.get(&citizen)?;
        }
        None
    }

    /// Returns what is known of a citizen without restricted sources: a profile without a holding
    /// when nothing is. `None` when no restricted source holds a record of them, or it is not known
    /// here yet.
    pub(crate) fn open(&self, citizen: CitizenId) -> Option<Profile> {
        self.open.get(citizen)
    }

    /// Returns the one citizen whose golden value an identifier is. When several hold it, the one
    /// for whom it is undisputed; when that is not one, nobody, and the case is counted.
    pub(crate) fn by_identifier(&self, scheme: &str, text: &str) -> Option<Profile> {
        let key = Key::identifier(scheme, text)?;
        let holders = self.all_by(&key, usize::MAX);
        self.choose(holders, &key)
    }

    /// Of those who hold an identifier, returns the one it leads to, as [`Self::by_identifier`].
    pub(crate) fn choose(&self, mut holders: Vec<Profile>, key: &Key) -> Option<Profile> {
        if holders.len() > 1 {
            let firm = |profile: &Profile| !is_disputed(profile, key);
            if holders.iter().filter(|profile| firm(profile)).count() != 1 {
                self.ambiguous.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            holders.retain(firm);
        }
        holders.pop()
    }

    /// Returns the profiles under a key, at most `limit`.
    pub(crate) fn all_by(&self, key: &Key, limit: usize) -> Vec<Profile> {
        self.whole.all_by(key, limit)
    }

    /// Returns the profiles, as all of their records have them, of those who stand under a key with
    /// all of their records or with those of no restricted source; about `limit` of each.
    pub(crate) fn all_by_either(&self, key: &Key, limit: usize) -> Vec<Profile> {
        let mut found = self.whole.all_by(key, limit);
        let known: FxHashSet<CitizenId> = found.iter().map(|profile| profile.citizen).collect();
        let open = self.open.all_by(key, limit).into_iter();
        let more = open.filter(|profile| !known.contains(&profile.citizen));
        found.extend(more.filter_map(|profile| self.whole.get(profile.citizen)));
        found
    }

    /// Adds a citizen or replaces their profile, and what is seen of them without restricted
    /// sources.
    pub(crate) fn put(&self, profile: &Profile, open: &Open) {
        let citizen = profile.citizen;
        self.changes.fetch_add(1, Ordering::Relaxed);
        match open {
            // first what tells less
            Open::Less(open) => self.open.put(open),
            Open::Nobody => self.open.put(&Profile {
                citizen,
                values: Vec::new(),
                holdings: Vec::new(),
                composed_at: profile.composed_at,
            }),
            Open::Same => {}
        }
        self.whole.put(profile);
        if matches!(open, Open::Same) {
            self.open.remove(citizen);
        }
        self.changed.remove(&citizen);
        self.redirects.remove(&citizen);
    }

    /// Removes a citizen; without a redirect nothing leads to them any more.
    pub(crate) fn remove(&self, citizen: CitizenId) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.changed.remove(&citizen);
        self.whole.remove(citizen);
        self.open.remove(citizen);
    }

    /// Leads from a citizen who was merged to the one who remains.
    pub(crate) fn redirect(&self, from: CitizenId, to: CitizenId) {
        self.remove(from);
        self.redirects.insert(from, to);
    }

    /// Removes a citizen of whom storage alone knows where they lead.
    fn forget(&self, citizen: CitizenId) {
        self.remove(citizen);
        self.redirects.remove(&citizen);
    }

    fn forget_redirects(&self) {
        self.redirects.clear();
    }

    #[cfg(test)]
    pub(crate) fn contents(&self) -> std::collections::BTreeMap<CitizenId, Profile> {
        let ids = self.ids().into_iter();
        ids.filter_map(|id| Some((id, self.get(id)?))).collect()
    }

    #[cfg(test)]
    pub(crate) fn open_contents(&self) -> std::collections::BTreeMap<CitizenId, Profile> {
        let ids = self.open.ids().into_iter();
        ids.filter_map(|id| Some((id, self.open(id)?))).collect()
    }

    fn ids(&self) -> FxHashSet<CitizenId> {
        self.whole.ids()
    }
}

fn is_disputed(profile: &Profile, key: &Key) -> bool {
    let same = profile.values.iter().filter(|attributed| {
        match (&attributed.attribute, attributed.value.expose()) {
            (Attribute::Identifier(scheme), Value::Text(text)) => {
                Key::identifier(scheme.as_str(), text).as_ref() == Some(key)
            }
            _ => false,
        }
    });
    same.into_iter().all(|attributed| attributed.disputed)
}

#[cfg(test)]
mod tests;
