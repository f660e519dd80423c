//! The decision: default deny, and permission before validation.
//!
//! The order is the rule: agreement, party, period, method, purpose, legal basis, service, channel,
//! assurance; only a caller who passes all of these learns whether its mask and its subject are well formed.

use std::sync::Arc;

use rabt_model::{Attribute, ChangeKind, CitizenId, Scheme};

use crate::feed::FeedTarget;
use crate::gate::Gate;
use crate::permit::{Granted, Target};
use crate::rule::Rule;
use crate::{
    AccessRequest, Agreement, Budget, Channel, Denial, DenialReason, Dormant, Facts, FieldSet,
    Method, Outcome, Permit, Policy, RequestContext, SearchCriteria, Subject,
};

/// Most paths a mask may have.
const MASK_PATHS: usize = 64;
/// Longest case reference, in characters.
const CASE_REFERENCE: usize = 128;
/// Longest reason for going round the gate, in characters.
const BREAK_GLASS: usize = 256;
/// Longest request id and represented party, in characters.
const REFERENCE: usize = 64;
/// Longest identifier, in bytes; no scheme has one half as long.
const IDENTIFIER: usize = 256;

/// What policy says about a question.
#[derive(Debug)]
pub enum Decision {
    /// It may be answered, as far as the permit goes.
    Permit(Permit),
    /// It may not.
    Deny(Denial),
}

/// A rule's refusal, before it has facts: the reason and the part of the request.
type Refusal = (DenialReason, Option<String>);

impl Policy {
    /// Decides whether a question may be answered. The same policy and request give the same decision.
    pub fn decide(&self, request: AccessRequest) -> Decision {
        let AccessRequest {
            caller,
            method,
            context,
            fields,
            subject,
            at,
        } = request;
        let agreement = self.agreement(&context.agreement);
        let dormant = self.dormant_of(&context.agreement);
        let id = agreement.map(|one| &one.id).or(dormant.map(Dormant::id));
        let mut facts = Facts {
            caller,
            method,
            context,
            agreement: id.cloned(),
            budget: agreement.map_or_else(Budget::default, |one| one.terms().budget()),
            withhold_days: agreement.and_then(|one| one.terms().withhold_days()),
            revision: self.shared_revision(),
            at,
            outcome: Outcome::Permitted,
            released: Vec::new(),
            withheld: Vec::new(),
            subjects: Vec::new(),
            changes: None,
        };
        let judged = match agreement {
            None => Err((why_not(dormant, &facts), None)),
            Some(agreement) => judge(agreement, &facts, fields.as_deref(), subject),
        };
        match judged {
            Ok(granted) => Decision::Permit(Permit::new(granted, facts)),
            Err((reason, place)) => {
                forget_unlisted(&mut facts.context, agreement);
                facts.outcome = Outcome::Denied;
                Decision::Deny(Denial::new(reason, place, facts))
            }
        }
    }
}

/// Says why nothing is permitted under an agreement that is not in force. That there is one is told to those
/// whose it is.
fn why_not(dormant: Option<&Dormant>, facts: &Facts) -> DenialReason {
    match dormant {
        None => DenialReason::UnknownAgreement,
        Some(dormant) if dormant.is_of(&facts.caller) => DenialReason::NotActive,
        Some(_) => DenialReason::NotParty,
    }
}

fn judge(
    agreement: &Agreement,
    facts: &Facts,
    mask: Option<&[String]>,
    subject: Subject,
) -> Result<Granted, Refusal> {
    let rule = authorise(agreement, facts).map_err(|reason| (reason, None))?;
    check_context(&facts.context)?;
    let fields = read_mask(rule, facts.method, mask)?;
    let target = match &subject {
        Subject::Feed(events) if facts.method.reads_feed() => read_feed(agreement, events)?,
        Subject::Feed(_)
        | Subject::Identifier { .. }
        | Subject::Citizen(_)
        | Subject::Criteria(_)
        | Subject::None => read_subject(facts.method, subject)?,
    };
    check_criteria(rule, &target)?;
    Ok(Granted {
        wide: !fields.is_subset_of(rule.default()),
        gate: Gate::of(agreement.terms(), &facts.context),
        fields,
        target,
    })
}

