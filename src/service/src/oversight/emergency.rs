//! Emergencies are worked off: somebody went round the gate, and somebody else says whether it was one.
//!
//! Invariant: who looked never says so themselves, and what is said is in the commit of the entry about it.

use rabt_audit::{AuditEvent, Disclosed, EmergencyReviewed, Entry, LogRead, Pseudonym};
use rabt_model::{AgencyId, Pii, Timestamp};
use rabt_policy::{Caller, Role};
use rabt_storage::{AuditLog, CaseState, CaseStep, StoredCase};

use super::cases::Cases;
use super::{OversightError, allow};
use crate::audited::Audited;
use crate::event;
use crate::services::Services;
use crate::transparency::{logs, open_place, seal_place};

/// Longest text, characters.
const LONGEST: usize = 2_000;
/// Days within which somebody should have looked at an emergency.
pub const OVERDUE_DAYS: i64 = 7;
/// What the seal of a text is for.
const OF_TEXT: &[u8] = b"rabt/emergency/";

const REVIEWERS: [Role; 2] = [Role::SecurityOfficer, Role::Approver];

/// An emergency, and where its case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Number of the log, in the order in which the logs began.
    pub log: usize,
    /// Number of the entry there.
    pub leaf: u64,
    /// When somebody looked.
    pub at: Timestamp,
    /// Whose system asked.
    pub agency: AgencyId,
    /// Which system.
    pub system: String,
    /// Under which agreement.
    pub agreement: String,
    /// For which purpose.
    pub purpose: String,
    /// The caller's reference of the case.
    pub case_reference: String,
    /// On whose behalf: a keyed name of the agency's person.
    pub end_user: Option<Pseudonym>,
    /// Why, as the caller said.
    pub reason: String,
    /// How it ended.
    pub outcome: String,
    /// Where the case stands.
    pub state: CaseState,
    /// Who said so; empty while nobody has.
    pub reviewer: String,
    /// What they say to it; empty while nobody has.
    pub text: Pii<String>,
    /// When they said so.
    pub reviewed_at: Option<Timestamp>,
    /// Whether it waits for longer than it should.
    pub overdue: bool,
}

/// A part of the emergencies, and how to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyPage {
    /// The emergencies.
    pub emergencies: Vec<Emergency>,
    /// Empty when there is none left.
    pub next: String,
}

/// Lists emergencies, the newest first, or of those that are open the oldest, at most `limit`: to a security officer
/// those of every agency, to an approver those of their own.
///
/// # Errors
/// The caller's role does not allow it, the token is not one of this list, or the log cannot be read or written.
pub async fn list_emergencies(
    services: &Services,
    caller: &Caller,
    only_open: bool,
    (limit, token): (usize, &str),
) -> Result<Audited<EmergencyPage>, OversightError> {
    const METHOD: &str = "ListEmergencies";
    allow(services, caller, METHOD, &REVIEWERS).await?;
    let keys = services.audit.pseudonyms();
    let list = if only_open { "open" } else { "all" };
    let question = format!("{list}/{}", caller.role.as_str());
    let question = ("emergencies", question.as_str());
    let behind = match token {
        "" => Vec::new(),
        token => open_place(keys, caller, question, token).ok_or_else(|| {
            let problem = "is not one that was given to this caller for this list";
            OversightError::invalid("page_token", problem)
        })?,
    };
    let own = services.audit.verifier().origin();
    let logs = logs(services.storage.as_ref(), own).await?;
    let mut cases = Cases::read(&logs, (concerned(caller), only_open), limit, &behind).await?;
    let mut found = Vec::new();
    for _ in 0..limit {
        let Some((number, case)) = cases.next() else {
            break;
        };
        let (origin, log) = &logs[number];
        found.extend(shown(services, (number, origin, log.as_ref()), case).await?);
    }
    let leaves = || found.iter().map(|one: &Emergency| one.leaf);
    let read = LogRead {
        actor: event::actor(caller),
        leaves: leaves().min().zip(leaves().max()),
        method: METHOD.to_owned(),
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::LogRead(read));
    let next = match cases.places() {
        Some(places) => seal_place(keys, caller, question, &places),
        None => String::new(),
    };
    let page = EmergencyPage {
        emergencies: found,
        next,
    };
    Ok(services.audit.record(entry, page).await?)
}

