//! The gate: whom a permitted question may be about.
//!
//! Invariant: a profile leaves a permit only through [`Permit::admit`]. Who is kept back is as absent as
//! somebody who does not exist; the audit entry alone tells the difference.

use rabt_model::Profile;

use crate::permit::seal;
use crate::{Content, Disclosure, Outcome, Permit, RequestContext, Terms};

/// A citizen who was found for a permitted question.
#[derive(Debug, Clone)]
pub struct Found {
    /// The profile.
    pub profile: Profile,
    /// Whether somebody marked the citizen as protected.
    pub protected: bool,
}

/// What an agreement lets a question pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    /// Whether citizens are disclosed of whom the caller's agency holds no record.
    strangers: bool,
    /// Whether protected citizens are.
    protected: bool,
}

impl Gate {
    /// Returns the gate of a question that the rules permit.
    pub(crate) fn of(terms: &Terms, context: &RequestContext) -> Self {
        let emergency = !context.break_glass.is_empty();
        let exempt = terms.exempt_purposes().contains(&context.purpose);
        Self {
            strangers: emergency || exempt,
            protected: emergency || terms.sees_protected(),
        }
    }

    /// Says whether protected citizens pass.
    pub(crate) const fn lets_protected_pass(self) -> bool {
        self.protected
    }
}

impl Permit {
    /// Returns the profile of a citizen whom the question may be about, and the permit to disclose it;
    /// otherwise the answer that there is nobody.
    pub(crate) fn admit(
        mut self,
        found: Option<Found>,
    ) -> Result<(Self, Profile), Box<Disclosure>> {
        let Some(found) = found else {
            return Err(Box::new(self.absent()));
        };
        match self.keeps_back(&found) {
            None => Ok((self, found.profile)),
            Some(outcome) => {
                self.facts.subjects.push(found.profile.citizen);
                Err(Box::new(seal(Content::Absent, outcome, self.facts)))
            }
        }
    }

    /// Returns why a citizen is kept back, when that is so.
    pub(crate) fn keeps_back(&self, found: &Found) -> Option<Outcome> {
        let own = &self.facts.caller.agency;
        let mut holdings = found.profile.holdings.iter();
        if found.protected && !self.gate.protected {
            return Some(Outcome::Protected);
        }
        if !self.gate.strangers && !holdings.any(|holding| holding.agency == *own) {
            return Some(Outcome::Unrelated);
        }
        None
    }
}

#[cfg(test)]
mod tests;
