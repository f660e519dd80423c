//! What to tell when records moved and profiles changed: a pure function.
//!
//! Invariant: applied in order, the changes of all commits give every membership, redirect and
//! citizen that storage holds; `docs/change-feed.md` states the rule of each kind.

use std::collections::{BTreeMap, BTreeSet};

use rabt_model::{
    Attribute, Attributed, Change, ChangeCause, ChangeKind, CitizenId, Profile, RecordNumber,
    Timestamp, Value,
};
use rustc_hash::FxHashMap;

/// What one commit does.
#[derive(Debug)]
pub(crate) struct Deed<'a> {
    /// Why it is done; that records disappeared counts before this.
    pub(crate) cause: ChangeCause,
    /// Records that come, move or go, with the citizens they leave and come to.
    pub(crate) moves: Vec<(RecordNumber, Option<CitizenId>, Option<CitizenId>)>,
    /// Citizens who are merged away, each with the one who goes on.
    pub(crate) redirects: &'a [(CitizenId, CitizenId)],
    /// Citizens who have no record any more.
    pub(crate) emptied: &'a [CitizenId],
    /// The profiles of citizens who were known before, with the last change that named each.
    pub(crate) before: FxHashMap<CitizenId, (&'a Profile, Option<u64>)>,
    /// The profiles that are new or composed anew.
    pub(crate) after: Vec<&'a Profile>,
    /// For a citizen who returns: the merge or annulment that no longer holds.
    pub(crate) undone: &'a FxHashMap<CitizenId, u64>,
    /// For a record: the last change by which it came to the citizen who has it.
    pub(crate) told: &'a FxHashMap<RecordNumber, u64>,
}

/// What a citizen gains and loses.
#[derive(Debug, Default)]
struct Balance {
    joined: Vec<RecordNumber>,
    left: Vec<RecordNumber>,
}

/// Returns the changes that tell a deed, in the order in which they are told.
pub(crate) fn derive(deed: &Deed<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut balances: BTreeMap<CitizenId, Balance> = BTreeMap::new();
    let mut splits: BTreeMap<(CitizenId, CitizenId), Vec<RecordNumber>> = BTreeMap::new();
    let mut merges: BTreeMap<(CitizenId, CitizenId), Vec<RecordNumber>> = BTreeMap::new();
    for (from, to) in deed.redirects {
        merges.insert((*from, *to), Vec::new());
    }
    for (record, from, to) in &deed.moves {
        match (from, to) {
            (None, Some(to)) => balances.entry(*to).or_default().joined.push(*record),
            (Some(from), None) => balances.entry(*from).or_default().left.push(*record),
            (Some(from), Some(to)) => match merges.get_mut(&(*from, *to)) {
                Some(records) => records.push(*record),
                None => splits.entry((*from, *to)).or_default().push(*record),
            },
            (None, None) => {}
        }
    }
    let parted: BTreeMap<CitizenId, Option<u64>> = splits
        .iter()
        .map(|((from, to), records)| (*from, superseded(deed, *to, records)))
        .collect();
    let takers: BTreeSet<CitizenId> = splits.keys().map(|(_, to)| *to).collect();
    for ((from, to), records) in splits {
        let mut change = Change::new(ChangeKind::Split, from, cause(deed, &balances, from));
        change.other = Some(to);
        change.supersedes =
            superseded(deed, to, &records).or(deed.before.get(&from).and_then(|(_, told)| *told));
        change.left = records;
        changes.push(change);
    }
    for ((from, to), records) in merges {
        let mut change = Change::new(ChangeKind::Merged, to, deed.cause);
        change.other = Some(from);
        change.supersedes = deed.undone.get(&from).copied();
        change.joined = records;
        changes.push(change);
    }
    tell_holdings(deed, &balances, &takers, &mut changes);
    for profile in &deed.after {
        if let Some((before, told)) = deed.before.get(&profile.citizen) {
            let why = cause(deed, &balances, profile.citizen);
            match parted.get(&profile.citizen) {
                Some(undone) => {
                    let told = undone.or(*told);
                    tell_as_correction(before, profile, told, why, &mut changes);
                }
                None => tell_values(before, profile, *told, why, &mut changes),
            }
        }
    }
    changes.sort_by_key(|change| (change.kind, change.citizen, change.other));
    changes
}

/// Tells who is known for the first time, whose records came or went, and who is no more.
fn tell_holdings(
    deed: &Deed<'_>,
    balances: &BTreeMap<CitizenId, Balance>,
    takers: &BTreeSet<CitizenId>,
    changes: &mut Vec<Change>,
) {
    let merged: BTreeSet<CitizenId> = deed.redirects.iter().map(|(from, _)| *from).collect();
    let mut annulled: BTreeSet<CitizenId> = deed.emptied.iter().copied().collect();
    annulled.retain(|citizen| !merged.contains(citizen));
    for citizen in annulled {
        let mut change = Change::new(
            ChangeKind::Annulled,
            citizen,
            cause(deed, balances, citizen),
        );
        if let Some(balance) = balances.get(&citizen) {
            change.left.clone_from(&balance.left);
        }
        change.supersedes = deed.before.get(&citizen).and_then(|(_, told)| *told);
        changes.push(change);
    }
    for (citizen, balance) in balances {
        let new = !deed.before.contains_key(citizen) && !takers.contains(citizen);
        let told = balance.joined.is_empty()
            && deed.emptied.contains(citizen)
            && !merged.contains(citizen);
        if told {
            continue;
        }
        let kind = if new && balance.left.is_empty() {
            ChangeKind::Born
        } else {
            ChangeKind::Holdings
        };
        let mut change = Change::new(kind, *citizen, cause(deed, balances, *citizen));
        change.joined.clone_from(&balance.joined);
        change.left.clone_from(&balance.left);
        if kind == ChangeKind::Born {
            change.supersedes = deed.undone.get(citizen).copied();
        }
        changes.push(change);
    }
}

