//! A recorded question, asked again: as of the time of its entry, and as of now.
//!
//! Invariant: nobody asks anything new here. The question must be the one whose digest stands in the entry, and
//! what is told of the answer is whether it is the same and which attributes differ, never a value.

use std::collections::BTreeMap;

use rabt_audit::{AuditEvent, Disclosed, Entry, Pseudonym};
use rabt_model::{Attribute, CitizenId, Profile, Timestamp};
use rabt_policy::{
    AccessRequest, Caller, Decision, Disclosure, Found, Permit, Policy, Role, Target,
};

use super::{EvidenceError, allow, tell};
use crate::audited::Audited;
use crate::directory::Key;
use crate::enquiry::{AsOf, Draft, Wire, as_of, draft};
use crate::event;
use crate::oversight::where_is;
use crate::services::Services;

/// The values of each attribute in an answer, as bytes that are equal when they are: without and with where
/// they come from.
pub type Parts = BTreeMap<String, (Vec<u8>, Vec<u8>)>;

/// A question as it was asked, and how its answer is told.
pub struct Recalled<'a> {
    /// The question; who asked is what the entry says.
    pub request: AccessRequest,
    /// Its digests, with the salt of the exchange.
    pub wire: &'a dyn Wire,
    /// Takes an answer apart.
    pub parts: &'a (dyn Fn(&Draft<'_>) -> Parts + Sync),
}

/// What came of asking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Whether the question is the one of the entry; nothing is asked again when it is not.
    pub recorded: bool,
    /// As of the time of the entry, with the agreements of then.
    pub then: Again,
    /// As of now.
    pub now: Again,
}

/// An answer that was made again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Again {
    /// How it ended: the outcome of an answer, or the reason of a denial.
    pub outcome: String,
    /// Whether it is the same, byte by byte.
    pub same: bool,
    /// Why it could not be made: `POLICY_UNKNOWN`, `SUBJECT_UNKNOWN`; empty when it could.
    pub obstacle: String,
    /// Attributes that differ, and why: `POLICY`, `LATER_RECORD`, `MODEL`, `COMPOSITION`, `REMOVED`, `ORIGIN`.
    pub differences: Vec<(String, String)>,
}

/// An answer, taken apart, and what explains it.
struct Made {
    again: Again,
    parts: Parts,
    permitted: Vec<String>,
    profile: Option<Profile>,
}

const METHOD: &str = "ReplayAnswer";

/// Refuses whoever may not have answers made again, before anything of the request is looked at.
///
/// # Errors
/// The caller's role does not allow it; the refusal is audited.
pub async fn admit_replay(services: &Services, caller: &Caller) -> Result<(), EvidenceError> {
    allow(services, caller, METHOD).await
}

/// Asks the question of an entry of this node's log again, and says whether the answer is the same.
///
/// # Errors
/// The caller's role does not allow it, the entry is not one of an answer with digests, or storage cannot be
/// read.
pub async fn replay_answer(
    services: &Services,
    caller: &Caller,
    leaf: u64,
    recalled: Recalled<'_>,
) -> Result<Audited<Replay>, EvidenceError> {
    allow(services, caller, METHOD).await?;
    let entry = read(services, leaf).await?;
    let recorded = entry.request == Some(recalled.wire.request());
    let replay = if let (AuditEvent::Disclosed(disclosed), true) = (&entry.event, recorded) {
        ask_again(services, &entry, disclosed, &recalled).await?
    } else {
        Replay {
            recorded: false,
            then: Again::default(),
            now: Again::default(),
        }
    };
    Ok(tell(services, caller, METHOD, Some((leaf, leaf)), replay).await?)
}

/// Reads an entry that has digests.
async fn read(services: &Services, leaf: u64) -> Result<Entry, EvidenceError> {
    let log = services.storage.audit_log();
    if let Some(place) = where_is(log.as_ref(), leaf).await? {
        return Err(EvidenceError::Archived(format!("leaf {leaf} {place}")));
    }
    let found = log.entries(leaf, 1).await?;
    let found = found.into_iter().find(|(number, _)| *number == leaf);
    let (_, stored) = found.ok_or_else(|| EvidenceError::NotFound {
        thing: "entry",
        name: leaf.to_string(),
    })?;
    let entry = Entry::decode(&stored.body).ok();
    let entry = entry.filter(|entry| entry.request.is_some());
    entry.ok_or_else(|| EvidenceError::invalid("leaf", "must be that of an answer with digests"))
}

