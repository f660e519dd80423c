use std::collections::BTreeSet;
use std::sync::Arc;

use rabt_model::{CitizenId, Holding, Pii, Profile, RecordNumber, Timestamp};

use super::Found;
use crate::{
    AccessRequest, Band, Caller, Content, Decision, DenialReason, Disclosure, EndUser, Method,
    Outcome, Permit, Policy, RequestContext, Restricted, Role, Subject,
};

const BUNDLE: &str = r#"
[[agreement]]
id = "A"
title = { en = "t", ar = "ت" }
agency = "tax"
systems = ["s"]
methods = ["LookupCitizen", "SearchCitizens", "ListSourceReferences"]
purposes = ["assessment", "registration"]
legal_bases = ["l"]
services = ["v"]
channels = ["system"]
period = { from = "2026-01-01", until = "2026-12-31" }
fields = { default = ["name.chain"], maximum = ["name.chain", "birth.date"] }
exempt_purposes = ["registration"]
"#;

fn instant() -> Timestamp {
    "2026-05-01T09:00:00Z".parse().unwrap()
}

/// A citizen of whom an agency holds a record.
#[expect(clippy::unnecessary_wraps, reason = "the shape that permits take")]
fn found(agency: &str, protected: bool) -> Option<Found> {
    let profile = Profile {
        citizen: CitizenId::from_random(7),
        values: Vec::new(),
        holdings: vec![Holding {
            agency: agency.parse().unwrap(),
            source: agency.parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(1),
            observed_at: instant(),
        }],
        composed_at: instant(),
    };
    Some(Found {
        profile,
        protected,
        restricted: Restricted::default(),
    })
}

/// The terms of an agreement, a purpose, and a reason to go round the gate.
type Case<'t> = (&'t str, &'t str, &'t str);

fn decide((terms, purpose, break_glass): Case<'_>, method: Method) -> Decision {
    let policy = Policy::from_bundle(&format!("{BUNDLE}{terms}\n"), "a.toml").unwrap();
    policy.decide(AccessRequest {
        caller: Caller {
            agency: "tax".parse().unwrap(),
            system: "s".to_owned(),
            role: Role::System,
        },
        method,
        context: RequestContext {
            agreement: "A".to_owned(),
            purpose: purpose.to_owned(),
            legal_basis: "l".to_owned(),
            service: "v".to_owned(),
            channel: "system".to_owned(),
            break_glass: break_glass.to_owned(),
            end_user: Some(EndUser {
                id: Pii::new("dr-7".to_owned()),
                assurance: crate::Assurance::High,
            }),
            ..RequestContext::default()
        },
        fields: None,
        subject: if method == Method::ListSourceReferences {
            Subject::Citizen(CitizenId::from_random(7).to_string())
        } else {
            Subject::Identifier {
                scheme: "national_id".to_owned(),
                value: Pii::new("1".to_owned()),
            }
        },
        at: instant(),
    })
}

fn permit(case: Case<'_>, method: Method) -> Permit {
    match decide(case, method) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("{:?}", denial.reason()),
    }
}

fn outcome(disclosure: &Disclosure) -> (bool, Outcome, usize) {
    let absent = matches!(disclosure.content(), Content::Absent);
    let facts = disclosure.facts();
    (absent, facts.outcome(), facts.subjects().len())
}

#[test]
fn a_citizen_of_whom_the_caller_holds_nothing_is_absent_unless_the_purpose_is_exempt() {
    let case = ("", "assessment", "");
    let ask = |case, found| outcome(&permit(case, Method::LookupCitizen).disclose(found));
    assert_eq!(
        ask(case, found("tax", false)),
        (false, Outcome::Disclosed, 1)
    );
    assert_eq!(
        ask(case, found("health", false)),
        (true, Outcome::Unrelated, 1)
    );
    assert_eq!(ask(case, None), (true, Outcome::Absent, 0));
    let exempt = ("", "registration", "");
    assert_eq!(
        ask(exempt, found("health", false)),
        (false, Outcome::Disclosed, 1)
    );
    let holdings = permit(case, Method::ListSourceReferences);
    let answered = holdings.holdings(found("health", false));
    assert_eq!(outcome(&answered), (true, Outcome::Unrelated, 1));
}

