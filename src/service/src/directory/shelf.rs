//! Packed profiles, and the keys that lead to them.
//!
//! Keys are held as keyed 64-bit hashes, so that no identifier is stored twice; every hit is
//! checked against the profile.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rabt_model::{CitizenId, Profile};
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::dictionary::Dictionary;
use super::key::{self, Key};
use super::pack;

/// What profiles are packed and found with; the shelves of a directory share it.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    pub(super) dictionary: Dictionary,
    hasher: RandomState,
}

/// One profile a citizen.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    citizens: DashMap<CitizenId, Box<[u8]>, FxBuildHasher>,
    keys: DashMap<u64, Holders, FxBuildHasher>,
    lexicon: Arc<Lexicon>,
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

impl Shelf {
    pub(super) fn new(lexicon: Arc<Lexicon>) -> Self {
        Self {
            lexicon,
            ..Self::default()
        }
    }

    pub(super) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    pub(super) fn len(&self) -> usize {
        self.citizens.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.citizens.is_empty()
    }

    pub(super) fn get(&self, citizen: CitizenId) -> Option<Profile> {
        let packed = self.citizens.get(&citizen)?;
        self.unpack(citizen, &packed)
    }

    /// Returns the packed form of a profile.
    pub(super) fn packed(&self, citizen: CitizenId) -> Option<Box<[u8]>> {
        self.citizens.get(&citizen).map(|packed| packed.clone())
    }

    /// Returns the profiles under a key, of at most `limit` citizens.
    pub(super) fn all_by(&self, key: &Key, limit: usize) -> Vec<Profile> {
        let citizens = match self.keys.get(&self.hash(key)).as_deref() {
            None => return Vec::new(),
            Some(Holders::One(halves)) => vec![join(*halves)],
            Some(Holders::Many(citizens)) => citizens.iter().take(limit).copied().collect(),
        };
        let mut profiles = Vec::with_capacity(citizens.len());
        for citizen in citizens {
            let profile = self.get(citizen);
            profiles.extend(profile.filter(|profile| key.leads_to(profile)));
        }
        profiles
    }

    /// Adds a citizen or replaces their profile. New keys lead to it before old ones are removed.
    pub(super) fn put(&self, profile: &Profile) {
        let citizen = profile.citizen;
        let new: Vec<u64> = self.hashes(profile);
        for hash in &new {
            self.add_key(*hash, citizen);
        }
        let packed = pack::pack(profile, &self.lexicon.dictionary);
        let old = self.citizens.insert(citizen, packed);
        if let Some(old) = old.and_then(|packed| self.unpack(citizen, &packed)) {
            for hash in self.hashes(&old) {
                if !new.contains(&hash) {
                    self.remove_key(hash, citizen);
                }
            }
        }
    }

    /// Adds a citizen who is not there, packed with the words of this lexicon; `None` when it was
    /// not.
    pub(super) fn put_packed(&self, citizen: CitizenId, packed: Box<[u8]>) -> Option<()> {
        let profile = self.unpack(citizen, &packed)?;
        for hash in self.hashes(&profile) {
            self.add_key(hash, citizen);
        }
        self.citizens.insert(citizen, packed);
        Some(())
    }

    pub(super) fn remove(&self, citizen: CitizenId) {
        if let Some((_, packed)) = self.citizens.remove(&citizen)
            && let Some(profile) = self.unpack(citizen, &packed)
        {
            for hash in self.hashes(&profile) {
                self.remove_key(hash, citizen);
            }
        }
    }

    pub(super) fn ids(&self) -> FxHashSet<CitizenId> {
        self.citizens.iter().map(|entry| *entry.key()).collect()
    }

    #[cfg(test)]
    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    fn unpack(&self, citizen: CitizenId, packed: &[u8]) -> Option<Profile> {
        pack::unpack(citizen, packed, &self.lexicon.dictionary)
    }

    fn hash(&self, key: &Key) -> u64 {
        let mut text = String::new();
        key.write_to(&mut text);
        self.lexicon.hasher.hash_one(text)
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
