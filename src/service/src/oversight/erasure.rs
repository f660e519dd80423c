//! A citizen's keys are destroyed: nobody finds the entries about them any more, and the log stays whole.

use std::sync::Arc;

use rabt_audit::{AuditEvent, Entry, ErasureMoved, Pseudonym};
use rabt_model::{AgencyId, Attribute, CitizenId, Profile, Scheme, Timestamp, Value};
use rabt_policy::{Caller, Role};
use rabt_storage::{ErasureState, StoredErasure, Transaction};

use super::{OversightError, allow, checked_reason};
use crate::audited::Audited;
use crate::enquiry::ever;
use crate::event::{self, Clerical};
use crate::services::Services;
use crate::transparency::Subject;

/// Longest identifier, bytes.
const IDENTIFIER: usize = 128;
const UNKNOWN: OversightError = OversightError::NotFound("citizen");

const PROPOSERS: [Role; 1] = [Role::SecurityOfficer];
const DECIDERS: [Role; 2] = [Role::SecurityOfficer, Role::Approver];
const READERS: [Role; 3] = [Role::SecurityOfficer, Role::Approver, Role::Auditor];

/// An erasure, as it stands.
pub type Erasure = StoredErasure;

/// Asks for the keys of a citizen to be destroyed; a second person has to confirm it.
///
/// # Errors
/// The caller's role does not allow it, the reason is missing, there is no such citizen, or it could not be
/// stored.
pub async fn request_erasure(
    services: &Services,
    caller: &Caller,
    subject: &Subject,
    reason: &str,
) -> Result<Audited<Erasure>, OversightError> {
    allow(services, caller, "RequestErasure", &PROPOSERS).await?;
    let reason = checked_reason(reason)?;
    let tenure = services.lead.tenure()?;
    let found = find(services, subject).await?;
    let at = services.clock.now();
    // whether there is such a person is an answer, and whoever it is about sees it
    let look = look(services, caller, found, at);
    let Ok(citizen) = found else {
        let missed = services.audit.record(look, ()).await;
        return Err(missed.map_or_else(Into::into, |_durable| UNKNOWN));
    };
    let mut erasure = StoredErasure {
        number: 0,
        citizen: Some(citizen),
        reason,
        state: ErasureState::Asked,
        proposer: event::person(caller),
        decider: String::new(),
        created_at: at,
        updated_at: at,
    };
    let mut tx = services.storage.begin().await?;
    erasure.number = tx.put_erasure(&erasure).await?;
    let entries = vec![look, moved(caller, &erasure, None)];
    let audited = services.audit.commit_all(tx, tenure, entries, erasure);
    Ok(audited.await?)
}

