//! Time as a parameter.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Says what time it is. Everything that needs the time takes one of these.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the current instant, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may ask the machine"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that moves only when told to; for tests.
#[derive(Debug)]
pub struct ManualClock {
    microsecond: AtomicI64,
}

impl ManualClock {
    /// Returns a clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            microsecond: AtomicI64::new(start.as_microsecond()),
        }
    }

    /// Moves the clock by `seconds`, backwards when negative.
    pub fn advance(&self, seconds: i64) {
        self.microsecond
            .fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.microsecond.load(Ordering::SeqCst))
            .unwrap_or(Timestamp::MAX)
    }
}
