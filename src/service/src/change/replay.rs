//! What a reader knows who has followed the feed from its beginning.

use std::collections::{BTreeMap, BTreeSet};

use rabt_model::{Change, ChangeKind, CitizenId, RecordNumber, View};
use rabt_storage::{Storage, StorageError};

/// Changes that are read at a time.
const PAGE: u32 = 1_000;

/// Citizens, their records and their redirects, as the feed tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// Which citizen has which record.
    pub memberships: BTreeMap<RecordNumber, CitizenId>,
    /// Who was merged into whom; redirects of redirects are not followed.
    pub redirects: BTreeMap<CitizenId, CitizenId>,
    /// Who is no more without having been merged.
    pub annulled: BTreeSet<CitizenId>,
}

impl Replay {
    /// Follows one change. Storage is followed as those are told who see every source.
    pub fn apply(&mut self, change: &Change) {
        if change.view == View::Open {
            return;
        }
        let (citizen, other) = (change.citizen, change.other);
        match (change.kind, other) {
            (ChangeKind::Split, Some(other)) => {
                self.give(&change.left, other);
            }
            (ChangeKind::Merged, Some(other)) => {
                self.give(&change.joined, citizen);
                self.annulled.remove(&other);
                self.redirects.insert(other, citizen);
            }
            _ => {
                for record in &change.left {
                    self.memberships.remove(record);
                }
                self.give(&change.joined, citizen);
                if change.kind == ChangeKind::Annulled {
                    self.annulled.insert(citizen);
                }
            }
        }
    }

    /// Returns the citizens who have a record.
    pub fn citizens(&self) -> BTreeSet<CitizenId> {
        self.memberships.values().copied().collect()
    }

    /// Returns who an id stands for today: the end of its redirects.
    pub fn resolve(&self, citizen: CitizenId) -> CitizenId {
        let mut today = citizen;
        while let Some(next) = self.redirects.get(&today) {
            today = *next;
        }
        today
    }

    fn give(&mut self, records: &[RecordNumber], citizen: CitizenId) {
        if records.is_empty() {
            return;
        }
        for record in records {
            self.memberships.insert(*record, citizen);
        }
        self.redirects.remove(&citizen);
        self.annulled.remove(&citizen);
    }
}

/// Follows the whole feed and compares it with what storage holds. Returns one line for each
/// difference, none when the feed is complete; a storage that is older than its feed has some.
///
/// # Errors
/// Storage failed.
pub async fn check_feed(storage: &dyn Storage) -> Result<Vec<String>, StorageError> {
    let mut tx = storage.snapshot().await?;
    let mut problems = Vec::new();
    let mut replay = Replay::default();
    let mut ids: BTreeSet<CitizenId> = BTreeSet::new();
    let mut last = 0;
    loop {
        let page = tx.changes_after(last, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for stored in page {
            if stored.sequence != last + 1 {
                problems.push(format!("change {} follows {last}", stored.sequence));
            }
            last = stored.sequence;
            if stored.change.supersedes.is_some_and(|told| told >= last) {
                problems.push(format!("change {last} supersedes a later one"));
            }
            ids.insert(stored.change.citizen);
            ids.extend(stored.change.other);
            replay.apply(&stored.change);
        }
    }
    drop(tx);
    problems.extend(check_replay(storage, &replay, &ids).await?);
    Ok(problems)
}

/// Compares what a reader knows, and every id that it was told of, with what storage holds. Returns
/// one line for each difference.
///
/// # Errors
/// Storage failed.
pub async fn check_replay(
    storage: &dyn Storage,
    replay: &Replay,
    ids: &BTreeSet<CitizenId>,
) -> Result<Vec<String>, StorageError> {
    let mut tx = storage.snapshot().await?;
    let mut problems = Vec::new();
    let held: BTreeMap<RecordNumber, CitizenId> = tx.memberships().await?.into_iter().collect();
    for (record, citizen) in &held {
        if replay.memberships.get(record) != Some(citizen) {
            problems.push(format!(
                "record {} is not told to be of {citizen}",
                record.0
            ));
        }
    }
    for record in replay
        .memberships
        .keys()
        .filter(|record| !held.contains_key(record))
    {
        problems.push(format!("record {} is told and belongs to nobody", record.0));
    }
    let citizens = replay.citizens();
    if tx.count_profiles().await? != citizens.len() as u64 {
        problems.push(format!("{} citizens are told", citizens.len()));
    }
    for id in ids {
        let today = replay.resolve(*id);
        if tx.resolve(*id).await? != Some(today) {
            problems.push(format!("{id} is told to be {today} today"));
        }
        if !citizens.contains(&today) && !replay.annulled.contains(&today) {
            problems.push(format!("{id} ends in nobody"));
        }
    }
    Ok(problems)
}
