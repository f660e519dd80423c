//! One transaction of linking: decided from what was and what is, then written.

use rabt_linkage::{ClusterChange, continue_identity};
use rabt_model::{Change, ChangeCause, CitizenId, Profile, Provenance, RecordNumber, Timestamp};
use rabt_storage::{StorageError, StoredProfile, StoredRecord, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::LinkSummary;
use super::partition::{Held, Pack};
use super::prior::{Before, Returning};
use super::view::{self, Done, Seen};
use crate::compose::{Open, compose, profile_of};
use crate::directory::pick;
use crate::services::Services;

/// One transaction, decided but not written.
pub(super) struct Step {
    process: i64,
    assign: Vec<(RecordNumber, CitizenId)>,
    unmoved: Vec<RecordNumber>,
    departed: Vec<RecordNumber>,
    redirects: Vec<(CitizenId, CitizenId)>,
    emptied: Vec<CitizenId>,
    changes: Vec<Change>,
    stored: Vec<StoredProfile>,
    served: Vec<Served>,
    records: u64,
    new_citizens: u64,
}

/// A profile as it is served, and what is seen of it without restricted sources.
pub(super) struct Served {
    pub(super) profile: Profile,
    pub(super) open: Open,
}

/// Where a step stands in what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Number of its last change.
    change: u64,
    /// Its number among the steps that followers take.
    step: u64,
}

/// What a step is decided from.
pub(super) struct Question<'a> {
    /// Why records may move.
    pub(super) cause: ChangeCause,
    pub(super) held: &'a Held,
    pub(super) pack: &'a Pack,
    pub(super) fresh: &'a FxHashSet<RecordNumber>,
    pub(super) records: &'a [StoredRecord],
    pub(super) returning: &'a Returning,
    pub(super) before: &'a FxHashMap<CitizenId, Before>,
    /// What was seen before without restricted sources.
    pub(super) seen: &'a Seen,
    /// Where ids that nobody has lead today.
    pub(super) led: &'a FxHashMap<CitizenId, CitizenId>,
}

impl Step {
    pub(super) fn decide(services: &Services, question: &Question<'_>) -> Self {
        let Question { held, pack, .. } = question;
        let (change, new_citizens) = continue_identities(services, question);
        let (unmoved, records) = settled(question, &change);
        let (stored, served) = compose_all(services, question, change.clusters);
        let redirects = news(question, change.redirects);
        let emptied = held.emptied_by(&change.assign, &pack.departed);
        let assign = change.assign;
        let deed = Done {
            assign: &assign,
            redirects: &redirects,
            emptied: &emptied,
            served: &served,
        };
        let changes = view::tell(question, &deed);
        let stored = stored.into_iter().flatten().collect();
        Self {
            process: services.lead.process(),
            assign,
            unmoved,
            departed: pack.departed.clone(),
            redirects,
            emptied,
            changes,
            stored,
            served,
            records,
            new_citizens,
        }
    }

    /// Writes the step and returns where it stands.
    pub(super) async fn write(
        &self,
        tx: &mut dyn Transaction,
        at: Timestamp,
    ) -> Result<Place, StorageError> {
        tx.assign(&self.assign).await?;
        tx.mark_linked(&self.unmoved).await?;
        if !self.departed.is_empty() {
            tx.release(&self.departed).await?;
        }
        tx.redirect(&self.redirects).await?;
        let change = tx.put_changes(&self.changes, at).await?;
        tx.put_profiles(&self.stored).await?;
        tx.delete_profiles(&self.emptied, at).await?;
        let step = tx.put_step(self.process, &self.touched()).await?;
        Ok(Place { change, step })
    }

    /// Returns whoever may look different afterwards.
    fn touched(&self) -> Vec<CitizenId> {
        let served = self.served.iter().map(|served| served.profile.citizen);
        let merged = self.redirects.iter().map(|(from, _)| *from);
        let emptied = self.emptied.iter().copied();
        served.chain(merged).chain(emptied).collect()
    }

    /// Lets the memberships follow.
    pub(super) fn move_in(&self, held: &mut Held) {
        held.assign(&self.assign);
        held.release(&self.departed);
    }

    /// Returns what happens to citizens, as those see it who see every source.
    pub(super) fn changes(&self) -> Vec<Change> {
        let all = self.changes.iter();
        all.filter(|change| change.view.is_for(true))
            .cloned()
            .collect()
    }

    /// Returns what the step alone does.
    pub(super) fn summary(&self) -> LinkSummary {
        LinkSummary {
            records: self.records,
            departed: self.departed.len() as u64,
            profiles: self.stored.len() as u64,
            new_citizens: self.new_citizens,
            merged_citizens: self.redirects.len() as u64,
            changes: self.changes.len() as u64,
            transactions: 1,
            ..LinkSummary::default()
        }
    }

