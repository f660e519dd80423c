//! What the one who started a reading sees of it and may ask of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use rabt_connect::ConnectError;
use rabt_model::Timestamp;
use tokio_util::sync::CancellationToken;

/// A hold on one reading; clones hold the same one. A reading on a fresh leash goes to its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leash(Arc<Hold>);

#[derive(Debug, Default)]
struct Hold {
    /// Microseconds since 1970.
    heard: AtomicI64,
    rest: AtomicBool,
    stop: CancellationToken,
    why: OnceLock<ConnectError>,
}

impl Leash {
    /// Something came of the source.
    pub(crate) fn hear(&self, at: Timestamp) {
        let heard = at.as_microsecond();
        self.0.heard.fetch_max(heard, Ordering::Relaxed);
    }

    /// Returns when something last came of the source.
    pub(crate) fn heard(&self) -> Timestamp {
        let heard = self.0.heard.load(Ordering::Relaxed);
        Timestamp::from_microsecond(heard).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Lets the reading stop at its next checkpoint, or before its next stream.
    pub(crate) fn rest(&self) {
        self.0.rest.store(true, Ordering::Relaxed);
    }

    /// Says whether the reading was asked to rest.
    pub(super) fn is_resting(&self) -> bool {
        self.0.rest.load(Ordering::Relaxed)
    }

    /// Stops the reading where it is, with the error that it ends with.
    pub(crate) fn stop(&self, why: ConnectError) {
        // the first reason stands
        let _ = self.0.why.set(why);
        self.0.stop.cancel();
    }

    /// Waits until the reading is stopped, and returns why.
    pub(super) async fn stopped(&self) -> ConnectError {
        self.0.stop.cancelled().await;
        let why = self.0.why.get().cloned();
        why.unwrap_or(ConnectError::Cancelled)
    }
}
