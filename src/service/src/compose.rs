//! From a golden record to what storage keeps and what is served.

use std::sync::Arc;

use rabt_linkage::{Standing, Survivorship};
use rabt_model::{
    Attribute, Attributed, CitizenId, Holding, OtherValue, Profile, Provenance, RecordNumber,
    SourceRecord, Timestamp,
};
use rabt_storage::{GoldenRef, StoredProfile, StoredRecord};

use crate::registry::Known;

/// What is seen of a citizen without restricted sources.
#[derive(Debug)]
pub(crate) enum Open {
    /// The same: no restricted source holds a record.
    Same,
    /// What the other records say.
    Less(Box<Profile>),
    /// Nothing: there is no other record.
    Nobody,
}

/// Composes citizens without the records of some sources.
///
/// Invariant: nothing of what it composes depends on a record that is left out, not even when it was
/// composed.
#[derive(Debug)]
pub(crate) struct Veil<'a> {
    rules: &'a Survivorship,
    known: Arc<Known>,
}

impl<'a> Veil<'a> {
    pub(crate) const fn new(rules: &'a Survivorship, known: Arc<Known>) -> Self {
        Self { rules, known }
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// Composes a citizen without restricted sources; members must be in the order of their numbers.
    pub(crate) fn open_of(&self, citizen: CitizenId, members: &[&StoredRecord]) -> Open {
        let restricted = self.known.restricted();
        let is_open = |member: &&StoredRecord| !restricted.contains(&member.record.id.source);
        if restricted.is_empty() || members.iter().all(is_open) {
            return Open::Same;
        }
        let others: Vec<&StoredRecord> = members.iter().copied().filter(is_open).collect();
        match self.compose(citizen, &others) {
            Some(profile) => Open::Less(Box::new(profile)),
            None => Open::Nobody,
        }
    }

    /// Composes a citizen from some of their records; nobody from none.
    pub(crate) fn compose(&self, citizen: CitizenId, members: &[&StoredRecord]) -> Option<Profile> {
        let read = members.iter().map(|member| member.record.observed_at);
        let at = read.max()?;
        let stored = compose(citizen, members, self.rules, self.known.as_ref(), at);
        Some(profile_of(&stored, members))
    }
}

/// Composes the golden record of one cluster; members must be in the order of their numbers.
pub(crate) fn compose(
    citizen: CitizenId,
    members: &[&StoredRecord],
    rules: &Survivorship,
    standing: &dyn Standing,
    at: Timestamp,
) -> StoredProfile {
    let records: Vec<&SourceRecord> = members.iter().map(|member| &member.record).collect();
    let golden = rabt_linkage::golden_record(&records, rules, standing);
    let mut values = Vec::with_capacity(golden.values.len());
    for value in golden.values {
        // a record of more than 65,535 values does not pass its mapping
        let Ok(place) = u16::try_from(value.value) else {
            continue;
        };
        values.push(GoldenRef {
            attribute: value.attribute,
            record: members[value.member].number,
            value: place,
            rule: value.rule,
            disputed: value.disputed,
            supporters: u32::try_from(value.supporters.len()).unwrap_or(u32::MAX),
        });
    }
    StoredProfile {
        citizen,
        composed_at: at,
        values,
    }
}

/// Returns the profile as it is served. A reference that leads nowhere is left out: the record
/// changed since, and the next link composes the profile anew.
pub(crate) fn profile_of(stored: &StoredProfile, members: &[&StoredRecord]) -> Profile {
    let mut values = Vec::with_capacity(stored.values.len());
    for golden in &stored.values {
        let member = find(members, golden.record);
        let value = member.and_then(|m| m.record.values.get(usize::from(golden.value)));
        let (Some(member), Some(value)) = (member, value) else {
            continue;
        };
        if value.attribute != golden.attribute {
            continue;
        }
        values.push(Attributed {
            attribute: value.attribute.clone(),
            value: value.value.clone(),
            provenance: provenance(member, &value.column),
            rule: golden.rule,
            disputed: golden.disputed,
            supporters: golden.supporters,
        });
    }
    Profile {
        citizen: stored.citizen,
        values,
        holdings: members.iter().map(|member| holding(member)).collect(),
        composed_at: stored.composed_at,
    }
}

/// Returns what the records of a cluster hold of an attribute that does not stand in the profile.
pub(crate) fn others_of(
    members: &[StoredRecord],
    attribute: &Attribute,
    rules: &Survivorship,
    standing: &dyn Standing,
) -> Vec<OtherValue> {
    let records: Vec<&SourceRecord> = members.iter().map(|member| &member.record).collect();
    let lost = rabt_linkage::lost_values(&records, attribute, rules, standing);
    let other = |lost: rabt_linkage::LostValue| {
        let (first, value) = lost.held;
        let behind = lost.holders.iter().filter(|(member, _)| *member != first);
        let holders = std::iter::once(&lost.held).chain(behind);
        OtherValue {
            attribute: attribute.clone(),
            value: records[first].values[value].value.clone(),
            holders: holders
                .map(|(member, value)| {
                    provenance(&members[*member], &records[*member].values[*value].column)
                })
                .collect(),
            rule: lost.rule,
            disputes: lost.disputes,
        }
    };
    lost.into_iter().map(other).collect()
}

fn find<'a>(members: &[&'a StoredRecord], number: RecordNumber) -> Option<&'a StoredRecord> {
    let place = members.binary_search_by_key(&number, |member| member.number);
    place.ok().map(|place| members[place])
}

fn provenance(member: &StoredRecord, column: &str) -> Provenance {
    let record = &member.record;
    Provenance {
        agency: record.agency.clone(),
        source: record.id.source.clone(),
        stream: record.id.stream.clone(),
        record: member.number,
        column: column.to_owned(),
        observed_at: record.observed_at,
        event_at: record.event_at,
    }
}

fn holding(member: &StoredRecord) -> Holding {
    let record = &member.record;
    Holding {
        agency: record.agency.clone(),
        source: record.id.source.clone(),
        stream: record.id.stream.clone(),
        record: member.number,
        observed_at: record.observed_at,
    }
}
