//! The feed for those who do not see every source.
//!
//! Invariant: no record of a restricted source is named, and nobody whom restricted sources alone know, also
//! not by what was told before they were restricted.

use rabt_model::{Change, CitizenId, RecordNumber, SourceId, View};
use rabt_policy::Permit;
use rabt_storage::{StorageError, StoredChange, Transaction};
use rustc_hash::FxHashSet;

use crate::registry::Known;
use crate::services::Services;

/// Returns a word for what a caller is told of the feed: empty when that is everything. Tokens of one way are
/// of no use in another.
pub(super) fn way(services: &Services, permit: &Permit) -> String {
    let known = services.registry.current();
    if known.is_all_seen(permit) {
        return String::new();
    }
    let restricted = known.restricted_list();
    let restricted: Vec<&str> = restricted.iter().map(SourceId::as_str).collect();
    let keys = services.audit.pseudonyms();
    let agency = &permit.facts().caller().agency;
    let word = keys.token(agency, &restricted.join(" ")).to_string();
    word.get(..8).unwrap_or_default().to_owned()
}

/// Leaves of changes what may be told: the others are marked as told to those who see every source.
pub(super) async fn part_of(
    services: &Services,
    tx: &mut dyn Transaction,
    mut changes: Vec<StoredChange>,
) -> Result<Vec<StoredChange>, StorageError> {
    let known = services.registry.current();
    let hidden = hidden(&known, tx, &changes).await?;
    let nobody = never_seen(services, &known, tx, &changes).await?;
    for stored in &mut changes {
        if !take_out(&mut stored.change, &hidden, &nobody) {
            continue;
        }
        if let Some(told) = stored.change.supersedes {
            let before = tx.changes_after(told.saturating_sub(1), 1).await?;
            let was_told = before
                .first()
                .is_some_and(|one| one.change.view.is_for(false));
            stored.change.supersedes = was_told.then_some(told);
        }
    }
    Ok(changes)
}

/// Takes hidden records out of a change; says whether it is told.
fn take_out(
    change: &mut Change,
    hidden: &FxHashSet<RecordNumber>,
    nobody: &FxHashSet<CitizenId>,
) -> bool {
    if !change.view.is_for(false) {
        return false;
    }
    let is_hidden = if change.joined.is_empty() && change.left.is_empty() {
        nobody.contains(&change.citizen)
    } else {
        moved(change).all(|record| hidden.contains(record))
    };
    if is_hidden {
        change.view = View::Whole;
        return false;
    }
    let is_seen = |record: &RecordNumber| !hidden.contains(record);
    change.joined.retain(is_seen);
    change.left.retain(is_seen);
    true
}

fn moved(change: &Change) -> impl Iterator<Item = &RecordNumber> {
    change.joined.iter().chain(&change.left)
}

fn all_moved(changes: &[StoredChange]) -> Vec<RecordNumber> {
    let moved = changes.iter().flat_map(|stored| moved(&stored.change));
    moved.copied().collect()
}

/// Returns which records that changes name are of agencies with a restricted source.
async fn hidden(
    known: &Known,
    tx: &mut dyn Transaction,
    changes: &[StoredChange],
) -> Result<FxHashSet<RecordNumber>, StorageError> {
    let moved = all_moved(changes);
    if moved.is_empty() {
        return Ok(FxHashSet::default());
    }
    let owners = tx.agencies_of_records(&moved).await?.into_iter();
    let theirs = owners.filter(|(_, agency)| known.is_restricted(agency));
    Ok(theirs.map(|(record, _)| record).collect())
}

/// Returns whom restricted sources alone ever knew, of those whom changes are about.
async fn never_seen(
    services: &Services,
    known: &Known,
    tx: &mut dyn Transaction,
    changes: &[StoredChange],
) -> Result<FxHashSet<CitizenId>, StorageError> {
    let mut nobody = unseen_now(services, changes);
    if nobody.is_empty() {
        return Ok(nobody);
    }
    let citizens: Vec<CitizenId> = nobody.iter().copied().collect();
    let told = tx.identity_changes(&citizens, 0).await?;
    let hidden = hidden(known, tx, &told).await?;
    for StoredChange { change, .. } in told.iter().filter(|one| one.change.view.is_for(false)) {
        if change.joined.iter().any(|record| !hidden.contains(record)) {
            nobody.remove(&change.citizen);
        }
    }
    Ok(nobody)
}

fn unseen_now(services: &Services, changes: &[StoredChange]) -> FxHashSet<CitizenId> {
    let is_nobody = |citizen: &CitizenId| {
        let open = services.directory.open(*citizen);
        open.is_some_and(|open| open.holdings.is_empty())
    };
    let citizens = changes.iter().map(|stored| stored.change.citizen);
    citizens.filter(is_nobody).collect()
}
