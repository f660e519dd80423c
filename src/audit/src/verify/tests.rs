use std::sync::LazyLock;

use proptest::prelude::*;

use super::{LogVerifier, Problem, Report, Wrong, verify_log};
use crate::tree::leaf_hash;
use crate::{
    AuditEvent, CheckpointError, CheckpointKey, Entry, EntryError, Hash, SourceStarted, Tree,
};

/// A kept log: what storage hands to a verifier.
#[derive(Clone)]
struct Log {
    entries: Vec<(u64, Vec<u8>, Hash)>,
    checkpoints: Vec<(u64, Vec<u8>)>,
}

fn key() -> CheckpointKey {
    CheckpointKey::from_seed("node.example", &[1; 32]).unwrap()
}

fn entry(run: i64) -> Entry {
    let event = AuditEvent::SourceStarted(SourceStarted {
        actor: "operator:mona".to_owned(),
        run,
        source: "tax".parse().unwrap(),
    });
    Entry::new("2026-05-01T09:00:00Z".parse().unwrap(), event)
}

/// A log of `size` entries with a checkpoint after each `every` and after the last.
fn log(size: u64, every: u64) -> Log {
    let mut tree = Tree::new();
    let mut log = Log {
        entries: Vec::new(),
        checkpoints: Vec::new(),
    };
    for leaf in 0..size {
        let encoded = entry(i64::try_from(leaf).unwrap()).encode();
        tree.append(encoded.leaf_hash);
        log.entries.push((leaf, encoded.body, encoded.leaf_hash));
        if (leaf + 1) % every == 0 || leaf + 1 == size {
            log.checkpoints
                .push((leaf + 1, key().sign(leaf + 1, tree.root())));
        }
    }
    log
}

fn check(log: Log) -> Report {
    verify_log(log.entries, log.checkpoints, key().verifier())
}

/// Checks the entries of a log whose checkpoints were opened before: signatures are slow without
/// optimisation.
fn check_entries(opened: &LogVerifier, log: &Log) -> Report {
    let mut verifier = opened.clone();
    for (leaf, body, leaf_hash) in &log.entries {
        verifier.entry(*leaf, body, leaf_hash);
    }
    verifier.finish()
}

fn opened(log: &Log) -> LogVerifier {
    LogVerifier::new(key().verifier(), log.checkpoints.clone())
}

fn found(log: Log) -> Vec<Problem> {
    check(log).problems
}

fn at(leaf: u64, wrong: Wrong) -> Vec<Problem> {
    vec![Problem { leaf, wrong }]
}

#[test]
fn a_sound_log_is_sound() {
    for (size, every) in [(0, 1), (1, 1), (10, 3), (10, 10), (33, 5)] {
        let report = check(log(size, every));
        assert!(report.is_sound(), "{:?}", report.problems);
        assert_eq!((report.entries, report.signed), (size, size));
    }
    let mut tail = log(10, 4);
    tail.checkpoints.pop();
    let report = check(tail);
    assert!(report.is_sound());
    assert_eq!(
        (report.entries, report.signed, report.checkpoints),
        (10, 8, 2)
    );
}

#[test]
fn any_changed_byte_of_an_entry_names_the_entry() {
    let whole = log(7, 3);
    let opened = opened(&whole);
    for leaf in 0..7 {
        for byte in 0..whole.entries[leaf].1.len() {
            let mut changed = whole.clone();
            changed.entries[leaf].1[byte] ^= 1;
            let report = check_entries(&opened, &changed);
            assert_eq!(report.problems, at(leaf as u64, Wrong::Entry));
        }
    }
}

#[test]
fn any_changed_byte_of_a_leaf_hash_names_it() {
    let whole = log(7, 3);
    let opened = opened(&whole);
    for leaf in 0..7 {
        for byte in 0..32 {
            let mut changed = whole.clone();
            changed.entries[leaf].2[byte] ^= 0x80;
            let report = check_entries(&opened, &changed);
            assert_eq!(report.problems, at(leaf as u64, Wrong::LeafHash));
            assert_eq!(report.signed, 7);
        }
    }
}

#[test]
fn any_changed_byte_of_a_checkpoint_names_it() {
    let whole = log(5, 5);
    for byte in 0..whole.checkpoints[0].1.len() {
        let mut changed = whole.clone();
        changed.checkpoints[0].1[byte] ^= 1;
        let problems = found(changed);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert_eq!(problem.leaf, 4);
        assert!(matches!(problem.wrong, Wrong::Checkpoint(_)));
    }
}

#[test]
fn an_entry_changed_together_with_its_hash_is_found_by_the_next_checkpoint() {
    let mut changed = log(10, 4);
    let forged = entry(99).encode();
    changed.entries[5] = (5, forged.body, forged.leaf_hash);
    let report = check(changed);
    assert_eq!(report.problems, at(4, Wrong::Root { size: 8 }));
    assert_eq!(report.signed, 4);
}

#[test]
fn entries_that_are_missing_repeated_or_cut_off_are_found() {
    let whole = log(10, 4);
    let mut missing = whole.clone();
    missing.entries.remove(5);
    assert_eq!(found(missing), at(5, Wrong::Order { found: 6 }));
    let mut repeated = whole.clone();
    repeated.entries.insert(6, whole.entries[5].clone());
    assert_eq!(found(repeated), at(6, Wrong::Order { found: 5 }));
    let mut swapped = whole.clone();
    swapped.entries.swap(5, 6);
    assert_eq!(check(swapped).first().map(|problem| problem.leaf), Some(5));
    let mut cut = whole.clone();
    cut.entries.truncate(9);
    assert_eq!(found(cut), at(9, Wrong::Missing { size: 10 }));
}