async fn ask_again(
    services: &Services,
    entry: &Entry,
    disclosed: &Disclosed,
    recalled: &Recalled<'_>,
) -> Result<Replay, EvidenceError> {
    let asked = &disclosed.question;
    let request = AccessRequest {
        caller: Caller {
            agency: asked.agency.clone(),
            system: asked.system.clone(),
            role: Role::System,
        },
        at: entry.at,
        ..recalled.request.clone()
    };
    let mut then = match policy_of(services, &asked.policy).await? {
        None => Made::hindered("POLICY_UNKNOWN"),
        Some(policy) => then(services, &policy, request.clone(), entry, recalled).await?,
    };
    let today = AccessRequest {
        at: services.clock.now(),
        ..request
    };
    let policy = services.policy.current();
    let mut now = now(services, &policy, today, entry, recalled).await?;
    let same_model = services.model_fingerprint() == disclosed.model;
    if then.again.obstacle.is_empty() {
        if now.again.obstacle.is_empty() {
            now.again.differences = now.differences(&then.parts, entry.at, same_model);
        }
        then.again.differences = then.missing(&disclosed.released);
    }
    Ok(Replay {
        recorded: true,
        then: then.again,
        now: now.again,
    })
}

/// Returns the agreements that had this revision.
async fn policy_of(services: &Services, revision: &str) -> Result<Option<Policy>, EvidenceError> {
    let current = services.policy.current();
    if current.revision() == revision {
        return Ok(Some(current.as_ref().clone()));
    }
    let mut tx = services.storage.snapshot().await?;
    let stored = tx.bundles(u32::MAX).await?;
    drop(tx);
    let stored = stored.into_iter().find(|one| one.revision == revision);
    Ok(stored.and_then(|one| Policy::from_bundle(&one.text, "agreements.toml").ok()))
}

async fn then(
    services: &Services,
    policy: &Policy,
    request: AccessRequest,
    entry: &Entry,
    recalled: &Recalled<'_>,
) -> Result<Made, EvidenceError> {
    let permit = match policy.decide(request) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => return Ok(Made::refused(denial.reason().code())),
    };
    let subjects = entry.event.subjects();
    let Some(citizen) = subject_of(services, permit.subject(), subjects).await? else {
        return Ok(Made::hindered("SUBJECT_UNKNOWN"));
    };
    let found = match citizen {
        Some(citizen) => past(services, citizen, entry.at).await?,
        None => None,
    };
    if citizen.is_some() && found.is_none() {
        return Ok(Made::hindered("SUBJECT_UNKNOWN"));
    }
    // what was seen then without some sources is not kept
    let known = services.registry.current();
    let mut profiles = found.iter().map(|found| &found.profile);
    if profiles.any(|profile| known.hides_some(&permit, profile)) {
        return Ok(Made::hindered("RESTRICTED_SOURCES"));
    }
    Ok(Made::of(permit, found, entry, recalled))
}

async fn now(
    services: &Services,
    policy: &Policy,
    request: AccessRequest,
    entry: &Entry,
    recalled: &Recalled<'_>,
) -> Result<Made, EvidenceError> {
    let permit = match policy.decide(request) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => return Ok(Made::refused(denial.reason().code())),
    };
    let found = crate::enquiry::find(services, &permit).await;
    let found = found.map_err(|error| match error {
        crate::EnquiryError::Storage(error) => EvidenceError::Storage(error),
        crate::EnquiryError::NotAudited(error) => EvidenceError::NotAudited(error),
        crate::EnquiryError::Denied(_) => EvidenceError::invalid("question", "cannot be asked"),
    })?;
    // an identifier may be somebody else's since; two people are not compared
    let subjects = entry.event.subjects();
    if found.is_some()
        && subject_of(services, permit.subject(), subjects)
            .await?
            .is_none()
    {
        return Ok(Made::hindered("SUBJECT_UNKNOWN"));
    }
    Ok(Made::of(permit, found, entry, recalled))
}

/// Returns the id under which the entry knows whom the question is about: of all that lead to the same citizen
/// today. `Some(None)` when the entry says that nobody was found; `None` when it knows somebody else.
async fn subject_of(
    services: &Services,
    target: &Target,
    subjects: &[Pseudonym],
) -> Result<Option<Option<CitizenId>>, EvidenceError> {
    let keys = services.audit.pseudonyms();
    let today = match target {
        Target::Identifier { scheme, value } => {
            let asked = event::identifier(keys, scheme, value.expose());
            if is_among(services, asked, subjects).await? {
                return Ok(Some(None));
            }
            let found = services
                .directory
                .by_identifier(scheme.as_str(), value.expose());
            let found = found.or_else(|| {
                // it may stand only where restricted sources are left out
                let key = Key::identifier(scheme.as_str(), value.expose())?;
                let mut held = services.directory.all_by_either(&key, 2);
                held.pop().filter(|_| held.is_empty())
            });
            found.map(|profile| profile.citizen)
        }
        Target::Citizen(citizen) => Some(*citizen),
        Target::Criteria(_) | Target::Feed(_) => None,
    };
    let Some(today) = today else {
        return Ok(None);
    };
    let mut tx = services.storage.snapshot().await?;
    let end = tx.resolve(today).await?.unwrap_or(today);
    let mut ids = tx.ids_of(end).await?;
    drop(tx);
    ids.extend([today, end]);
    for id in ids {
        if is_among(services, keys.citizen(id), subjects).await? {
            return Ok(Some(Some(id)));
        }
    }
    Ok(None)
}

