//! What the audit entry says about a decision and its answer: ids and codes, never values.

use std::sync::Arc;

use jiff::SignedDuration;
use rabt_model::{AgreementId, Attribute, CitizenId, Timestamp};

use crate::{Budget, Caller, EndUser, Method, RequestContext};

/// The decision tuple. Texts that the caller made up are not among it: a code that the agreement does not
/// list is left out, because a caller could have written a person's number there.
#[derive(Debug, Clone)]
pub struct Facts {
    pub(crate) caller: Caller,
    pub(crate) method: Method,
    pub(crate) context: RequestContext,
    pub(crate) agreement: Option<AgreementId>,
    pub(crate) budget: Budget,
    pub(crate) withhold_days: Option<u32>,
    pub(crate) revision: Arc<str>,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) released: Vec<Attribute>,
    pub(crate) withheld: Vec<Attribute>,
    pub(crate) subjects: Vec<CitizenId>,
    /// First and last change that the answer tells.
    pub(crate) changes: Option<(u64, u64)>,
}

/// How a question ended. The codes stand in audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Not answered.
    Denied,
    /// Permitted; the answer has not been made yet.
    Permitted,
    /// Answered: there is no such citizen.
    Absent,
    /// Answered as if there were no such citizen: the caller's agency holds no record of them.
    Unrelated,
    /// Answered as if there were no such citizen: they are protected.
    Protected,
    /// Answered as if there were no such citizen: only sources that the agreement does not see know of them.
    Restricted,
    /// Values of a citizen were disclosed.
    Disclosed,
    /// Claims were verified.
    Verified,
    /// It was said who holds records.
    Holdings,
    /// Candidates of a search were disclosed.
    Candidates,
    /// The origin of values was explained.
    Explained,
    /// Changes were told.
    Changes,
    /// Citizens of a snapshot were disclosed.
    Snapshot,
    /// What a citizen's profile was before was disclosed.
    Revisions,
}

impl Outcome {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Permitted => "permitted",
            Self::Absent => "absent",
            Self::Unrelated => "unrelated",
            Self::Protected => "protected",
            Self::Restricted => "restricted",
            Self::Disclosed => "disclosed",
            Self::Verified => "verified",
            Self::Holdings => "holdings",
            Self::Candidates => "candidates",
            Self::Explained => "explained",
            Self::Changes => "changes",
            Self::Snapshot => "snapshot",
            Self::Revisions => "revisions",
        }
    }
}

impl Facts {
    /// Returns who asked.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns which question was asked.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the agreement, when there is one of the id that the caller named.
    pub const fn agreement(&self) -> Option<&AgreementId> {
        self.agreement.as_ref()
    }

    /// Returns until when the look is withheld from the citizen it is about, when the agreement says so.
    pub fn withheld_until(&self) -> Option<Timestamp> {
        let hours = i64::from(self.withhold_days?).saturating_mul(24);
        self.at.checked_add(SignedDuration::from_hours(hours)).ok()
    }

    /// Returns how many citizens the agreement lets be disclosed.
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// Returns the purpose; empty unless the agreement lists it.
    pub fn purpose(&self) -> &str {
        &self.context.purpose
    }

    /// Returns the legal basis; empty unless the agreement lists it.
    pub fn legal_basis(&self) -> &str {
        &self.context.legal_basis
    }

    /// Returns the public service; empty unless the agreement lists it.
    pub fn service(&self) -> &str {
        &self.context.service
    }

    /// Returns the channel; empty unless the agreement lists it.
    pub fn channel(&self) -> &str {
        &self.context.channel
    }

    /// Returns the caller's reference of the case; empty when malformed.
    pub fn case_reference(&self) -> &str {
        &self.context.case_reference
    }

    /// Returns the caller's id of the request; empty when malformed.
    pub fn request_id(&self) -> &str {
        &self.context.request_id
    }

    /// Returns whom the caller represents; empty when malformed.
    pub fn represented_party(&self) -> &str {
        &self.context.represented_party
    }

    /// Returns why the caller went round the gate; empty when it did not.
    pub fn break_glass(&self) -> &str {
        &self.context.break_glass
    }

    /// Returns on whose behalf the system asked. The id is personal: entries hold its pseudonym.
    pub const fn end_user(&self) -> Option<&EndUser> {
        self.context.end_user.as_ref()
    }

    /// Returns the revision of the policy that decided: SHA-256 of the bundle's text, hexadecimal.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns when the question arrived.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns how the question ended.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the attributes that the answer says something about, ascending, each once.
    pub fn released(&self) -> &[Attribute] {
        &self.released
    }

    /// Returns the attributes that are held, or were claimed, and were left out of the answer, ascending,
    /// each once. An attribute is never both released and withheld.
    pub fn withheld(&self) -> &[Attribute] {
        &self.withheld
    }

    /// Returns the citizens the answer is about, in the order of the answer. Entries hold pseudonyms.
    pub fn subjects(&self) -> &[CitizenId] {
        &self.subjects
    }

    /// Returns the first and the last change that the answer tells.
    pub const fn changes(&self) -> Option<(u64, u64)> {
        self.changes
    }
}
