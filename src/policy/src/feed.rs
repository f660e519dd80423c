//! From the feed to a disclosure: what of it an agreement lets its caller see.
//!
//! Invariant: a change is told when its kind is permitted, somebody it names is in the population,
//! and, where it names attributes, at least one of them is permitted; the others are left out.

use std::sync::Arc;

use rabt_model::{Change, Profile, Timestamp};

use crate::agreement::Population;
use crate::permit::{keep, seal};
use crate::{
    Content, Disclosure, Found, Known, KnownRevision, Method, Outcome, Permit, Target, ToldChange,
};

/// The part of the feed that a permitted question is about.
#[derive(Debug, Clone, Copy)]
pub struct FeedTarget {
    /// Bits of [`rabt_model::ChangeKind::bit`].
    pub(crate) kinds: u16,
    pub(crate) population: Population,
    /// Whether the agreement lets the caller list who holds records.
    pub(crate) records: bool,
}

/// A change as storage has it, before it is known who may see it.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Its number in the feed.
    pub sequence: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened.
    pub change: Change,
    /// Whether the caller's agency holds a record of somebody it names, or held one that it names.
    pub held: bool,
    /// Whether somebody it names is protected.
    pub protected: bool,
    /// Whether the agreement names every source that is restricted.
    pub sees_all: bool,
}

/// A profile as it was.
#[derive(Debug)]
pub struct PastProfile {
    /// Its number among the citizen's revisions, from 1.
    pub revision: u64,
    /// The change it belongs to.
    pub sequence: u64,
    /// When it ceased to be the present one.
    pub ended_at: Option<Timestamp>,
    /// The profile; it was recorded when it was composed.
    pub profile: Profile,
}

impl FeedTarget {
    /// Says whether only citizens count of whom the caller's agency holds a record.
    pub const fn only_held(&self) -> bool {
        matches!(self.population, Population::Held)
    }
}

impl Permit {
    /// Says whether [`Permit::changes`] would tell this one.
    pub fn tells(&self, happening: &Happening) -> bool {
        let Target::Feed(target) = &self.target else {
            return false;
        };
        let change = &happening.change;
        let wanted = target.kinds & change.kind.bit() != 0;
        let attributes = &change.attributes;
        let permitted = |attribute| self.fields.contains(attribute);
        wanted
            && change.view.is_for(happening.sees_all)
            && (!happening.protected || self.gate.lets_protected_pass())
            && (happening.held || !target.only_held())
            && (attributes.is_empty() || attributes.iter().any(permitted))
    }

    /// Tells what happened; answers `ListChanges` and `WatchChanges`.
    pub fn changes(self, happenings: Vec<Happening>) -> Disclosure {
        let answers = matches!(
            self.facts.method,
            Method::ListChanges | Method::WatchChanges
        );
        let Target::Feed(target) = self.target.clone() else {
            return self.absent();
        };
        if !answers {
            return self.absent();
        }
        let mut happenings = happenings;
        happenings.retain(|happening| self.tells(happening));
        let mut facts = self.facts;
        let mut told = Vec::with_capacity(happenings.len());
        for happening in happenings {
            let mut change = happening.change;
            let (permitted, others) = change
                .attributes
                .into_iter()
                .partition::<Vec<_>, _>(|attribute| self.fields.contains(attribute));
            facts.withheld.extend(others);
            facts.released.extend(permitted.iter().cloned());
            change.attributes = permitted;
            if !target.records {
                change.joined.clear();
                change.left.clear();
            }
            for citizen in [Some(change.citizen), change.other].into_iter().flatten() {
                if !facts.subjects.contains(&citizen) {
                    facts.subjects.push(citizen);
                }
            }
            let first = facts.changes.map_or(happening.sequence, |(first, _)| first);
            facts.changes = Some((first, happening.sequence));
            told.push(ToldChange {
                sequence: happening.sequence,
                recorded_at: happening.recorded_at,
                change,
            });
        }
        seal(Content::Changes(told), Outcome::Changes, facts)
    }

    /// Discloses who was known at a place in the feed; answers `ExportSnapshot`. The flag says
    /// whether the caller's agency holds a record of the citizen.
    pub fn snapshot(self, sequence: u64, found: Vec<(Found, bool)>) -> Disclosure {
        let Target::Feed(target) = self.target.clone() else {
            return self.absent();
        };
        if self.facts.method != Method::ExportSnapshot {
            return self.absent();
        }
        let mut facts = self.facts;
        facts.changes = Some((sequence, sequence));
        let mut known = Vec::with_capacity(found.len());
        for (found, held) in found {
            let kept_back = found.protected && !self.gate.lets_protected_pass();
            let untold = target.only_held() && !held;
            if kept_back || untold || found.tells_too_much(&self.gate) {
                continue;
            }
            let (citizen, values, etag) = keep(&self.fields, found.profile, &mut facts);
            known.push(Known {
                citizen,
                values,
                etag,
            });
        }
        seal(Content::Snapshot(known), Outcome::Snapshot, facts)
    }

    /// Discloses what the profile of a citizen was who is found now; answers `ListCitizenRevisions`.
    pub fn revisions(self, found: Option<Found>, past: Vec<PastProfile>) -> Disclosure {
        let answers = self.facts.method == Method::ListCitizenRevisions;
        let found = found.filter(|_| answers && !past.is_empty());
        let restricted = found.as_ref().map(|found| Arc::clone(&found.restricted));
        let restricted = restricted.unwrap_or_default();
        let (permit, now) = match self.admit(found) {
            Ok(admitted) => admitted,
            Err(nobody) => return *nobody,
        };
        let citizen = now.citizen;
        let mut facts = permit.facts;
        let mut revisions = Vec::with_capacity(past.len());
        for mut one in past {
            let values = &mut one.profile.values;
            values.retain(|value| !permit.gate.hides_origin(&restricted, &value.provenance));
            let recorded_at = one.profile.composed_at;
            let (_, values, _) = keep(&permit.fields, one.profile, &mut facts);
            revisions.push(KnownRevision {
                revision: one.revision,
                sequence: one.sequence,
                recorded_at,
                ended_at: one.ended_at,
                values,
            });
        }
        facts.subjects.dedup();
        let content = Content::Revisions { citizen, revisions };
        seal(content, Outcome::Revisions, facts)
    }
}

#[cfg(test)]
mod tests;