    /// Lets the directory and the watchers follow what was committed at a time.
    pub(super) fn publish(&self, services: &Services, place: Place, at: Timestamp) {
        self.follow(services);
        services.followed.reach(place.step);
        services
            .feed
            .announce(place.change, self.changes.clone(), at);
    }

    fn follow(&self, services: &Services) {
        for Served { profile, open } in &self.served {
            services.directory.put(profile, open);
        }
        for citizen in &self.emptied {
            services.directory.remove(*citizen);
        }
        for (from, to) in &self.redirects {
            services.directory.redirect(*from, *to);
        }
    }
}

fn continue_identities(services: &Services, question: &Question<'_>) -> (ClusterChange, u64) {
    let Question {
        held, returning, ..
    } = question;
    let mut minted = 0;
    let mut mint = || {
        minted += 1;
        loop {
            let citizen = services.mint();
            // 128 random bits do not repeat, unless somebody seeded them alike twice
            if !held.knows(citizen) {
                return citizen;
            }
        }
    };
    let of = |record| held.of(record);
    let retired = |record| returning.retired(record);
    let change = continue_identity(&question.pack.clusters, &of, &retired, &mut mint);
    (change, minted)
}

/// Returns the new or changed records that stay with their citizen, and how many there are with
/// those that do not.
fn settled(question: &Question<'_>, change: &ClusterChange) -> (Vec<RecordNumber>, u64) {
    let moved: FxHashSet<RecordNumber> = change.assign.iter().map(|(n, _)| *n).collect();
    let members = question.pack.clusters.iter().flatten();
    let (mut unmoved, mut count) = (Vec::new(), 0);
    for number in members.filter(|number| question.fresh.contains(number)) {
        count += 1;
        if !moved.contains(number) {
            unmoved.push(*number);
        }
    }
    (unmoved, count)
}

/// Composes the profiles of clusters: what is served, and what is stored unless it is held so
/// already.
fn compose_all(
    services: &Services,
    question: &Question<'_>,
    clusters: Vec<(CitizenId, Vec<RecordNumber>)>,
) -> (Vec<Option<StoredProfile>>, Vec<Served>) {
    let at = services.clock.now();
    let known = services.registry.current();
    let veil = services.veil();
    let mut stored = Vec::with_capacity(clusters.len());
    let mut served = Vec::with_capacity(clusters.len());
    for (citizen, mut numbers) in clusters {
        numbers.sort_unstable();
        let members = pick(question.records, &numbers);
        let open = veil.open_of(citizen, &members);
        let mut profile = compose(citizen, &members, &services.rules, known.as_ref(), at);
        let before = question.before.get(&citizen);
        let same = before.filter(|before| before.revision.profile.values == profile.values);
        if let Some(before) = same {
            profile.composed_at = before.profile.composed_at;
            let now = profile_of(&profile, &members);
            if says_the_same(&before.profile, &now) && question.seen.is_same(&now, &open) {
                served.push(Served { profile: now, open });
                stored.push(None);
                continue;
            }
            profile.composed_at = at;
        }
        served.push(Served {
            profile: profile_of(&profile, &members),
            open,
        });
        stored.push(Some(profile));
    }
    (stored, served)
}

/// Says whether two profiles differ in nothing but when their records were read.
pub(super) fn says_the_same(left: &Profile, right: &Profile) -> bool {
    let values = left.values.iter().zip(&right.values);
    left.values.len() == right.values.len()
        && values.into_iter().all(|(left, right)| {
            left.value == right.value && is_same_origin(&left.provenance, &right.provenance)
        })
}

fn is_same_origin(left: &Provenance, right: &Provenance) -> bool {
    let Provenance {
        agency,
        source,
        stream,
        record,
        column,
        observed_at: _,
        event_at,
    } = left;
    (agency, source, stream) == (&right.agency, &right.source, &right.stream)
        && (record, column, event_at) == (&right.record, &right.column, &right.event_at)
}

/// Leaves out the redirects that are in force already.
fn news(
    question: &Question<'_>,
    redirects: Vec<(CitizenId, CitizenId)>,
) -> Vec<(CitizenId, CitizenId)> {
    let known = |(from, to): &(CitizenId, CitizenId)| {
        !question.held.knows(*from) && question.led.get(from) == Some(to)
    };
    let redirects = redirects.into_iter();
    redirects.filter(|redirect| !known(redirect)).collect()
}
