//! The root of a tree from some of its leaves and what stands beside them.

use super::plan::{self, Span, split};
use super::{Hash, Levels, ProofError, node_hash};

/// Returns the root of the tree of `size` leaves of which those from `from` on are given, with the roots of
/// the subtrees beside them, from left to right.
///
/// # Errors
/// There are no leaves, more than the tree has, or another number of subtrees.
pub fn root_of_span(
    from: u64,
    leaves: &[Hash],
    size: u64,
    beside: &[Hash],
) -> Result<Hash, ProofError> {
    let to = from
        .checked_add(leaves.len() as u64)
        .ok_or(ProofError::Index)?;
    let spans = plan::beside((from, to), size)?;
    if spans.len() != beside.len() {
        return Err(ProofError::Length);
    }
    let given: Vec<(Span, Hash)> = spans.into_iter().zip(beside.iter().copied()).collect();
    let whole = Whole {
        from,
        leaves,
        given: &given,
    };
    whole.root((0, size)).ok_or(ProofError::Length)
}

struct Whole<'a> {
    from: u64,
    leaves: &'a [Hash],
    given: &'a [(Span, Hash)],
}

impl Whole<'_> {
    fn root(&self, (start, end): Span) -> Option<Hash> {
        if let Ok(place) = self
            .given
            .binary_search_by_key(&(start, end), |(span, _)| *span)
        {
            return self.given.get(place).map(|(_, hash)| *hash);
        }
        let to = self.from + self.leaves.len() as u64;
        if start >= self.from && end <= to {
            let at = |leaf: u64| usize::try_from(leaf - self.from).ok();
            let mut levels = Levels::new();
            for leaf in self.leaves.get(at(start)?..at(end)?)? {
                levels.append(*leaf);
            }
            return levels.root(end - start).ok();
        }
        let middle = start + split(end - start);
        let left = self.root((start, middle))?;
        Some(node_hash(&left, &self.root((middle, end))?))
    }
}
