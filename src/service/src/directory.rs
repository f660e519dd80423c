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

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rabt_model::{Attribute, CitizenId, Profile, Value};
use rustc_hash::{FxBuildHasher, FxHashSet};

use dictionary::Dictionary;
pub(crate) use image::Imaged;
pub(crate) use key::Key;
pub(crate) use load::pick;

/// The resident profiles and the keys that lead to them.
///
/// Keys are held as keyed 64-bit hashes, so that no identifier is stored twice; every hit is
/// checked against the profile.
#[derive(Debug, Default)]
pub struct Directory {
    citizens: DashMap<CitizenId, Box<[u8]>, FxBuildHasher>,
    keys: DashMap<u64, Holders, FxBuildHasher>,
    redirects: DashMap<CitizenId, CitizenId, FxBuildHasher>,
    /// Citizens who were read from storage when a record of theirs had changed and not been linked.
    changed: DashMap<CitizenId, (), FxBuildHasher>,
    dictionary: Dictionary,
    hasher: RandomState,
    ambiguous: AtomicU64,
    /// How often a profile was put in, replaced or removed.
    changes: AtomicU64,
}

/// Most keys lead to one citizen.
#[derive(Debug)]
enum Holders {
    One([u64; 2]),
    #[expect(
        clippy::box_collection,
        reason = "keeps an entry at 32 bytes; few are many"
    )]
    Many(Box<Vec<CitizenId>>),
}

impl Directory {
    /// Returns how many citizens are resident.
    pub fn len(&self) -> usize {
        self.citizens.len()
    }

    /// Says whether nobody is resident.
    pub fn is_empty(&self) -> bool {
        self.citizens.is_empty()
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
            if let Some(bytes) = self.citizens.get(&citizen) {
                return pack::unpack(citizen, &bytes, &self.dictionary);
            }
            citizen = *self.redirects.get(&citizen)?;
        }
        None
    }

    /// Returns the one citizen whose golden value an identifier is. When several hold it, the one
    /// for whom it is undisputed; when that is not one, nobody, and the case is counted.
    pub(crate) fn by_identifier(&self, scheme: &str, text: &str) -> Option<Profile> {
        let key = Key::identifier(scheme, text)?;
        let mut holders = self.all_by(&key, usize::MAX);
        if holders.len() > 1 {
            let firm = |profile: &Profile| !is_disputed(profile, &key);
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
        let citizens = match self.keys.get(&self.hash(key)).as_deref() {
            None => return Vec::new(),
            Some(Holders::One(halves)) => vec![join(*halves)],
            Some(Holders::Many(citizens)) => citizens.iter().take(limit).copied().collect(),
        };
        let mut profiles = Vec::with_capacity(citizens.len());
        for citizen in citizens {
            let found = self.citizens.get(&citizen);
            let profile = found.and_then(|b| pack::unpack(citizen, &b, &self.dictionary));
            profiles.extend(profile.filter(|profile| key.leads_to(profile)));
        }
        profiles
    }

    /// Adds a citizen or replaces their profile. New keys lead to it before old ones are removed.
    pub(crate) fn put(&self, profile: &Profile) {
        let citizen = profile.citizen;
        self.changes.fetch_add(1, Ordering::Relaxed);
        let new: Vec<u64> = self.hashes(profile);
        for hash in &new {
            self.add_key(*hash, citizen);
        }
        let packed = pack::pack(profile, &self.dictionary);
        let old = self.citizens.insert(citizen, packed);
        self.changed.remove(&citizen);
        self.redirects.remove(&citizen);
        if let Some(old) = old.and_then(|b| pack::unpack(citizen, &b, &self.dictionary)) {
            for hash in self.hashes(&old) {
                if !new.contains(&hash) {
                    self.remove_key(hash, citizen);
                }
            }
        }
    }

    /// Adds a citizen who is not resident, packed with the words of this directory; `None` when it
    /// was not.
    fn put_packed(&self, citizen: CitizenId, packed: Box<[u8]>) -> Option<()> {
        let profile = pack::unpack(citizen, &packed, &self.dictionary)?;
        for hash in self.hashes(&profile) {
            self.add_key(hash, citizen);
        }
        self.citizens.insert(citizen, packed);
        Some(())
    }

    /// Removes a citizen; without a redirect nothing leads to them any more.
    pub(crate) fn remove(&self, citizen: CitizenId) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.changed.remove(&citizen);
        if let Some((_, bytes)) = self.citizens.remove(&citizen)
            && let Some(profile) = pack::unpack(citizen, &bytes, &self.dictionary)
        {
            for hash in self.hashes(&profile) {
                self.remove_key(hash, citizen);
            }
        }
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

    fn ids(&self) -> FxHashSet<CitizenId> {
        self.citizens.iter().map(|entry| *entry.key()).collect()
    }

    fn hash(&self, key: &Key) -> u64 {
        let mut text = String::new();
        key.write_to(&mut text);
        self.hasher.hash_one(text)
    }

    fn hashes(&self, profile: &Profile) -> Vec<u64> {
        let keys = key::keys_of(profile);
        keys.iter().map(|key| self.hash(key)).collect()
    }

    fn add_key(&self, hash: u64, citizen: CitizenId) {
        match self.keys.entry(hash) {
            Entry::Vacant(place) => {
                place.insert(Holders::One(split(citizen)));
            }
            Entry::Occupied(mut place) => place.get_mut().add(citizen),
        }
    }

    fn remove_key(&self, hash: u64, citizen: CitizenId) {
        if let Entry::Occupied(mut place) = self.keys.entry(hash)
            && place.get_mut().remove(citizen)
        {
            place.remove();
        }
    }
}

impl Holders {
    fn add(&mut self, citizen: CitizenId) {
        match self {
            Self::One(halves) if join(*halves) == citizen => {}
            Self::One(halves) => {
                let mut both = vec![join(*halves), citizen];
                both.sort_unstable();
                *self = Self::Many(Box::new(both));
            }
            Self::Many(citizens) => {
                if let Err(place) = citizens.binary_search(&citizen) {
                    citizens.insert(place, citizen);
                }
            }
        }
    }

    /// Removes a citizen and says whether nobody is left.
    fn remove(&mut self, citizen: CitizenId) -> bool {
        match self {
            Self::One(halves) => join(*halves) == citizen,
            Self::Many(citizens) => {
                if let Ok(place) = citizens.binary_search(&citizen) {
                    citizens.remove(place);
                }
                if let [last] = citizens.as_slice() {
                    *self = Self::One(split(*last));
                    return false;
                }
                citizens.is_empty()
            }
        }
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

/// Two words instead of one of 16-byte alignment keep an entry of the key map at 32 bytes.
fn split(citizen: CitizenId) -> [u64; 2] {
    let bytes = citizen.bits().to_le_bytes();
    let (low, high) = bytes.split_at(8);
    [word(low), word(high)]
}

fn join(halves: [u64; 2]) -> CitizenId {
    CitizenId::from_random(u128::from(halves[1]) << 64 | u128::from(halves[0]))
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests;
