//! What security officers and approvers do, each step with a second person: erase what leads to a citizen's
//! entries, and say whether an emergency was one.
//!
//! Invariant: who took the first step never takes the second.

mod archive;
mod cases;
mod emergency;
mod erasure;
mod error;

use rabt_policy::{Caller, Role};

use crate::operate;
use crate::services::Services;

#[cfg(test)]
pub(crate) use archive::Cut;
pub use archive::{
    Archive, ArchivePlace, confirm_archive, list_archives, request_archive, withdraw_archive,
};
pub(crate) use archive::{Archiving, place, where_is};
pub use emergency::{Emergency, EmergencyPage, OVERDUE_DAYS, list_emergencies, review_emergency};
pub(crate) use erasure::identifiers;
pub use erasure::{Erasure, confirm_erasure, list_erasures, request_erasure, withdraw_erasure};
pub use error::OversightError;

/// Longest reason, characters.
const LONGEST: usize = 128;
/// So many digits could be somebody's number.
const DIGITS: usize = 9;

/// Returns why something is asked for, which stands in the log.
fn checked_reason(reason: &str) -> Result<String, OversightError> {
    let reason = reason.trim();
    let length = reason.chars().count();
    let digits = reason.split(|c: char| !c.is_numeric());
    let named = digits.map(|run| run.chars().count()).max();
    if !(1..=LONGEST).contains(&length) || named.is_some_and(|run| run >= DIGITS) {
        let problem = "must say why, in 128 characters at most and without anybody's number";
        return Err(OversightError::invalid("reason", problem));
    }
    Ok(reason.to_owned())
}

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
