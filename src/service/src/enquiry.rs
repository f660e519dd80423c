//! One agency asks about one citizen: decide, look up, disclose, audit, in this order.
//!
//! Invariant: no function here returns anything, a refusal included, before its audit entry is
//! durable; the types do not allow another order.

mod exchange;
mod revision;
mod same;
mod search;
mod sentence;
mod view;

use futures::future::join_all;
use rabt_model::{Attribute, Attributed, CitizenId, Label, Profile};
use rabt_policy::{
    AccessRequest, Claim, Decision, Denial, DenialReason, Disclosure, ExplainedOther, Facts, Found,
    Pattern, Permit, Target,
};

use crate::audited::Audited;
use crate::compose;
use crate::directory::Key;
use crate::error::EnquiryError;
use crate::event;
use crate::guard::{self, Asked, Stopped, Who};
use crate::services::Services;
pub use exchange::{Draft, Exchange, Told, Wire};
pub(crate) use exchange::{Way, draft};
use exchange::{digest_answer, digest_refusal};
pub use revision::{AsOf, REVISIONS, list_citizen_revisions};
pub(crate) use revision::{as_of, ever};
pub use search::HIT_CAP;
pub(crate) use view::view;

/// What every enquiry ends in.
pub type Answer = Result<Audited<Disclosure>, EnquiryError>;

/// Discloses as much of the profile of an identifier's holder as policy allows the caller to see.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn lookup_citizen(services: &Services, question: impl Into<Exchange<'_>>) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let found = find(services, &permit).await?;
    let asked = asked(services, &permit);
    release(services, permit.disclose(found), asked, wire).await
}

/// Discloses as much of a citizen's profile as policy allows the caller to see.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn get_citizen(services: &Services, question: impl Into<Exchange<'_>>) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let found = find(services, &permit).await?;
    let asked = asked(services, &permit);
    release(services, permit.disclose(found), asked, wire).await
}

/// Answers each item as [`lookup_citizen`] does, in the order of the items. The entries of all of
/// them become durable together.
pub async fn batch_lookup_citizens(
    services: &Services,
    questions: Vec<Exchange<'_>>,
) -> Vec<Answer> {
    let items = questions
        .into_iter()
        .map(|item| lookup_citizen(services, item));
    join_all(items).await
}

/// Discloses the citizens who fit the criteria, best first, at most [`HIT_CAP`].
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn search_citizens(services: &Services, question: impl Into<Exchange<'_>>) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let found = match permit.subject() {
        Target::Criteria(criteria) => search::search(services, &permit, criteria.expose()).await?,
        Target::Identifier { .. } | Target::Citizen(_) | Target::Feed(_) => {
            let found = find(services, &permit).await?;
            found
                .into_iter()
                .map(|found| (found, rabt_policy::Band::High))
                .collect()
        }
    };
    let asked = asked(services, &permit);
    release(services, permit.candidates(found), asked, wire).await
}

/// Says for each claim whether it is right, and discloses no value.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn verify_attributes(
    services: &Services,
    question: impl Into<Exchange<'_>>,
    claims: Vec<Claim>,
) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let found = find(services, &permit).await?;
    let asked = asked(services, &permit);
    release(
        services,
        permit.verify(found, &claims, &same::same),
        asked,
        wire,
    )
    .await
}

/// Says which agencies hold records about a citizen, without their content.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn list_source_references(
    services: &Services,
    question: impl Into<Exchange<'_>>,
) -> Answer {
    let Exchange { request, wire } = question.into();
    let permit = permit(services, request, wire).await?;
    let found = find(services, &permit).await?;
    let asked = asked(services, &permit);
    release(services, permit.holdings(found), asked, wire).await
}

