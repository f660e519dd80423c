//! What a step tells: once to everybody, or in two ways where restricted sources have a part in it.
//!
//! Invariant: those who see every source are told what storage does; those who do not are told what
//! storage would do if it held no record of a restricted source, under the same ids.

use std::collections::BTreeMap;

use rabt_model::{Change, CitizenId, Profile, RecordNumber, View};
use rabt_storage::{StorageError, StoredRecord, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::partition::{Held, Pack};
use super::prior::Before;
use super::step::{Question, Served, says_the_same};
use crate::change::{Deed, derive};
use crate::compose::Open;
use crate::services::Services;

/// What a step does.
pub(super) struct Done<'a> {
    pub(super) assign: &'a [(RecordNumber, CitizenId)],
    pub(super) redirects: &'a [(CitizenId, CitizenId)],
    pub(super) emptied: &'a [CitizenId],
    pub(super) served: &'a [Served],
}

/// What was seen before a step without restricted sources.
#[derive(Default)]
pub(super) struct Seen {
    /// Who was seen.
    profiles: FxHashMap<CitizenId, Profile>,
    /// Records of restricted sources, among those that a step touches.
    hidden: FxHashSet<RecordNumber>,
}

impl Seen {
    /// Finds what was seen of the citizens that a pack touches.
    pub(super) async fn find(
        services: &Services,
        tx: &mut dyn Transaction,
        (held, pack): (&Held, &Pack),
        before: &FxHashMap<CitizenId, Before>,
        records: &[StoredRecord],
    ) -> Result<Self, StorageError> {
        let known = services.registry.current();
        if known.restricted().is_empty() {
            return Ok(Self::default());
        }
        let is_restricted = |source| known.restricted().contains(source);
        let numbers = records.iter();
        let numbers = numbers.filter(|record| is_restricted(&record.record.id.source));
        let mut seen = Self {
            hidden: numbers.map(|record| record.number).collect(),
            ..Self::default()
        };
        if !pack.departed.is_empty() {
            let owners = tx.agencies_of_records(&pack.departed).await?.into_iter();
            let hidden = owners.filter(|(_, agency)| known.is_restricted(agency));
            seen.hidden.extend(hidden.map(|(record, _)| record));
        }
        if seen.hidden.is_empty() {
            return Ok(seen);
        }
        let mut members: FxHashMap<CitizenId, Vec<RecordNumber>> = FxHashMap::default();
        for record in pack.clusters.iter().flatten().chain(&pack.departed) {
            if let Some(citizen) = held.of(*record) {
                members.entry(citizen).or_default().push(*record);
            }
        }
        for (citizen, before) in before {
            let mut members = members.remove(citizen).unwrap_or_default();
            members.sort_unstable();
            let open = seen.open(services, tx, before, &members).await?;
            seen.profiles.extend(open.map(|open| (*citizen, open)));
        }
        Ok(seen)
    }

    /// Returns what was seen of a citizen. Of one who is not resident as they were, the records are read
    /// as they were when the profile was composed.
    async fn open(
        &self,
        services: &Services,
        tx: &mut dyn Transaction,
        before: &Before,
        members: &[RecordNumber],
    ) -> Result<Option<Profile>, StorageError> {
        let whole = &before.profile;
        if members.iter().all(|member| !self.hidden.contains(member)) {
            return Ok(Some(whole.clone()));
        }
        let is_held = |member: &RecordNumber| {
            let mut holdings = whole.holdings.iter();
            holdings.any(|holding| holding.record == *member)
        };
        if before.resident
            && members.iter().all(is_held)
            && let Some(open) = services.directory.open(whole.citizen)
            && !services.registry.current().touches(&open)
        {
            return Ok((!open.holdings.is_empty()).then_some(open));
        }
        let open = members
            .iter()
            .filter(|member| !self.hidden.contains(member));
        let wanted: Vec<_> = open
            .map(|member| (*member, before.revision.horizon))
            .collect();
        let were = tx.records_at(&wanted).await?;
        let were: Vec<&StoredRecord> = were.iter().flatten().collect();
        Ok(services.veil().compose(whole.citizen, &were))
    }