/// A hit tells whether a criterion is true of a citizen, so only attributes that the agreement
/// could disclose may be criteria.
fn check_criteria(rule: &Rule, target: &Target) -> Result<(), Refusal> {
    let Target::Criteria(criteria) = target else {
        return Ok(());
    };
    let criteria = criteria.expose();
    let asked = [
        (criteria.birth.is_some(), Attribute::BirthDate),
        (criteria.governorate.is_some(), Attribute::Address),
        (criteria.phone.is_some(), Attribute::Phone),
    ];
    let beyond = asked
        .iter()
        .any(|(asked, attribute)| *asked && !rule.maximum().contains(attribute));
    if beyond {
        return Err((DenialReason::Fields, None));
    }
    Ok(())
}

/// Returns the rule that the question is held to.
fn authorise<'p>(agreement: &'p Agreement, facts: &Facts) -> Result<&'p Rule, DenialReason> {
    let caller = &facts.caller;
    let context = &facts.context;
    let system = caller.role == crate::Role::System && lists(&agreement.systems, &caller.system);
    if !system || caller.agency != agreement.agency {
        return Err(DenialReason::NotParty);
    }
    if !agreement.period.contains(facts.at) {
        return Err(DenialReason::Period);
    }
    if !agreement.allows_method(facts.method) {
        return Err(DenialReason::Method);
    }
    if !lists(&agreement.purposes, &context.purpose) {
        return Err(DenialReason::Purpose);
    }
    if !lists(&agreement.legal_bases, &context.legal_basis) {
        return Err(DenialReason::LegalBasis);
    }
    let rule = agreement.rule(&context.service);
    let rule = rule.ok_or(DenialReason::Service)?;
    if !lists(rule.legal_bases(), &context.legal_basis) {
        return Err(DenialReason::LegalBasis);
    }
    let channel = Channel::from_code(&context.channel);
    let Some(channel) = channel.filter(|channel| rule.has_channel(*channel)) else {
        return Err(DenialReason::Channel);
    };
    if channel.verifies_only() && facts.method != Method::VerifyAttributes {
        return Err(DenialReason::ChannelVerifiesOnly);
    }
    if !context.break_glass.is_empty() {
        // somebody has to answer for it
        let person = context
            .end_user
            .as_ref()
            .map(|user| user.id.expose().trim());
        if !agreement.terms().allows_break_glass() || person.is_none_or(str::is_empty) {
            return Err(DenialReason::BreakGlass);
        }
    }
    let assurance = context.end_user.as_ref().map(|user| user.assurance);
    if assurance.unwrap_or_default() < rule.minimum_assurance() {
        return Err(DenialReason::Assurance);
    }
    Ok(rule)
}

pub(crate) fn lists(codes: &[String], code: &str) -> bool {
    codes.iter().any(|listed| listed == code)
}

fn check_context(context: &RequestContext) -> Result<(), Refusal> {
    let references = [
        (
            "context.case_reference",
            &context.case_reference,
            CASE_REFERENCE,
        ),
        ("context.request_id", &context.request_id, REFERENCE),
        ("context.break_glass", &context.break_glass, BREAK_GLASS),
        (
            "context.represented_party",
            &context.represented_party,
            REFERENCE,
        ),
    ];
    for (place, text, longest) in references {
        if !is_reference(text, longest) {
            return Err((DenialReason::BadContext, Some(place.to_owned())));
        }
    }
    Ok(())
}

fn is_reference(text: &str, longest: usize) -> bool {
    text.len() <= longest * 4
        && text.chars().count() <= longest
        && !text.chars().any(char::is_control)
}

/// Leaves out of a denied question's facts what the caller made up.
fn forget_unlisted(context: &mut RequestContext, agreement: Option<&Agreement>) {
    let listed = |list: fn(&Agreement) -> &[String], code: &str| {
        agreement.is_some_and(|agreement| lists(list(agreement), code))
    };
    if agreement.is_none() {
        context.agreement.clear();
    }
    if !listed(Agreement::purposes, &context.purpose) {
        context.purpose.clear();
    }
    if !listed(Agreement::legal_bases, &context.legal_basis) {
        context.legal_basis.clear();
    }
    if !listed(Agreement::services, &context.service) {
        context.service.clear();
    }
    if Channel::from_code(&context.channel).is_none() {
        context.channel.clear();
    }
    if !is_reference(&context.case_reference, CASE_REFERENCE) {
        context.case_reference.clear();
    }
    if !is_reference(&context.break_glass, BREAK_GLASS) {
        context.break_glass.clear();
    }
    for text in [&mut context.request_id, &mut context.represented_party] {
        if !is_reference(text, REFERENCE) {
            text.clear();
        }
    }
}

