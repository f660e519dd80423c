//! The policy decision point: who may see what, and the only way to see it.
//!
//! Invariant: a [`Permit`] is made only by [`Policy::decide`], and a [`Disclosure`] only by consuming a
//! permit. This crate reads no clock, does no I/O and keeps no state between decisions.

mod agreement;
mod bundle;
mod catalogue;
mod conduct;
mod criteria;
mod decide;
mod denial;
mod disclosure;
mod dormant;
mod facts;
mod feed;
mod fields;
mod gate;
mod matrix;
mod permissions;
mod permit;
mod problem;
mod request;
mod rule;

pub use agreement::{Agreement, Budget, FeedTerms, Period, Population, Terms};
pub use bundle::{DEMO_BUNDLE, Policy};
pub use catalogue::{Catalogue, EGYPT, PublicService};
pub use conduct::{Actor, Conduct, End, Look, Pattern, STOPPED_FOR};
pub use criteria::SearchCriteria;
pub use decide::Decision;
pub use denial::{Denial, DenialReason};
pub use disclosure::{
    Candidate, Content, Disclosure, Explained, ExplainedOther, Known, KnownRevision, ToldChange,
    Verdict,
};
pub use dormant::Dormant;
pub use facts::{Facts, Outcome};
pub use feed::{FeedTarget, Happening, PastProfile};
pub use fields::FieldSet;
pub use gate::{Found, Restricted};
pub use permissions::Permission;
pub use permit::{Band, Claim, Permit, Same, Target};
pub use problem::Problem;
pub use request::{
    AccessRequest, Assurance, Caller, Channel, Criteria, EndUser, Method, RequestContext, Role,
    Subject,
};
