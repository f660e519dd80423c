//! Loads: so many a second whatever becomes of them, or each caller again as soon as it is served.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What a load saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    /// From when it was due to when it was done, microseconds, ascending.
    took: Vec<u32>,
    pub(crate) failed: u32,
    wall: Duration,
}

/// What is under way.
#[derive(Default)]
struct Seen {
    took: Mutex<Vec<u32>>,
    failed: AtomicU32,
}

impl Times {
    /// Returns how many came to a good end.
    pub(crate) fn done(&self) -> u32 {
        u32::try_from(self.took.len()).unwrap_or(u32::MAX)
    }

    /// Returns how many came to a good end in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.done()) / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    /// Returns the time that `share` of a thousand do not exceed, milliseconds.
    pub(crate) fn at(&self, share: usize) -> f64 {
        let place = (self.took.len() * share / 1_000).min(self.took.len().saturating_sub(1));
        let took = self.took.get(place).copied().unwrap_or_default();
        f64::from(took) / 1_000.0
    }
}

impl Seen {
    fn note(&self, due: Instant, good: bool) {
        if !good {
            self.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let took = u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut all = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(took);
    }

    fn end(&self, wall: Duration) -> Times {
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let mut took = std::mem::take(&mut *took);
        took.sort_unstable();
        Times {
            took,
            failed: self.failed.load(Ordering::Relaxed),
            wall,
        }
    }
}

/// Lets one begin after the other, evenly, whether or not earlier ones have ended. Times count from
/// when one was due, so that a stall counts for everybody who would have come during it.
pub(crate) async fn paced<F, W>(between: Duration, length: Duration, act: F) -> Times
where
    F: Fn() -> W,
    W: Future<Output = bool> + Send + 'static,
{
    let (seen, tasks) = (Arc::new(Seen::default()), TaskTracker::new());
    let began = Instant::now();
    let mut due = began;
    while due < began + length {
        tokio::time::sleep_until(due).await;
        let (acting, seen) = (act(), Arc::clone(&seen));
        tasks.spawn(async move { seen.note(due, acting.await) });
        due += between;
    }
    tasks.close();
    tasks.wait().await;
    seen.end(began.elapsed())
}

/// Lets so many callers act, each again as soon as it has come to an end.
pub(crate) async fn as_fast_as_it_goes<F, W>(callers: usize, length: Duration, act: F) -> Times
where
    F: Fn() -> W + Clone + Send + 'static,
    W: Future<Output = bool> + Send + 'static,
{
    let (seen, tasks) = (Arc::new(Seen::default()), TaskTracker::new());
    let began = Instant::now();
    for _ in 0..callers {
        let (act, seen) = (act.clone(), Arc::clone(&seen));
        tasks.spawn(async move {
            while began.elapsed() < length {
                let due = Instant::now();
                let good = act().await;
                seen.note(due, good);
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    seen.end(began.elapsed())
}
