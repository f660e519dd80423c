//! One function per use case: the only crate that orders steps.
//!
//! Invariant: what leaves through this crate is [`Audited`]: its entry in the audit log is durable
//! before anybody else sees it.

pub mod agreement;
mod audited;
pub mod change;
mod compose;
mod directory;
pub mod enquiry;
mod error;
mod event;
pub mod evidence;
mod guard;
mod image;
mod ingest;
mod lead;
mod link;
pub mod operate;
pub mod oversight;
mod policy;
mod protection;
mod quality;
mod refusal;
mod registry;
pub mod review;
mod schedule;
mod services;
mod stamp;
#[cfg(test)]
mod tests;
pub mod transparency;
mod vault;

pub use audited::{AuditKeys, Audited, Sequencer};
pub use directory::Directory;
pub use enquiry::{Answer, HIT_CAP};
pub use error::{
    AgreementError, AuditError, EnquiryError, LinkError, OperateError, Problem, ReviewError,
    StartError,
};
pub use image::ImageFile;
pub use ingest::{IngestError, RunSummary, ingest, ingest_all};
pub use lead::{Node, Pace};
pub use link::{Arrival, Forecast, LinkSummary, Shadow, link, shadow_model, upsert};
pub use policy::PolicyHandle;
pub use quality::{ColumnQuality, Quality};
pub use rabt_audit::{Salt, Side};
pub use rabt_linkage::{Explanation, Step as ExplanationStep, Verdict};
pub use rabt_storage::{
    AgreementState, CaseState, CorrectionState, ErasureState, FolderState, RejectionCount,
    RunCounts, RunError, RunState, SourceState, StoredPosition as PositionView, StoredStamp,
    fingerprint,
};
pub use refusal::record_refusal;
pub use schedule::{Pacing, keep_schedules};
pub use services::{Services, Setup};
pub use stamp::{
    StampStanding, Stamped, Stamper, Stamping, TimeAuthority, keep_stamps, stamp_standing,
};
pub use vault::{MasterKey, VaultError, reseal};