/// Reads a mask. A path is an attribute id, which must be within the maximum, or a group such as `name` or
/// `facts.tax`, which stands for as much of the group as the maximum holds, and must hold some.
fn read_mask(
    rule: &Rule,
    method: Method,
    mask: Option<&[String]>,
) -> Result<Arc<FieldSet>, Refusal> {
    let paths = mask.unwrap_or_default();
    let malformed = |place: String| Err((DenialReason::BadMask, Some(place)));
    let counts = match method {
        Method::ListSourceReferences => return Ok(Arc::default()),
        Method::ExplainField => 1..=1,
        Method::VerifyAttributes => 1..=MASK_PATHS,
        Method::LookupCitizen
        | Method::GetCitizen
        | Method::BatchLookupCitizens
        | Method::SearchCitizens
        | Method::ListCitizenRevisions
        | Method::ListChanges
        | Method::WatchChanges
        | Method::ExportSnapshot => 0..=MASK_PATHS,
    };
    if !counts.contains(&paths.len()) {
        return malformed("fields".to_owned());
    }
    if paths.is_empty() {
        return Ok(Arc::clone(rule.default()));
    }
    let mut asked = FieldSet::default();
    let mut outside = false;
    for (number, path) in paths.iter().enumerate() {
        if let Ok(attribute) = path.parse::<Attribute>() {
            outside |= !rule.maximum().contains(&attribute);
            asked.insert(&attribute);
        } else if let Some(group) = FieldSet::group(path).filter(|_| method.reads_mask()) {
            let part = group.intersection(rule.maximum());
            outside |= part.is_empty();
            asked = asked.union(&part);
        } else {
            return malformed(format!("fields[{number}]"));
        }
    }
    if outside {
        return Err((DenialReason::Fields, None));
    }
    Ok(Arc::new(asked))
}

/// Reads which kinds of change are asked for: those of the agreement, unless some are named.
fn read_feed(agreement: &Agreement, events: &[String]) -> Result<Target, Refusal> {
    // an agreement that names a method of the feed has terms
    let terms = agreement.feed.ok_or((DenialReason::Method, None))?;
    let mut kinds = 0;
    for (number, code) in events.iter().enumerate() {
        let Some(kind) = ChangeKind::from_code(code) else {
            return Err((DenialReason::BadKind, Some(format!("kinds[{number}]"))));
        };
        if terms.kinds & kind.bit() == 0 {
            return Err((DenialReason::Fields, None));
        }
        kinds |= kind.bit();
    }
    if events.is_empty() {
        kinds = terms.kinds;
    }
    Ok(Target::Feed(FeedTarget {
        kinds,
        population: terms.population,
        records: agreement.allows_method(Method::ListSourceReferences),
    }))
}

fn read_subject(method: Method, subject: Subject) -> Result<Target, Refusal> {
    let malformed = |place: &str| Err((DenialReason::BadSubject, Some(place.to_owned())));
    match (method, subject) {
        (
            Method::LookupCitizen
            | Method::BatchLookupCitizens
            | Method::VerifyAttributes
            | Method::SearchCitizens,
            Subject::Identifier { scheme, value },
        ) => {
            let Ok(scheme) = scheme.parse::<Scheme>() else {
                return malformed("subject.scheme");
            };
            let text = value.expose();
            if text.trim().is_empty() || text.len() > IDENTIFIER || text.contains('\0') {
                return malformed("subject.value");
            }
            Ok(Target::Identifier { scheme, value })
        }
        (
            Method::GetCitizen
            | Method::VerifyAttributes
            | Method::ListSourceReferences
            | Method::ExplainField
            | Method::ListCitizenRevisions,
            Subject::Citizen(id),
        ) => match id.parse::<CitizenId>() {
            Ok(citizen) => Ok(Target::Citizen(citizen)),
            Err(_) => malformed("subject.citizen"),
        },
        (Method::SearchCitizens, Subject::Criteria(criteria)) => {
            match SearchCriteria::read(criteria.expose()) {
                Ok(read) => Ok(Target::Criteria(read.into())),
                Err((reason, place)) => Err((reason, Some(place.to_owned()))),
            }
        }
        _ => malformed("subject"),
    }
}

#[cfg(test)]
mod tests;
