//! How a question came and how its answer leaves, for the digests of its entry.
//!
//! Invariant: an answer on its way into the log is seen as a [`Draft`] by nobody but the [`Wire`] that makes its
//! digest. It keeps the message or makes it again, and lets it leave for the audited answer alone.

use rabt_audit::{Entry, Hash};
use rabt_model::ErrorClass;
use rabt_policy::{AccessRequest, Content, Denial, Disclosure};

use crate::audited::Audited;

/// The edge that a question came through: it alone knows what a message looks like.
pub trait Wire: Send + Sync {
    /// Returns the digest of the question as it arrived.
    fn request(&self) -> Hash;

    /// Returns the digest of the answer that will be made of this disclosure.
    fn answer(&self, draft: &Draft<'_>) -> Hash;

    /// Returns the digest of the answer to a question that is refused.
    fn refusal(&self, class: ErrorClass, message: &str) -> Hash;
}

/// An answer on its way into the log.
#[derive(Debug)]
pub struct Draft<'a>(&'a Disclosure);

/// What an edge makes a message of: an audited answer, or the draft of one, for its digest.
pub trait Told: sealed::Told {
    /// Returns the answer.
    fn content(&self) -> &Content;
}

/// A question, and how it came.
#[derive(Clone)]
pub struct Exchange<'w> {
    pub(crate) request: AccessRequest,
    pub(crate) wire: Way<'w>,
}

/// How a question came; nothing for one that came over no wire.
pub(crate) type Way<'w> = Option<&'w dyn Wire>;

mod sealed {
    pub trait Told {}
    impl Told for super::Draft<'_> {}
    impl Told for crate::audited::Audited<rabt_policy::Disclosure> {}
}

impl Told for Draft<'_> {
    fn content(&self) -> &Content {
        self.0.content()
    }
}

impl Told for Audited<Disclosure> {
    fn content(&self) -> &Content {
        Disclosure::content(self)
    }
}

impl<'w> Exchange<'w> {
    /// Puts a question and the wire that it came over together.
    pub const fn over(request: AccessRequest, wire: &'w dyn Wire) -> Self {
        Self {
            request,
            wire: Some(wire),
        }
    }
}

impl From<AccessRequest> for Exchange<'_> {
    fn from(request: AccessRequest) -> Self {
        Self {
            request,
            wire: None,
        }
    }
}

/// Adds the digests of a question and its answer to the entry about them.
pub(crate) fn digest_answer(entry: &mut Entry, wire: Way<'_>, disclosure: &Disclosure) {
    if let Some(wire) = wire {
        entry.request = Some(wire.request());
        entry.response = Some(wire.answer(&Draft(disclosure)));
    }
}

/// As [`digest_answer`], for a question that is refused.
pub(crate) fn digest_refusal(entry: &mut Entry, wire: Way<'_>, denial: &Denial) {
    if let Some(wire) = wire {
        entry.request = Some(wire.request());
        entry.response = Some(wire.refusal(denial.class(), &denial.to_string()));
    }
}

/// Returns a disclosure as it would be told, for a comparison; it leaves nowhere.
pub(crate) const fn draft(disclosure: &Disclosure) -> Draft<'_> {
    Draft(disclosure)
}
