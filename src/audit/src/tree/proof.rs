//! Checks proofs, as in RFC 9162 §2.1.3.2 and §2.1.4.2. Every proof has exactly one accepted length.

use super::{Hash, node_hash};

/// Why a proof does not hold, or cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has fewer leaves than asked for.
    #[error("the tree has fewer leaves")]
    Size,
    /// The leaf is not in a tree of this size, or the old tree is larger than the new one.
    #[error("the leaf or the old size is beyond the tree")]
    Index,
    /// The proof has too many or too few hashes.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that a leaf is in a tree.
///
/// # Errors
/// The proof does not show that `leaf` is leaf `index` of the tree of `size` leaves and this root.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_left_edges(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Checks that one tree is the beginning of another.
///
/// # Errors
/// The proof does not show that the first `old_size` leaves of the new tree are the old tree.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Index);
    }
    if old_size == 0 || old_size == new_size {
        let same = old_size != new_size || old_root == new_root;
        let empty = old_size != 0 || *old_root == super::empty_root();
        return match (proof.is_empty(), same && empty) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let ones = node.trailing_ones();
    node >>= ones;
    last >>= ones;
    // When the old tree is one perfect subtree, its root is not part of the proof.
    let (start, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::Length)?
    };
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_left_edges(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == *old_root && new_hash == *new_root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Climbs while the node is a left child without a right sibling.
fn skip_left_edges(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}
