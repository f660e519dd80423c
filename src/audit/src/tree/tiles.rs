//! A tree of which only the roots of full tiles are in memory: a quarter of a byte a leaf. The leaf hashes
//! that a proof needs beside them are read for it.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{self, Span, split};
use super::{Hash, Levels, ProofError, node_hash};

/// Leaves of a tile, as in the C2SP tlog-tiles layout.
pub const TILE: u64 = 256;

/// The upper part of a tree, and its leaf hashes behind the last full tile.
#[derive(Debug, Clone, Default)]
pub struct Tiles {
    upper: Levels,
    rest: Levels,
}

/// What a proof is made of, and which tiles its maker has to read.
#[derive(Debug, Clone)]
pub struct Plan {
    size: u64,
    spans: Vec<Span>,
}

impl Tiles {
    /// Returns a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.upper.size() * TILE + self.rest.size()
    }

    /// Appends a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        self.rest.append(leaf);
        if self.rest.size() == TILE {
            if let Some(root) = self.rest.range(0, TILE) {
                self.upper.append(root);
            }
            self.rest = Levels::new();
        }
    }

    /// Returns the hashes that a plan asks for. `tiles` holds the leaf hashes of every tile that
    /// [`Plan::tiles`] names, by number.
    ///
    /// # Errors
    /// The tree has fewer leaves, or a tile is missing or has other leaves.
    pub fn resolve(
        &self,
        plan: &Plan,
        tiles: &BTreeMap<u64, Vec<Hash>>,
    ) -> Result<Vec<Hash>, ProofError> {
        if plan.size > self.size() {
            return Err(ProofError::Size);
        }
        let mut held = BTreeMap::new();
        for (number, leaves) in tiles {
            let mut levels = Levels::new();
            for leaf in leaves {
                levels.append(*leaf);
            }
            held.insert(*number, levels);
        }
        let spans = plan.spans.iter();
        let hashes = spans.map(|(start, end)| self.range(*start, *end, &held));
        hashes.collect::<Option<_>>().ok_or(ProofError::Size)
    }

    fn range(&self, start: u64, end: u64, tiles: &BTreeMap<u64, Levels>) -> Option<Hash> {
        if start == end {
            return Some(super::empty_root());
        }
        let width = end - start;
        if width >= TILE && width.is_power_of_two() {
            return self.upper.range(start / TILE, end / TILE);
        }
        if width < TILE {
            let tile = start / TILE;
            let (from, to) = (start - tile * TILE, end - tile * TILE);
            return tiles.get(&tile)?.range_checked(from, to);
        }
        let middle = start + split(width);
        let left = self.range(start, middle, tiles)?;
        Some(node_hash(&left, &self.range(middle, end, tiles)?))
    }
}

impl Levels {
    /// As `range`, for leaves that may not be there.
    fn range_checked(&self, start: u64, end: u64) -> Option<Hash> {
        (end <= self.size()).then(|| self.range(start, end))?
    }
}

impl Plan {
    /// Plans the root of the first `size` leaves.
    pub fn root(size: u64) -> Self {
        let spans = vec![(0, size)];
        Self { size, spans }
    }

    /// Plans the roots of the full tiles below a leaf that one begins with.
    pub fn tiles_before(leaf: u64) -> Self {
        let spans = (0..leaf / TILE).map(|number| (number * TILE, (number + 1) * TILE));
        Self {
            size: leaf,
            spans: spans.collect(),
        }
    }

    /// Plans the proof that leaf `index` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// The index is not below the size.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, ProofError> {
        let spans = plan::inclusion(index, size)?;
        Ok(Self { size, spans })
    }

    /// Plans the proof that the tree of `old` leaves is the beginning of the one of `new`.
    ///
    /// # Errors
    /// `old` is above `new`.
    pub fn consistency(old: u64, new: u64) -> Result<Self, ProofError> {
        let spans = plan::consistency(old, new)?;
        Ok(Self { size: new, spans })
    }

    /// Plans what, beside the leaves of a span, the root of the first `size` leaves is computed from.
    ///
    /// # Errors
    /// The span is empty or not in the tree.
    pub fn beside(span: Span, size: u64) -> Result<Self, ProofError> {
        let spans = plan::beside(span, size)?;
        Ok(Self { size, spans })
    }

    /// Returns the number of leaves that the tree must have.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the numbers of the tiles whose leaf hashes are needed, ascending.
    pub fn tiles(&self) -> Vec<u64> {
        let mut tiles = BTreeSet::new();
        for (start, end) in &self.spans {
            // the last, unfinished tile of a wide subtree
            let whole = end - end % TILE;
            if end - start < TILE && start < end {
                tiles.insert(start / TILE);
            } else if whole < *end {
                tiles.insert(whole / TILE);
            }
        }
        tiles.into_iter().collect()
    }
}
