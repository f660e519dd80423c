//! When a source is read by itself, and when it may be read at all.
//!
//! Invariant: no clock. What is due is a function of when the last reading began and ended, so that
//! it is the same after a restart and on another node.

mod window;

use std::sync::Arc;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use window::Window;

/// When a source is read by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The times.
    pub times: Times,
    /// A reading begins up to so much later, by chance, so that not all begin together.
    pub jitter: Duration,
}

/// The times of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum Times {
    /// So long after the last reading began, or a whole multiple of it.
    Every(Duration),
    /// At times of the calendar.
    At(Timetable),
}

/// A cron expression on the clock of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    cron: Arc<Cron>,
    zone: TimeZone,
}

impl Schedule {
    /// Returns when a source is due again that was read from `began` to `ended`: the first time
    /// behind `began` that is not before `ended`, so that a reading that takes long skips the times
    /// it missed. `None` when there is no such time.
    pub fn after(&self, began: Timestamp, ended: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Every(every) => every_after(*every, began, ended.max(began)),
            Times::At(timetable) => timetable.next(ended.max(began)),
        }
    }

    /// Returns when a source is due that has not been read since `since`: at once, or at the first
    /// time of the timetable.
    pub fn first(&self, since: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Every(_) => Some(since),
            Times::At(timetable) => timetable.next(since),
        }
    }
}

impl Timetable {
    /// Returns a timetable of a cron expression that has a time at all.
    pub(crate) fn new(cron: Cron, zone: TimeZone) -> Option<Self> {
        let cron = Arc::new(cron);
        let timetable = Self { cron, zone };
        timetable.next(Timestamp::UNIX_EPOCH).map(|_| timetable)
    }

    /// Returns the first time behind an instant. A time that the clock skips is the first instant
    /// behind the gap; one that comes twice counts once, unless the expression repeats within the
    /// hour or by the hour.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // cron knows whole seconds
        let second = Timestamp::from_second(after.as_microsecond().div_euclid(1_000_000));
        let from = second.ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        let next = next.timestamp();
        (next > after).then_some(next)
    }
}

fn every_after(every: Duration, began: Timestamp, ended: Timestamp) -> Option<Timestamp> {
    let every = i128::try_from(every.as_micros()).ok()?.max(1);
    let began = i128::from(began.as_microsecond());
    let passed = i128::from(ended.as_microsecond()) - began;
    let times = passed.div_euclid(every) + i128::from(passed.rem_euclid(every) > 0);
    let due = began + times.max(1) * every;
    Timestamp::from_microsecond(i64::try_from(due).ok()?).ok()
}

#[cfg(test)]
mod tests;
