//! How often a process ended by itself, and what follows from it.
//!
//! Invariant: a process that keeps crashing is started ever more slowly, and in the end not at all
//! until an operator decides.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Crashes within [`WINDOW`] after which an operator must decide.
pub(crate) const MOST: usize = 5;
/// How long a crash counts.
pub(crate) const WINDOW: Duration = Duration::from_mins(10);
/// The pause after the first crash; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The crashes of one source's process.
#[derive(Debug, Default)]
pub(crate) struct Crashes(Mutex<VecDeque<Instant>>);

impl Crashes {
    /// Notes a crash at this moment. Says whether it was one too many; then counting begins anew,
    /// because the next start is an operator's decision.
    pub(crate) fn note(&self, now: Instant) -> bool {
        let mut crashes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut crashes, now);
        crashes.push_back(now);
        if crashes.len() < MOST {
            return false;
        }
        crashes.clear();
        true
    }

    /// Returns when the process may be started again, seen from this moment.
    pub(crate) fn next_start(&self, now: Instant) -> Instant {
        let mut crashes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut crashes, now);
        let Some(last) = crashes.back() else {
            return now;
        };
        let doublings = u32::try_from(crashes.len()).unwrap_or(u32::MAX) - 1;
        *last + FIRST_PAUSE * 2_u32.saturating_pow(doublings)
    }
}

fn forget_old(crashes: &mut VecDeque<Instant>, now: Instant) {
    crashes.retain(|at| now.duration_since(*at) < WINDOW);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Crashes, FIRST_PAUSE, WINDOW};

    #[test]
    fn pauses_grow_and_the_fifth_crash_in_ten_minutes_is_one_too_many() {
        let crashes = Crashes::default();
        let mut now = Instant::now();
        assert_eq!(crashes.next_start(now), now);
        for doublings in 0..4 {
            assert!(!crashes.note(now));
            let pause = crashes.next_start(now) - now;
            assert_eq!(pause, FIRST_PAUSE * 2_u32.pow(doublings));
            now += Duration::from_mins(1);
        }
        assert!(crashes.note(now));
        assert_eq!(crashes.next_start(now), now, "an operator decided");
    }

    #[test]
    fn crashes_that_are_far_apart_are_forgotten() {
        let crashes = Crashes::default();
        let mut now = Instant::now();
        for _ in 0..20 {
            assert!(!crashes.note(now));
            now += WINDOW / 4;
        }
    }
}
