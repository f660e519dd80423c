//! Watching the feed: a page as soon as there is one, and a sign of life when there is none.

use std::sync::Arc;
use std::time::Duration;

use rabt_policy::{AccessRequest, Disclosure};
use tokio::sync::watch;

use super::page::{CHANGE_PAGE, is_silent, place, pull};
use super::token;
use crate::audited::Audited;
use crate::enquiry::{permit, release};
use crate::error::EnquiryError;
use crate::services::Services;

/// A reader who waits for changes. It does nothing until its next step is asked for, and keeps a
/// place and a question, no changes.
pub struct Watch {
    services: Arc<Services>,
    request: AccessRequest,
    after: u64,
    bell: watch::Receiver<u64>,
    heartbeat: Duration,
    /// Whether there may be more behind the place without a new announcement.
    pending: bool,
}

/// What a watcher is told.
#[derive(Debug)]
pub enum Step {
    /// Something happened: the changes, and where to resume behind them.
    Changes(Box<Audited<Disclosure>>, String),
    /// Nothing that may be told happened up to here.
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
        let _permit = permit(services, request.clone()).await?;
        let after = place(services, &request.caller, resume)?;
        let mut tx = services.storage.snapshot().await?;
        if after > tx.last_change().await? {
            return Err(EnquiryError::Expired);
        }
        drop(tx);
        Ok(Self {
            services: Arc::clone(services),
            request,
            after,
            bell: services.feed.listen(),
            heartbeat,
            pending: true,
        })
    }

    /// Waits for what is told next. What another node commits on the same storage is told when
    /// this one has followed it.
    ///
    /// # Errors
    /// As [`list_changes`](super::list_changes); the watch has ended then.
    pub async fn next(&mut self) -> Result<Step, EnquiryError> {
        loop {
            let waited = !self.pending;
            if waited {
                self.wait().await;
            }
            let services = Arc::clone(&self.services);
            let mut request = self.request.clone();
            request.at = services.clock.now();
            // whatever is announced from here on is news
            self.bell.mark_unchanged();
            let permit = permit(&services, request).await?;
            let pulled = pull(&services, permit, self.after, CHANGE_PAGE).await?;
            self.after = pulled.last;
            self.pending = !pulled.end;
            let resume = token::seal(
                services.audit.pseudonyms(),
                &self.request.caller,
                self.after,
            );
            if !is_silent(&pulled.told) {
                let told = release(&services, pulled.told, None).await?;
                return Ok(Step::Changes(Box::new(told), resume));
            }
            if waited {
                return Ok(Step::Heartbeat(resume));
            }
        }
    }

    async fn wait(&mut self) {
        let rung = tokio::time::timeout(self.heartbeat, self.bell.changed());
        // either something happened, or it is time to say that nothing did
        let _ = rung.await;
    }
}
