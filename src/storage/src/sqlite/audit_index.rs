//! The index of whom the entries of the audit log are about.
//!
//! Pseudonyms come in no order. One sorted table would have a page changed for each entry, and pages
//! are what the disk has to write. So what comes is appended; a thousand rows at a time become
//! a sorted run, and several runs of a level one of the next, a little with each append.
//!
//! Invariant: at any time each row is among the arrivals or in a run, perhaps in two runs, so that a
//! reader looks into all of them. What an append does to the index is in the commit of its entries.

use sqlx::{SqliteConnection, SqlitePool};

use super::bulk::Bulk;
use super::script::Script;
use crate::StorageError;
use crate::convert::{EntryRow, to_integer};
use crate::error::Doing;

/// Rows that are appended before they become a run; few in tests, so that there are many runs.
const RUN: i64 = if cfg!(test) { 8 } else { 1_024 };
/// Runs of a level that become one of the next.
const TOGETHER: usize = if cfg!(test) { 3 } else { 16 };
/// Rows that each level moves for each one that is appended. Two keep up: one to write a row into its
/// new run, one to take it out of the old.
const PACE: i64 = 4;
/// Places of a merge, for writing, and again for each run that is emptied: the first four bytes of
/// pseudonyms, which are spread evenly.
const PLACES: i64 = 1 << 32;

const NOTING: &str = "noting whom entries are about";

const ARRIVE: Bulk = Bulk {
    doing: NOTING,
    head: "INSERT INTO audit_arrivals (subject, leaf) VALUES",
    row: "(?,?)",
    tail: "",
};

const ARRIVED: &str = "SELECT COUNT(*) FROM audit_arrivals";

const RUNS: &str = "SELECT run, level, rows, target FROM audit_runs ORDER BY run";

const MERGES: &str = "SELECT target, position FROM audit_merges ORDER BY target";

const PUT_RUN: &str = "INSERT INTO audit_runs (run, level, rows) VALUES (?, ?, ?)";

const SORT: &str = "INSERT INTO audit_run_subjects (run, subject, leaf)
    SELECT DISTINCT ?, subject, leaf FROM audit_arrivals ORDER BY subject, leaf";

const CLEAR: &str = "DELETE FROM audit_arrivals";

const BEGIN_MERGE: &str = "INSERT INTO audit_merges (target, position) VALUES (?, 0)";

const AIM: &str = "UPDATE audit_runs SET target = ?
    WHERE run IN (SELECT value FROM json_each(?))";

const MERGE: &str = "INSERT INTO audit_run_subjects (run, subject, leaf)
    SELECT DISTINCT ?, old.subject, old.leaf FROM audit_runs CROSS JOIN audit_run_subjects AS old
        ON old.run = audit_runs.run AND old.subject >= ? AND old.subject < ?
    WHERE audit_runs.target = ? ORDER BY old.subject, old.leaf";

const EMPTY: &str = "DELETE FROM audit_run_subjects
    WHERE run = ? AND subject >= ? AND subject < ?";

const MOVE_ON: &str = "UPDATE audit_merges SET position = ? WHERE target = ?";

const FORGET_RUNS: &str = "DELETE FROM audit_runs WHERE target = ?";

const END_MERGE: &str = "DELETE FROM audit_merges WHERE target = ?";

/// Of a person's entries, the newest below a leaf.
const ENTRIES_ABOUT: &str = "SELECT leaf, body, leaf_hash, outbox FROM (
        SELECT leaf FROM audit_arrivals WHERE subject = $1 AND leaf < $2
        UNION
        SELECT held.leaf FROM audit_runs CROSS JOIN audit_run_subjects AS held
            ON held.run = audit_runs.run AND held.subject = $1 AND held.leaf < $2
        ORDER BY leaf DESC LIMIT $3)
    JOIN audit_entries USING (leaf) ORDER BY leaf DESC";

/// Where the index stands, as the last commit left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// Rows that are in no run.
    arrivals: i64,
    /// Ascending.
    runs: Vec<Run>,
    merges: Vec<Merge>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    number: i64,
    level: i64,
    rows: i64,
    target: Option<i64>,
}

/// A run that is made of others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Merge {
    target: i64,
    /// Up to where rows were written, and behind [`PLACES`] up to where they were taken out.
    position: i64,
}

