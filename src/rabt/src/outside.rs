//! What the audit log has outside of storage: the way to a time-stamping authority, and the place of archives.

use std::sync::Arc;
use std::time::Duration;

use rabt_audit::{STAMP_BYTES, STAMP_QUERY, STAMP_REPLY};
use rabt_connector_rest::Post;
use rabt_service::oversight::ArchivePlace;
use rabt_service::{Stamping, TimeAuthority};

use crate::app::Settled;
use crate::command::read_stamp_roots;
use crate::error::CommandError;

/// How long a reply may take, the connection included.
const PATIENCE: Duration = Duration::from_secs(20);

/// An authority that is asked over HTTP.
struct OverHttp(Post);

#[tonic::async_trait]
impl TimeAuthority for OverHttp {
    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.send(request).await;
        asked.map_err(|error| error.to_string())
    }
}

impl Settled {
    /// Returns who stamps checkpoints, and how often; `None` when nobody does.
    pub(crate) fn stamping(&self) -> Result<Option<Stamping>, CommandError> {
        let stamps = &self.config.stamps;
        if stamps.url.is_empty() {
            return Ok(None);
        }
        let types = (STAMP_QUERY, STAMP_REPLY);
        let post = Post::new(&stamps.url, types, STAMP_BYTES, PATIENCE);
        let post = post.map_err(|error| {
            let help = "stamps.url is the address of a time-stamping authority; \"\" for none";
            CommandError::usage(format!("stamps.url: {error}"), help)
        })?;
        if stamps.ca.as_os_str().is_empty() {
            let help =
                "name the PEM file of the authority that signs for the time-stamping authority";
            return Err(CommandError::usage("stamps.ca is missing", help));
        }
        Ok(Some(Stamping {
            authority: Arc::new(OverHttp(post)),
            roots: read_stamp_roots("stamps.ca", &self.path(&stamps.ca))?,
            every: self.stamp_period(),
        }))
    }

    /// Returns where entries go that leave storage.
    pub(crate) fn archive(&self) -> Option<ArchivePlace> {
        let audit = &self.config.audit;
        let is_set = !audit.archive.as_os_str().is_empty();
        is_set.then(|| ArchivePlace {
            folder: self.path(&audit.archive),
            retention_days: audit.retention_days,
        })
    }

    /// Returns the time from one stamp to the next.
    pub(crate) const fn stamp_period(&self) -> Duration {
        Duration::from_secs(self.config.stamps.every_s)
    }
}
