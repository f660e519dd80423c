//! Entries of the log, a page at a time.

use rabt_audit::Entry;
use rabt_model::Timestamp;
use rabt_policy::Caller;
use rabt_storage::{AuditLog, StorageError};

use super::{EvidenceError, allow, read, tell};
use crate::audited::Audited;
use crate::services::Services;

/// Entries that a page looks at, at most.
const LOOKED_AT: u64 = 20_000;
/// Entries that are read at a time.
const PAGE: u64 = 1_000;

/// Which entries. What is empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// No entry of before this time.
    pub start: Option<Timestamp>,
    /// No entry of this time or later.
    pub end: Option<Timestamp>,
    /// Kind of event.
    pub kind: String,
    /// Who asked, or whose it is.
    pub agency: String,
    /// Under which agreement.
    pub agreement: String,
    /// Which method was called.
    pub method: String,
    /// How it ended.
    pub outcome: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub leaf: u64,
    /// What it says.
    pub entry: Entry,
    /// As it is hashed.
    pub body: Vec<u8>,
}

/// Some entries, and where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The entries.
    pub found: Vec<Found>,
    /// Where to go on; `None` when there is nothing left.
    pub next: Option<u64>,
}

/// Lists entries, at most `limit`. `from` is where a page before said to go on.
///
/// # Errors
/// The caller's role does not allow it, the next page is in the archive, or the log cannot be read or written.
pub async fn list_events(
    services: &Services,
    caller: &Caller,
    filter: &Filter,
    (oldest_first, from): (bool, Option<u64>),
    limit: usize,
) -> Result<Audited<EventPage>, EvidenceError> {
    const METHOD: &str = "ListEvents";
    allow(services, caller, METHOD).await?;
    let log = services.storage.audit_log();
    let page = if oldest_first {
        // a list begins with what is held, and goes on with what it has not told yet
        let from = match from {
            Some(from) => from,
            None => log.archived().await?.size,
        };
        forwards(log.as_ref(), filter, from, limit).await?
    } else {
        let from = match from {
            Some(from) => from,
            None => log.size().await?,
        };
        backwards(log.as_ref(), filter, from, limit).await?
    };
    let shown = leaves(&page.found);
    Ok(tell(services, caller, METHOD, shown, page).await?)
}

/// Returns the lowest and the highest leaf.
pub(super) fn leaves(found: &[Found]) -> Option<(u64, u64)> {
    let leaves = || found.iter().map(|found| found.leaf);
    leaves().min().zip(leaves().max())
}

async fn forwards(
    log: &dyn AuditLog,
    filter: &Filter,
    from: u64,
    limit: usize,
) -> Result<EventPage, EvidenceError> {
    let (mut next, mut found) = (from, Vec::new());
    while next < from.saturating_add(LOOKED_AT) {
        let page = read(log, next, PAGE).await?;
        let last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        for (leaf, entry) in page {
            next = leaf + 1;
            found.extend(filter.take(leaf, entry.body));
            if found.len() == limit {
                let next = Some(next);
                return Ok(EventPage { found, next });
            }
        }
        if last {
            let next = None;
            return Ok(EventPage { found, next });
        }
    }
    let next = Some(next);
    Ok(EventPage { found, next })
}

/// Looks at the entries below `before`, from the last one down.
async fn backwards(
    log: &dyn AuditLog,
    filter: &Filter,
    before: u64,
    limit: usize,
) -> Result<EventPage, StorageError> {
    let first = log.archived().await?.size;
    let (mut next, mut found) = (before, Vec::new());
    let bottom = before.saturating_sub(LOOKED_AT).max(first);
    while next > bottom {
        let start = next.saturating_sub(PAGE).max(bottom);
        let page = log.entries(start, next - start).await?;
        for (leaf, entry) in page.into_iter().rev() {
            next = leaf;
            found.extend(filter.take(leaf, entry.body));
            if found.len() == limit {
                break;
            }
        }
        if found.len() == limit {
            break;
        }
        next = start;
    }
    let next = (next > first).then_some(next);
    Ok(EventPage { found, next })
}

impl Filter {
    /// Returns an entry when it is one of those that are asked for. One that a newer version wrote
    /// cannot be read here; whoever verifies the log is told.
    pub(super) fn take(&self, leaf: u64, body: Vec<u8>) -> Option<Found> {
        let entry = Entry::decode(&body).ok()?;
        self.fits(&entry).then_some(Found { leaf, entry, body })
    }

    fn fits(&self, entry: &Entry) -> bool {
        let event = &entry.event;
        let is = |asked: &str, found: &str| asked.is_empty() || asked == found;
        let agency = event.agency().map_or("", |agency| agency.as_str());
        let agreement = event.agreement().map_or("", |agreement| agreement.as_str());
        self.start.is_none_or(|start| entry.at >= start)
            && self.end.is_none_or(|end| entry.at < end)
            && is(&self.kind, event.kind())
            && is(&self.agency, agency)
            && is(&self.agreement, agreement)
            && is(&self.method, event.method())
            && is(&self.outcome, event.outcome())
    }
}
