//! The hours in which an agency lets itself be read.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

/// Hours of every day, on the clock of a zone: from the first one up to and without the second one,
/// over midnight when the second one is the earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    from: Time,
    to: Time,
    zone: TimeZone,
}

/// Days around an instant in which the window is looked for: each of them opens and closes it.
const DAYS: i64 = 3;

impl Window {
    /// Returns a window; `None` when it would never close.
    pub(crate) fn new(from: Time, to: Time, zone: TimeZone) -> Option<Self> {
        (from != to).then_some(Self { from, to, zone })
    }

    /// Says whether a source may be read at an instant.
    pub fn contains(&self, at: Timestamp) -> bool {
        let time = self.zone.to_datetime(at).time();
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }

    /// Returns the first instant, not before `at`, at which a source may be read.
    pub fn opens(&self, at: Timestamp) -> Timestamp {
        if self.contains(at) {
            return at;
        }
        self.changes(at)
    }

    /// Returns the first instant, not before `at`, at which a source may not be read.
    pub fn closes(&self, at: Timestamp) -> Timestamp {
        if self.contains(at) {
            return self.changes(at);
        }
        at
    }

    /// Returns the first instant behind `at` at which the window is open where it was closed, or
    /// closed where it was open: the clock shows one of its hours then, or is set.
    fn changes(&self, at: Timestamp) -> Timestamp {
        let today = self.zone.to_datetime(at).date();
        let mut instants: Vec<Timestamp> = Vec::new();
        let mut day = today.yesterday().unwrap_or(today);
        for _ in 0..=DAYS {
            for time in [self.from, self.to] {
                self.shown(day, time, &mut instants);
            }
            day = day.tomorrow().unwrap_or(day);
        }
        let settings = self.zone.following(at).map(|setting| setting.timestamp());
        instants.extend(settings.take(2));
        instants.sort_unstable();
        let open = self.contains(at);
        let mut later = instants.into_iter().filter(|instant| *instant > at);
        later
            .find(|instant| self.contains(*instant) != open)
            .unwrap_or(Timestamp::MAX)
    }

    /// Adds the instants at which the clock shows a time: one, two when it was set back, none when
    /// the time was skipped.
    fn shown(&self, day: Date, time: Time, instants: &mut Vec<Timestamp>) {
        let datetime = day.to_datetime(time);
        let mut add = |offset: Offset| instants.extend(offset.to_timestamp(datetime));
        match self.zone.to_ambiguous_timestamp(datetime).offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => add(offset),
            jiff::tz::AmbiguousOffset::Fold { before, after } => {
                add(before);
                add(after);
            }
            jiff::tz::AmbiguousOffset::Gap { .. } => {}
        }
    }
}