    /// Says whether a citizen is seen as before.
    pub(super) fn is_same(&self, now: &Profile, open: &Open) -> bool {
        if self.hidden.is_empty() {
            return true;
        }
        let before = self.profiles.get(&now.citizen);
        match (before, open) {
            (Some(before), Open::Same) => says_the_same(before, now),
            (Some(before), Open::Less(open)) => says_the_same(before, open),
            (None, Open::Nobody) => true,
            (None, Open::Same | Open::Less(_)) | (Some(_), Open::Nobody) => false,
        }
    }
}

/// Returns the changes that tell a step.
pub(super) fn tell(question: &Question<'_>, done: &Done<'_>) -> Vec<Change> {
    let told = derive(&Deed {
        cause: question.cause,
        moves: moves(question, done).collect(),
        redirects: done.redirects,
        emptied: done.emptied,
        before: before(question, |_, before| Some(&before.profile)),
        after: done.served.iter().map(|served| &served.profile).collect(),
        undone: &question.returning.undone,
        told: &question.returning.told,
    });
    if question.seen.hidden.is_empty() {
        told
    } else {
        both(told, tell_open(question, done))
    }
}

/// Returns the changes that would tell a step if there were no restricted source.
fn tell_open(question: &Question<'_>, done: &Done<'_>) -> Vec<Change> {
    let seen = question.seen;
    let was_seen = |citizen: &CitizenId| seen.profiles.contains_key(citizen);
    let redirects = done.redirects.iter().copied();
    let redirects: Vec<_> = redirects.filter(|(from, _)| was_seen(from)).collect();
    let (mut after, mut emptied) = (Vec::new(), done.emptied.to_vec());
    for Served { profile, open } in done.served {
        match open {
            Open::Same => after.push(profile),
            Open::Less(open) => after.push(open),
            Open::Nobody => emptied.push(profile.citizen),
        }
    }
    emptied.retain(was_seen);
    let is_seen = |(record, ..): &Move| !seen.hidden.contains(record);
    derive(&Deed {
        cause: question.cause,
        moves: moves(question, done).filter(is_seen).collect(),
        redirects: &redirects,
        emptied: &emptied,
        before: before(question, |citizen, _| seen.profiles.get(&citizen)),
        after,
        undone: &question.returning.undone,
        told: &question.returning.told,
    })
}

/// Marks what is told in one way only.
fn both(whole: Vec<Change>, open: Vec<Change>) -> Vec<Change> {
    let place = |change: &Change| (change.kind, change.citizen, change.other);
    let mut told: Vec<Change> = Vec::with_capacity(whole.len());
    let mut rest: BTreeMap<_, Vec<Change>> = BTreeMap::new();
    for change in open {
        rest.entry(place(&change)).or_default().push(change);
    }
    for mut change in whole {
        let twins = rest.get_mut(&place(&change));
        let twin = twins.and_then(|twins| {
            let at = twins.iter().position(|twin| *twin == change)?;
            Some(twins.swap_remove(at))
        });
        if twin.is_none() {
            change.view = View::Whole;
        }
        told.push(change);
    }
    for mut change in rest.into_values().flatten() {
        change.view = View::Open;
        told.push(change);
    }
    told.sort_by_key(|change| (place(change), change.view));
    told
}

type Move = (RecordNumber, Option<CitizenId>, Option<CitizenId>);

fn moves<'a>(question: &'a Question<'_>, done: &'a Done<'_>) -> impl Iterator<Item = Move> + 'a {
    let held = question.held;
    let came = done.assign.iter();
    let came = came.map(|(record, citizen)| (*record, held.of(*record), Some(*citizen)));
    let went = question.pack.departed.iter();
    came.chain(went.map(|record| (*record, held.of(*record), None)))
}

/// Returns the profiles that some saw before a step, each with the last change that named the citizen.
fn before<'a>(
    question: &Question<'a>,
    seen: impl Fn(CitizenId, &'a Before) -> Option<&'a Profile>,
) -> FxHashMap<CitizenId, (&'a Profile, Option<u64>)> {
    let known = question.before.iter();
    let seen = known.filter_map(|(citizen, before)| {
        let profile = seen(*citizen, before)?;
        Some((*citizen, (profile, before.told())))
    });
    seen.collect()
}
