//! The contract's types as messages of `source_service.proto`, both ways.
//!
//! Invariant: what comes from a process is checked before it becomes one of our types; what does
//! not fit is refused by name, without a value.

mod config;
mod describe;
mod error;
mod found;
mod plan;
mod read;
mod rows;
mod table;

pub(crate) use config::session;
pub(super) use config::session_of;
pub(super) use describe::{describe_response, description_of, finding, findings_of};
pub(super) use error::{error_of, failure, shortened};
pub(super) use found::Found;
pub(crate) use plan::plan;
pub(super) use plan::plan_of;
pub(super) use read::{message_of, response};
pub(super) use table::table;
use table::table_of;

/// What is wrong with a message, as the end of a sentence that begins with who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit(pub(super) String);

impl Misfit {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Returns a duration in milliseconds; one that is not whole becomes longer, never shorter.
fn milliseconds(duration: std::time::Duration) -> u64 {
    let whole = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
