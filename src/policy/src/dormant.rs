//! Agreements that are not in force: suspended, ended, or approved and not yet activated.
//!
//! Invariant: what a policy knows of them is whose they are, and nothing that could be permitted by.

use rabt_model::{AgencyId, AgreementId};

use crate::decide::lists;
use crate::{Agreement, Caller, Role};

/// An agreement that is not in force, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dormant {
    pub(crate) id: AgreementId,
    pub(crate) agency: AgencyId,
    /// Ascending, each once.
    pub(crate) systems: Vec<String>,
}

impl Dormant {
    /// Returns what a policy knows of an agreement that is not in force.
    pub fn of(agreement: &Agreement) -> Self {
        Self {
            id: agreement.id.clone(),
            agency: agreement.agency.clone(),
            systems: agreement.systems.clone(),
        }
    }

    /// Returns which agreement.
    pub const fn id(&self) -> &AgreementId {
        &self.id
    }

    /// Says whether somebody is a system that the agreement names, and so may know that there is one.
    pub(crate) fn is_of(&self, caller: &Caller) -> bool {
        let system = caller.role == Role::System && lists(&self.systems, &caller.system);
        system && caller.agency == self.agency
    }
}

#[cfg(test)]
mod tests {
    use rabt_model::{AgreementId, ErrorClass};

    use super::Dormant;
    use crate::{
        AccessRequest, Caller, DEMO_BUNDLE, Decision, Denial, DenialReason, Method, Policy,
        RequestContext, Role, Subject,
    };

    const TAX: &str = "AG-TAX-001";

    /// The demonstration, in which the agreement of the tax authority is not in force.
    fn policy() -> Policy {
        let whole = Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap();
        let dormant: Vec<Dormant> = whole.agreements().into_iter().map(Dormant::of).collect();
        let others = whole.agreements().into_iter();
        let others = others.filter(|one| one.id().as_str() != TAX).cloned();
        Policy::of_agreements(others, whole.services()).with_dormant(dormant)
    }

    fn denied(policy: &Policy, agreement: &str, caller: (&str, &str, Role)) -> Denial {
        let (agency, system, role) = caller;
        let request = AccessRequest {
            caller: Caller {
                agency: agency.parse().unwrap(),
                system: system.to_owned(),
                role,
            },
            method: Method::LookupCitizen,
            context: RequestContext {
                agreement: agreement.to_owned(),
                purpose: "assessment".to_owned(),
                ..RequestContext::default()
            },
            fields: None,
            subject: Subject::None,
            at: "2026-05-01T09:00:00Z".parse().unwrap(),
        };
        match policy.decide(request) {
            Decision::Permit(_) => panic!("permitted"),
            Decision::Deny(denial) => denial,
        }
    }

    #[test]
    fn only_those_whose_it_is_learn_that_an_agreement_is_not_in_force() {
        let policy = policy();
        let own = denied(&policy, TAX, ("tax", "assessment", Role::System));
        assert_eq!(own.reason(), DenialReason::NotActive);
        assert_eq!(own.class(), ErrorClass::AgreementNotActive);
        for stranger in [
            ("tax", "assessment2", Role::System),
            ("tax", "assessment", Role::Clerk),
            ("health-insurance", "assessment", Role::System),
        ] {
            let denial = denied(&policy, TAX, stranger);
            assert_eq!(denial.reason(), DenialReason::NotParty, "{stranger:?}");
            assert_eq!(denial.class(), ErrorClass::NotPermitted);
            let named = denial.facts().agreement().map(AgreementId::as_str);
            assert_eq!(named, Some(TAX), "the log says under which");
        }
        let none = denied(&policy, "AG-0", ("tax", "assessment", Role::System));
        assert_eq!(none.reason(), DenialReason::UnknownAgreement);
        assert!(none.facts().agreement().is_none());
    }

    #[test]
    fn what_is_not_in_force_stands_in_the_bundle_and_counts_for_its_revision() {
        let policy = policy();
        let ids: Vec<&str> = policy.dormant().map(|one| one.id().as_str()).collect();
        assert_eq!(ids, [TAX], "those in force are left out");
        let read = Policy::from_bundle(&policy.to_text(), "again.toml").unwrap();
        assert_eq!(read.to_text(), policy.to_text());
        assert_eq!(read.revision(), policy.revision());
        assert!(read.dormant().eq(policy.dormant()));
        assert_ne!(policy.with_dormant([]).revision(), policy.revision());

        let twice = policy.to_text() + "\n[[dormant]]\nid = \"AG-TAX-001\"\nsystems = []\n";
        let found = Policy::from_bundle(&twice, "b.toml").unwrap_err();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(
            found.iter().any(|one| one.contains("`agency`")),
            "{found:?}"
        );
        let both = format!(
            "{}\n{DEMO_BUNDLE}",
            &policy.to_text()[policy.to_text().find("[[dormant").unwrap()..]
        );
        let found = Policy::from_bundle(&both.replace("schema = 1", ""), "b.toml").unwrap_err();
        assert!(
            found[0].to_string().contains("is already defined"),
            "{found:?}"
        );
    }
}
