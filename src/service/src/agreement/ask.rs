//! What a policy would say, and what a caller may ask.

use rabt_model::{CitizenId, Pii, Timestamp};
use rabt_policy::{
    AccessRequest, Caller, Decision, DenialReason, FieldSet, Method, Permission, Policy,
    PublicService, RequestContext, Subject,
};

use super::{READERS, allow, read};
use crate::error::AgreementError;
use crate::services::Services;

/// A question that nobody asks.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who would ask.
    pub caller: Caller,
    /// Which question.
    pub method: Method,
    /// Why, and for whom.
    pub context: RequestContext,
    /// As in [`AccessRequest::fields`].
    pub fields: Option<Vec<String>>,
    /// When; now when absent.
    pub at: Option<Timestamp>,
}

/// What policy would say.
#[derive(Debug, Clone)]
pub enum Simulated {
    /// It would be answered, with no more than these attributes.
    Permitted(FieldSet),
    /// It would not.
    Denied(DenialReason),
}

/// Says what the policy in force would say to a question, or with `text` the policy in which this
/// agreement stands in place of the one of its id. Nothing is asked and nothing changes.
///
/// # Errors
/// Every problem of the text.
pub async fn simulate_policy(
    services: &Services,
    caller: &Caller,
    question: Question,
    text: Option<&str>,
) -> Result<Simulated, AgreementError> {
    allow(services, caller, "SimulatePolicy", &READERS).await?;
    let current = services.policy.current();
    let proposed;
    let policy = match text {
        None => current.as_ref(),
        Some(text) => {
            let agreement = read(services, text)?;
            let others = current.agreements().into_iter();
            let others = others.filter(|other| other.id() != agreement.id()).cloned();
            let all: Vec<_> = others.chain([agreement.clone()]).collect();
            let proposal = Policy::of_agreements(all, &services.catalogue);
            proposed = proposal.with_dormant(current.dormant().cloned());
            &proposed
        }
    };
    let subject = subject_of(question.method);
    let decision = policy.decide(AccessRequest {
        caller: question.caller,
        method: question.method,
        context: question.context,
        fields: question.fields,
        subject,
        at: question.at.unwrap_or_else(|| services.clock.now()),
    });
    Ok(match decision {
        Decision::Permit(permit) => Simulated::Permitted(permit.attributes().clone()),
        Decision::Deny(denial) => Simulated::Denied(denial.reason()),
    })
}

/// Returns what the caller itself may ask now, as the decision has it.
pub fn list_my_permissions(services: &Services, caller: &Caller) -> Vec<Permission> {
    let policy = services.policy.current();
    policy.permissions(caller, services.clock.now())
}

/// Returns the catalogue of public services, ascending by id.
pub fn list_services(services: &Services) -> Vec<PublicService> {
    services.catalogue.services().to_vec()
}

/// Returns a well-formed subject that is nobody.
fn subject_of(method: Method) -> Subject {
    match method {
        Method::LookupCitizen
        | Method::BatchLookupCitizens
        | Method::SearchCitizens
        | Method::VerifyAttributes => Subject::Identifier {
            scheme: "national_id".to_owned(),
            value: Pii::new("0".repeat(14)),
        },
        Method::GetCitizen
        | Method::ListSourceReferences
        | Method::ExplainField
        | Method::ListCitizenRevisions => Subject::Citizen(CitizenId::from_random(0).to_string()),
        Method::ListChanges | Method::WatchChanges | Method::ExportSnapshot => {
            Subject::Feed(Vec::new())
        }
    }
}
