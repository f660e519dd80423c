//! Times on a clock that is put forward in the night of 24 April 2026, from 00:00 to 01:00, and
//! back in that of 29 October, from 24:00 to 23:00: that of Cairo.

use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Schedule, Times, Timetable, Window};

fn cairo() -> TimeZone {
    TimeZone::get("Africa/Cairo").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next times of a cron expression in Cairo, as its clock shows them, with the offset.
fn next(cron: &str, after: &str, count: usize) -> Vec<String> {
    let timetable = Timetable::new(cron.parse::<Cron>().unwrap(), cairo()).unwrap();
    let first = timetable.next(at(after));
    std::iter::successors(first, |time| timetable.next(*time))
        .take(count)
        .map(|time| {
            time.to_zoned(cairo())
                .strftime("%m-%d %H:%M %:z")
                .to_string()
        })
        .collect()
}

#[test]
fn a_time_that_the_clock_skips_is_the_end_of_the_gap() {
    let nights = next("30 0 * * *", "2026-04-22T12:00:00Z", 3);
    assert_eq!(
        nights,
        [
            "04-23 00:30 +02:00",
            "04-24 01:00 +03:00",
            "04-25 00:30 +03:00"
        ]
    );
    // two hours of the night stay two hours of the clock
    let nights = next("0 2 * * *", "2026-04-23T12:00:00Z", 2);
    assert_eq!(nights, ["04-24 02:00 +03:00", "04-25 02:00 +03:00"]);
}

#[test]
fn a_time_that_comes_twice_counts_once() {
    let nights = next("30 23 * * *", "2026-10-28T12:00:00Z", 3);
    assert_eq!(
        nights,
        [
            "10-28 23:30 +03:00",
            "10-29 23:30 +03:00",
            "10-30 23:30 +02:00"
        ]
    );
    // what repeats within the hour goes on through both of them
    let quarters = next("*/30 * * * *", "2026-10-29T19:45:00Z", 5);
    assert_eq!(
        quarters,
        [
            "10-29 23:00 +03:00",
            "10-29 23:30 +03:00",
            "10-29 23:00 +02:00",
            "10-29 23:30 +02:00",
            "10-30 00:00 +02:00"
        ]
    );
}

#[test]
fn a_long_reading_skips_the_times_it_missed() {
    let every = Schedule {
        times: Times::Every(Duration::from_mins(15)),
        jitter: Duration::ZERO,
    };
    let began = at("2026-06-01T10:00:00Z");
    let due = |ended| every.after(began, at(ended)).unwrap().to_string();
    assert_eq!(due("2026-06-01T10:01:00Z"), "2026-06-01T10:15:00Z");
    assert_eq!(due("2026-06-01T10:15:00Z"), "2026-06-01T10:15:00Z");
    assert_eq!(due("2026-06-01T10:40:00Z"), "2026-06-01T10:45:00Z");
    // a clock that was put back
    assert_eq!(due("2026-06-01T09:00:00Z"), "2026-06-01T10:15:00Z");
    let nightly = Timetable::new("0 2 * * *".parse().unwrap(), cairo()).unwrap();
    let nightly = Schedule {
        times: Times::At(nightly),
        jitter: Duration::ZERO,
    };
    let due = nightly.after(at("2026-06-01T23:00:00Z"), at("2026-06-02T23:30:00Z"));
    assert_eq!(due, Some(at("2026-06-03T23:00:00Z")));
    assert_eq!(
        nightly.first(at("2026-06-01T10:00:00Z")),
        Some(at("2026-06-01T23:00:00Z"))
    );
    assert_eq!(every.first(began), Some(began));
}

fn window(from: i8, to: (i8, i8)) -> Window {
    let to = Time::new(to.0, to.1, 0, 0).unwrap();
    Window::new(Time::new(from, 0, 0, 0).unwrap(), to, cairo()).unwrap()
}

#[test]
fn a_window_lies_over_midnight_and_over_a_gap() {
    let night = window(22, (6, 0));
    let noon = at("2026-04-23T10:00:00Z");
    assert!(!night.contains(noon));
    let opens = night.opens(noon);
    assert_eq!(opens, at("2026-04-23T20:00:00Z"));
    // an hour of this night is missing
    assert_eq!(night.closes(opens), at("2026-04-24T03:00:00Z"));
    assert_eq!(night.opens(opens), opens);
    assert_eq!(night.closes(noon), noon);
    // it would open in the middle of the gap
    let skipped = window(0, (6, 0));
    assert_eq!(skipped.opens(noon), at("2026-04-23T22:00:00Z"));
    assert_eq!(
        skipped.closes(at("2026-04-23T22:00:00Z")),
        at("2026-04-24T03:00:00Z")
    );
}

#[test]
fn a_window_opens_again_when_the_clock_is_put_back() {
    let evening = window(22, (23, 30));
    let opens = evening.opens(at("2026-10-29T10:00:00Z"));
    assert_eq!(opens, at("2026-10-29T19:00:00Z"));
    assert_eq!(evening.closes(opens), at("2026-10-29T20:30:00Z"));
    // the clock shows 23:00 a second time
    assert_eq!(
        evening.opens(at("2026-10-29T20:30:00Z")),
        at("2026-10-29T21:00:00Z")
    );
    assert_eq!(
        evening.closes(at("2026-10-29T21:00:00Z")),
        at("2026-10-29T21:30:00Z")
    );
}

#[test]
fn a_window_of_no_length_is_none() {
    assert_eq!(
        Window::new(Time::midnight(), Time::midnight(), cairo()),
        None
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What a window says of an instant and where it says that it changes are the same, in any
    /// zone and season; a minute at a time over a day is how it is told by hand.
    #[test]
    fn a_window_changes_where_it_says(
        zone in prop::sample::select(vec!["Africa/Cairo", "Europe/London", "Asia/Gaza", "Australia/Lord_Howe", "UTC"]),
        (from, to) in (0_i8..24, 0_i8..60, 0_i8..24, 0_i8..60).prop_map(|(h, m, g, n)| ((h, m), (g, n))),
        minute in 0_i64..(366 * 24 * 60),
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let time = |(hour, minute)| Time::new(hour, minute, 0, 0).unwrap();
        prop_assume!(from != to);
        let window = Window::new(time(from), time(to), zone).unwrap();
        let at = at("2026-01-01T00:00:00Z") + Duration::from_secs(u64::try_from(minute).unwrap() * 60);
        let (opens, closes) = (window.opens(at), window.closes(at));
        prop_assert!(opens >= at && closes >= at);
        prop_assert!(window.contains(opens) && !window.contains(closes));
        let change = opens.max(closes);
        let mut hand = at;
        while window.contains(hand) == window.contains(at) {
            hand += Duration::from_mins(1);
        }
        prop_assert_eq!(change, hand);
    }

    /// The times of an expression follow each other and are shown by the clock as it says.
    #[test]
    fn times_of_a_cron_expression_grow(
        minute in 0_i8..60, hour in 0_i8..24, second in 0_i64..(366 * 24 * 3_600),
    ) {
        let cron: Cron = format!("{minute} {hour} * * *").parse().unwrap();
        let timetable = Timetable::new(cron, cairo()).unwrap();
        let after = Timestamp::from_second(at("2026-01-01T00:00:00Z").as_second() + second).unwrap();
        let next = timetable.next(after).unwrap();
        prop_assert!(next > after);
        // never further than a day and the hour that the clock may be put back
        prop_assert!(next.duration_since(after) <= jiff::SignedDuration::from_hours(25));
        let shown = cairo().to_datetime(next);
        let gap: DateTime = "2026-04-24T01:00".parse().unwrap();
        prop_assert!(shown == gap || (shown.hour(), shown.minute()) == (hour, minute));
    }
}