/// Explains where the values of one attribute come from: the steps of the mapping and the rule
/// that chose each; and which others records hold, with their holders and why they lost. The
/// attribute is the one path of the request's mask.
///
/// # Errors
/// The audited denial, or a failure that kept the answer from being audited.
pub async fn explain_field(services: &Services, question: impl Into<Exchange<'_>>) -> Answer {
    let Exchange { request, wire } = question.into();
    let paths = request.fields.iter().flatten();
    let attributes: Vec<Attribute> = paths.filter_map(|path| path.parse().ok()).collect();
    let permit = permit(services, request, wire).await?;
    let found = find(services, &permit).await?;
    let mut others = Vec::new();
    if let (Some(found), [attribute]) = (&found, attributes.as_slice()) {
        others = others_of(services, &permit, found.profile.citizen, attribute).await?;
    }
    let sentences = |value: &Attributed| explain(services, value);
    let asked = asked(services, &permit);
    let explained = permit.explain(found, others, &sentences);
    release(services, explained, asked, wire).await
}

/// Decides; a refusal is returned only when its entry is durable.
pub(crate) async fn permit(
    services: &Services,
    request: AccessRequest,
    wire: Way<'_>,
) -> Result<Permit, EnquiryError> {
    let permit = match services.policy.current().decide(request) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => return Err(refuse(services, denial, wire).await),
    };
    let who = who(services, permit.facts());
    if services.guard.is_stopped(&who, permit.facts().at()) {
        return Err(refuse(services, permit.refuse(DenialReason::Conduct), wire).await);
    }
    if is_possible(permit.subject()) {
        return Ok(permit);
    }
    // trying numbers that cannot be is trying numbers
    let look = asked(services, &permit).look_at_nobody(permit.facts());
    let reason = match services.guard.note(&who, look) {
        None => DenialReason::BadIdentifier,
        Some(pattern) => {
            announce(services, permit.facts(), pattern).await?;
            DenialReason::Conduct
        }
    };
    Err(refuse(services, permit.refuse(reason), wire).await)
}

/// Returns the refusal once its entry is durable.
pub(crate) async fn refuse(services: &Services, denial: Denial, wire: Way<'_>) -> EnquiryError {
    let mut entry = event::of_denial(services.audit.pseudonyms(), denial.facts(), denial.reason());
    digest_refusal(&mut entry, wire, &denial);
    match services.audit.record(entry, denial).await {
        Ok(denial) => EnquiryError::Denied(Box::new(denial)),
        Err(error) => error.into(),
    }
}

/// Returns the disclosure once its entry is durable, unless it shows a pattern or exceeds a budget.
pub(crate) async fn release(
    services: &Services,
    disclosure: Disclosure,
    asked: Asked,
    wire: Way<'_>,
) -> Answer {
    if let Some(stopped) = stop(services, &disclosure, &asked) {
        let reason = stopped.reason();
        if let Stopped::By(pattern) = stopped {
            announce(services, disclosure.facts(), pattern).await?;
        }
        return Err(refuse(services, disclosure.refuse(reason), wire).await);
    }
    let keys = services.audit.pseudonyms();
    let mut entry = event::of_answer(
        keys,
        services.model_fingerprint(),
        disclosure.facts(),
        asked.pseudonym,
    );
    digest_answer(&mut entry, wire, &disclosure);
    Ok(services.audit.record(entry, disclosure).await?)
}

/// Counts an answer; says why it is not to be given.
fn stop(services: &Services, disclosure: &Disclosure, asked: &Asked) -> Option<Stopped> {
    let facts = disclosure.facts();
    let person = event::person_of(services.audit.pseudonyms(), facts);
    if let Some(look) = asked.look_of(disclosure) {
        let who = Who::of(facts, person);
        if let Some(pattern) = services.guard.note(&who, look) {
            return Some(Stopped::By(pattern));
        }
    }
    let (agreement, count) = (facts.agreement()?, guard::disclosed(disclosure));
    let person = person.map(|person| person.0);
    let budgets = &services.guard.budgets;
    let fits = budgets.take(agreement, facts.budget(), person, count, facts.at());
    (!fits).then_some(Stopped::Budget)
}