impl Index {
    /// Reads where the index stands.
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self, StorageError> {
        let arrivals = sqlx::query_scalar(ARRIVED).fetch_one(&mut *connection);
        let arrivals: i64 = arrivals.await.doing(NOTING)?;
        let runs = sqlx::query_as(RUNS).fetch_all(&mut *connection);
        let runs: Vec<(i64, i64, i64, Option<i64>)> = runs.await.doing(NOTING)?;
        let merges = sqlx::query_as(MERGES).fetch_all(connection);
        let merges: Vec<(i64, i64)> = merges.await.doing(NOTING)?;
        let run = |(number, level, rows, target)| Run {
            number,
            level,
            rows,
            target,
        };
        let merge = |(target, position)| Merge { target, position };
        Ok(Self {
            arrivals,
            runs: runs.into_iter().map(run).collect(),
            merges: merges.into_iter().map(merge).collect(),
        })
    }

    /// Notes whom entries are about, and does its share of the work on the runs.
    pub(super) fn note(
        &mut self,
        script: &mut Script,
        about: &[(i64, [u8; 32])],
    ) -> Result<(), StorageError> {
        ARRIVE.script(script, about, |values, (leaf, subject)| {
            values.add(subject.as_slice()).add(*leaf);
        });
        let count = to_integer(about.len() as u64);
        self.arrivals += count;
        if self.arrivals >= RUN {
            self.sort(script);
            self.begin_merge(script)?;
        }
        for merge in std::mem::take(&mut self.merges) {
            if let Some(merge) = self.advance(script, merge, count * PACE) {
                self.merges.push(merge);
            }
        }
        Ok(())
    }

    /// Makes a run of what arrived.
    fn sort(&mut self, script: &mut Script) {
        let run = Run {
            number: self.next(),
            level: 0,
            rows: self.arrivals,
            target: None,
        };
        script.add(SORT).add(run.number);
        script.add(CLEAR);
        put_run(script, &run);
        self.arrivals = 0;
        self.runs.push(run);
    }

    /// Begins to make one run of the oldest of a level when there are enough.
    fn begin_merge(&mut self, script: &mut Script) -> Result<(), StorageError> {
        let highest = self.runs.iter().map(|run| run.level).max();
        for level in 0..=highest.unwrap_or(0) {
            let made: Vec<i64> = self.merges.iter().map(|merge| merge.target).collect();
            let idle = |run: &&mut Run| {
                run.level == level && run.target.is_none() && !made.contains(&run.number)
            };
            let next = self.next();
            let mut sources: Vec<&mut Run> = self.runs.iter_mut().filter(idle).collect();
            if sources.len() < TOGETHER {
                continue;
            }
            sources.truncate(TOGETHER);
            let target = Run {
                number: next,
                level: level + 1,
                rows: sources.iter().map(|run| run.rows).sum(),
                target: None,
            };
            let list: Vec<i64> = sources.iter().map(|run| run.number).collect();
            for source in sources {
                source.target = Some(next);
            }
            put_run(script, &target);
            script.add(AIM).add(next).add(super::records::json(&list)?);
            script.add(BEGIN_MERGE).add(next);
            self.runs.push(target);
            self.merges.push(Merge {
                target: next,
                position: 0,
            });
        }
        Ok(())
    }

    /// Moves a merge on by about so many rows; returns it unless it came to its end.
    fn advance(&mut self, script: &mut Script, mut merge: Merge, budget: i64) -> Option<Merge> {
        if budget == 0 {
            return Some(merge);
        }
        let aims = |run: &&Run| run.target == Some(merge.target);
        let sources: Vec<Run> = self.runs.iter().filter(aims).cloned().collect();
        let (phase, start) = (merge.position / PLACES, merge.position % PLACES);
        let emptied = usize::try_from(phase - 1)
            .ok()
            .and_then(|at| sources.get(at));
        let rows = emptied.map_or_else(|| sources.iter().map(|run| run.rows).sum(), |run| run.rows);
        let width = (PLACES / rows.max(1)).saturating_mul(budget);
        let end = start.saturating_add(width.max(1)).min(PLACES);
        if let Some(source) = emptied {
            let empty = script.add(EMPTY).add(source.number);
            empty.add(place(start)).add(place(end));
        } else {
            let write = script.add(MERGE).add(merge.target);
            write.add(place(start)).add(place(end)).add(merge.target);
        }
        merge.position = phase * PLACES + end;
        if usize::try_from(merge.position / PLACES).is_ok_and(|done| done > sources.len()) {
            script.add(FORGET_RUNS).add(merge.target);
            script.add(END_MERGE).add(merge.target);
            self.runs.retain(|run| run.target != Some(merge.target));
            return None;
        }
        script.add(MOVE_ON).add(merge.position).add(merge.target);
        Some(merge)
    }

