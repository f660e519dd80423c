//! `rabt link` on files that nobody here wrote, with the truth in their ids.

use std::collections::BTreeMap;
use std::process::Command;

use rabt_tests::{executable, sample_data};

/// Counts unordered pairs.
fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

/// Links files of the FEBRL schema and returns the F1 of pairs in clusters, in whole numbers:
/// true pairs found, pairs found, pairs known. `rec-17-org` and `rec-17-dup-0` are one person.
fn link(how: &str, names: &[&str]) -> Option<(u64, u64, u64)> {
    let files: Option<Vec<_>> = names.iter().map(|name| sample_data(name)).collect();
    let files = files?;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("clusters.csv");
    let output = Command::new(executable())
        .args(["link", how])
        .args(&files)
        .args(["--id", "rec_id", "--model", "febrl", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let text = std::fs::read_to_string(out).unwrap();
    let mut clusters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut people: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (record, cluster) = line.split_once(',').unwrap();
        let person = record.split('-').nth(1).unwrap();
        clusters.entry(cluster).or_default().push(person);
        *people.entry(person).or_default() += 1;
    }
    let (mut found, mut right) = (0, 0);
    for members in clusters.values() {
        found += pairs(members.len() as u64);
        let mut same: BTreeMap<&str, u64> = BTreeMap::new();
        for person in members {
            *same.entry(person).or_default() += 1;
        }
        right += same.values().copied().map(pairs).sum::<u64>();
    }
    let wanted: u64 = people.values().copied().map(pairs).sum();
    Some((right, found, wanted))
}

/// F1 ≥ 0.999, in whole numbers: 2 · right / (found + wanted).
fn assert_nearly_all((right, found, wanted): (u64, u64, u64)) {
    assert!(
        2_000 * right >= 999 * (found + wanted),
        "{right} of {wanted}, {found} found"
    );
}

#[test]
fn the_halves_of_febrl_4_are_matched() {
    let Some(counts) = link("match", &["febrl/dataset4a.csv", "febrl/dataset4b.csv"]) else {
        return;
    };
    assert_eq!(counts.2, 5_000, "every person is in both files");
    assert_nearly_all(counts);
}

#[test]
fn the_duplicates_of_febrl_3_are_found() {
    if let Some(counts) = link("dedupe", &["febrl/dataset3.csv"]) {
        assert_nearly_all(counts);
    }
}
