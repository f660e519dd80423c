use std::sync::LazyLock;

use proptest::prelude::*;
use rabt_model::{CitizenId, ErrorClass, Timestamp};

use super::Decision;
use crate::{
    AccessRequest, Assurance, Caller, Criteria, DEMO_BUNDLE, Denial, DenialReason, EndUser, Method,
    Outcome, Permit, Policy, RequestContext, Role, Subject, Target,
};

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap());

/// A question that the tax agreement permits.
fn request() -> AccessRequest {
    AccessRequest {
        caller: Caller {
            agency: "tax".parse().unwrap(),
            system: "assessment".to_owned(),
            role: Role::System,
        },
        method: Method::LookupCitizen,
        context: RequestContext {
            agreement: "AG-TAX-001".to_owned(),
            purpose: "assessment".to_owned(),
            legal_basis: "income-tax-act".to_owned(),
            service: "tax-return".to_owned(),
            channel: "system".to_owned(),
            case_reference: "ملف 17".to_owned(),
            request_id: "r-1".to_owned(),
            ..RequestContext::default()
        },
        fields: None,
        subject: Subject::Identifier {
            scheme: "national_id".to_owned(),
            value: "29001011234567".to_owned().into(),
        },
        at: "2026-05-01T09:00:00Z".parse().unwrap(),
    }
}

fn permit(request: AccessRequest) -> Permit {
    match POLICY.decide(request) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("denied: {:?}", denial.reason()),
    }
}

fn denial(request: AccessRequest) -> Denial {
    match POLICY.decide(request) {
        Decision::Permit(_) => panic!("permitted"),
        Decision::Deny(denial) => denial,
    }
}

fn changed(change: impl FnOnce(&mut AccessRequest)) -> AccessRequest {
    let mut request = request();
    change(&mut request);
    request
}

#[test]
fn what_is_listed_is_permitted_with_the_default_set() {
    let permit = permit(request());
    let expected = "address birth.date identifier.national_id name.chain";
    assert_eq!(permit.attributes().to_string(), expected);
    assert_eq!(permit.facts().purpose(), "assessment");
    assert_eq!(permit.facts().revision(), POLICY.revision());
    assert!(
        matches!(permit.subject(), Target::Identifier { scheme, .. } if scheme.as_str() == "national_id")
    );
    assert!(matches!(
        POLICY.decide(changed(|r| r.fields = Some(Vec::new()))),
        Decision::Permit(_)
    ));
}

#[test]
fn every_rule_has_its_reason() {
    type Change = fn(&mut AccessRequest);
    let cases: [(DenialReason, Change); 14] = [
        (DenialReason::UnknownAgreement, |r| {
            r.context.agreement.clear();
        }),
        (DenialReason::UnknownAgreement, |r| {
            r.context.agreement = "AG-0".to_owned();
        }),
        (DenialReason::NotParty, |r| {
            r.caller.system = "assessment2".to_owned();
        }),
        (DenialReason::NotParty, |r| {
            r.caller.agency = "subsidies".parse().unwrap();
        }),
        (DenialReason::NotParty, |r| r.caller.role = Role::Clerk),
        (DenialReason::Period, |r| {
            r.at = "2025-12-31T23:59:59.999Z".parse().unwrap();
        }),
        (DenialReason::Period, |r| {
            r.at = "2036-01-01T00:00:00Z".parse().unwrap();
        }),
        (DenialReason::Purpose, |r| {
            r.context.purpose = "curiosity".to_owned();
        }),
        (DenialReason::LegalBasis, |r| r.context.legal_basis.clear()),
        (DenialReason::Service, |r| {
            r.context.service = "passport".to_owned();
        }),
        (DenialReason::Channel, |r| {
            r.context.channel = "post_office".to_owned();
        }),
        (DenialReason::Channel, |r| {
            r.context.channel = "Portal".to_owned();
        }),
        (DenialReason::Fields, |r| {
            r.fields = Some(vec!["photo_reference".to_owned()]);
        }),
        (DenialReason::BadSubject, |r| r.subject = Subject::None),
    ];
    for (reason, change) in cases {
        let denial = denial(changed(change));
        assert_eq!(denial.reason(), reason);
        assert_eq!(denial.class(), reason.class());
        assert_eq!(denial.facts().outcome(), Outcome::Denied);
        if denial.class() == ErrorClass::NotPermitted {
            assert_eq!(denial.to_string(), "not permitted");
        }
    }
}

