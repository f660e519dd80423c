use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{CHECKPOINT, ExportTrust, Exporter, WITNESSED, numbered, verify_export};
use crate::{
    AuditEvent, CheckpointKey, Entry, Export, Stopped, TILE, Tree, WitnessKey, WitnessVerifier,
    leaf_hash,
};

type Files = BTreeMap<String, Vec<u8>>;

fn key() -> CheckpointKey {
    CheckpointKey::from_seed("node.example", &[1; 32]).unwrap()
}

fn witness() -> WitnessKey {
    WitnessKey::from_seed("parliament.example", &[2; 32]).unwrap()
}

fn body(number: u64) -> Vec<u8> {
    // one entry is longer than a bundle can say
    let cause = if number == 3 {
        "x".repeat(70_000)
    } else {
        format!("signal {number}")
    };
    let event = AuditEvent::Stopped(Stopped { cause });
    let entry = Entry::new("2026-05-01T09:00:00Z".parse().unwrap(), event);
    entry.encode().body
}

/// Exports a log of so many entries, of which a witness signed the first `witnessed`.
fn export(count: u64, witnessed: u64) -> Files {
    let (mut exporter, mut tree, mut files) = (Exporter::new(), Tree::new(), Files::new());
    for number in 0..count {
        let body = body(number);
        exporter.entry(&body);
        tree.append(leaf_hash(&body));
        files.extend(exporter.take());
        if tree.size() == witnessed {
            let note = key().sign(witnessed, tree.root());
            let line = witness().sign(&note, 1_780_000_000).unwrap();
            let note = witness().verifier().add(&note, &line).unwrap();
            files.insert(WITNESSED.to_owned(), note);
        }
    }
    files.extend(exporter.finish());
    files.insert(CHECKPOINT.to_owned(), key().sign(count, tree.root()));
    files
}

fn check(files: &Files, witnesses: &[WitnessVerifier]) -> Export {
    let key = key();
    let paths: BTreeSet<String> = files.keys().cloned().collect();
    let mut read = |path: &str| files.get(path).cloned().ok_or("is not there".to_owned());
    let trust = ExportTrust {
        log: key.verifier(),
        witnesses,
        time: None,
    };
    verify_export(&paths, &mut read, trust)
}

#[test]
fn an_export_is_checked_by_itself() {
    for count in [0, 1, 5, 255, 256, 257, 700] {
        let files = export(count, 4);
        let found = check(&files, &[witness().verifier().clone()]);
        assert_eq!(found.problems, [], "{count}");
        assert_eq!(
            (found.entries, found.witnesses.len()),
            (count, usize::from(count >= 4))
        );
    }
}

#[test]
fn paths_are_those_of_the_layout() {
    assert_eq!(numbered(1_234_067, 256), "x001/x234/067");
    assert_eq!(numbered(0, 7), "000.p/7");
    let files = export(600, 0);
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "checkpoint",
        "long/3",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_file_too_many_or_too_few_is_named() {
    let mut files = export(300, 0);
    files.insert("tile/0/009".to_owned(), vec![0; 32]);
    assert_eq!(check(&files, &[]).problems[0].file, "tile/0/009");
    for path in export(300, 0).into_keys() {
        let mut files = export(300, 0);
        files.remove(&path);
        let found = check(&files, &[]);
        assert_eq!(found.problems[0].file, path);
    }
}

#[test]
fn a_signature_of_a_stranger_is_no_signature() {
    let found = check(&export(9, 4), &[]);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert_eq!(found.problems[0].file, WITNESSED);
}

/// Returns the files of an archive of the entries from this one on, of a log of so many.
fn archive(from: u64, count: u64) -> Files {
    let (mut exporter, mut tree, mut files) = (Exporter::new(), Tree::new(), Files::new());
    let mut roots = Tree::new();
    for number in 0..count {
        let body = body(number);
        tree.append(leaf_hash(&body));
        if number < from {
            roots.append(leaf_hash(&body));
            if roots.size() == TILE {
                exporter.skip_tile(std::mem::take(&mut roots).root());
            }
        } else {
            exporter.entry(&body);
        }
        files.extend(exporter.take());
    }
    files.extend(exporter.finish());
    let note = key().sign_archive(from, count, tree.root());
    files.insert(CHECKPOINT.to_owned(), note);
    files
}

#[test]
fn an_archive_is_what_an_export_is_without_the_entries_before() {
    let (whole, part) = (export(4 * TILE, 0), archive(2 * TILE, 4 * TILE));
    let found = check(&part, &[]);
    assert_eq!(found.problems, []);
    assert_eq!((found.first, found.size), (2 * TILE, 4 * TILE));
    assert_eq!(found.entries, 2 * TILE);
    assert_eq!(found.root, check(&whole, &[]).root);
    for (path, bytes) in part.iter().filter(|(path, _)| *path != CHECKPOINT) {
        assert_eq!(whole.get(path), Some(bytes), "{path}");
    }
    for path in ["tile/0/000", "tile/0/001", "tile/entries/000", "long/3"] {
        assert!(whole.contains_key(path), "{path}");
        assert!(!part.contains_key(path), "{path}");
    }
    // what they say of the entries before is signed too
    let mut changed = part.clone();
    changed.get_mut("tile/1/000.p/4").unwrap()[3] ^= 1;
    assert_ne!(check(&changed, &[]).problems, []);
    let mut short = part;
    short.get_mut("tile/1/000.p/4").unwrap().truncate(32);
    assert_ne!(check(&short, &[]).problems, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// One changed byte anywhere is found, and a file is named that shows it.
    #[test]
    fn any_changed_byte_of_an_export_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut files = export(260, 100);
        let total = files.values().map(Vec::len).sum();
        let mut at = at.index(total);
        for (path, bytes) in &mut files {
            if at < bytes.len() {
                bytes[at] ^= 1 << bit;
                let path = path.clone();
                let found = check(&files, &[witness().verifier().clone()]);
                prop_assert!(!found.problems.is_empty(), "{path}, byte {at}");
                return Ok(());
            }
            at -= bytes.len();
        }
    }
}
