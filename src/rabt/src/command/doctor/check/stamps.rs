//! Time stamps over checkpoints: are they asked for, and how old is the last one.

use rabt_model::{Clock, SystemClock, Timestamp};
use rabt_service::{StampStanding, stamp_standing};
use rabt_storage::{Storage, StorageError};

use super::super::{Finding, Outcome};
use crate::app::Settled;

const CHECK: &str = "time stamps";

/// Says how far the log of this node is stamped.
pub(super) async fn standing(
    settled: &Settled,
    storage: &dyn Storage,
) -> Result<Finding, StorageError> {
    match settled.stamping() {
        Ok(Some(_)) => {}
        Ok(None) => {
            let summary = "none are asked for; stamps.url names an authority";
            return Ok(Finding::pass(CHECK, summary));
        }
        Err(error) => return Ok(Finding::fail(CHECK, &error)),
    }
    let origin = &settled.config.audit.origin;
    let Some(log) = storage.audit_log_of(origin).await? else {
        return Ok(Finding::pass(
            CHECK,
            format!("there is no log of {origin} yet"),
        ));
    };
    let standing = stamp_standing(log.as_ref()).await?;
    let overdue = standing.is_overdue(SystemClock.now(), settled.stamp_period());
    Ok(of_standing(&standing, overdue, SystemClock.now()))
}

fn of_standing(standing: &StampStanding, overdue: bool, now: Timestamp) -> Finding {
    let behind = standing.behind;
    let summary = match standing.last {
        Some((size, at)) => {
            let minutes = now.duration_since(at).as_secs() / 60;
            format!(
                "the last one is {minutes} minutes old and covers {size} entries; {behind} came since"
            )
        }
        None => format!("there is none; {behind} entries wait"),
    };
    if overdue {
        let remedy = "see the node's log for why, and ask whoever runs stamps.url; the next stamp covers all entries";
        return Finding::of(CHECK, Outcome::Warn, summary, remedy);
    }
    Finding::pass(CHECK, summary)
}