#[test]
fn a_method_that_is_not_listed_is_denied() {
    let mut request = request();
    request.caller.agency = "health-insurance".parse().unwrap();
    request.caller.system = "eligibility".to_owned();
    request.context.agreement = "AG-HEALTH-002".to_owned();
    request.method = Method::SearchCitizens;
    assert_eq!(denial(request).reason(), DenialReason::Method);
}

#[test]
fn a_call_centre_verifies_and_does_not_reveal() {
    let text = DEMO_BUNDLE.replace(
        r#"channels = ["system", "portal"]"#,
        r#"channels = ["system", "call_centre"]"#,
    );
    let policy = Policy::from_bundle(&text, "demo.toml").unwrap();
    for method in Method::ALL {
        let request = changed(|r| {
            r.method = method;
            r.context.channel = "call_centre".to_owned();
            r.fields = Some(vec!["birth.date".to_owned()]);
        });
        match policy.decide(request) {
            Decision::Permit(_) => assert_eq!(method, Method::VerifyAttributes),
            Decision::Deny(denial) => {
                assert_ne!(method, Method::VerifyAttributes);
                assert_eq!(denial.reason(), DenialReason::ChannelVerifiesOnly);
            }
        }
    }
}

#[test]
fn a_weak_sign_in_must_step_up() {
    let text = DEMO_BUNDLE.replacen(
        "period =",
        "minimum_assurance = \"substantial\"\nperiod =",
        1,
    );
    let policy = Policy::from_bundle(&text, "demo.toml").unwrap();
    for level in Assurance::ALL {
        let user = EndUser {
            id: "u".to_owned().into(),
            assurance: level,
        };
        match policy.decide(changed(|r| r.context.end_user = Some(user))) {
            Decision::Permit(_) => assert!(level >= Assurance::Substantial),
            Decision::Deny(denial) => {
                assert!(level < Assurance::Substantial);
                assert_eq!(denial.class(), ErrorClass::StepUpRequired);
            }
        }
    }
    assert!(
        matches!(policy.decide(request()), Decision::Deny(d) if d.reason() == DenialReason::Assurance)
    );
}

#[test]
fn permission_comes_before_validation() {
    let broken = |r: &mut AccessRequest| {
        r.fields = Some(vec!["no.such.path".to_owned()]);
        r.subject = Subject::Citizen("?".to_owned());
        r.context.case_reference = "x".repeat(500);
    };
    let stranger = changed(|r| {
        broken(r);
        r.context.purpose = "curiosity".to_owned();
    });
    assert_eq!(denial(stranger).class(), ErrorClass::NotPermitted);
    assert_eq!(denial(changed(broken)).class(), ErrorClass::InvalidRequest);
}

#[test]
fn masks_are_ids_or_groups() {
    let asked = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        POLICY.decide(changed(|r| r.fields = Some(paths)))
    };
    let allowed = |paths: &[&str]| match asked(paths) {
        Decision::Permit(permit) => permit.attributes().to_string(),
        Decision::Deny(denial) => panic!("{:?}", denial.reason()),
    };
    let refused = |paths: &[&str]| match asked(paths) {
        Decision::Permit(permit) => panic!("{}", permit.attributes()),
        Decision::Deny(denial) => (denial.reason(), denial.place().map(str::to_owned)),
    };
    assert_eq!(allowed(&["name", "sex"]), "name.chain name.latin sex");
    assert_eq!(
        allowed(&["identifier"]),
        "identifier.national_id identifier.tax"
    );
    assert_eq!(allowed(&["facts.tax"]), "facts.tax.*");
    assert_eq!(
        allowed(&["facts.tax.debt", "sex", "sex"]),
        "facts.tax.debt sex"
    );
    assert_eq!(refused(&["sex", "email"]), (DenialReason::Fields, None));
    assert_eq!(refused(&["facts.pension"]), (DenialReason::Fields, None));
    assert_eq!(
        refused(&["identifier.passport"]),
        (DenialReason::Fields, None)
    );
    for unknown in [
        "nmae.chain",
        "name.*",
        "*",
        "",
        "facts",
        "identifier.",
        "identifier.A B",
    ] {
        let place = Some("fields[1]".to_owned());
        assert_eq!(
            refused(&["email", unknown]),
            (DenialReason::BadMask, place),
            "{unknown}"
        );
    }
    assert_eq!(refused(&["sex"; 65]).0, DenialReason::BadMask);
}

