//! Which subtrees a proof is made of. A range of leaves here is a subtree of some tree: its start is a
//! multiple of its width rounded up to a power of two.

use super::ProofError;

/// Leaves from the first number up to, and without, the second.
pub type Span = (u64, u64);

/// Returns the subtrees whose roots prove that leaf `index` is in the tree of `size` leaves.
pub(crate) fn inclusion(index: u64, size: u64) -> Result<Vec<Span>, ProofError> {
    if index >= size {
        return Err(ProofError::Index);
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        let (sibling, kept) = if index < middle {
            ((middle, end), (start, middle))
        } else {
            ((start, middle), (middle, end))
        };
        proof.push(sibling);
        (start, end) = kept;
    }
    proof.reverse();
    Ok(proof)
}

/// Returns the subtrees whose roots prove that the tree of `old` leaves is the beginning of the one of
/// `new`.
pub(crate) fn consistency(old: u64, new: u64) -> Result<Vec<Span>, ProofError> {
    if old > new {
        return Err(ProofError::Index);
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    while old != end {
        let middle = start + split(end - start);
        let (sibling, kept) = if old <= middle {
            ((middle, end), (start, middle))
        } else {
            ((start, middle), (middle, end))
        };
        proof.push(sibling);
        (start, end) = kept;
    }
    if start != 0 {
        proof.push((start, end));
    }
    proof.reverse();
    Ok(proof)
}

/// Returns the subtrees beside the leaves `from..to` of the tree of `size` leaves, from left to right: with
/// their roots, whoever has those leaves can compute the root of the whole.
pub(crate) fn beside((from, to): Span, size: u64) -> Result<Vec<Span>, ProofError> {
    if from >= to || to > size {
        return Err(ProofError::Index);
    }
    let mut proof = Vec::new();
    let mut open = vec![(0, size)];
    while let Some((start, end)) = open.pop() {
        if end <= from || start >= to {
            proof.push((start, end));
        } else if start < from || end > to {
            let middle = start + split(end - start);
            open.push((middle, end));
            open.push((start, middle));
        }
    }
    Ok(proof)
}

/// Returns the largest power of two below a width of at least 2.
pub(crate) fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}