/// Lists erasures, at most `limit` below the number `before`, the last one first. An approver learns whom one is about
/// where it is theirs to decide.
///
/// # Errors
/// The caller's role does not allow it, or the entry did not become durable.
pub async fn list_erasures(
    services: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Audited<Vec<Erasure>>, OversightError> {
    allow(services, caller, "ListErasures", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let mut found = tx.erasures(before, limit).await?;
    for erasure in &mut found {
        if caller.role == Role::Approver
            && !concerns(services, tx.as_mut(), caller, erasure).await?
        {
            erasure.citizen = None;
        }
    }
    drop(tx);
    let mut citizens: Vec<CitizenId> = found.iter().filter_map(|one| one.citizen).collect();
    citizens.sort_unstable();
    citizens.dedup();
    let read = Clerical::of("list_erasures");
    let entry = event::of_review(services, caller, &read, &citizens, services.clock.now());
    Ok(services.audit.record(entry, found).await?)
}

/// Destroys the keys, as a second person: of every id that leads to the citizen and of every identifier they have or
/// had. What they said is wrong is deleted with the answers. It cannot be undone: that it is confirmed is durable
/// before the first key is destroyed, and it goes on when the caller goes away.
///
/// # Errors
/// The caller's role or agency does not allow it, the caller asked for it, there is no such erasure or it was decided,
/// or it could not be stored; then it may be confirmed again, which goes on from where it stopped.
pub async fn confirm_erasure(
    services: &Arc<Services>,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Erasure>, OversightError> {
    allow(services, caller, "ConfirmErasure", &DECIDERS).await?;
    let (services, caller) = (Arc::clone(services), caller.clone());
    let tasks = services.tasks.clone();
    let erased = tasks.spawn(async move { erase(&services, &caller, number).await });
    erased.await.map_err(|_| crate::AuditError::Stopped)?
}

async fn erase(
    services: &Services,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Erasure>, OversightError> {
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    let mut tx = services.storage.snapshot().await?;
    let mut erasure = find_one(tx.as_mut(), number).await?;
    drop(tx);
    let stopped = erasure.state == ErasureState::Confirmed;
    if !stopped && erasure.state != ErasureState::Asked {
        return Err(OversightError::Decided);
    }
    allow_concerned(services, caller, "ConfirmErasure", &erasure).await?;
    if erasure.proposer == event::person(caller) {
        let problem = "another person with the role security-officer or approver must confirm it";
        return Err(OversightError::SecondPerson(problem));
    }
    let citizen = erasure.citizen.ok_or(OversightError::Decided)?;
    // whoever it was may have been merged since
    let mut tx = services.storage.snapshot().await?;
    let today = tx.resolve(citizen).await?.unwrap_or(citizen);
    let mut ids = tx.ids_of(today).await?;
    drop(tx);
    ids.extend([citizen, today]);
    ids.sort_unstable();
    ids.dedup();
    let persons = persons(services, &ids).await?;
    if !stopped {
        let keys = Some(services.audit.count_keys(&persons).await?);
        let tx = services.storage.begin().await?;
        let confirmed = ErasureState::Confirmed;
        let decided = decide(services, caller, tx, tenure, (erasure, confirmed, keys)).await?;
        erasure = decided.into_inner();
    }
    let keys = services.audit.erase(&persons).await?;
    let mut tx = services.storage.begin().await?;
    for id in &ids {
        tx.forget_corrections(*id).await?;
    }
    // how many an attempt before destroyed stands in the entry of the confirmation
    let keys = (!stopped).then_some(keys);
    let done = ErasureState::Done;
    decide(services, caller, tx, tenure, (erasure, done, keys)).await
}

/// Takes an erasure back, or refuses it.
///
/// # Errors
/// The caller's role or agency does not allow it, there is no such erasure or it was decided, or it could not be stored.
pub async fn withdraw_erasure(
    services: &Services,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Erasure>, OversightError> {
    allow(services, caller, "WithdrawErasure", &DECIDERS).await?;
    let tenure = services.lead.tenure()?;
    let _states = services.states.lock().await;
    let mut read = services.storage.snapshot().await?;
    let erasure = waiting(read.as_mut(), number).await?;
    drop(read);
    allow_concerned(services, caller, "WithdrawErasure", &erasure).await?;
    let tx = services.storage.begin().await?;
    let withdrawn = ErasureState::Withdrawn;
    decide(services, caller, tx, tenure, (erasure, withdrawn, None)).await
}

/// Refuses approvers whom an erasure does not concern; the refusal is audited.
async fn allow_concerned(
    services: &Services,
    caller: &Caller,
    method: &str,
    erasure: &Erasure,
) -> Result<(), OversightError> {
    let mut tx = services.storage.snapshot().await?;
    let concerned = concerns(services, tx.as_mut(), caller, erasure).await?;
    // the log may want to read before it takes the entry
    drop(tx);
    if concerned {
        return Ok(());
    }
    let policy = services.policy.current();
    let (revision, at) = (policy.revision(), services.clock.now());
    let entry = event::of_refusal(caller, (method, "AGENCY"), revision, at);
    let refused = services.audit.record(entry, ()).await?;
    Err(OversightError::NotPermitted(refused))
}

/// Says whether an erasure is somebody's to decide: a security officer's; an approver's where somebody of their agency
/// asked for it, or their agency holds a record of the citizen.
async fn concerns(
    services: &Services,
    tx: &mut dyn Transaction,
    caller: &Caller,
    erasure: &Erasure,
) -> Result<bool, OversightError> {
    if caller.role == Role::SecurityOfficer || asked_by(&erasure.proposer, &caller.agency) {
        return Ok(true);
    }
    let Some(citizen) = erasure.citizen else {
        return Ok(false);
    };
    let today = tx.resolve(citizen).await?.unwrap_or(citizen);
    let holdings = services.directory.get(today).map(|one| one.holdings);
    let mut holdings = holdings.iter().flatten();
    Ok(holdings.any(|holding| holding.agency == caller.agency))
}

fn asked_by(proposer: &str, agency: &AgencyId) -> bool {
    let asking = proposer.split_once(':').map(|(agency, _)| agency);
    asking == Some(agency.as_str())
}

async fn decide(
    services: &Services,
    caller: &Caller,
    mut tx: Box<dyn Transaction>,
    tenure: crate::lead::Tenure,
    (erasure, state, keys): (Erasure, ErasureState, Option<u64>),
) -> Result<Audited<Erasure>, OversightError> {
    let at = services.clock.now();
    let person = match erasure.state {
        // whoever lets it go on did not decide it
        ErasureState::Confirmed => erasure.decider.clone(),
        ErasureState::Asked | ErasureState::Done | ErasureState::Withdrawn => event::person(caller),
    };
    let found = tx
        .decide_erasure(erasure.number, state, &person, at)
        .await?;
    if !found {
        return Err(OversightError::Decided);
    }
    let citizen = erasure.citizen;
    let decided = StoredErasure {
        citizen: citizen.filter(|_| state == ErasureState::Confirmed),
        state,
        decider: person,
        updated_at: at,
        ..erasure
    };
    let entry = moved(caller, &decided, keys);
    Ok(services.audit.commit(tx, tenure, entry, decided).await?)
}

/// Returns an erasure that waits for a second person.
async fn waiting(tx: &mut dyn Transaction, number: i64) -> Result<Erasure, OversightError> {
    let erasure = find_one(tx, number).await?;
    if erasure.state == ErasureState::Asked {
        Ok(erasure)
    } else {
        Err(OversightError::Decided)
    }
}

async fn find_one(tx: &mut dyn Transaction, number: i64) -> Result<Erasure, OversightError> {
    let before = number.saturating_add(1);
    let found = tx.erasures(Some(before), 1).await?.into_iter().next();
    let found = found.filter(|erasure| erasure.number == number);
    found.ok_or(OversightError::NotFound("erasure"))
}

/// Returns who it is, or what the key is found by of a person who is nobody.
async fn find(
    services: &Services,
    subject: &Subject,
) -> Result<Result<CitizenId, Pseudonym>, OversightError> {
    let invalid = |problem| OversightError::invalid("subject", problem);
    let keys = services.audit.pseudonyms();
    match subject {
        Subject::None => Err(invalid("must name a citizen")),
        Subject::Citizen(id) => {
            let id: CitizenId = id.parse().map_err(|_| invalid("must be a citizen's id"))?;
            let mut tx = services.storage.snapshot().await?;
            Ok(tx.resolve(id).await?.ok_or_else(|| keys.citizen(id)))
        }
        Subject::Identifier { scheme, value } => {
            let problem = "must have an identifier with a scheme and a value";
            let scheme: Scheme = scheme.parse().map_err(|_| invalid(problem))?;
            let text = value.expose();
            if text.trim().is_empty() || text.len() > IDENTIFIER {
                return Err(invalid(problem));
            }
            let found = services.directory.by_identifier(scheme.as_str(), text);
            let citizen = found.map(|profile| profile.citizen);
            Ok(citizen.ok_or_else(|| event::identifier(keys, &scheme, text)))
        }
    }
}

/// Returns the entry that tells whom somebody looked for.
fn look(
    services: &Services,
    caller: &Caller,
    found: Result<CitizenId, Pseudonym>,
    at: Timestamp,
) -> Entry {
    let keys = services.audit.pseudonyms();
    let person = found.map_or_else(|nobody| nobody, |citizen| keys.citizen(citizen));
    event::of_look(caller, "request_erasure", person, at)
}

/// Returns everything that keys of a citizen are found by.
async fn persons(services: &Services, ids: &[CitizenId]) -> Result<Vec<Pseudonym>, OversightError> {
    let keys = services.audit.pseudonyms();
    let mut persons = Vec::new();
    for id in ids {
        persons.push(keys.citizen(*id));
        let past = ever(services, *id).await?.into_iter();
        for profile in past.chain(services.directory.get(*id)) {
            persons.extend(identifiers(services, &profile));
        }
    }
    persons.sort_unstable();
    persons.dedup();
    Ok(persons)
}

/// Returns what keys of a citizen's identifiers are found by.
pub(crate) fn identifiers<'a>(
    services: &'a Services,
    profile: &'a Profile,
) -> impl Iterator<Item = Pseudonym> + 'a {
    let keys = services.audit.pseudonyms();
    let values = profile.values.iter();
    values.filter_map(
        move |value| match (&value.attribute, value.value.expose()) {
            (Attribute::Identifier(scheme), Value::Text(text)) => {
                Some(event::identifier(keys, scheme, text))
            }
            _ => None,
        },
    )
}

fn moved(caller: &Caller, erasure: &Erasure, keys: Option<u64>) -> Entry {
    let at: Timestamp = erasure.updated_at;
    let moved = ErasureMoved {
        actor: event::actor(caller),
        erasure: erasure.number,
        keys,
        proposer: erasure.proposer.clone(),
        reason: erasure.reason.clone(),
        state: erasure.state.as_str().to_owned(),
    };
    Entry::new(at, AuditEvent::ErasureMoved(moved))
}
