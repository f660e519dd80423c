//! A tree with all its perfect subtrees in memory: proofs at the cost of their length.

use super::plan::{self, Span, split};
use super::{Hash, ProofError, empty_root, node_hash};

/// The roots of all perfect subtrees, by level: level 0 holds the leaf hashes. About 64 bytes a leaf.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    levels: Vec<Vec<Hash>>,
}

impl Levels {
    /// Returns a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[level];
            hashes.push(hash);
            let [.., left, right] = hashes.as_slice() else {
                return;
            };
            if !hashes.len().is_multiple_of(2) {
                return;
            }
            hash = node_hash(left, right);
        }
    }

    /// Returns the root of the first `size` leaves.
    ///
    /// # Errors
    /// There are fewer leaves.
    pub fn root(&self, size: u64) -> Result<Hash, ProofError> {
        self.check_size(size)?;
        if size == 0 {
            return Ok(empty_root());
        }
        self.range(0, size).ok_or(ProofError::Size)
    }

    /// Proves that leaf `index` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// There are fewer leaves, or the index is not below the size.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
        self.check_size(size)?;
        self.roots(&plan::inclusion(index, size)?)
    }

    /// Proves that the tree of the first `old` leaves is the beginning of the one of the first `new`.
    ///
    /// # Errors
    /// There are fewer leaves, or `old` is above `new`.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, ProofError> {
        self.check_size(new)?;
        self.roots(&plan::consistency(old, new)?)
    }

    fn roots(&self, spans: &[Span]) -> Result<Vec<Hash>, ProofError> {
        let roots = spans.iter().map(|(start, end)| self.range(*start, *end));
        roots.collect::<Option<_>>().ok_or(ProofError::Size)
    }

    fn check_size(&self, size: u64) -> Result<(), ProofError> {
        if size > self.size() {
            return Err(ProofError::Size);
        }
        Ok(())
    }

    /// Returns the root of the leaves `start..end`. The range is a subtree of some tree, so its start is a
    /// multiple of its width rounded up to a power of two.
    pub(super) fn range(&self, start: u64, end: u64) -> Option<Hash> {
        let width = end - start;
        if width.is_power_of_two() {
            let level = width.trailing_zeros();
            let hashes = self.levels.get(usize::try_from(level).ok()?)?;
            return hashes.get(usize::try_from(start >> level).ok()?).copied();
        }
        let middle = start + split(width);
        let left = self.range(start, middle)?;
        Some(node_hash(&left, &self.range(middle, end)?))
    }
}
