//! The Merkle tree of RFC 6962 and RFC 9162, with SHA-256.
//!
//! A leaf hashes as SHA-256(0x00 ‖ entry), a node as SHA-256(0x01 ‖ left ‖ right); the left subtree of `n`
//! leaves holds the largest power of two below `n`.

mod levels;
mod plan;
mod proof;
mod span;
mod tiles;

use sha2::{Digest, Sha256};

pub use levels::Levels;
pub use plan::Span;
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use span::root_of_span;
pub use tiles::{Plan, TILE, Tiles};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The part of a tree that appending needs: its size and the roots of its perfect subtrees, largest first.
/// At most 64 hashes, whatever the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

/// Returns the hash of a leaf.
pub fn leaf_hash(body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(body);
    hash.finalize().into()
}

/// Returns the hash of a node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// Returns the root of the tree without leaves.
pub(crate) fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

impl Tree {
    /// Returns the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the tree of this size and these peaks; `None` when the size has another number of peaks.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let expected = usize::try_from(size.count_ones()).ok()?;
        (peaks.len() == expected).then_some(Self { size, peaks })
    }

    /// Returns the number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf by its hash; costs one node hash on average. Returns its number, from 0.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let number = self.size;
        let mut hash = leaf;
        for _ in 0..number.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        number
    }

    /// Appends a full tile by its root, to a tree of full tiles; returns whether it is one.
    pub fn append_tile(&mut self, root: Hash) -> bool {
        if !self.size.is_multiple_of(TILE) {
            return false;
        }
        let mut hash = root;
        for _ in 0..(self.size / TILE).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += TILE;
        true
    }

    /// Returns the root; costs at most 63 node hashes.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return empty_root();
        };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests;
