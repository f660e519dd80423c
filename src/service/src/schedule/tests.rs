//! When sources are due, and what is started, let rest and stopped.

mod random;
mod world;

use std::time::Duration;

use rabt_connect::AgencyFolder;
use rabt_model::{ErrorClass, RunId, Timestamp};
use rabt_storage::{RunCounts, RunError, RunState, SourceState, StoredRun};

use super::due::{Chance, due, unreachable_in_a_row};
use super::plan::plan;
use super::{Action, Asked, Candidate, Pacing, Planned, UnderWay, Why};

const CHANCE: Chance = Chance(7);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// A source of an agency; `care` is `[schedule]`, and may be more.
fn candidate(agency: &str, office: &str, care: &str) -> Candidate {
    let manifest = format!(
        "schema = 1\n[agency]\nid = \"{agency}\"\nname = {{ en = \"A\", ar = \"ج\" }}\nsteward = \"a@b.example\"\n\
         agreement = \"AG-1\"\n[source]\nkind = \"memory\"\n[source.config]\n{care}\n[[stream]]\nid = \"person\"\n\
         from = {{ table = \"p\" }}\nkey = [\"id\"]\nmode = \"snapshot\"\n"
    );
    let mapping = "[person]\n\"sex\" = { from = \"S\" }\n";
    let files = [
        ("manifest.toml", manifest.as_str()),
        ("mapping.toml", mapping),
    ];
    let folder = AgencyFolder::load(&files).unwrap();
    let spec = &folder.sources[0];
    Candidate {
        source: format!("{agency}-{office}").parse().unwrap(),
        agency: folder.id.clone(),
        schedule: spec.schedule.clone().unwrap(),
        window: spec.window.clone(),
        state: SourceState::Live,
        since: at("2026-06-01T00:00:00Z"),
        runs: Vec::new(),
        busy: false,
        not_before: None,
        idle: minutes(5),
    }
}

fn quarterly() -> Candidate {
    candidate("tax", "cairo", "[schedule]\nevery = \"15m\"")
}

fn run(number: i64, began: &str, state: RunState, class: Option<ErrorClass>) -> StoredRun {
    StoredRun {
        run: RunId(number),
        source: "tax-cairo".parse().unwrap(),
        started_at: at(began),
        finished_at: Some(at(began) + minutes(1)),
        state,
        error: class.map(|class| RunError {
            class,
            summary: String::new(),
        }),
        counts: RunCounts::default(),
    }
}

fn unreachable(number: i64, began: &str) -> StoredRun {
    let class = Some(ErrorClass::SourceUnreachable);
    run(number, began, RunState::Failed, class)
}

fn pacing(parallel: usize) -> Pacing {
    Pacing {
        parallel,
        deadline: minutes(60),
        idle: minutes(5),
    }
}

fn under_way(candidate: &Candidate, began: &str, heard: &str) -> UnderWay {
    UnderWay {
        source: candidate.source.clone(),
        began: at(began),
        heard: at(heard),
        asked: Asked::Nothing,
    }
}

#[test]
fn a_source_is_due_by_its_schedule_whatever_process_asks() {
    let mut source = quarterly();
    assert_eq!(due(&source, CHANCE), Some(source.since));
    source.runs = vec![run(1, "2026-06-01T10:00:00Z", RunState::Succeeded, None)];
    let quarter = at("2026-06-01T10:15:00Z");
    assert_eq!(due(&source, CHANCE), Some(quarter));
    source.schedule.jitter = minutes(10);
    let drawn = due(&source, CHANCE).unwrap();
    assert!((quarter..quarter + minutes(10)).contains(&drawn), "{drawn}");
    assert_eq!(due(&source, CHANCE), Some(drawn));
    assert_ne!(due(&source, Chance(8)), Some(drawn));
    source.not_before = Some(at("2026-06-01T11:00:00Z"));
    assert_eq!(due(&source, CHANCE), source.not_before);
}

#[test]
fn only_sources_that_may_be_read_are_due() {
    for state in SourceState::ALL {
        let mut source = quarterly();
        source.state = *state;
        let wanted = matches!(
            state,
            SourceState::Approved
                | SourceState::Snapshot
                | SourceState::Live
                | SourceState::Degraded
        );
        assert_eq!(due(&source, CHANCE).is_some(), wanted, "{}", state.as_str());
        source.busy = true;
        assert_eq!(due(&source, CHANCE), None);
    }
}

#[test]
fn pauses_grow_with_failures_and_end_with_an_operator() {
    let mut source = quarterly();
    let mut longest = Duration::ZERO;
    for failures in 1..=8_i64 {
        source
            .runs
            .insert(0, unreachable(failures, "2026-06-01T10:00:00Z"));
        let due = due(&source, CHANCE).unwrap();
        let pause = Duration::try_from(due.duration_since(at("2026-06-01T10:01:00Z"))).unwrap();
        let most = minutes(1 << (failures - 1)).min(minutes(60));
        assert!(pause >= most / 2 && pause < most, "{failures}: {pause:?}");
        longest = longest.max(pause);
    }
    assert!(longest >= minutes(30));
    // a stop by the window neither counts nor ends the row
    let stopped = run(9, "2026-06-01T10:05:00Z", RunState::Cancelled, None);
    source.runs.insert(0, stopped);
    assert_eq!(due(&source, CHANCE), Some(at("2026-06-01T10:07:00Z")));
    assert_eq!(unreachable_in_a_row(&source.runs), 8);
    source.state = SourceState::Approved;
    source.since = at("2026-06-01T10:06:30Z");
    assert_eq!(due(&source, CHANCE), Some(source.since));
}