#[test]
fn questions_about_attributes_name_them() {
    for (method, fields, fits) in [
        (Method::VerifyAttributes, None, false),
        (Method::VerifyAttributes, Some(vec!["name"]), false),
        (
            Method::VerifyAttributes,
            Some(vec!["sex", "birth.date"]),
            true,
        ),
        (Method::ExplainField, None, false),
        (Method::ExplainField, Some(vec!["sex", "birth.date"]), false),
        (Method::ExplainField, Some(vec!["sex"]), true),
    ] {
        let decision = POLICY.decide(changed(|r| {
            r.method = method;
            r.subject = Subject::Citizen(CitizenId::from_random(7).to_string());
            r.fields = fields.map(|paths| paths.into_iter().map(str::to_owned).collect());
        }));
        match decision {
            Decision::Permit(_) => assert!(fits, "{method:?}"),
            Decision::Deny(denial) => {
                assert!(!fits, "{method:?}");
                assert_eq!(denial.reason(), DenialReason::BadMask);
            }
        }
    }
}

#[test]
fn subjects_fit_their_methods() {
    let identifier = |scheme: &str, value: &str| Subject::Identifier {
        scheme: scheme.to_owned(),
        value: value.to_owned().into(),
    };
    let citizen = || Subject::Citizen(CitizenId::from_random(7).to_string());
    let strong = Criteria {
        name: Some("منى سعيد".to_owned()),
        birth_date: Some("1984-02-11".to_owned()),
        ..Criteria::default()
    };
    let cases = [
        (Method::GetCitizen, citizen(), None),
        (Method::GetCitizen, identifier("tax", "1"), Some("subject")),
        (
            Method::GetCitizen,
            Subject::Citizen("x".to_owned()),
            Some("subject.citizen"),
        ),
        (Method::LookupCitizen, citizen(), Some("subject")),
        (
            Method::LookupCitizen,
            identifier("Tax", "1"),
            Some("subject.scheme"),
        ),
        (
            Method::LookupCitizen,
            identifier("tax", " "),
            Some("subject.value"),
        ),
        (
            Method::LookupCitizen,
            identifier("tax", "a\0"),
            Some("subject.value"),
        ),
        (Method::SearchCitizens, identifier("tax", "1"), None),
        (
            Method::SearchCitizens,
            Subject::Criteria(strong.into()),
            None,
        ),
        (
            Method::SearchCitizens,
            Subject::Criteria(Criteria::default().into()),
            Some("criteria"),
        ),
        (Method::ListSourceReferences, citizen(), None),
    ];
    for (method, subject, expected) in cases {
        let decision = POLICY.decide(changed(|r| {
            r.method = method;
            r.subject = subject;
        }));
        let place = match decision {
            Decision::Permit(_) => None,
            Decision::Deny(denial) => denial.place().map(str::to_owned),
        };
        assert_eq!(place.as_deref(), expected, "{method:?}");
    }
}

#[test]
fn facts_of_a_denial_hold_no_text_that_the_caller_made_up() {
    let number = "29001011234567";
    let denial = denial(changed(|r| {
        r.context.agreement = number.to_owned();
        r.context.purpose = number.to_owned();
        r.context.legal_basis = number.to_owned();
        r.context.service = number.to_owned();
        r.context.channel = number.to_owned();
        r.context.case_reference = "a\nb".to_owned();
    }));
    assert!(!format!("{denial:?} {denial}").contains(number));
    assert_eq!(denial.facts().case_reference(), "");
    assert_eq!(denial.facts().request_id(), "r-1");
}

fn outcome(decision: &Decision) -> (Option<DenialReason>, String) {
    match decision {
        Decision::Permit(permit) => (None, permit.attributes().to_string()),
        Decision::Deny(denial) => (Some(denial.reason()), String::new()),
    }
}

