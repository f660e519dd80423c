//! Who asked about a citizen.

use rabt_audit::{AuditEvent, Disclosed, Entry, Question, Reviewed};
use rabt_model::{AgencyId, Attribute, Label, Timestamp};
use rabt_policy::{Caller, Role};
use rabt_storage::CaseState;

use super::place::{Placed, Walk, logs, open, seal};
use super::viewer::Whose;
use super::{METHODS, TransparencyError, Viewer, admit, tell};
use crate::audited::Audited;
use crate::services::Services;

/// Entries that a page looks at, at most.
const LOOKED_AT: usize = 5_000;

/// Somebody asked about the citizen and was answered, or a clerk looked. Nothing here names a person at an
/// agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEvent {
    /// Number of the log, in the order in which the logs began.
    pub log: usize,
    /// Number of the entry there.
    pub leaf: u64,
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub agency: AgencyId,
    /// What people call them.
    pub agency_label: Label,
    /// Under which agreement; empty for a clerk's look.
    pub agreement: String,
    /// Its title, while it is in force.
    pub agreement_title: Option<Label>,
    /// For which purpose.
    pub purpose: String,
    /// On which legal basis.
    pub legal_basis: String,
    /// For which public service.
    pub service: String,
    /// Over which channel.
    pub channel: String,
    /// How it ended.
    pub outcome: String,
    /// What the answer said something about.
    pub attributes: Vec<Attribute>,
    /// Whether it was the citizen's own look.
    pub own: bool,
    /// Whether there is a receipt of it.
    pub has_receipt: bool,
    /// Of an emergency, what somebody else said to it; none when it was no emergency, or one of before there were
    /// cases.
    pub emergency: Option<CaseState>,
}

/// Some events, and the token of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPage {
    /// The events, the newest first.
    pub events: Vec<AccessEvent>,
    /// Empty when there is nothing left.
    pub next: String,
    /// Entries of up to this time may be in an archive, and are not listed; `None` while all are here.
    pub archived_before: Option<Timestamp>,
}

/// What is not shown yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    /// How many events.
    pub count: u32,
    /// When the next of them is shown.
    pub next: Option<Timestamp>,
    /// Whether there are more events than were looked at.
    pub incomplete: bool,
}

/// Lists who asked about the citizen, at most `limit` events; those of the citizen's own looks when
/// `include_own` says so.
///
/// # Errors
/// The caller is no portal or not sure enough, the token is not one of this citizen, or the entry did not
/// become durable.
pub async fn list_access_events(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    include_own: bool,
    (limit, token): (usize, &str),
) -> Result<Audited<AccessPage>, TransparencyError> {
    const METHOD: &str = "ListAccessEvents";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let keys = services.audit.pseudonyms();
    let name = whose.name.to_string();
    let question = ("history", name.as_str());
    let behind = match token {
        "" => Vec::new(),
        token => open(keys, caller, question, token).ok_or(TransparencyError::Invalid {
            field: "page_token",
            problem: "is not one that was given to this portal for this citizen",
        })?,
    };
    let mut walk = begin(services, &whose, &behind).await?;
    let now = services.clock.now();
    let (mut events, mut looked_at) = (Vec::new(), 0);
    let mut more = true;
    while events.len() < limit && looked_at < LOOKED_AT {
        let Some(found) = walk.next().await? else {
            more = false;
            break;
        };
        looked_at += 1;
        if is_withheld(&found.entry.event, now) {
            continue;
        }
        let emergency = walk.case_of(&found).await?;
        let event = shown(services, found);
        let event = event.filter(|event| include_own || !event.own);
        events.extend(event.map(|event| AccessEvent { emergency, ..event }));
    }
    let next = if more {
        seal(keys, caller, question, &walk.places())
    } else {
        String::new()
    };
    let page = AccessPage {
        events,
        next,
        archived_before: archived_before(services).await?,
    };
    tell(services, caller, viewer, (METHOD, "history"), &whose, page).await
}

/// Counts what is not shown yet.
///
/// # Errors
/// The caller is no portal or not sure enough, or the entry did not become durable.
pub async fn count_withheld(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
) -> Result<Audited<Withheld>, TransparencyError> {
    const METHOD: &str = "CountWithheldEvents";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let mut walk = begin(services, &whose, &[]).await?;
    let now = services.clock.now();
    let mut withheld = Withheld::default();
    for looked_at in 0.. {
        let Some(placed) = walk.next().await? else {
            break;
        };
        if looked_at == LOOKED_AT * 4 {
            withheld.incomplete = true;
            break;
        }
        if let AuditEvent::Disclosed(disclosed) = &placed.entry.event
            && let Some(until) = disclosed.withheld_until.filter(|until| *until > now)
        {
            withheld.count = withheld.count.saturating_add(1);
            withheld.next = Some(withheld.next.map_or(until, |next| next.min(until)));
        }
    }
    let outcome = (METHOD, "withheld_count");
    tell(services, caller, viewer, outcome, &whose, withheld).await
}

