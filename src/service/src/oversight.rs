//! What security officers and approvers do, each step with a second person: erase what leads to a citizen's
//! entries, and say whether an emergency was one.
//!
//! Invariant: who took the first step never takes the second.

mod cases;
mod emergency;
mod erasure;
mod error;

use rabt_policy::{Caller, Role};

use crate::operate;
use crate::services::Services;

pub use emergency::{Emergency, EmergencyPage, OVERDUE_DAYS, list_emergencies, review_emergency};
pub(crate) use erasure::identifiers;
pub use erasure::{Erasure, confirm_erasure, list_erasures, request_erasure, withdraw_erasure};
pub use error::OversightError;

/// Refuses callers of other roles; the refusal is audited.
async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<(), OversightError> {
    match operate::refuse(services, caller, method, roles).await? {
        None => Ok(()),
        Some(refusal) => Err(OversightError::NotPermitted(refusal)),
    }
}
