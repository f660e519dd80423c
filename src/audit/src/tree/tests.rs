use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{
    Hash, Levels, Plan, ProofError, TILE, Tiles, Tree, leaf_hash, node_hash, root_of_span,
    verify_consistency, verify_inclusion,
};

/// MTH of RFC 6962 §2.1, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH of RFC 6962 §2.1.1.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let middle = naive_split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (naive_path(index, left), naive_root(right))
    } else {
        (naive_path(index - middle, right), naive_root(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF of RFC 6962 §2.1.2.
fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![naive_root(leaves)]
        };
    }
    let middle = naive_split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut proof, sibling) = if old <= middle {
        (naive_subproof(old, left, whole), naive_root(right))
    } else {
        (naive_subproof(old - middle, right, false), naive_root(left))
    };
    proof.push(sibling);
    proof
}

fn naive_split(count: usize) -> usize {
    let mut split = 1;
    while split * 2 < count {
        split *= 2;
    }
    split
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn levels(leaves: &[Hash]) -> Levels {
    let mut levels = Levels::new();
    for leaf in leaves {
        levels.append(*leaf);
    }
    levels
}

/// The entries of the test vectors that implementations of RFC 6962 share.
fn shared_entries() -> Vec<Vec<u8>> {
    let entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let decode = |text: &&str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    entries.iter().map(decode).collect()
}

#[test]
fn shared_test_vectors() {
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(data_encoding::HEXLOWER.encode(&tree.root()), empty);
    for (entry, root) in shared_entries().iter().zip(roots) {
        tree.append(leaf_hash(entry));
        assert_eq!(data_encoding::HEXLOWER.encode(&tree.root()), root);
    }
}

#[test]
fn all_proofs_of_small_trees_are_those_of_the_definition() {
    let all = leaves(33);
    let levels = levels(&all);
    for size in 1..=33_usize {
        let wide = size as u64;
        let part = &all[..size];
        let root = naive_root(part);
        assert_eq!(levels.root(wide), Ok(root));
        for (index, leaf) in part.iter().enumerate() {
            let at = index as u64;
            let proof = levels.inclusion_proof(at, wide).unwrap();
            assert_eq!(proof, naive_path(index, part));
            assert_eq!(verify_inclusion(leaf, at, wide, &proof, &root), Ok(()));
        }
        for old in 1..=size {
            let at = old as u64;
            let proof = levels.consistency_proof(at, wide).unwrap();
            assert_eq!(proof, naive_subproof(old, part, true));
            let old_root = naive_root(&all[..old]);
            assert_eq!(
                verify_consistency(at, &old_root, wide, &root, &proof),
                Ok(())
            );
        }
    }
}

#[test]
fn what_cannot_be_proved_is_refused() {
    let levels = levels(&leaves(5));
    assert_eq!(levels.root(6), Err(ProofError::Size));
    assert_eq!(levels.inclusion_proof(0, 6), Err(ProofError::Size));
    assert_eq!(levels.inclusion_proof(5, 5), Err(ProofError::Index));
    assert_eq!(levels.consistency_proof(4, 3), Err(ProofError::Index));
    assert_eq!(levels.consistency_proof(0, 5), Ok(Vec::new()));
    let root = levels.root(5).unwrap();
    let empty = levels.root(0).unwrap();
    assert_eq!(verify_consistency(0, &empty, 5, &root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, &root, 5, &root, &[]),
        Err(ProofError::Root)
    );
    assert_eq!(
        verify_consistency(5, &empty, 5, &root, &[]),
        Err(ProofError::Root)
    );
    assert_eq!(
        verify_consistency(5, &root, 5, &root, &[root]),
        Err(ProofError::Length)
    );
    assert_eq!(
        verify_consistency(6, &root, 5, &root, &[]),
        Err(ProofError::Index)
    );
    assert_eq!(
        verify_inclusion(&root, 0, 0, &[], &root),
        Err(ProofError::Index)
    );
}

#[test]
fn parts_bring_a_tree_back() {
    let mut tree = Tree::new();
    for leaf in leaves(11) {
        tree.append(leaf);
    }
    assert_eq!(
        Tree::from_parts(11, tree.peaks().to_vec()),
        Some(tree.clone())
    );
    assert_eq!(Tree::from_parts(12, tree.peaks().to_vec()), None);
    assert_eq!(Tree::from_parts(0, Vec::new()), Some(Tree::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_agree_with_the_definition(size in 1_u64..300, at in 0_u64..300, old in 1_u64..300) {
        let (at, old) = (at % size, old % size + 1);
        let all = leaves(size);
        let levels = levels(&all);
        let mut tree = Tree::new();
        for leaf in &all {
            tree.append(*leaf);
        }
        let root = naive_root(&all);
        prop_assert_eq!(tree.root(), root);
        prop_assert_eq!(levels.root(size), Ok(root));
        let (index, before) = (usize::try_from(at).unwrap(), usize::try_from(old).unwrap());
        prop_assert_eq!(levels.inclusion_proof(at, size).unwrap(), naive_path(index, &all));
        prop_assert_eq!(levels.consistency_proof(old, size).unwrap(), naive_subproof(before, &all, true));
    }

    #[test]
    fn a_changed_proof_does_not_hold(
        size in 2_u64..200, at in 0_u64..200, old in 1_u64..200,
        change in 0_u8..4, place in any::<prop::sample::Index>(), bit in 0_u8..8, byte in 0_usize..32,
    ) {
        let (at, old) = (at % size, old % (size - 1) + 1);
        let all = leaves(size);
        let levels = levels(&all);
        let (root, old_root) = (levels.root(size).unwrap(), levels.root(old).unwrap());
        let leaf = all[usize::try_from(at).unwrap()];
        let spoil = |proof: &mut Vec<Hash>| {
            let at = place.index(proof.len());
            match change {
                0 => proof[at][byte] ^= 1 << bit,
                1 => { proof.remove(at); }
                2 => proof.push(root),
                _ => proof.insert(0, leaf),
            }
        };
        let mut inclusion = levels.inclusion_proof(at, size).unwrap();
        spoil(&mut inclusion);
        prop_assert!(verify_inclusion(&leaf, at, size, &inclusion, &root).is_err());
        let mut consistency = levels.consistency_proof(old, size).unwrap();
        spoil(&mut consistency);
        prop_assert!(verify_consistency(old, &old_root, size, &root, &consistency).is_err());
    }

    #[test]
    fn a_proof_holds_for_its_own_leaf_size_and_root_only(
        size in 2_u64..200, at in 0_u64..200, other in 0_u64..200,
    ) {
        let (at, other) = (at % size, other % size);
        let all = leaves(size);
        let levels = levels(&all);
        let root = levels.root(size).unwrap();
        let proof = levels.inclusion_proof(at, size).unwrap();
        let leaf = all[usize::try_from(at).unwrap()];
        prop_assert_eq!(verify_inclusion(&leaf, other, size, &proof, &root).is_ok(), at == other);
        let mut wrong = root;
        wrong[0] ^= 1;
        prop_assert_eq!(verify_inclusion(&leaf, at, size, &proof, &wrong), Err(ProofError::Root));
    }
}

/// Reads the tiles of a plan as storage would.
#[test]
fn a_tree_of_tiles_is_that_of_their_leaves() {
    let leaves = leaves(9 * TILE + 5);
    let (tiles, rest) = leaves.as_chunks::<256>();
    let (mut by_leaf, mut by_tile) = (Tree::new(), Tree::new());
    for tile in tiles {
        for leaf in tile {
            by_leaf.append(*leaf);
        }
        assert!(by_tile.append_tile(naive_root(tile)));
        assert_eq!(by_tile, by_leaf);
    }
    for leaf in rest {
        by_leaf.append(*leaf);
        by_tile.append(*leaf);
    }
    assert_eq!(by_tile.root(), naive_root(&leaves));
    // behind a part of a tile there is no place for a whole one
    let before = by_tile.clone();
    assert!(!by_tile.append_tile([1; 32]));
    assert_eq!(by_tile, before);
}

#[test]
fn the_tiles_before_a_leaf_are_planned_each_by_itself() {
    let leaves = leaves(3 * TILE + 9);
    let mut tree = Tiles::new();
    for leaf in &leaves {
        tree.append(*leaf);
    }
    for count in 0..=3 {
        let plan = Plan::tiles_before(count * TILE);
        assert_eq!(plan.size(), count * TILE);
        let (tiles, _) = leaves.as_chunks::<256>();
        let wanted = tiles.iter().take(usize::try_from(count).unwrap());
        let wanted: Vec<Hash> = wanted.map(|tile| naive_root(tile)).collect();
        let read = tiles_of(&plan, &leaves);
        assert_eq!(tree.resolve(&plan, &read), Ok(wanted), "{count}");
        assert!(read.is_empty(), "roots of full tiles are at hand");
    }
}

fn tiles_of(plan: &Plan, leaves: &[Hash]) -> std::collections::BTreeMap<u64, Vec<Hash>> {
    let tile = |number: u64| {
        let start = usize::try_from(number * TILE).unwrap();
        let end = leaves.len().min(start + 256);
        (number, leaves[start..end].to_vec())
    };
    plan.tiles().into_iter().map(tile).collect()
}

proptest! {
    /// A tree of tiles proves what one in memory proves, and reads three tiles at most for it.
    #[test]
    fn tiles_prove_what_levels_prove(count in 1_u64..1_400, a in any::<u64>(), b in any::<u64>()) {
        let all = leaves(count);
        let whole = levels(&all);
        let mut tiles = Tiles::new();
        for leaf in &all {
            tiles.append(*leaf);
        }
        prop_assert_eq!(tiles.size(), count);
        let size = 1 + a % count;
        let (index, old) = (b % size, b % (size + 1));
        let inclusion = Plan::inclusion(index, size).unwrap();
        let consistency = Plan::consistency(old, size).unwrap();
        let root = Plan::root(size);
        for plan in [&inclusion, &consistency, &root] {
            prop_assert!(plan.tiles().len() <= 3, "{:?}", plan.tiles());
        }
        let resolve = |plan: &Plan| tiles.resolve(plan, &tiles_of(plan, &all)).unwrap();
        prop_assert_eq!(resolve(&inclusion), whole.inclusion_proof(index, size).unwrap());
        prop_assert_eq!(resolve(&consistency), whole.consistency_proof(old, size).unwrap());
        prop_assert_eq!(resolve(&root), vec![whole.root(size).unwrap()]);
        prop_assert!(tiles.resolve(&Plan::root(count + 1), &tiles_of(&root, &all)).is_err());
    }

    /// Some leaves, and what stands beside them, give the root; other leaves or hashes do not.
    #[test]
    fn a_span_gives_the_root(count in 1_u64..700, a in any::<u64>(), b in any::<u64>(), c in any::<u64>()) {
        let all = leaves(count);
        let whole = levels(&all);
        let size = 1 + a % count;
        let from = b % size;
        let to = from + 1 + c % (size - from);
        let plan = Plan::beside((from, to), size).unwrap();
        let mut tiles = Tiles::new();
        for leaf in &all {
            tiles.append(*leaf);
        }
        let beside = tiles.resolve(&plan, &tiles_of(&plan, &all)).unwrap();
        let given = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
        let root = whole.root(size).unwrap();
        prop_assert_eq!(root_of_span(from, &all[given.clone()], size, &beside), Ok(root));
        let mut changed = all[given.clone()].to_vec();
        let place = usize::try_from(a).unwrap_or(0) % changed.len();
        changed[place][0] ^= 1;
        prop_assert_ne!(root_of_span(from, &changed, size, &beside), Ok(root));
        let more = [beside.as_slice(), &[root]].concat();
        prop_assert_eq!(root_of_span(from, &all[given], size, &more), Err(ProofError::Length));
    }
}
