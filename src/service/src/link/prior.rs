//! What was before a step: profiles as they were composed, and citizens who may return.

use rabt_linkage::Retired;
use rabt_model::{Change, ChangeKind, CitizenId, Profile, RecordNumber, View};
use rabt_storage::{
    Horizon, StorageError, StoredChange, StoredRecord, StoredRevision, Transaction,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::partition::Held;
use crate::change::served;
use crate::directory::Directory;

/// Citizens who are no more, for whom records speak.
#[derive(Debug, Default)]
pub(super) struct Returning {
    /// For a record: the citizen it speaks for, when that is not the one who has it.
    pub(super) claims: FxHashMap<RecordNumber, CitizenId>,
    /// For a citizen: how many records it had when it was merged away or annulled.
    had: FxHashMap<CitizenId, usize>,
    /// For a citizen: the merge or annulment that no longer holds when they return.
    pub(super) undone: FxHashMap<CitizenId, u64>,
    /// For a record: the last change by which it came to the citizen who has it.
    pub(super) told: FxHashMap<RecordNumber, u64>,
}

impl Returning {
    /// Returns the citizen who is no more that a record speaks for.
    pub(super) fn retired(&self, record: RecordNumber) -> Option<Retired> {
        let citizen = *self.claims.get(&record)?;
        let records = self.had.get(&citizen).copied().unwrap_or(1);
        Some(Retired { citizen, records })
    }
}

/// A profile before a step.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) profile: Profile,
    pub(super) revision: StoredRevision,
    /// Whether it was resident: it has all holdings then, and what is seen without restricted
    /// sources is resident too.
    pub(super) resident: bool,
}

impl Before {
    /// Returns the last change that named the citizen.
    pub(super) fn told(&self) -> Option<u64> {
        let told = self.revision.sequence;
        (told > 0).then_some(told)
    }
}

/// Finds who may return with these clusters: the annulled citizens of records that came back, and
/// of citizens whose records are parted now, those who had been merged into them.
pub(super) async fn returning(
    tx: &mut dyn Transaction,
    held: &Held,
    clusters: &[Vec<RecordNumber>],
) -> Result<Returning, StorageError> {
    let mut returning = Returning::default();
    let members = clusters.iter().flatten().copied();
    let new: Vec<RecordNumber> = members
        .filter(|record| held.of(*record).is_none())
        .collect();
    if !new.is_empty() {
        come_back(tx, held, &new, &mut returning).await?;
    }
    let parted = parted(held, clusters);
    if !parted.is_empty() {
        undo_merges(tx, held, &parted, &mut returning).await?;
    }
    Ok(returning)
}

async fn come_back(
    tx: &mut dyn Transaction,
    held: &Held,
    new: &[RecordNumber],
    returning: &mut Returning,
) -> Result<(), StorageError> {
    let mut today: FxHashMap<CitizenId, CitizenId> = FxHashMap::default();
    for (record, citizen) in tx.departures(new).await? {
        let now = if let Some(now) = today.get(&citizen) {
            *now
        } else {
            let now = tx.resolve(citizen).await?.unwrap_or(citizen);
            today.insert(citizen, now);
            now
        };
        // one who goes on needs nobody to speak for them
        if !held.knows(now) {
            returning.claims.insert(record, now);
        }
    }
    let retired: FxHashSet<CitizenId> = returning.claims.values().copied().collect();
    if retired.is_empty() {
        return Ok(());
    }
    let retired: Vec<CitizenId> = retired.into_iter().collect();
    for StoredChange {
        sequence, change, ..
    } in tx.identity_changes(&retired, 0).await?
    {
        if change.kind == ChangeKind::Annulled && change.view != View::Open {
            returning.undone.insert(change.citizen, sequence);
            let had = change.left.len();
            returning.had.insert(change.citizen, had);
        }
    }
    Ok(())
}

