//! Watching the feed: a page as soon as there is one, and a sign of life when there is none.

use std::sync::Arc;
use std::time::Duration;

use rabt_policy::{AccessRequest, DenialReason, Disclosure};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::page::{is_silent, place, pull_recent, same_way};
use super::{token, veiled};
use crate::audited::Audited;
use crate::enquiry::{permit, refuse, release};
use crate::error::EnquiryError;
use crate::guard::Asked;
use crate::services::Services;

/// A reader who waits for changes. It does nothing until its next step is asked for, and keeps a
/// place and a question, no changes.
pub struct Watch {
    services: Arc<Services>,
    request: AccessRequest,
    after: u64,
    /// What of the feed it is told; when that changes, the watch ends.
    way: String,
    bell: watch::Receiver<u64>,
    heartbeat: Duration,
    /// When the last step was taken.
    spoke: Instant,
    /// Whether there may be more behind the place without a new announcement.
    pending: bool,
}

/// What a watcher is told.
#[derive(Debug)]
pub enum Step {
    /// Something happened: the changes, and where to resume behind them.
    Changes(Box<Audited<Disclosure>>, String),
    /// A sign of life: nothing that may be told happened up to here.
    Heartbeat(String),
}

impl Watch {
    /// Begins to watch behind a place of the feed; an empty token is the beginning. The question
    /// is judged now, and again for every step with the agreements in force then.
    ///
    /// # Errors
    /// As [`list_changes`](super::list_changes).
    pub async fn begin(
        services: &Arc<Services>,
        request: AccessRequest,
        resume: &str,
        heartbeat: Duration,
    ) -> Result<Self, EnquiryError> {
        let permit = permit(services, request.clone(), None).await?;
        let way = veiled::way(services, &permit);
        let (_permit, after) = place(services, permit, resume).await?;
        Ok(Self {
            way,
            services: Arc::clone(services),
            request,
            after,
            bell: services.feed.listen(),
            heartbeat,
            spoke: Instant::now(),
            pending: true,
        })
    }

    /// Refuses a caller who watches as often at once as it may: what the agreement does not permit
    /// is refused for that.
    pub async fn refuse(services: &Services, request: AccessRequest) -> EnquiryError {
        match permit(services, request, None).await {
            Ok(permit) => refuse(services, permit.refuse(DenialReason::Quota), None).await,
            Err(error) => error,
        }
    }

    /// Waits for what is told next, at most for the time between two signs of life. Commits of
    /// other nodes on the same storage are seen at the next sign of life at the latest.
    ///
    /// # Errors
    /// As [`list_changes`](super::list_changes); the watch has ended then.
    pub async fn next(&mut self) -> Result<Step, EnquiryError> {
        let services = Arc::clone(&self.services);
        loop {
            let due = self.spoke + self.heartbeat;
            if !self.pending && timeout_at(due, self.bell.changed()).await.is_err() {
                services.feed.look(services.storage.as_ref()).await?;
            }
            let mut request = self.request.clone();
            request.at = services.clock.now();
            // whatever is announced from here on is news
            self.bell.mark_unchanged();
            let permit = permit(&services, request, None).await?;
            let permit = same_way(&services, permit, &self.way).await?;
            let pulled = pull_recent(&services, permit, self.after).await?;
            self.after = pulled.last;
            self.pending = !pulled.end;
            if !is_silent(&pulled.told) {
                let told = release(&services, pulled.told, Asked::default(), None).await?;
                self.spoke = Instant::now();
                return Ok(Step::Changes(Box::new(told), self.resume()));
            }
            // one who is far behind is told how far it has come
            if Instant::now() >= due {
                self.spoke = Instant::now();
                return Ok(Step::Heartbeat(self.resume()));
            }
        }
    }

    fn resume(&self) -> String {
        let key = self.services.audit.pseudonyms();
        token::seal(key, &self.request.caller, &self.way, self.after)
    }
}
