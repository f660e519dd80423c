//! The gate: whom a permitted question may be about.
//!
//! Invariant: a profile leaves a permit only through [`Permit::admit`]. Who is kept back is as absent as
//! somebody who does not exist; the audit entry alone tells the difference. A profile in which a source
//! speaks that is restricted and that the agreement does not name is kept back as a whole: whoever finds
//! it composes it without that source first.

use std::collections::BTreeSet;
use std::sync::Arc;

use rabt_model::{AgencyId, Profile, Provenance, SourceId};

use crate::permit::seal;
use crate::{Content, Disclosure, Outcome, Permit, RequestContext, Terms};

/// A citizen who was found for a permitted question.
#[derive(Debug, Clone)]
pub struct Found {
    /// The profile.
    pub profile: Profile,
    /// Whether somebody marked the citizen as protected.
    pub protected: bool,
    /// Which sources are restricted.
    pub restricted: Restricted,
}

/// The sources that are restricted: they speak only where an agreement names them.
pub type Restricted = Arc<BTreeSet<SourceId>>;

/// What an agreement lets a question pass.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// Whether citizens are disclosed of whom the caller's agency holds no record.
    strangers: bool,
    /// Whether protected citizens are.
    protected: bool,
    /// Restricted sources, or agencies for all of theirs, that speak in the answer.
    sees: Arc<[String]>,
}

impl Gate {
    /// Returns the gate of a question that the rules permit.
    pub(crate) fn of(terms: &Terms, context: &RequestContext) -> Self {
        let emergency = !context.break_glass.is_empty();
        let exempt = terms.exempt_purposes().contains(&context.purpose);
        Self {
            strangers: emergency || exempt,
            protected: emergency || terms.sees_protected(),
            sees: Arc::clone(&terms.sees_restricted),
        }
    }

    /// Says whether protected citizens pass.
    pub(crate) const fn lets_protected_pass(&self) -> bool {
        self.protected
    }

    /// Says whether a source is restricted and does not speak in the answer.
    fn hides(&self, restricted: &Restricted, agency: &AgencyId, source: &SourceId) -> bool {
        let mut sees = self.sees.iter().map(String::as_str);
        restricted.contains(source)
            && !sees.any(|seen| seen == source.as_str() || seen == agency.as_str())
    }

    /// Says whether what is of this origin does not come into the answer.
    pub(crate) fn hides_origin(&self, restricted: &Restricted, origin: &Provenance) -> bool {
        self.hides(restricted, &origin.agency, &origin.source)
    }
}

impl Found {
    /// Says whether a source that the gate hides speaks in the profile or holds a record.
    pub(crate) fn tells_too_much(&self, gate: &Gate) -> bool {
        let restricted = &self.restricted;
        if restricted.is_empty() {
            return false;
        }
        let mut holdings = self.profile.holdings.iter();
        let mut values = self.profile.values.iter();
        holdings.any(|holding| gate.hides(restricted, &holding.agency, &holding.source))
            || values.any(|value| gate.hides_origin(restricted, &value.provenance))
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

    /// Says whether a source is restricted and does not speak in the answer.
    pub fn hides(&self, restricted: &Restricted, agency: &AgencyId, source: &SourceId) -> bool {
        self.gate.hides(restricted, agency, source)
    }

    /// Returns why a citizen is kept back, when that is so.
    pub(crate) fn keeps_back(&self, found: &Found) -> Option<Outcome> {
        let own = &self.facts.caller.agency;
        let mut holdings = found.profile.holdings.iter();
        // first, so that it is to the patterns what nobody is
        if found.tells_too_much(&self.gate) {
            return Some(Outcome::Restricted);
        }
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