#[test]
fn protected_citizens_are_absent_unless_the_agreement_sees_them() {
    let ask = |case, found| outcome(&permit(case, Method::LookupCitizen).disclose(found));
    let (usual, right) = (
        ("", "assessment", ""),
        ("sees_protected = true", "assessment", ""),
    );
    assert_eq!(
        ask(usual, found("tax", true)),
        (true, Outcome::Protected, 1)
    );
    assert_eq!(
        ask(right, found("tax", true)),
        (false, Outcome::Disclosed, 1)
    );
    assert_eq!(
        ask(right, found("health", true)),
        (true, Outcome::Unrelated, 1)
    );
}

#[test]
fn a_search_leaves_out_whom_the_gate_keeps_back() {
    let asked = permit(("", "assessment", ""), Method::SearchCitizens);
    let all = [
        found("tax", false),
        found("health", false),
        found("tax", true),
    ];
    let all = all.into_iter().flatten().map(|found| (found, Band::High));
    let answered = asked.candidates(all.collect());
    let Content::Candidates(candidates) = answered.content() else {
        panic!("{answered:?}");
    };
    assert_eq!(candidates.len(), 1);
}

#[test]
fn an_emergency_opens_the_gate_where_the_agreement_has_emergencies() {
    let reason = "unconscious after an accident";
    let glass = ("break_glass = true", "assessment", reason);
    let answered = permit(glass, Method::LookupCitizen).disclose(found("health", true));
    assert_eq!(outcome(&answered), (false, Outcome::Disclosed, 1));
    assert_eq!(answered.facts().break_glass(), reason);
    let Decision::Deny(denial) = decide(("", "assessment", reason), Method::LookupCitizen) else {
        panic!("the agreement has no emergencies");
    };
    assert_eq!(denial.reason(), DenialReason::BreakGlass);
}

/// A profile in which a source speaks that is hidden is kept back as a whole.
#[test]
fn restricted_sources_speak_only_where_the_agreement_names_them_or_their_agency() {
    let restricted = |source: &str| {
        let source = [source.parse().unwrap()];
        found("tax", false).map(|found| Found {
            restricted: Arc::new(BTreeSet::from(source)),
            ..found
        })
    };
    let ask = |terms, found| {
        let case = (terms, "registration", "");
        outcome(&permit(case, Method::LookupCitizen).disclose(found))
    };
    let (told, kept) = (
        (false, Outcome::Disclosed, 1),
        (true, Outcome::Restricted, 1),
    );
    assert_eq!(ask("", restricted("clinic")), told);
    assert_eq!(ask("", restricted("tax")), kept);
    assert_eq!(ask("sees_restricted = [\"tax\"]", restricted("tax")), told);
    assert_eq!(
        ask("sees_restricted = [\"clinic\"]", restricted("tax")),
        kept
    );
    let office = |agency: &str| {
        let mut office = restricted("tax-cairo");
        if let Some(found) = &mut office {
            found.profile.holdings[0].agency = agency.parse().unwrap();
            found.profile.holdings[0].source = "tax-cairo".parse().unwrap();
        }
        office
    };
    assert_eq!(ask("sees_restricted = [\"tax\"]", office("tax")), told);
    assert_eq!(ask("sees_restricted = [\"tax-giza\"]", office("tax")), kept);
    let glass = ("break_glass = true", "assessment", "unconscious");
    let answered = permit(glass, Method::LookupCitizen).disclose(restricted("tax"));
    assert_eq!(outcome(&answered), kept, "an emergency shows no more");
}
