//! What citizens see of what others see of them, through the portals that the settings name.
//!
//! Invariant: nothing about a citizen leaves here before the entry that says so is durable, and nothing that
//! names a person at an agency leaves at all.

mod correction;
mod error;
mod history;
mod place;
mod receipt;
mod viewer;

use rabt_audit::{AuditEvent, Denied, Disclosed, Entry, Pseudonym, Question};
use rabt_model::Label;
use rabt_policy::{Assurance, Caller, Role};

use crate::audited::Audited;
use crate::services::Services;

pub use correction::{
    Correction, NewCorrection, answer_correction, create_correction, list_agency_corrections,
    list_corrections,
};
pub use error::TransparencyError;
pub(crate) use history::is_withheld;
pub use history::{AccessEvent, AccessPage, Withheld, count_withheld, list_access_events};
pub(crate) use place::{logs, open as open_place, seal as seal_place};
pub use receipt::{AccessReceipt, get_access_receipt};
pub use viewer::{Portal, Portals, Subject, Viewer};

use viewer::Whose;

/// That an agency holds a record about the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHolding {
    /// What is held where.
    pub holding: rabt_model::Holding,
    /// What people call the agency.
    pub agency_label: Label,
}

/// The methods of portals: their entries are looks of the citizen.
pub(crate) const METHODS: [&str; 6] = [
    "ListAccessEvents",
    "CountWithheldEvents",
    "GetAccessReceipt",
    "ListHoldings",
    "CreateCorrectionRequest",
    "ListCorrectionRequests",
];

/// Lists who holds a file on the citizen.
///
/// # Errors
/// The caller is no portal or not sure enough, or the entry did not become durable.
pub async fn list_holdings(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
) -> Result<Audited<Vec<OwnHolding>>, TransparencyError> {
    const METHOD: &str = "ListHoldings";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let profile = whose
        .citizen
        .and_then(|citizen| services.directory.get(citizen));
    let registry = services.registry.current();
    let holdings = profile.into_iter().flat_map(|profile| profile.holdings);
    let holdings = holdings.map(|holding| OwnHolding {
        agency_label: registry.agency_label(&holding.agency),
        holding,
    });
    let holdings: Vec<OwnHolding> = holdings.collect();
    tell(
        services,
        caller,
        viewer,
        (METHOD, "own_holdings"),
        &whose,
        holdings,
    )
    .await
}

/// Lets a portal on that is sure enough of its citizen, and finds whose file it is; a refusal is audited.
async fn admit(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    method: &str,
) -> Result<Whose, TransparencyError> {
    let portal = caller.role == Role::System && services.portals.contains(caller);
    let refusal = if !portal {
        "PORTAL"
    } else if viewer.assurance < Assurance::Substantial {
        "STEP_UP"
    } else {
        return match viewer::find(services, &viewer.subject).await? {
            Ok(whose) => Ok(whose),
            Err(asked) => Err(missed(services, caller, viewer, method, (asked, "citizen")).await),
        };
    };
    let denied = Denied {
        question: question(services, caller, viewer, method),
        reason: refusal.to_owned(),
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::Denied(denied));
    let refused = services.audit.record(entry, ()).await?;
    Err(match refusal {
        "PORTAL" => TransparencyError::NotPermitted(refused),
        _ => TransparencyError::StepUp(refused),
    })
}

/// Returns what a citizen is shown once the entry of the look is durable.
async fn tell<T>(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    (method, outcome): (&str, &str),
    whose: &Whose,
    answer: T,
) -> Result<Audited<T>, TransparencyError> {
    let entry = look(services, caller, viewer, (method, outcome), whose.name);
    Ok(services.audit.record(entry, answer).await?)
}

/// Returns the error of a look that found nothing, once its entry is durable: that there is nothing is an
/// answer too.
async fn missed(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    method: &str,
    (subject, wanted): (Pseudonym, &'static str),
) -> TransparencyError {
    let entry = look(services, caller, viewer, (method, "absent"), subject);
    match services.audit.record(entry, ()).await {
        Ok(_durable) => TransparencyError::NotFound(wanted),
        Err(error) => error.into(),
    }
}

/// Returns the entry of a look.
fn look(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    (method, outcome): (&str, &str),
    subject: Pseudonym,
) -> Entry {
    let disclosed = Disclosed {
        changes: None,
        model: String::new(),
        outcome: outcome.to_owned(),
        question: question(services, caller, viewer, method),
        released: Vec::new(),
        subjects: vec![subject],
        withheld: Vec::new(),
        withheld_until: None,
    };
    Entry::new(services.clock.now(), AuditEvent::Disclosed(disclosed))
}

fn question(services: &Services, caller: &Caller, viewer: &Viewer, method: &str) -> Question {
    Question {
        agency: caller.agency.clone(),
        agreement: None,
        assurance: viewer.assurance.as_str().to_owned(),
        break_glass: String::new(),
        case_reference: String::new(),
        channel: String::new(),
        end_user: None,
        legal_basis: String::new(),
        method: method.to_owned(),
        policy: services.policy.current().revision().to_owned(),
        purpose: String::new(),
        represented_party: String::new(),
        request_id: viewer.request_id.clone(),
        role: caller.role.as_str().to_owned(),
        service: String::new(),
        system: caller.system.clone(),
    }
}
