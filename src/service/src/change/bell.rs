//! Wakes those who wait for changes.

use tokio::sync::watch;

/// Says that there are changes up to a number. Whoever is not waiting misses nothing: the number
/// is kept, and the changes are in storage.
#[derive(Debug)]
pub(crate) struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Wakes everybody who waits, when the number is new.
    pub(crate) fn announce(&self, last: u64) {
        self.0.send_if_modified(|known| {
            let new = last > *known;
            *known = last.max(*known);
            new
        });
    }

    /// Returns what somebody waits with.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
