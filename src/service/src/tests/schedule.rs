//! A node that reads its sources by itself, in simulated time.

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::Kinds;
use rabt_model::{Clock, SourceId, Timestamp};
use rabt_storage::{RunState, StoredRun};

use self::simulated::Simulation;
use super::node::{
    Fragile, MONA, OMAR, Row, Tables, folder, memory, operator, register, setup, source,
    start_with_agencies,
};
use crate::operate::{NewSource, get_source, list_runs, pause_source, resume_source};
use crate::schedule::{Driver, Pacing};
use crate::{Quality, Services, SourceState, ingest};

/// Seconds between two looks of the driver.
const TICK: i64 = 10;

struct Node {
    simulation: Simulation,
    services: Arc<Services>,
    driver: Driver,
    /// Most tasks that were alive at once.
    tasks: usize,
}

fn pacing() -> Pacing {
    Pacing {
        parallel: 8,
        deadline: Duration::from_mins(30),
        idle: Duration::from_mins(5),
    }
}

async fn start(storage: &Arc<Fragile>, simulation: Simulation) -> Node {
    let mut setup = setup(storage, &Tables::default());
    setup.kinds = Kinds::new().with(Arc::new(simulation.clone()));
    setup.clock = Arc::<rabt_model::ManualClock>::clone(&simulation.clock);
    let services = Services::start(setup).await.unwrap();
    Node {
        driver: Driver::new(&services, pacing()),
        simulation,
        services,
        tasks: 0,
    }
}

fn simulated() -> Simulation {
    Simulation::at("2026-06-01T10:00:00Z".parse().unwrap())
}

/// The folder of an agency whose sources have this habit and these times.
fn agency(id: &str, offices: &str, habit: &str, times: &str) -> NewSource {
    let mut new = folder(id);
    new.manifest = new
        .manifest
        .replace(
            "kind = \"memory\"",
            &format!("kind = \"simulated\"\n{offices}"),
        )
        .replace(
            &format!("table = \"{id}\""),
            &format!("habit = \"{habit}\"\n{times}"),
        )
        .replace("[stream.guard]\nmax_reject = \"60 %\"\n", "");
    new
}

impl Node {
    async fn register(&self, new: NewSource) {
        register(&self.services, new).await;
    }

