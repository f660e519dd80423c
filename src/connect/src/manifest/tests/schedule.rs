//! When a source is read, as its manifest says it.

use std::time::Duration;

use proptest::prelude::*;

use super::super::SourceSpec;
use super::{MANIFEST, MAPPING, load};
use crate::schedule::Times;

fn load_with(schedule: &str, protect: &str) -> Result<SourceSpec, String> {
    let manifest = MANIFEST
        .replace("[protect]", &format!("{schedule}\n[protect]\n{protect}"))
        .replace("offices = [\"cairo\", \"giza\"]", "");
    let agency = load(&manifest, MAPPING).map_err(|problems| problems.to_string())?;
    Ok(agency.sources[0].clone())
}

fn problems(schedule: &str, protect: &str) -> String {
    load_with(schedule, protect).unwrap_err()
}

#[test]
fn a_schedule_is_an_interval_or_a_timetable() {
    let none = load_with("", "").unwrap();
    assert_eq!((none.schedule, none.window), (None, None));
    let every = load_with("[schedule]\nevery = \"15m\"\njitter = \"2m\"", "").unwrap();
    let every = every.schedule.unwrap();
    assert_eq!(every.times, Times::Every(Duration::from_mins(15)));
    assert_eq!(every.jitter, Duration::from_mins(2));
    let nightly = "[schedule]\ncron = \"0 2 * * *\"\nzone = \"Africa/Cairo\"";
    let window = "window = \"22:00-06:00\"\nzone = \"Africa/Cairo\"";
    let nightly = load_with(nightly, window).unwrap();
    let noon = "2026-06-01T10:00:00Z".parse().unwrap();
    let due = nightly.schedule.unwrap().first(noon).unwrap();
    assert_eq!(due.to_string(), "2026-06-01T23:00:00Z");
    let opens = nightly.window.unwrap().opens(noon);
    assert_eq!(opens.to_string(), "2026-06-01T19:00:00Z");
    let midnight = "window = \"18:00 - 24:00\"\nzone = \"UTC\"";
    let closes = load_with("", midnight).unwrap().window.unwrap();
    let evening = "2026-06-01T20:00:00Z".parse().unwrap();
    assert_eq!(closes.closes(evening).to_string(), "2026-06-02T00:00:00Z");
}

#[test]
fn every_mistake_in_a_schedule_is_told() {
    let cases = [
        ("[schedule]", ""),
        (
            "[schedule]\nevery = \"15m\"\ncron = \"0 2 * * *\"\nzone = \"UTC\"",
            "",
        ),
        ("[schedule]\nevery = \"soon\"\njitter = \"13h\"", ""),
        ("[schedule]\nevery = \"30s\"\nzone = \"Africa/Cairo\"", ""),
        ("[schedule]\nevery = \"5m\"\njitter = \"5m\"", ""),
        (
            "[schedule]\ncron = \"0 25 * * *\"\nzone = \"Africa/Cario\"",
            "",
        ),
        ("[schedule]\ncron = \"0 2 * *\"", ""),
        ("[schedule]\ncron = \"0 0 2 * * *\"\nzone = \"UTC\"", ""),
        ("[schedule]\ncron = \"0 2 30 2 *\"\nzone = \"UTC\"", ""),
        ("[schedule]\ncorn = \"0 2 * * *\"", ""),
        ("", "window = \"22-6\""),
        ("", "window = \"25:00-06:00\"\nzone = \"UTC\""),
        ("", "window = \"00:00-24:00\"\nzone = \"UTC\""),
        ("", "zone = \"UTC\""),
        (
            "[schedule]\ncron = \"0 12 * * *\"\nzone = \"Africa/Cairo\"",
            "window = \"22:00-06:00\"\nzone = \"Africa/Cairo\"",
        ),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(schedule, protect)| problems(schedule, protect))
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

/// However rare it is, and however many times lie outside.
#[test]
fn a_timetable_that_meets_its_window_is_taken() {
    for (cron, window) in [
        ("* * * * *", "22:00-23:00"),
        ("*/5 * * * *", "23:55-00:00"),
        ("59 * * * *", "13:30-14:00"),
        ("0 12,23 * * *", "22:00-06:00"),
        ("0 3 29 2 *", "03:00-03:01"),
        ("0 12 1-30 * *", "12:00-12:01"),
    ] {
        let schedule = format!("[schedule]\ncron = \"{cron}\"\nzone = \"Africa/Cairo\"");
        let protect = format!("window = \"{window}\"\nzone = \"Africa/Cairo\"");
        let loaded = load_with(&schedule, &protect);
        assert!(loaded.is_ok(), "{cron} in {window}: {loaded:?}");
    }
    // The clocks of Egypt are three hours ahead in summer alone.
    let schedule = "[schedule]\ncron = \"30 1 * * *\"\nzone = \"Africa/Cairo\"";
    let summer = "window = \"22:00-23:00\"\nzone = \"UTC\"";
    assert!(load_with(schedule, summer).is_ok());
    let never = "window = \"20:00-22:00\"\nzone = \"UTC\"";
    let told = problems(schedule, never);
    assert!(told.contains("has no time inside the window"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever stands there, it is a schedule or a mistake with its line.
    #[test]
    fn any_text_is_a_schedule_or_a_mistake(
        cron in "[0-9*/,LW#?@ -]{0,12}|([0-9*/,-]{1,4} ){4}[0-9*#L]{1,3}",
        window in "[0-9:-]{0,11}",
    ) {
        let schedule = format!("[schedule]\ncron = \"{cron}\"\nzone = \"Africa/Cairo\"");
        let window = format!("window = \"{window}\"\nzone = \"Africa/Cairo\"");
        match load_with(&schedule, &window) {
            Ok(spec) => {
                let now = "2026-06-01T10:00:00Z".parse().unwrap();
                prop_assert!(spec.schedule.unwrap().first(now).is_some_and(|due| due > now));
            }
            Err(problems) => prop_assert!(problems.starts_with("electricity/manifest.toml:"), "{problems}"),
        }
    }
}
