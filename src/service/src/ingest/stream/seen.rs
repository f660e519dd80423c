//! The keys that a reading has found.

use std::hash::{BuildHasher, RandomState};

use rabt_model::Pii;
use rustc_hash::FxHashSet;

/// The keys of a reading so far, as 128-bit hashes. In an incremental reading and among changes a
/// row may rightly come twice, so nothing is kept until somebody has to know what is gone.
pub(super) struct Seen {
    hashes: FxHashSet<u128>,
    /// Rows that cannot be taken; they are there all the same.
    refused: FxHashSet<u128>,
    hashers: [RandomState; 2],
    active: bool,
    /// Whether a row that comes again is nothing new.
    once: bool,
}

impl Seen {
    /// Returns an empty set. With `once`, every row must come once.
    pub(super) fn new(once: bool) -> Self {
        Self {
            hashes: FxHashSet::default(),
            refused: FxHashSet::default(),
            hashers: [RandomState::new(), RandomState::new()],
            active: once,
            once,
        }
    }

    /// Keeps keys from now on, and none of before.
    pub(super) fn look(&mut self) {
        self.active = true;
        self.hashes.clear();
        self.refused.clear();
    }

    /// Notes a key; says whether its row is to be taken.
    pub(super) fn is_new(&mut self, key: &Pii<String>) -> bool {
        let new = self.note(key);
        new || !self.once
    }

    /// Notes a key; says whether it is the first time.
    pub(super) fn note(&mut self, key: &Pii<String>) -> bool {
        let hash = self.hash(key);
        !self.active || self.hashes.insert(hash)
    }

    pub(super) fn note_refused(&mut self, key: &Pii<String>) {
        if self.active {
            self.refused.insert(self.hash(key));
        }
    }

    /// Takes a key out: its row is gone.
    pub(super) fn forget(&mut self, key: &Pii<String>) {
        if self.active {
            let hash = self.hash(key);
            self.hashes.remove(&hash);
            self.refused.remove(&hash);
        }
    }

    pub(super) fn holds(&self, key: &Pii<String>) -> bool {
        let hash = self.hash(key);
        self.hashes.contains(&hash) || self.refused.contains(&hash)
    }

    fn hash(&self, key: &Pii<String>) -> u128 {
        let [low, high] = self.hashers.each_ref().map(|hasher| hasher.hash_one(key));
        u128::from(high) << 64 | u128::from(low)
    }
}
