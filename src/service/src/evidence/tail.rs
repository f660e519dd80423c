//! Entries as they are written, and a sign of life when there is none.

use std::sync::Arc;
use std::time::Duration;

use rabt_audit::AuditEvent;
use rabt_policy::Caller;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::list::leaves;
use super::{EvidenceError, Filter, Found, allow, held, read, tell};
use crate::audited::Audited;
use crate::services::Services;

const METHOD: &str = "TailEvents";

/// Entries that are looked at for one message.
const PAGE: u64 = 500;

/// A reader who waits for entries. What a tail reads is an entry too; no tail tells of those, or each
/// message would bring the next.
pub struct Tail {
    services: Arc<Services>,
    caller: Caller,
    filter: Filter,
    next: u64,
    bell: watch::Receiver<u64>,
    heartbeat: Duration,
    spoke: Instant,
}

/// Some entries; none in a sign of life. The number is where to go on.
#[derive(Debug)]
pub enum Seen {
    /// Entries, behind the one that says that they were read.
    Events(Audited<Vec<Found>>, u64),
    /// Nothing that was asked for.
    Heartbeat(u64),
}

impl Tail {
    /// Begins to read at a leaf, or with what is written from now on.
    ///
    /// # Errors
    /// The caller's role does not allow it, the leaf is in the archive, or the log cannot be read.
    pub async fn begin(
        services: &Arc<Services>,
        caller: Caller,
        filter: Filter,
        from: Option<u64>,
        heartbeat: Duration,
    ) -> Result<Self, EvidenceError> {
        allow(services, &caller, METHOD).await?;
        let log = services.storage.audit_log();
        let next = match from {
            Some(from) => from,
            None => log.size().await?,
        };
        held(log.as_ref(), next).await?;
        // one who only waits is in the log too
        let _durable = tell(services, &caller, METHOD, None, ()).await?;
        Ok(Self {
            bell: services.audit.listen(),
            services: Arc::clone(services),
            caller,
            filter,
            next,
            heartbeat,
            spoke: Instant::now(),
        })
    }

    /// Waits for the next entries, at most for the time between two signs of life.
    ///
    /// # Errors
    /// The log cannot be read or written, or what was to be read next has left for the archive; the reading has ended
    /// then.
    pub async fn next(&mut self) -> Result<Seen, EvidenceError> {
        loop {
            self.bell.mark_unchanged();
            let log = self.services.storage.audit_log();
            let page = read(log.as_ref(), self.next, PAGE).await?;
            let behind = page.len() as u64 == PAGE;
            let mut found = Vec::new();
            for (leaf, entry) in page {
                self.next = leaf + 1;
                found.extend(self.filter.take(leaf, entry.body));
            }
            found.retain(|found| !is_of_a_tail(&found.entry.event));
            if !found.is_empty() {
                let shown = leaves(&found);
                let told = tell(&self.services, &self.caller, METHOD, shown, found).await?;
                self.spoke = Instant::now();
                return Ok(Seen::Events(told, self.next));
            }
            let due = self.spoke + self.heartbeat;
            if Instant::now() >= due {
                self.spoke = Instant::now();
                return Ok(Seen::Heartbeat(self.next));
            }
            if !behind {
                // late or in time, the log is looked at again; one that has closed grows no more
                if let Ok(Err(_)) = timeout_at(due, self.bell.changed()).await {
                    sleep_until(due).await;
                }
            }
        }
    }
}

fn is_of_a_tail(event: &AuditEvent) -> bool {
    matches!(event, AuditEvent::LogRead(read) if read.method == METHOD)
}