/// Returns the change that a split takes back: the merge by which the taker was lost, or the last
/// one by which the records had come.
fn superseded(deed: &Deed<'_>, taker: CitizenId, records: &[RecordNumber]) -> Option<u64> {
    let came = records.iter().filter_map(|record| deed.told.get(record));
    let undone = deed.undone.get(&taker).copied();
    undone.or_else(|| came.max().copied())
}

fn cause(
    deed: &Deed<'_>,
    balances: &BTreeMap<CitizenId, Balance>,
    citizen: CitizenId,
) -> ChangeCause {
    match balances.get(&citizen) {
        Some(balance) if !balance.left.is_empty() => ChangeCause::Deletion,
        Some(_) | None => deed.cause,
    }
}

/// The values of one attribute that ceased, and those that came.
#[derive(Debug, Default)]
struct Difference {
    had: bool,
    gone: bool,
    came: bool,
    gone_at: Option<Timestamp>,
    came_at: Option<Timestamp>,
}

/// Tells what changed of a citizen who gave records away: what was said with them was wrong.
fn tell_as_correction(
    before: &Profile,
    after: &Profile,
    told: Option<u64>,
    cause: ChangeCause,
    changes: &mut Vec<Change>,
) {
    let attributes: Vec<Attribute> = differences(before, after).into_keys().cloned().collect();
    if attributes.is_empty() {
        return;
    }
    let mut change = Change::new(ChangeKind::Corrected, after.citizen, cause);
    change.attributes = attributes;
    change.supersedes = told;
    changes.push(change);
}

/// Tells what changed of a citizen, one change for each kind.
fn tell_values(
    before: &Profile,
    after: &Profile,
    told: Option<u64>,
    cause: ChangeCause,
    changes: &mut Vec<Change>,
) {
    let mut kinds: BTreeMap<ChangeKind, Vec<Attribute>> = BTreeMap::new();
    for (attribute, difference) in differences(before, after) {
        let kind = kind_of(attribute, &difference);
        kinds.entry(kind).or_default().push(attribute.clone());
    }
    for (kind, attributes) in kinds {
        let mut change = Change::new(kind, after.citizen, cause);
        change.attributes = attributes;
        if kind == ChangeKind::Corrected {
            change.supersedes = told;
        }
        changes.push(change);
    }
}

fn kind_of(attribute: &Attribute, difference: &Difference) -> ChangeKind {
    let replaced = difference.gone && difference.came;
    if *attribute == Attribute::DeathDate {
        return if difference.had {
            ChangeKind::Corrected
        } else {
            ChangeKind::Died
        };
    }
    if !replaced {
        return ChangeKind::Updated;
    }
    // a value whose record did not change later than that of the one before was right before too
    if let (Some(came), Some(gone)) = (difference.came_at, difference.gone_at)
        && came <= gone
    {
        return ChangeKind::Corrected;
    }
    match attribute {
        Attribute::NameChain | Attribute::NameLatin => ChangeKind::NameChanged,
        Attribute::Identifier(_) => ChangeKind::IdentifierChanged,
        Attribute::Address => ChangeKind::Moved,
        Attribute::MotherName
        | Attribute::BirthDate
        | Attribute::BirthPlace
        | Attribute::Sex
        | Attribute::DeathDate
        | Attribute::Nationality
        | Attribute::MaritalStatus
        | Attribute::Phone
        | Attribute::Email
        | Attribute::Relation
        | Attribute::PhotoReference
        | Attribute::Fact(..) => ChangeKind::Updated,
    }
}

/// Returns the attributes whose sets of values differ. The order of values, and where they come
/// from, do not count.
fn differences<'a>(before: &'a Profile, after: &'a Profile) -> BTreeMap<&'a Attribute, Difference> {
    let (old, new) = (by_attribute(before), by_attribute(after));
    let mut found: BTreeMap<&Attribute, Difference> = BTreeMap::new();
    for (attribute, values) in &old {
        let there = new.get(attribute);
        for (value, held) in values {
            if there.is_none_or(|there| !there.contains_key(value)) {
                let difference = found.entry(attribute).or_default();
                difference.gone = true;
                difference.gone_at = difference.gone_at.max(held.provenance.event_at);
            }
        }
    }
    for (attribute, values) in &new {
        let there = old.get(attribute);
        for (value, held) in values {
            if there.is_none_or(|there| !there.contains_key(value)) {
                let difference = found.entry(attribute).or_default();
                difference.came = true;
                difference.came_at = difference.came_at.max(held.provenance.event_at);
            }
        }
    }
    for (attribute, difference) in &mut found {
        difference.had = old.contains_key(attribute);
    }
    found
}

fn by_attribute(profile: &Profile) -> BTreeMap<&Attribute, BTreeMap<&Value, &Attributed>> {
    let mut values: BTreeMap<&Attribute, BTreeMap<&Value, &Attributed>> = BTreeMap::new();
    for held in &profile.values {
        let same = values.entry(&held.attribute).or_default();
        same.insert(held.value.expose(), held);
    }
    values
}

#[cfg(test)]
mod tests;