/// Says whether a look was an emergency, as somebody else than whoever looked.
///
/// # Errors
/// The caller's role does not allow it, the text is missing or too long, there is no such emergency of the
/// caller's, the caller looked themselves, somebody said so already, or the entry did not become durable.
pub async fn review_emergency(
    services: &Services,
    caller: &Caller,
    (log, leaf): (usize, u64),
    (state, text): (CaseState, &str),
) -> Result<Audited<Emergency>, OversightError> {
    const UNKNOWN: OversightError = OversightError::NotFound("emergency");
    allow(services, caller, "ReviewEmergency", &REVIEWERS).await?;
    if state == CaseState::Open {
        let problem = "must be CONFIRMED or DISPUTED";
        return Err(OversightError::invalid("state", problem));
    }
    if !(1..=LONGEST).contains(&text.trim().chars().count()) {
        let problem = "must say what it was, in 2,000 characters at most";
        return Err(OversightError::invalid("text", problem));
    }
    // one after the other, so that only the first is heard
    let _states = services.states.lock().await;
    let own = services.audit.verifier().origin();
    let logs = logs(services.storage.as_ref(), own).await?;
    let (origin, found) = logs.get(log).ok_or(UNKNOWN)?;
    let case = found.case(leaf).await?.ok_or(UNKNOWN)?;
    if concerned(caller).is_some_and(|agency| *agency != case.agency) {
        return Err(UNKNOWN);
    }
    let place = (log, origin.as_str(), found.as_ref());
    let emergency = shown(services, place, case.clone()).await?.ok_or(UNKNOWN)?;
    let keys = services.audit.pseudonyms();
    // entries of before have the id as it was sent
    let own_ids = [event::plain_id(&caller.system), caller.system.clone()];
    let own_names = own_ids.map(|id| Some(keys.end_user(&case.agency, &id)));
    if own_names.contains(&emergency.end_user) {
        let problem = "who looked cannot say that it was an emergency; another person must";
        return Err(OversightError::SecondPerson(problem));
    }
    if case.state != CaseState::Open {
        return Err(OversightError::Decided);
    }
    let at = services.clock.now();
    let reviewed = StoredCase {
        state,
        reviewer: event::person(caller),
        text: services
            .vault
            .seal(&place_of(origin, leaf), text.as_bytes()),
        reviewed_at: Some(at),
        ..case
    };
    let told = EmergencyReviewed {
        actor: event::actor(caller),
        agency: reviewed.agency.clone(),
        leaf,
        log: origin.clone(),
        state: state.as_str().to_owned(),
    };
    let answer = Emergency {
        state,
        reviewer: reviewed.reviewer.clone(),
        text: Pii::new(text.to_owned()),
        reviewed_at: Some(at),
        overdue: false,
        ..emergency
    };
    let said = reviewed.text.clone();
    let step = CaseStep::Judge {
        origin: origin.clone(),
        case: reviewed,
    };
    let entry = Entry::new(at, AuditEvent::EmergencyReviewed(told));
    let reviewed = services.audit.record_with(entry, Some(step), answer);
    let reviewed = reviewed.await?;
    // another node may have been first; a seal is never made twice
    let stands = found.case(leaf).await?.ok_or(UNKNOWN)?;
    if stands.text != said {
        return Err(OversightError::Decided);
    }
    Ok(reviewed)
}

/// Returns whose emergencies somebody works off; a security officer those of everybody.
fn concerned(caller: &Caller) -> Option<&AgencyId> {
    (caller.role != Role::SecurityOfficer).then_some(&caller.agency)
}

async fn shown(
    services: &Services,
    (number, origin, log): (usize, &str, &dyn AuditLog),
    case: StoredCase,
) -> Result<Option<Emergency>, OversightError> {
    let found = log.entries(case.leaf, 1).await?.into_iter().next();
    let entry = found.and_then(|(_, stored)| Entry::decode(&stored.body).ok());
    let Some(AuditEvent::Disclosed(disclosed)) = entry.map(|entry| entry.event) else {
        return Ok(None);
    };
    let Disclosed {
        outcome, question, ..
    } = disclosed;
    let text = if case.text.is_empty() {
        String::new()
    } else {
        let place = place_of(origin, case.leaf);
        let opened = services.vault.unseal(&place, &case.text);
        let opened = opened.map_err(crate::AuditError::from)?;
        String::from_utf8_lossy(&opened).into_owned()
    };
    let age = services.clock.now().duration_since(case.at);
    Ok(Some(Emergency {
        log: number,
        leaf: case.leaf,
        at: case.at,
        agency: case.agency,
        system: question.system,
        agreement: question
            .agreement
            .map(|id| id.to_string())
            .unwrap_or_default(),
        purpose: question.purpose,
        case_reference: question.case_reference,
        end_user: question.end_user,
        reason: question.break_glass,
        outcome,
        overdue: case.state == CaseState::Open && age.as_hours() >= OVERDUE_DAYS * 24,
        state: case.state,
        reviewer: case.reviewer,
        text: Pii::new(text),
        reviewed_at: case.reviewed_at,
    }))
}

fn place_of(origin: &str, leaf: u64) -> Vec<u8> {
    [OF_TEXT, origin.as_bytes(), b"/", &leaf.to_be_bytes()].concat()
}