/// Checks a log of whose entries the first `left` are known by their hashes alone.
fn check_archived(log: &Log, left: u64) -> Report {
    let mut verifier = opened(log);
    for (leaf, body, kept) in &log.entries {
        if *leaf < left {
            verifier.archived(kept);
        } else {
            verifier.entry(*leaf, body, kept);
        }
    }
    verifier.finish()
}

#[test]
fn entries_in_an_archive_are_proven_by_their_hashes() {
    let log = log(20, 6);
    let whole = check(log.clone());
    for left in [1, 6, 7, 19, 20] {
        let report = check_archived(&log, left);
        assert_eq!(report.problems, [], "{left}");
        assert_eq!((report.entries, report.archived), (20 - left, left));
        assert_eq!((report.signed, report.root), (20, whole.root), "{left}");
    }
    // a changed hash shows at the next checkpoint, and none is blamed that is not known
    let mut changed = log.clone();
    changed.entries[2].2[0] ^= 1;
    let report = check_archived(&changed, 4);
    assert_eq!(report.problems, at(0, Wrong::Root { size: 6 }));
    // a changed entry behind them is found by itself
    let mut changed = log.clone();
    changed.entries[9].1[5] ^= 1;
    assert_eq!(check_archived(&changed, 8).problems, at(9, Wrong::Entry));
    // one that is left out is not hidden by them
    let mut short = log;
    short.entries.remove(3);
    assert_ne!(check_archived(&short, 8).problems, []);
}

#[test]
fn checkpoints_that_do_not_fit_are_found() {
    let whole = log(10, 4);
    let mut resized = whole.clone();
    resized.checkpoints[0].0 = 5;
    assert_eq!(found(resized), at(4, Wrong::CheckpointSize { signed: 4 }));
    let mut forked = whole.clone();
    forked.checkpoints.push((8, key().sign(8, [0; 32])));
    assert_eq!(found(forked), at(7, Wrong::Fork));
    let mut strange = whole.clone();
    let other = CheckpointKey::from_seed("node.example", &[2; 32]).unwrap();
    strange.checkpoints[0].1 = other.sign(4, [0; 32]);
    let unsigned = Wrong::Checkpoint(CheckpointError::Unsigned);
    assert_eq!(found(strange), at(3, unsigned));
    let mut bare = whole;
    bare.checkpoints.clear();
    assert_eq!(found(bare), at(0, Wrong::Unsigned));
}

#[test]
fn an_unreadable_entry_is_told_from_a_changed_one() {
    let body = b"{}".to_vec();
    let mut tree = Tree::new();
    tree.append(leaf_hash(&body));
    let log = Log {
        entries: vec![(0, body.clone(), leaf_hash(&body))],
        checkpoints: vec![(1, key().sign(1, tree.root()))],
    };
    assert_eq!(found(log), at(0, Wrong::Unreadable(EntryError::Shape(2))));
}

#[test]
fn a_log_of_nothing_but_problems_is_listed_in_part() {
    let mut bad = log(150, 150);
    for entry in &mut bad.entries {
        entry.1[0] ^= 1;
    }
    let report = check(bad);
    assert_eq!((report.problems.len(), report.unlisted), (100, 50));
}

#[test]
fn problems_say_what_is_wrong() {
    let problems = [
        Wrong::Order { found: 9 },
        Wrong::Entry,
        Wrong::LeafHash,
        Wrong::EntryOrLeafHash,
        Wrong::Unreadable(EntryError::Kind),
        Wrong::Root { size: 12 },
        Wrong::Missing { size: 12 },
        Wrong::Checkpoint(CheckpointError::Signature),
        Wrong::CheckpointSize { signed: 4 },
        Wrong::Fork,
        Wrong::Unsigned,
    ];
    let lines = problems.map(|wrong| Problem { leaf: 7, wrong }.to_string());
    insta::assert_snapshot!(lines.join("\n"));
}

/// Logs of several shapes, with their checkpoints opened.
static LOGS: LazyLock<Vec<(Log, LogVerifier)>> = LazyLock::new(|| {
    let logs = [log(1, 1), log(9, 4), log(23, 7), log(16, 16)];
    logs.map(|log| (log.clone(), opened(&log))).to_vec()
});

proptest! {
    #[test]
    fn whatever_is_changed_is_found_where_it_is(
        number in any::<prop::sample::Index>(), leaf in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(), change in 1_u8.., what in 0_u8..3,
    ) {
        let (whole, opened) = &LOGS[number.index(LOGS.len())];
        let mut log = whole.clone();
        let index = leaf.index(log.entries.len());
        let leaf = index as u64;
        let (_, body, leaf_hash) = &mut log.entries[index];
        let byte = place.index(body.len());
        match what {
            0 => body[byte] ^= change,
            1 => leaf_hash[place.index(32)] ^= change,
            _ => {
                body[byte] ^= change;
                *leaf_hash = crate::tree::leaf_hash(body);
            }
        }
        let report = check_entries(opened, &log);
        let found = report.first().unwrap();
        // With its hash changed too, a leaf can only be narrowed down to those since the checkpoint before.
        let covered = whole.checkpoints.iter().map(|(size, _)| *size);
        let before = covered.filter(|size| *size <= leaf).max().unwrap_or(0);
        let first = if what == 2 { before } else { leaf };
        prop_assert!((first..=leaf).contains(&found.leaf), "{found}");
    }
}
