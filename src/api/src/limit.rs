//! How much is taken at once, and for how long.
//!
//! Invariant: nothing here waits; a request over a limit is refused in the same instant.

mod arrival;
mod share;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use http::HeaderMap;

pub(crate) use self::arrival::Arrival;
pub(crate) use self::share::{Share, Shares};

/// Counts what is in work, up to a limit.
#[derive(Debug)]
pub(crate) struct Gauge {
    used: AtomicUsize,
    most: usize,
}

/// One place of a [`Gauge`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Gauge);

/// One place of a shared [`Gauge`].
#[derive(Debug)]
pub(crate) struct OwnedPlace(Arc<Gauge>);

impl Gauge {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            most,
        })
    }

    /// Takes a place if there is one.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        self.take().then(|| Place(self))
    }

    /// Takes a place that may outlive the borrow, if there is one.
    pub(crate) fn enter_owned(self: &Arc<Self>) -> Option<OwnedPlace> {
        self.take().then(|| OwnedPlace(Arc::clone(self)))
    }

    fn take(&self) -> bool {
        let before = self.used.fetch_add(1, Ordering::Relaxed);
        if before < self.most {
            return true;
        }
        self.give_back();
        false
    }

    fn give_back(&self) {
        self.used.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Drop for OwnedPlace {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The gauges of all callers. Looked up once for each watch, not for each message. It
/// grows with the number of certificates that the authority issued, no further.
#[derive(Debug)]
pub(crate) struct CallerGauges {
    gauges: DashMap<String, Arc<Gauge>>,
    most: usize,
}

impl CallerGauges {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            gauges: DashMap::new(),
            most,
        }
    }

    /// Returns the gauge that all connections of one caller share.
    pub(crate) fn of(&self, caller: &str) -> Arc<Gauge> {
        if let Some(gauge) = self.gauges.get(caller) {
            return Arc::clone(&gauge);
        }
        let entry = self.gauges.entry(caller.to_owned());
        Arc::clone(&entry.or_insert_with(|| Gauge::new(self.most)))
    }
}

/// Returns how long a request may take: the caller's `grpc-timeout`, at most `longest`. A header
/// that cannot be read counts as absent.
pub(crate) fn deadline(headers: &HeaderMap, longest: Duration) -> Duration {
    let asked = headers
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok());
    asked
        .and_then(parse_timeout)
        .map_or(longest, |asked| asked.min(longest))
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The protocol allows at most eight digits, so that no unit can overflow.
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::{CallerGauges, Gauge, deadline};

    #[test]
    fn places_are_limited_and_given_back() {
        let gauge = Gauge::new(2);
        let first = gauge.enter().unwrap();
        let second = gauge.enter_owned().unwrap();
        assert!(gauge.enter().is_none());
        drop(first);
        assert!(gauge.enter().is_some());
        drop(second);
        assert!(gauge.enter().is_some());
    }

    #[test]
    fn a_caller_has_one_gauge() {
        let gauges = CallerGauges::new(1);
        let first = gauges.of("urn:rabt:tax:portal");
        assert!(Arc::ptr_eq(&first, &gauges.of("urn:rabt:tax:portal")));
        assert!(!Arc::ptr_eq(&first, &gauges.of("urn:rabt:tax:batch")));
    }

    #[test]
    fn deadlines_are_clamped() {
        let longest = Duration::from_secs(10);
        let cases = [
            ("250m", Duration::from_millis(250)),
            ("3S", Duration::from_secs(3)),
            ("99999999H", longest),
            ("", longest),
            ("S", longest),
            ("-1S", longest),
            ("123456789S", longest),
            ("5x", longest),
            ("0n", Duration::ZERO),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            assert_eq!(deadline(&headers, longest), expected, "{text}");
        }
        let mut bytes = HeaderMap::new();
        bytes.insert(
            "grpc-timeout",
            HeaderValue::from_bytes(b"\xd9\xa3S").unwrap(),
        );
        assert_eq!(deadline(&bytes, longest), longest);
    }
}
