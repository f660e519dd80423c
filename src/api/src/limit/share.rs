//! What one caller may take of the node.
//!
//! Invariant: one share for all connections of a caller, so that more connections give no more.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};

use super::Gauge;
use crate::Limits;

/// What one caller has in use.
#[derive(Debug)]
pub(crate) struct Share {
    /// Open connections.
    pub(crate) connections: Arc<Gauge>,
    /// Requests in work.
    pub(crate) in_flight: Arc<Gauge>,
    rate: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Share {
    fn new(limits: &Limits) -> Self {
        let least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let rate = least_one(limits.requests_per_second_per_caller);
        let quota = Quota::per_second(rate).allow_burst(least_one(limits.burst_per_caller));
        let clock = DefaultClock::default();
        Self {
            connections: Gauge::new(limits.connections_per_caller),
            in_flight: Gauge::new(limits.in_flight_per_caller),
            rate: DefaultDirectRateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
        }
    }

    /// Counts a request, or says after which time it may come again.
    pub(crate) fn ask(&self) -> Result<(), Duration> {
        self.rate
            .check()
            .map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

/// The shares of all callers. Looked up once for each connection, not for each request. It grows
/// with the number of certificates that the authority issued, no further.
#[derive(Debug)]
pub(crate) struct Shares {
    shares: DashMap<String, Arc<Share>>,
    limits: Limits,
}

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shares: DashMap::new(),
            limits: limits.clone(),
        }
    }

    /// Returns what all connections of one caller share.
    pub(crate) fn of(&self, caller: &str) -> Arc<Share> {
        if let Some(share) = self.shares.get(caller) {
            return Arc::clone(&share);
        }
        let entry = self.shares.entry(caller.to_owned());
        Arc::clone(&entry.or_insert_with(|| Arc::new(Share::new(&self.limits))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::Shares;
    use crate::Limits;

    #[test]
    fn a_caller_has_one_share_and_a_burst_of_it() {
        let shares = Shares::new(&Limits {
            requests_per_second_per_caller: 1,
            burst_per_caller: 3,
            ..Limits::default()
        });
        let one = shares.of("urn:rabt:tax:portal");
        let same = shares.of("urn:rabt:tax:portal");
        assert!(Arc::ptr_eq(&one, &same));
        let asked = [one.ask(), same.ask(), one.ask()];
        assert_eq!(asked, [Ok(()); 3]);
        let wait = same.ask().unwrap_err();
        assert!(
            wait <= Duration::from_secs(1) && wait > Duration::from_millis(100),
            "{wait:?}"
        );
        let other = shares.of("urn:rabt:tax:batch");
        assert_eq!(other.ask(), Ok(()));
    }
}
