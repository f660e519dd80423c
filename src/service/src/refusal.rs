//! What was refused to people and portals comes into the log, whatever the reason.
//!
//! Invariant: whoever is refused an act hears of it when its entry is durable. An edge says how a call ended; which
//! ends are refusals, and which of them have their entry from the use case, is the rule here.

use rabt_model::ErrorClass;
use rabt_policy::Caller;

use crate::error::AuditError;
use crate::event;
use crate::services::Services;
use crate::transparency;

/// Records that a call ended with a failure of this class, if it is a refusal that has no entry yet.
///
/// # Errors
/// The entry did not become durable; the caller must not hear of the refusal then.
pub async fn record_refusal(
    services: &Services,
    caller: &Caller,
    method: &str,
    class: ErrorClass,
) -> Result<(), AuditError> {
    if !lacks_entry(method, class) {
        return Ok(());
    }
    let policy = services.policy.current();
    let (revision, at) = (policy.revision(), services.clock.now());
    let entry = event::of_refusal(caller, (method, class.reason()), revision, at);
    services.audit.record(entry, ()).await.map(|_durable| ())
}

fn lacks_entry(method: &str, class: ErrorClass) -> bool {
    match class {
        // the use case wrote it down
        ErrorClass::NotPermitted | ErrorClass::StepUpRequired => false,
        // that a portal's look found nothing is an answer, which has its entry
        ErrorClass::NotFound => !transparency::METHODS.contains(&method),
        ErrorClass::AgreementNotActive
        | ErrorClass::SecondPersonRequired
        | ErrorClass::InvalidRequest
        | ErrorClass::CriteriaTooWeak
        | ErrorClass::BadIdentifier
        | ErrorClass::AlreadyExists
        | ErrorClass::EtagMismatch
        | ErrorClass::QuotaExceeded
        | ErrorClass::DisclosureBudgetExceeded
        | ErrorClass::NotLeading
        | ErrorClass::SequenceExpired
        | ErrorClass::Configuration => true,
        // nothing was refused: it could not be done
        ErrorClass::SourceUnreachable | ErrorClass::Overloaded | ErrorClass::Defect | _ => false,
    }
}