/// Says whether an entry is about a person, under any of their names.
async fn is_among(
    services: &Services,
    person: Pseudonym,
    subjects: &[Pseudonym],
) -> Result<bool, EvidenceError> {
    let names = services.audit.names(&[person]).await?;
    let mut subjects = subjects.iter();
    Ok(subjects.any(|subject| names.contains(&subject.0)))
}

/// Returns a citizen as of a recorded time. Who holds a file is what is known of it today too: that is not kept
/// by time.
async fn past(
    services: &Services,
    citizen: CitizenId,
    at: Timestamp,
) -> Result<Option<Found>, EvidenceError> {
    let asked = AsOf {
        recorded_at: Some(at),
        valid_at: None,
    };
    let past = as_of(services, citizen, asked).await?.into_iter().next();
    Ok(past.map(|past| {
        let mut profile = past.profile;
        let today = services.directory.get(citizen);
        profile
            .holdings
            .extend(today.into_iter().flat_map(|today| today.holdings));
        services.found(profile)
    }))
}

impl Made {
    fn hindered(obstacle: &str) -> Self {
        Self {
            again: Again {
                obstacle: obstacle.to_owned(),
                ..Again::default()
            },
            parts: Parts::new(),
            permitted: Vec::new(),
            profile: None,
        }
    }

    fn refused(reason: &str) -> Self {
        let again = Again {
            outcome: reason.to_owned(),
            ..Again::default()
        };
        Self {
            again,
            ..Self::hindered("")
        }
    }

    fn of(permit: Permit, found: Option<Found>, entry: &Entry, recalled: &Recalled<'_>) -> Self {
        let profile = found.as_ref().map(|found| found.profile.clone());
        let held = profile.iter().flat_map(|profile| &profile.values);
        let permitted = held
            .map(|value| &value.attribute)
            .filter(|attribute| permit.attributes().contains(attribute));
        let permitted = permitted.map(Attribute::to_string).collect();
        let disclosure: Disclosure = permit.disclose(found);
        let draft = draft(&disclosure);
        Self {
            again: Again {
                outcome: disclosure.facts().outcome().code().to_owned(),
                same: entry.response == Some(recalled.wire.answer(&draft)),
                ..Again::default()
            },
            parts: (recalled.parts)(&draft),
            permitted,
            profile,
        }
    }

    /// Compares with another answer.
    fn differences(&self, with: &Parts, then: Timestamp, model: bool) -> Vec<(String, String)> {
        let mut differences = Vec::new();
        for (attribute, (value, whole)) in with {
            let reason = match self.parts.get(attribute) {
                None => self.why_missing(attribute),
                Some((held, _)) if held != value => self.why_other(attribute, then, model),
                Some((_, held)) if held != whole => "ORIGIN",
                Some(_) => continue,
            };
            differences.push((attribute.clone(), reason.to_owned()));
        }
        for attribute in self.parts.keys().filter(|one| !with.contains_key(*one)) {
            let reason = self.why_other(attribute, then, model);
            differences.push((attribute.clone(), reason.to_owned()));
        }
        differences.sort_unstable();
        differences
    }

    /// Names what was told then and is not in this answer, and the other way round: the values of then are kept
    /// nowhere.
    fn missing(&self, released: &[Attribute]) -> Vec<(String, String)> {
        let released: Vec<String> = released.iter().map(Attribute::to_string).collect();
        let mut differences = Vec::new();
        for attribute in &released {
            if !self.parts.contains_key(attribute) {
                let reason = self.why_missing(attribute).to_owned();
                differences.push((attribute.clone(), reason));
            }
        }
        let added = self.parts.keys().filter(|one| !released.contains(*one));
        differences.extend(added.map(|one| (one.clone(), "COMPOSITION".to_owned())));
        differences.sort_unstable();
        differences
    }

    fn why_missing(&self, attribute: &str) -> &'static str {
        let mut held = self.profile.iter().flat_map(|profile| &profile.values);
        let is_held = held.any(|value| value.attribute.to_string() == attribute);
        if is_held && !self.permitted.iter().any(|one| one == attribute) {
            "POLICY"
        } else if self.profile.is_some() {
            "REMOVED"
        } else {
            "POLICY"
        }
    }

    fn why_other(&self, attribute: &str, then: Timestamp, model: bool) -> &'static str {
        let mut held = self.profile.iter().flat_map(|profile| &profile.values);
        let is_later = held.any(|value| {
            value.attribute.to_string() == attribute && value.provenance.observed_at > then
        });
        if is_later {
            "LATER_RECORD"
        } else if !model {
            "MODEL"
        } else {
            "COMPOSITION"
        }
    }
}