/// Writes down, and says to whoever runs the node, that a caller is stopped.
async fn announce(
    services: &Services,
    facts: &Facts,
    pattern: Pattern,
) -> Result<(), EnquiryError> {
    let caller = facts.caller();
    tracing::warn!(
        agency = %caller.agency, pattern = pattern.code(),
        "a caller is stopped for what it asked; the audit log says who"
    );
    let entry = event::of_stop(services.audit.pseudonyms(), facts, pattern);
    let _ = services.audit.record(entry, ()).await?;
    Ok(())
}

fn who(services: &Services, facts: &Facts) -> Who {
    Who::of(facts, event::person_of(services.audit.pseudonyms(), facts))
}

fn asked(services: &Services, permit: &Permit) -> Asked {
    let pseudonym = event::asked(services.audit.pseudonyms(), permit.subject());
    Asked::of(permit, pseudonym)
}

/// Finds the one citizen that a permit leads to, as far as it sees them.
pub(crate) async fn find(
    services: &Services,
    permit: &Permit,
) -> Result<Option<Found>, EnquiryError> {
    let whole = match permit.subject() {
        Target::Identifier { scheme, value } => {
            return match Key::identifier(scheme.as_str(), value.expose()) {
                Some(key) => Ok(view::by_identifier(services, permit, &key).await?),
                None => Ok(None),
            };
        }
        Target::Citizen(citizen) => match services.directory.get(*citizen) {
            Some(profile) => Some(profile),
            None => find_merged(services, *citizen).await?,
        },
        Target::Criteria(_) | Target::Feed(_) => None,
    };
    match whole {
        Some(whole) => Ok(Some(view(services, permit, whole).await?)),
        None => Ok(None),
    }
}

/// Asks storage where an id leads that was merged away before this node started.
async fn find_merged(
    services: &Services,
    citizen: CitizenId,
) -> Result<Option<Profile>, EnquiryError> {
    let mut tx = services.storage.snapshot().await?;
    let today = tx.resolve(citizen).await?;
    // the way is not kept: the next commit may lead elsewhere
    Ok(today.and_then(|today| services.directory.get(today)))
}

/// Says whether an identifier can be one of its scheme. Only the national id has a structure that
/// is known here.
fn is_possible(target: &Target) -> bool {
    let Target::Identifier { scheme, value } = target else {
        return true;
    };
    let text = value.expose();
    match scheme.as_str() {
        "national_id" => rabt_linkage::national_id(text).is_some(),
        scheme => Key::identifier(scheme, text).is_some(),
    }
}

/// Returns the values of an attribute that do not stand in a citizen's profile, as far as a permit sees
/// who holds them.
async fn others_of(
    services: &Services,
    permit: &Permit,
    citizen: CitizenId,
    attribute: &Attribute,
) -> Result<Vec<ExplainedOther>, EnquiryError> {
    let mut members = view::members(services, citizen).await?;
    let known = services.registry.current();
    members.retain(|member| known.shows(permit, member));
    let others = compose::others_of(&members, attribute, &services.rules, known.as_ref());
    let explained = others.into_iter().map(|other| {
        let holders = other.holders.iter();
        let mut sentences: Vec<Label> = holders
            .map(|holder| sentence::of_other(holder, &known.agency_label(&holder.agency)))
            .collect();
        sentences.push(sentence::of_loss(other.rule, other.disputes));
        ExplainedOther { other, sentences }
    });
    Ok(explained.collect())
}

fn explain(services: &Services, value: &Attributed) -> Vec<Label> {
    let origin = &value.provenance;
    let registry = services.registry.current();
    let mut sentences = vec![sentence::of_origin(
        value,
        &registry.agency_label(&origin.agency),
    )];
    sentences.extend(registry.lineage(
        &origin.source,
        &origin.stream,
        &value.attribute,
        &origin.column,
    ));
    sentences.push(sentence::of_rule(value));
    sentences
}
