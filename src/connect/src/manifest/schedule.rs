//! Reading `[schedule]`, and the window of `[protect]`.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::document::{Fields, Node};
use crate::manifest::stream::load_duration;
use crate::schedule::{Schedule, Times, Timetable, Window};

/// An agency's database is asked at most so often.
const SHORTEST: Duration = Duration::from_mins(1);
/// A schedule is at most so far apart.
const LONGEST: Duration = Duration::from_hours(24 * 366);
/// A reading is put off by chance at most so long.
const LONGEST_JITTER: Duration = Duration::from_hours(12);
/// Where it is looked from, and how far, before it is said that no time of a timetable lies in a window.
/// Each day of a month falls on each day of the week within 28 years, and the clocks of all zones go by
/// the rules of today then.
const LOOKED_FROM: Timestamp = Timestamp::constant(1_767_225_600, 0);
const LOOKED_AT: Duration = Duration::from_hours(24 * 366 * 29);

/// Reads `[schedule]`.
pub(super) fn load_schedule(node: &Node<'_>) -> Option<Schedule> {
    let fields = node.fields()?;
    fields.only(&["every", "cron", "zone", "jitter"]);
    let jitter = match fields.get("jitter") {
        None => Some(Duration::ZERO),
        Some(node) => load_duration(&node).and_then(|jitter| {
            let fits = jitter <= LONGEST_JITTER;
            if !fits {
                node.wrong("must be at most 12h");
            }
            fits.then_some(jitter)
        }),
    };
    let times = match (fields.get("every"), fields.get("cron")) {
        (Some(every), None) => load_every(&fields, &every, jitter),
        (None, Some(cron)) => load_cron(&fields, &cron),
        (None, None) | (Some(_), Some(_)) => {
            node.wrong("must have one of 'every' and 'cron': every = \"15m\", or cron = \"0 2 * * *\" with a zone");
            None
        }
    };
    Some(Schedule {
        times: times?,
        jitter: jitter?,
    })
}

fn load_every(fields: &Fields<'_>, node: &Node<'_>, jitter: Option<Duration>) -> Option<Times> {
    if let Some(zone) = fields.get("zone") {
        zone.wrong("belongs to 'cron'; 'every' goes by no clock of a place");
    }
    let every = load_duration(node)?;
    if !(SHORTEST..=LONGEST).contains(&every) {
        node.wrong("must be from 1m to 366d");
        return None;
    }
    if jitter.is_some_and(|jitter| jitter >= every) {
        fields.get("jitter")?.wrong("must be shorter than 'every'");
        return None;
    }
    Some(Times::Every(every))
}

fn load_cron(fields: &Fields<'_>, node: &Node<'_>) -> Option<Times> {
    let zone = load_zone(fields, "cron");
    let text = node.text()?;
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let cron = match parser.parse(text) {
        Ok(cron) => cron,
        Err(error) => {
            let why = error.to_string();
            let why = why.trim_end_matches('.');
            node.wrong(format!(
                "is not a cron expression: {why}; write minute, hour, day, month and weekday, as in \"0 2 * * *\""
            ));
            return None;
        }
    };
    let timetable = Timetable::new(cron, zone?);
    if timetable.is_none() {
        node.wrong("names a day that never comes, such as 30 February");
    }
    timetable.map(Times::At)
}

/// Reads `window` of `[protect]`, with its `zone`.
pub(super) fn load_window(protect: &Fields<'_>, node: &Node<'_>) -> Option<Window> {
    let zone = load_zone(protect, "window");
    let times = node.text().and_then(|text| {
        let times = text
            .split_once('-')
            .and_then(|(from, to)| load_hour(from).zip(load_hour(to)));
        if times.is_none() {
            node.wrong("must be two times of day, as in \"22:00-06:00\"");
        }
        times
    });
    let (from, to) = times?;
    let window = Window::new(from, to, zone?);
    if window.is_none() {
        node.wrong("is the whole day; leave it out, or write two different times");
    }
    window
}

/// Notes a timetable none of whose times lies in the window.
pub(super) fn check_together(root: &Fields<'_>, schedule: &Schedule, window: &Window) {
    let Times::At(timetable) = &schedule.times else {
        return;
    };
    if meet(timetable, window) {
        return;
    }
    let schedule = root.get("schedule").and_then(|node| node.fields());
    if let Some(cron) = schedule.and_then(|fields| fields.get("cron")) {
        cron.wrong("has no time inside the window of [protect]; move one of them");
    }
}

/// Says whether a time of a timetable lies in a window. Times outside are passed over up to where the
/// window opens, so that at most one of each day is looked at.
fn meet(timetable: &Timetable, window: &Window) -> bool {
    let until = LOOKED_FROM.checked_add(LOOKED_AT).unwrap_or(Timestamp::MAX);
    let mut from = LOOKED_FROM;
    while let Some(time) = timetable.next(from).filter(|time| *time < until) {
        if window.contains(time) {
            return true;
        }
        // The very instant at which it opens lies inside.
        let opens = window.opens(time);
        let before = opens.checked_sub(Duration::from_micros(1));
        from = before.unwrap_or(opens).max(time);
    }
    false
}

/// Reads a time of day: `06:00`, or `24:00` for midnight.
fn load_hour(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| match text.len() {
        1 | 2 => text.parse::<i8>().ok().filter(|_| !text.starts_with('+')),
        _ => None,
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    match (hour, minute) {
        (24, 0) => Some(Time::midnight()),
        _ => Time::new(hour, minute, 0, 0).ok(),
    }
}

/// Reads the zone that stands beside `what`.
fn load_zone(fields: &Fields<'_>, what: &str) -> Option<TimeZone> {
    let Some(node) = fields.get("zone") else {
        fields.node().wrong(format!(
            "has no 'zone', and '{what}' goes by the clock of one: zone = \"Africa/Cairo\""
        ));
        return None;
    };
    let name = node.text()?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let known: Vec<String> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .collect();
        let message = format!("'{name}' is not a time zone; write it as in \"Africa/Cairo\"");
        node.wrong_word(message, name, known.iter().map(String::as_str));
    }
    zone
}