/// Returns up to when entries of any log may be in an archive.
async fn archived_before(services: &Services) -> Result<Option<Timestamp>, TransparencyError> {
    let own = services.audit.verifier().origin();
    let mut last = None;
    for (_, log) in logs(services.storage.as_ref(), own).await? {
        last = last.max(log.archived().await?.before);
    }
    Ok(last)
}

async fn begin(
    services: &Services,
    whose: &Whose,
    places: &[u64],
) -> Result<Walk, TransparencyError> {
    let own = services.audit.verifier().origin();
    let logs = logs(services.storage.as_ref(), own).await?;
    Ok(Walk::begin(logs, whose.names.clone(), places))
}

/// Says whether the citizen is not told of an event yet.
pub(crate) fn is_withheld(event: &AuditEvent, now: Timestamp) -> bool {
    let AuditEvent::Disclosed(disclosed) = event else {
        return false;
    };
    disclosed.withheld_until.is_some_and(|until| until > now)
}

/// Says whether an entry may be shown as a whole: an answer to a system, which names no person.
pub(super) fn has_receipt(entry: &Entry) -> bool {
    let AuditEvent::Disclosed(disclosed) = &entry.event else {
        return false;
    };
    disclosed.question.role == Role::System.as_str()
}

/// Returns an entry as the citizen sees it; `None` when it is nothing that somebody saw.
fn shown(services: &Services, placed: Placed) -> Option<AccessEvent> {
    let Placed { log, leaf, entry } = placed;
    let (at, has_receipt) = (entry.at, has_receipt(&entry));
    let mut event = match entry.event {
        AuditEvent::Disclosed(disclosed) => of_answer(services, disclosed),
        AuditEvent::Reviewed(reviewed) => of_review(services, &reviewed)?,
        AuditEvent::Denied(_)
        | AuditEvent::CallerStopped(_)
        | AuditEvent::AgreementMoved(_)
        | AuditEvent::SourceCreated(_)
        | AuditEvent::SourceChanged(_)
        | AuditEvent::SourceInspected(_)
        | AuditEvent::FolderMoved(_)
        | AuditEvent::SourceStarted(_)
        | AuditEvent::RunFinished(_)
        | AuditEvent::Linked(_)
        | AuditEvent::ModelShadowed(_)
        | AuditEvent::BundleActivated(_)
        | AuditEvent::LogRead(_)
        | AuditEvent::Witnessed(_)
        | AuditEvent::CorrectionMoved(_)
        | AuditEvent::ErasureMoved(_)
        | AuditEvent::EmergencyReviewed(_)
        | AuditEvent::ArchiveMoved(_)
        | AuditEvent::Started(_)
        | AuditEvent::Stopped(_) => return None,
    };
    (event.log, event.leaf, event.at, event.has_receipt) = (log, leaf, at, has_receipt);
    Some(event)
}

fn of_answer(services: &Services, disclosed: Disclosed) -> AccessEvent {
    let Question {
        agency,
        agreement,
        channel,
        legal_basis,
        method,
        purpose,
        service,
        ..
    } = disclosed.question;
    let agreement = agreement.map(|id| id.to_string()).unwrap_or_default();
    let policy = services.policy.current();
    let title = policy.agreement(&agreement);
    AccessEvent {
        agreement_title: title.map(|agreement| agreement.title().clone()),
        agreement,
        purpose,
        legal_basis,
        service,
        channel,
        // that a restricted source knows a citizen is not for the portal's agency
        outcome: match disclosed.outcome.as_str() {
            "restricted" => "absent".to_owned(),
            _ => disclosed.outcome,
        },
        attributes: disclosed.released,
        own: METHODS.contains(&method.as_str()),
        ..nothing(services, agency)
    }
}

/// A clerk looked, or decided: only the agency is told.
fn of_review(services: &Services, reviewed: &Reviewed) -> Option<AccessEvent> {
    let (agency, _) = reviewed.actor.split_once(':')?;
    Some(AccessEvent {
        outcome: "reviewed".to_owned(),
        ..nothing(services, agency.parse().ok()?)
    })
}

fn nothing(services: &Services, agency: AgencyId) -> AccessEvent {
    AccessEvent {
        log: 0,
        leaf: 0,
        at: Timestamp::UNIX_EPOCH,
        agency_label: services.registry.current().agency_label(&agency),
        agency,
        agreement: String::new(),
        agreement_title: None,
        purpose: String::new(),
        legal_basis: String::new(),
        service: String::new(),
        channel: String::new(),
        outcome: String::new(),
        attributes: Vec::new(),
        own: false,
        has_receipt: false,
        emergency: None,
    }
}