    /// Lets a time pass in which the driver looks again and again.
    async fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds / TICK {
            self.simulation.advance(TICK);
            self.settle().await;
            // twice: what ended at once is taken note of
            for _ in 0..2 {
                self.driver.step().await;
                self.settle().await;
            }
        }
    }

    /// Waits until every reading waits for the time to go on.
    async fn settle(&mut self) {
        let began = tokio::time::Instant::now();
        loop {
            let alive = tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks();
            self.tasks = self.tasks.max(alive);
            let reading = self.driver.reading();
            if self.simulation.is_quiet(&reading) && !self.driver.is_linking() {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{reading:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn runs(&self, id: &SourceId) -> Vec<StoredRun> {
        let runs = list_runs(&self.services, &operator(), id, 100).await;
        let mut runs = runs.unwrap();
        runs.reverse();
        runs
    }

    async fn state(&self, id: &str) -> SourceState {
        let view = get_source(&self.services, &operator(), &source(id)).await;
        view.unwrap().state
    }

    fn now(&self) -> Timestamp {
        self.simulation.clock.now()
    }
}

/// Resident memory of the process, MiB; zero where the machine does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4 / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_104_sources_of_which_four_are_bad() {
    let mut node = start(&memory().await, simulated()).await;
    let offices = "offices = [\"a\", \"b\", \"c\", \"d\"]";
    for number in 0..25 {
        let minute = number % 10;
        let times =
            format!("[schedule]\ncron = \"{minute}-59/10 * * * *\"\nzone = \"Africa/Cairo\"");
        let id = format!("steady{number:02}");
        node.register(agency(&id, offices, "steady", &times)).await;
    }
    for habit in ["hangs", "floods", "drifts", "fails"] {
        let often = "[schedule]\nevery = \"5m\"";
        node.register(agency(habit, "", habit, often)).await;
    }
    node.pass(900).await;
    let (memory, rows) = (
        resident(),
        node.runs(&source("floods")).await[0].counts.rows,
    );
    node.pass(2_750).await;
    let grown = resident().saturating_sub(memory);

    let mut latest = 0;
    for number in 0..25 {
        for office in ["a", "b", "c", "d"] {
            let id = source(&format!("steady{number:02}-{office}"));
            let runs = node.runs(&id).await;
            assert_eq!(runs.len(), 6, "{id}");
            for run in &runs {
                assert_eq!(run.state, RunState::Succeeded, "{id}");
                let second = run.started_at.as_second();
                assert_eq!(
                    (second / 60) % 10,
                    number % 10,
                    "{id} at {}",
                    run.started_at
                );
                latest = latest.max(second % 60);
            }
            assert_eq!(node.state(id.as_str()).await, SourceState::Live);
        }
    }
    let ended = |runs: &[StoredRun], state| runs.iter().filter(|run| run.state == state).count();
    let hanging = node.runs(&source("hangs")).await;
    assert!(
        (5..=8).contains(&ended(&hanging, RunState::Failed)),
        "{hanging:?}"
    );
    assert_eq!(node.state("hangs").await, SourceState::Degraded);
    let failing = node.runs(&source("fails")).await;
    assert!((5..=9).contains(&failing.len()), "{failing:?}");
    assert_eq!(node.state("fails").await, SourceState::Degraded);
    let drifting = node.runs(&source("drifts")).await;
    assert_eq!(drifting.len(), 1, "{drifting:?}");
    assert_eq!(node.state("drifts").await, SourceState::Quarantined);
    let flooding = node.runs(&source("floods")).await;
    assert_eq!(flooding.len(), 2, "{flooding:?}");
    assert!(flooding[0].counts.rows > rows && rows > 10_000);
    assert_eq!(node.state("floods").await, SourceState::Snapshot);

    println!(
        "latest start {latest} s behind its minute, {} tasks at most, {memory} MiB after a quarter of an hour, {grown} MiB more at the end",
        node.tasks
    );
    // for each of eight readings a run and its connector, and the node's own few
    assert!(node.tasks <= 8 * 2 + 16, "{} tasks", node.tasks);
    assert!(grown < 64, "{grown} MiB more");
}

#[tokio::test]
async fn a_reading_stops_when_its_window_closes_and_goes_on_when_it_opens() {
    let storage = memory().await;
    let mut node = start(&storage, simulated()).await;
    let times = "[schedule]\nevery = \"1h\"\n[protect]\nwindow = \"10:02-10:05\"\nzone = \"UTC\"";
    node.register(agency("tax", "", "pages", times)).await;
    let id = source("tax");
    assert_eq!(node.state("tax").await, SourceState::Approved);
    node.pass(110).await;
    assert!(node.runs(&id).await.is_empty(), "{}", node.now());
    node.pass(600).await;
    let runs = node.runs(&id).await;
    assert_eq!(runs.len(), 1);
    let window = |run: &StoredRun| {
        let ended = run.finished_at.unwrap().as_second() - run.started_at.as_second();
        (
            run.started_at.to_string()[11..19].to_owned(),
            ended,
            run.state,
        )
    };
    assert_eq!(
        window(&runs[0]),
        ("10:02:00".to_owned(), 190, RunState::Cancelled)
    );
    assert_eq!(node.state("tax").await, SourceState::Snapshot);
    // another process goes on the next day, from the last checkpoint
    let read = runs[0].counts.rows;
    assert_eq!(read, 20);
    node.services.stop("test").await;
    let mut node = start(&storage, node.simulation).await;
    node.simulation.advance(23 * 3_600);
    node.pass(3_600).await;
    let runs = node.runs(&id).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(
        window(&runs[1]),
        ("10:02:00".to_owned(), 190, RunState::Cancelled)
    );
    let mut tx = node.services.storage.snapshot().await.unwrap();
    let positions = tx.positions(&id).await.unwrap();
    assert_eq!(positions[0].rows, read + runs[1].counts.rows);
}

/// An incremental stream whose keys take ten minutes to read, where five of silence are too many.
fn sweeping(id: &str, times: &str) -> NewSource {
    let mut new = agency(id, "", "keys", times);
    let incremental =
        "mode = \"incremental\"\ndeletes = \"sweep\"\n[stream.incremental]\ncursor = \"dob\"";
    new.manifest = new.manifest.replace("mode = \"snapshot\"", incremental);
    new
}

#[tokio::test]
async fn a_source_whose_keys_are_read_is_not_silent() {
    let mut node = start(&memory().await, simulated()).await;
    let times = "[schedule]\nevery = \"1h\"";
    node.register(sweeping("tax", times)).await;
    node.pass(900).await;
    let runs = node.runs(&source("tax")).await;
    let states: Vec<_> = runs.iter().map(|run| (run.state, &run.error)).collect();
    assert_eq!(states, [(RunState::Succeeded, &None)]);
}

#[tokio::test]
async fn keys_are_read_no_longer_than_the_window_is_open() {
    let mut node = start(&memory().await, simulated()).await;
    let times = "[schedule]\nevery = \"1h\"\n[protect]\nwindow = \"10:02-10:05\"\nzone = \"UTC\"";
    node.register(sweeping("tax", times)).await;
    node.pass(1_200).await;
    let runs = node.runs(&source("tax")).await;
    assert_eq!(runs.len(), 1);
    let took = runs[0].finished_at.unwrap().as_second() - runs[0].started_at.as_second();
    assert_eq!((runs[0].state, took), (RunState::Cancelled, 190));
}

#[tokio::test]
async fn what_an_operator_does_is_followed_and_a_restart_changes_no_time() {
    let storage = memory().await;
    let mut node = start(&storage, simulated()).await;
    node.register(agency("tax", "", "steady", "[schedule]\nevery = \"10m\""))
        .await;
    node.register(agency("labour", "", "steady", "")).await;
    let id = source("tax");
    node.pass(60).await;
    node.services.stop("test").await;
    let mut node = start(&storage, node.simulation).await;
    node.pass(900).await;
    let begun = |runs: &[StoredRun]| -> Vec<String> {
        let begun = runs.iter().map(|run| run.started_at.to_string());
        begun.map(|at| at[11..19].to_owned()).collect()
    };
    assert_eq!(begun(&node.runs(&id).await), ["10:00:10", "10:10:10"]);
    pause_source(&node.services, &operator(), &id)
        .await
        .unwrap();
    node.pass(1_800).await;
    assert_eq!(node.runs(&id).await.len(), 2);
    assert_eq!(node.state("tax").await, SourceState::Paused);
    resume_source(&node.services, &operator(), &id)
        .await
        .unwrap();
    node.pass(60).await;
    assert_eq!(node.runs(&id).await.len(), 3);
    assert_eq!(node.state("tax").await, SourceState::Live);
    assert!(
        node.runs(&source("labour")).await.is_empty(),
        "it has no schedule"
    );
}

#[tokio::test]
async fn a_pause_while_a_source_is_read_stays() {
    let mut node = start(&memory().await, simulated()).await;
    node.register(agency("tax", "", "steady", "[schedule]\nevery = \"10m\""))
        .await;
    node.pass(10).await;
    assert_eq!(node.driver.reading(), [source("tax")]);
    pause_source(&node.services, &operator(), &source("tax"))
        .await
        .unwrap();
    node.pass(900).await;
    let runs = node.runs(&source("tax")).await;
    assert_eq!((runs.len(), runs[0].state), (1, RunState::Succeeded));
    assert_eq!(node.state("tax").await, SourceState::Paused);
}

#[tokio::test]
async fn the_quality_of_a_source_is_told_from_counts() {
    let (storage, tables) = (memory().await, Tables::default());
    let bad: Row = ["3", OMAR[1], "12", "31/02/1990", ""];
    tables.set("registry", &[MONA, OMAR, bad]);
    let services = start_with_agencies(&storage, &tables).await;
    ingest(&services, &source("registry")).await.unwrap();
    let quality = async || {
        let view = get_source(&services, &operator(), &source("registry")).await;
        view.unwrap().quality
    };
    let first = quality().await;
    let column = |quality: &Quality, name: &str| {
        let mut columns = quality.columns.iter();
        let column = columns.find(|column| column.column == name).unwrap();
        (
            column.rows,
            column.missing,
            column.refused,
            column.completeness,
            column.validity,
        )
    };
    assert_eq!(column(&first, "tel"), (3, 1, 0, Some(66), Some(100)));
    assert_eq!(column(&first, "nid"), (3, 0, 1, Some(100), Some(66)));
    assert_eq!(first.score(), first.validity.min(first.completeness));
    assert_eq!(first.freshness, None, "it has no schedule");
    // a reading from the start tells of what is there now
    tables.set("registry", &[MONA, OMAR]);
    ingest(&services, &source("registry")).await.unwrap();
    let second = quality().await;
    assert_eq!(column(&second, "tel"), (2, 0, 0, Some(100), Some(100)));
    assert_eq!(
        (second.completeness, second.validity),
        (Some(100), Some(100))
    );
}