/// A question that one of the three agreements permits, by its number.
fn permitted(number: usize) -> AccessRequest {
    let texts = [
        [
            "tax",
            "assessment",
            "AG-TAX-001",
            "assessment",
            "income-tax-act",
            "tax-return",
            "system",
        ],
        [
            "health-insurance",
            "eligibility",
            "AG-HEALTH-002",
            "eligibility",
            "health-insurance-act",
            "insurance-card",
            "portal",
        ],
        [
            "subsidies",
            "call-centre",
            "AG-CALL-003",
            "caller-verification",
            "social-protection-act",
            "subsidy-card",
            "call_centre",
        ],
    ];
    let [
        agency,
        system,
        agreement,
        purpose,
        legal_basis,
        service,
        channel,
    ] = texts[number];
    let mut request = request();
    request.method = Method::VerifyAttributes;
    request.fields = Some(vec!["birth.date".to_owned()]);
    request.caller.agency = agency.parse().unwrap();
    request.caller.system = system.to_owned();
    request.context.agreement = agreement.to_owned();
    request.context.purpose = purpose.to_owned();
    request.context.legal_basis = legal_basis.to_owned();
    request.context.service = service.to_owned();
    request.context.channel = channel.to_owned();
    request
}

/// Replaces one part of a request by that of another, or by anything.
fn spoil(request: &mut AccessRequest, part: usize, other: AccessRequest, text: String, day: i64) {
    match part {
        0 => request.caller.agency = other.caller.agency,
        1 => request.caller.system = other.caller.system,
        2 => request.caller.role = Role::Operator,
        3 => request.method = Method::ALL[text.len() % Method::ALL.len()],
        4 => request.context.agreement = other.context.agreement,
        5 => request.context.purpose = other.context.purpose,
        6 => request.context.legal_basis = other.context.legal_basis,
        7 => request.context.service = other.context.service,
        8 => request.context.channel = other.context.channel,
        9 => request.at = Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap(),
        10 => request.fields = Some(vec![text]),
        11 => request.fields = Some(vec!["name".to_owned(), "email".to_owned()]),
        12 => request.context.purpose = text,
        _ => request.fields = None,
    }
}

prop_compose! {
    /// Requests that an agreement permits, but for up to two parts.
    fn any_request()(
        number in 0_usize..3,
        spoils in prop::collection::vec((0_usize..14, 0_usize..3, ".{0,20}", 0_i64..6000), 0..3),
    ) -> AccessRequest {
        let mut request = permitted(number);
        for (part, other, text, day) in spoils {
            spoil(&mut request, part, permitted(other), text, day);
        }
        request
    }
}

#[test]
fn the_three_agreements_permit_what_they_list() {
    for number in 0..3 {
        permit(permitted(number));
    }
}

proptest! {
    #[test]
    fn whatever_is_not_listed_is_denied(request in any_request()) {
        if let Decision::Permit(permit) = POLICY.decide(request.clone()) {
            let agreement = POLICY.agreement(&request.context.agreement).unwrap();
            let lists = |list: &[String], code: &String| list.contains(code);
            prop_assert_eq!(agreement.agency(), &request.caller.agency);
            prop_assert_eq!(request.caller.role, Role::System);
            prop_assert!(lists(agreement.systems(), &request.caller.system));
            prop_assert!(lists(agreement.purposes(), &request.context.purpose));
            prop_assert!(lists(agreement.legal_bases(), &request.context.legal_basis));
            prop_assert!(lists(agreement.services(), &request.context.service));
            prop_assert!(agreement.methods().any(|method| method == request.method));
            prop_assert!(agreement.channels().any(|c| c.as_str() == request.context.channel));
            prop_assert!(agreement.period().contains(request.at));
            prop_assert!(permit.attributes().is_subset_of(agreement.maximum_fields()));
        }
    }

    #[test]
    fn decisions_are_deterministic(request in any_request()) {
        let again = Policy::from_bundle(DEMO_BUNDLE, "other.toml").unwrap();
        let first = outcome(&POLICY.decide(request.clone()));
        prop_assert_eq!(&first, &outcome(&POLICY.decide(request.clone())));
        prop_assert_eq!(&first, &outcome(&again.decide(request)));
    }
}