#[test]
fn our_own_failures_do_not_degrade_a_source() {
    let ours = run(
        3,
        "2026-06-01T10:02:00Z",
        RunState::Failed,
        Some(ErrorClass::Overloaded),
    );
    let killed = run(4, "2026-06-01T10:03:00Z", RunState::Interrupted, None);
    let theirs = [
        unreachable(2, "2026-06-01T10:01:00Z"),
        unreachable(1, "2026-06-01T10:00:00Z"),
    ];
    let runs = [&[killed, ours][..], &theirs].concat();
    assert_eq!(unreachable_in_a_row(&runs), 2);
    let read = run(5, "2026-06-01T10:04:00Z", RunState::Succeeded, None);
    assert_eq!(unreachable_in_a_row(&[&[read][..], &runs].concat()), 0);
}

#[test]
fn a_source_waits_for_its_window_and_rests_when_it_closes() {
    let care =
        "[schedule]\nevery = \"15m\"\n[protect]\nwindow = \"22:00-06:00\"\nzone = \"Africa/Cairo\"";
    let source = candidate("tax", "cairo", care);
    let noon = at("2026-06-01T09:00:00Z");
    let waits = plan(noon, &pacing(4), std::slice::from_ref(&source), &[], CHANCE);
    assert_eq!(waits.actions, []);
    assert_eq!(waits.wake, Some(at("2026-06-01T19:00:00Z")));
    let night = at("2026-06-01T19:00:00Z");
    let starts = plan(
        night,
        &pacing(4),
        std::slice::from_ref(&source),
        &[],
        CHANCE,
    );
    assert_eq!(starts.actions, [Action::Start(source.source.clone())]);
    let late = "2026-06-02T02:58:00Z";
    let reading = [under_way(&source, late, late)];
    let closing = at("2026-06-02T02:59:00Z");
    let soon = plan(
        closing,
        &pacing(4),
        std::slice::from_ref(&source),
        &reading,
        CHANCE,
    );
    let closes = at("2026-06-02T03:00:00Z");
    assert_eq!((soon.actions, soon.wake), (vec![], Some(closes)));
    let rests = plan(
        closes,
        &pacing(4),
        std::slice::from_ref(&source),
        &reading,
        CHANCE,
    );
    assert_eq!(rests.actions, [Action::Rest(source.source.clone())]);
    let mut asked = reading.clone();
    asked[0].asked = Asked::Rest;
    let once = plan(
        closes,
        &pacing(4),
        std::slice::from_ref(&source),
        &asked,
        CHANCE,
    );
    assert_eq!(once.actions, []);
}

#[test]
fn a_reading_that_hangs_or_never_ends_is_stopped() {
    let source = quarterly();
    let began = "2026-06-01T10:00:00Z";
    let stop = |heard: &str, now: &str| {
        let reading = [under_way(&source, began, heard)];
        let one = std::slice::from_ref(&source);
        let Planned { actions, .. } = plan(at(now), &pacing(4), one, &reading, CHANCE);
        actions
    };
    assert_eq!(stop(began, "2026-06-01T10:04:59Z"), []);
    let idle = Action::Stop(source.source.clone(), Why::Idle(minutes(5)));
    assert_eq!(stop(began, "2026-06-01T10:05:00Z"), [idle]);
    assert_eq!(stop("2026-06-01T10:59:00Z", "2026-06-01T10:59:59Z"), []);
    let late = Action::Stop(source.source.clone(), Why::Deadline(minutes(60)));
    assert_eq!(stop("2026-06-01T10:59:00Z", "2026-06-01T11:00:00Z"), [late]);
}

#[test]
fn agencies_take_turns_and_none_takes_all() {
    let schedule = "[schedule]\nevery = \"15m\"";
    let mut sources: Vec<Candidate> = ["a", "b", "c", "d", "e"]
        .iter()
        .map(|office| candidate("big", office, schedule))
        .collect();
    sources.push(candidate("small", "a", schedule));
    let now = at("2026-06-01T10:00:00Z");
    let started = |sources: &[Candidate], parallel: usize| {
        let planned = plan(now, &pacing(parallel), sources, &[], CHANCE);
        let name = |action: &Action| match action {
            Action::Start(source) => source.to_string(),
            Action::Rest(_) | Action::Stop(..) => panic!("{action:?}"),
        };
        planned.actions.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(started(&sources, 2), ["big-a", "small-a"]);
    assert_eq!(started(&sources, 4), ["big-a", "small-a", "big-b"]);
    // an agency that was read lately comes after one that was not
    sources[4].runs = vec![run(1, "2026-06-01T09:40:00Z", RunState::Succeeded, None)];
    assert_eq!(started(&sources, 1), ["small-a"]);
}

#[test]
fn one_degraded_source_is_tried_at_a_time() {
    let mut sources: Vec<Candidate> = ["a", "b", "c"]
        .iter()
        .map(|agency| candidate(agency, "x", "[schedule]\nevery = \"15m\""))
        .collect();
    for source in &mut sources[..2] {
        source.state = SourceState::Degraded;
        let failed = [
            "2026-06-01T08:00:00Z",
            "2026-06-01T07:00:00Z",
            "2026-06-01T06:00:00Z",
        ];
        source.runs = (1..)
            .zip(failed)
            .map(|(number, began)| unreachable(number, began))
            .collect();
    }
    let now = at("2026-06-01T10:00:00Z");
    let planned = plan(now, &pacing(8), &sources, &[], CHANCE);
    let started = |index: usize| Action::Start(sources[index].source.clone());
    assert_eq!(planned.actions, [started(2), started(0)]);
    let began = "2026-06-01T10:00:00Z";
    let trying = [under_way(&sources[0], began, began)];
    let planned = plan(now, &pacing(8), &sources, &trying, CHANCE);
    assert_eq!(planned.actions, [started(2)]);
}