/// Returns the citizens whose records are in more than one cluster.
fn parted(held: &Held, clusters: &[Vec<RecordNumber>]) -> Vec<CitizenId> {
    let mut first: FxHashMap<CitizenId, usize> = FxHashMap::default();
    let mut parted: Vec<CitizenId> = Vec::new();
    for (place, members) in clusters.iter().enumerate() {
        for citizen in members.iter().filter_map(|record| held.of(*record)) {
            if *first.entry(citizen).or_insert(place) != place {
                parted.push(citizen);
            }
        }
    }
    parted.sort_unstable();
    parted.dedup();
    parted
}

async fn undo_merges(
    tx: &mut dyn Transaction,
    held: &Held,
    parted: &[CitizenId],
    returning: &mut Returning,
) -> Result<(), StorageError> {
    let mut merges: FxHashMap<CitizenId, (u64, Change)> = FxHashMap::default();
    for StoredChange {
        sequence, change, ..
    } in tx.identity_changes(parted, 0).await?
    {
        if change.view == View::Open {
            continue;
        }
        for record in &change.joined {
            if held.of(*record) == Some(change.citizen) {
                returning.told.insert(*record, sequence);
            }
        }
        let (ChangeKind::Merged, Some(other)) = (change.kind, change.other) else {
            continue;
        };
        if held.knows(other) || tx.resolve(other).await? != Some(change.citizen) {
            continue;
        }
        // who was merged away more than once had at last what the last merge says
        merges.insert(other, (sequence, change));
    }
    let mut merges: Vec<_> = merges.into_iter().collect();
    merges.sort_unstable_by_key(|(_, (sequence, _))| *sequence);
    for (other, (sequence, change)) in merges {
        let here = |record: &RecordNumber| held.of(*record) == Some(change.citizen);
        let theirs = change.joined.iter().copied().filter(here);
        let theirs: Vec<_> = theirs.map(|record| (record, other)).collect();
        if !theirs.is_empty() {
            returning.claims.extend(theirs);
            returning.had.insert(other, change.joined.len());
            returning.undone.insert(other, sequence);
        }
    }
    Ok(())
}

/// Returns the profiles of citizens, with what their records said when they were composed: those
/// that are resident just so, and the others from storage.
pub(super) async fn profiles_before(
    tx: &mut dyn Transaction,
    directory: &Directory,
    citizens: &[CitizenId],
) -> Result<FxHashMap<CitizenId, Before>, StorageError> {
    let mut found = FxHashMap::default();
    let mut others = Vec::new();
    for revision in tx.present_revisions(citizens).await? {
        match directory.composed(&revision.profile) {
            Some(profile) => {
                let before = Before {
                    profile,
                    revision,
                    resident: true,
                };
                found.insert(before.profile.citizen, before);
            }
            None => others.push(revision),
        }
    }
    if others.is_empty() {
        return Ok(found);
    }
    let profiles = as_composed(tx, &others).await?;
    for (profile, revision) in profiles.into_iter().zip(others) {
        let before = Before {
            profile,
            revision,
            resident: false,
        };
        found.insert(before.profile.citizen, before);
    }
    Ok(found)
}

/// Returns the profiles of revisions, in their order, with what their records said then. Their
/// holdings are those that a value comes from.
pub(crate) async fn as_composed(
    tx: &mut dyn Transaction,
    revisions: &[StoredRevision],
) -> Result<Vec<Profile>, StorageError> {
    let mut wanted: Vec<(RecordNumber, Horizon)> = Vec::new();
    let mut ends = Vec::with_capacity(revisions.len());
    for revision in revisions {
        let golden = revision.profile.values.iter();
        let mut records: Vec<RecordNumber> = golden.map(|golden| golden.record).collect();
        records.sort_unstable();
        records.dedup();
        wanted.extend(records.into_iter().map(|record| (record, revision.horizon)));
        ends.push(wanted.len());
    }
    let found = tx.records_at(&wanted).await?;
    let mut profiles = Vec::with_capacity(revisions.len());
    let mut start = 0;
    for (revision, end) in revisions.iter().zip(ends) {
        let members: Vec<&StoredRecord> = found[start..end].iter().flatten().collect();
        profiles.push(served(&revision.profile, &members));
        start = end;
    }
    Ok(profiles)
}