    /// Returns a number that no run has.
    fn next(&self) -> i64 {
        self.runs.iter().map(|run| run.number).max().unwrap_or(0) + 1
    }
}

/// Returns the least pseudonym of a place; of [`PLACES`], one that is above all.
fn place(place: i64) -> Vec<u8> {
    u32::try_from(place).map_or_else(|_| vec![u8::MAX; 33], |place| place.to_be_bytes().to_vec())
}

fn put_run(script: &mut Script, run: &Run) {
    let put = script.add(PUT_RUN).add(run.number);
    put.add(run.level).add(run.rows);
}

/// Returns up to `limit` entries about a person below a leaf, the newest first.
pub(super) async fn entries_about(
    reader: &SqlitePool,
    subject: &[u8; 32],
    before: i64,
    limit: u32,
) -> Result<Vec<EntryRow>, StorageError> {
    sqlx::query_as(ENTRIES_ABOUT)
        .bind(subject.as_slice())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(reader)
        .await
        .doing("reading the entries about a person")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::repository::{AuditLog, Storage};
    use crate::row::{NewEntry, StoredEntry};
    use crate::sqlite::SqliteStorage;

    /// Returns a number that looks like any other: the steps of a linear congruence.
    fn next(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    fn subject(number: u64) -> [u8; 32] {
        let mut subject = [0; 32];
        let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        subject[..8].copy_from_slice(&spread.to_be_bytes());
        subject
    }

    fn about(subjects: Vec<[u8; 32]>) -> NewEntry {
        let entry = StoredEntry {
            body: vec![1],
            leaf_hash: [1; 32],
            outbox: None,
        };
        NewEntry {
            entry,
            subjects,
            keys: Vec::new(),
            case: None,
            archive: None,
        }
    }

    async fn check(log: &dyn AuditLog, expected: &BTreeMap<u64, Vec<u64>>) {
        for person in 0..12 {
            let found = log.entries_about(&[subject(person)], None, 10_000).await;
            let found: Vec<u64> = found.unwrap().into_iter().map(|(leaf, _)| leaf).collect();
            let mut leaves = expected.get(&person).cloned().unwrap_or_default();
            leaves.reverse();
            assert_eq!(found, leaves, "{person}");
        }
    }

    #[tokio::test]
    async fn everybody_is_found_wherever_their_rows_are() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("rabt.db");
        let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let (mut leaf, mut state, mut most) = (0, 7, 0);
        for _ in 0..12 {
            // what an earlier process left half merged is gone on with
            let storage = SqliteStorage::open_file(&path).await.unwrap();
            let log = storage.audit_log();
            for _ in 0..12 {
                let mut entries = Vec::new();
                for _ in 0..=next(&mut state) % 4 {
                    let mut people: Vec<u64> = (0..next(&mut state) % 4)
                        .map(|_| next(&mut state) % 12)
                        .collect();
                    entries.push(about(
                        people.iter().map(|person| subject(*person)).collect(),
                    ));
                    people.sort_unstable();
                    people.dedup();
                    for person in people {
                        expected.entry(person).or_default().push(leaf);
                    }
                    leaf += 1;
                }
                let first = leaf - entries.len() as u64;
                log.append(first, &entries, None).await.unwrap();
                check(log.as_ref(), &expected).await;
            }
            let runs = "SELECT MAX(level) FROM audit_runs";
            let highest: Option<i64> = sqlx::query_scalar(runs)
                .fetch_one(&storage.audit_log.reader)
                .await
                .unwrap();
            most = most.max(highest.unwrap_or(0));
            storage.close().await;
        }
        assert!(most >= 2, "runs of runs came to be: {most}");
    }

    #[tokio::test]
    async fn an_append_that_is_refused_leaves_the_index_as_it_was() {
        let storage = SqliteStorage::open_memory().await.unwrap();
        let log = storage.audit_log();
        for first in 0..40 {
            let entry = about(vec![subject(first % 3)]);
            log.append(first, std::slice::from_ref(&entry), None)
                .await
                .unwrap();
            log.append(first, std::slice::from_ref(&entry), None)
                .await
                .unwrap_err();
        }
        let expected = |person| (0..40).filter(|leaf| leaf % 3 == person).collect();
        let expected = (0..3).map(|person| (person, expected(person))).collect();
        check(log.as_ref(), &expected).await;
    }
}
