//! What may leave: made only by consuming a permit.

use rabt_model::{Attributed, Change, CitizenId, Holding, Label, OtherValue, Timestamp};

use crate::{Band, Denial, DenialReason, Facts, Outcome};

/// An answer that policy permits, reduced to what it permits. That nobody was found is an answer too.
#[derive(Debug)]
pub struct Disclosure {
    content: Content,
    facts: Facts,
}

/// The answer itself.
#[derive(Debug)]
pub enum Content {
    /// A citizen, reduced to the permitted attributes.
    Citizen {
        /// Who it is.
        citizen: CitizenId,
        /// The permitted values, in the order of the profile.
        values: Vec<Attributed>,
        /// Changes when the profile or the permitted attributes do; opaque.
        etag: String,
    },
    /// No such citizen.
    Absent,
    /// One verdict for each claim, in the order of the claims: the attribute id as claimed, and the verdict.
    Verified(Vec<(String, Verdict)>),
    /// Who holds records.
    Holdings {
        /// Who it is.
        citizen: CitizenId,
        /// The holdings, in the order of the profile.
        holdings: Vec<Holding>,
    },
    /// Who fits, best first.
    Candidates(Vec<Candidate>),
    /// What happened, in the order of the feed.
    Changes(Vec<ToldChange>),
    /// Who was known at a place in the feed.
    Snapshot(Vec<Known>),
    /// What a citizen's profile was, the last revision first.
    Revisions {
        /// Who it is.
        citizen: CitizenId,
        /// The revisions.
        revisions: Vec<KnownRevision>,
    },
    /// Where values come from.
    Explained {
        /// Who it is.
        citizen: CitizenId,
        /// The values of the asked-for attribute.
        values: Vec<Explained>,
        /// What records hold of it besides.
        others: Vec<ExplainedOther>,
    },
}

/// Whether a claimed value is the citizen's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A held value equals the claim.
    Match,
    /// Values are held and none equals the claim.
    NoMatch,
    /// No value is held.
    NotHeld,
}

/// A citizen who fits the criteria of a search, reduced to the permitted attributes.
#[derive(Debug)]
pub struct Candidate {
    /// Who it is.
    pub citizen: CitizenId,
    /// The permitted values, in the order of the profile.
    pub values: Vec<Attributed>,
    /// As in [`Content::Citizen`].
    pub etag: String,
    /// How well they fit.
    pub band: Band,
}

/// A change, reduced to the permitted attributes.
#[derive(Debug, Clone)]
pub struct ToldChange {
    /// Its number in the feed.
    pub sequence: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened. Records are left out unless the agreement lets the caller list sources.
    pub change: Change,
}

/// A citizen of a snapshot, reduced to the permitted attributes.
#[derive(Debug)]
pub struct Known {
    /// Who it is.
    pub citizen: CitizenId,
    /// The permitted values, in the order of the profile.
    pub values: Vec<Attributed>,
    /// As in [`Content::Citizen`].
    pub etag: String,
}

/// One revision of a profile, reduced to the permitted attributes.
#[derive(Debug)]
pub struct KnownRevision {
    /// Its number among the citizen's, from 1.
    pub revision: u64,
    /// The change it belongs to.
    pub sequence: u64,
    /// When it became the present one.
    pub recorded_at: Timestamp,
    /// When it ceased to be.
    pub ended_at: Option<Timestamp>,
    /// The permitted values, in the order of the profile.
    pub values: Vec<Attributed>,
}

/// A value and how it came to stand in the profile.
#[derive(Debug)]
pub struct Explained {
    /// The value with its origin.
    pub value: Attributed,
    /// Sentences for people, in the order in which things happened.
    pub sentences: Vec<Label>,
}

/// A value that does not stand in the profile, and why.
#[derive(Debug)]
pub struct ExplainedOther {
    /// The value with its holders.
    pub other: OtherValue,
    /// Sentences for people: who holds it, then why it does not stand.
    pub sentences: Vec<Label>,
}

impl Disclosure {
    pub(crate) const fn new(content: Content, facts: Facts) -> Self {
        Self { content, facts }
    }

    /// Turns the answer into a denial, for a rule that knows what was answered before. Nothing of it stays.
    pub fn refuse(self, reason: DenialReason) -> Denial {
        let mut facts = self.facts;
        facts.outcome = Outcome::Denied;
        facts.released.clear();
        facts.withheld.clear();
        facts.subjects.clear();
        facts.changes = None;
        Denial::new(reason, None, facts)
    }

    /// Returns the answer.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Returns what the audit entry says about it.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}
