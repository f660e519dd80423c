use jiff::SignedDuration;
use rabt_model::Timestamp;

use super::{Ending, Herald, Stage, Thing};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ending(from: &str, until: &str) -> Ending {
    Ending {
        setting: "cert",
        file: "server.pem".into(),
        thing: Thing::Server,
        name: "CN=server".to_owned(),
        from: at(from),
        until: at(until),
    }
}

#[test]
fn stages_are_30_7_and_1_days_before_the_end() {
    let year = ending("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    for (now, stage) in [
        ("2025-12-31T23:59:59Z", Stage::Early),
        ("2026-01-01T00:00:00Z", Stage::Far),
        ("2026-12-01T23:59:59Z", Stage::Far),
        ("2026-12-02T00:00:00Z", Stage::Month),
        ("2026-12-24T23:59:59Z", Stage::Month),
        ("2026-12-25T00:00:00Z", Stage::Week),
        ("2026-12-30T23:59:59Z", Stage::Week),
        ("2026-12-31T00:00:00Z", Stage::Day),
        ("2027-01-01T00:00:00Z", Stage::Over),
    ] {
        assert_eq!(year.stage(at(now)), stage, "{now}");
    }
}

#[test]
fn what_is_renewed_often_does_not_warn_all_the_time() {
    let week = ending("2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z");
    assert_eq!(week.stage(at("2026-01-01T00:00:00Z")), Stage::Far);
    assert_eq!(week.stage(at("2026-01-06T23:00:00Z")), Stage::Far);
    assert_eq!(week.stage(at("2026-01-07T00:00:00Z")), Stage::Day);
    let day = ending("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    assert_eq!(day.stage(at("2026-01-01T23:59:59Z")), Stage::Far);
    assert_eq!(day.stage(at("2026-01-02T00:00:00Z")), Stage::Over);
}

#[test]
fn each_stage_is_told_once_and_an_end_again_each_hour() {
    let mut herald = Herald::default();
    let both = [
        ending("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ending("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"),
    ];
    let mut told = 0;
    let mut now = at("2026-11-01T00:00:00Z");
    while now < at("2027-01-01T00:00:00Z") {
        told += herald.tell(&both, now);
        now += SignedDuration::from_mins(30);
    }
    assert_eq!(told, 3);
    assert_eq!(herald.tell(&both, now), 1);
    now += SignedDuration::from_mins(30);
    assert_eq!(herald.tell(&both, now), 0);
    now += SignedDuration::from_mins(30);
    assert_eq!(herald.tell(&both, now), 1);
}
