//! From a record that changed to the watchers who know: records are written, linked and told one
//! after the other, over loopback mutual TLS, without a pause between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rabt_model::{RecordNumber, SourceRecord};
use rabt_proto::change::{ListChangesRequest, WatchChangesRequest, WatchChangesResponse};
use rabt_tests::{AGENCY_SYSTEM, Stack, Town, context};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tonic::Streaming;

/// Invented people in the databases of the shipped agencies.
const PEOPLE: u32 = 5_000;
/// Who watch at once.
const WATCHERS: usize = 8;
/// The longest time that the last change may be on its way.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is required of the time from the commit, at the 99th of a hundred.
const REQUIRED: Duration = Duration::from_millis(250);

/// One change of a record: the last number of the feed behind it, and when linking began and ended.
struct Round {
    last: u64,
    began: Instant,
    ended: Instant,
}

/// What a watcher was told, and when.
type Arrivals = Vec<(u64, Instant)>;

/// Measures `rounds` changes and prints the times; says whether they are what is required.
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
pub(crate) fn run(rounds: usize) -> bool {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let (rounds, listed, told) = runtime.expect("a runtime").block_on(measure(rounds));
    let first = rounds.first().map_or(0, |round| round.last);
    let (mut lost, mut doubled) = (0, 0);
    let (mut linking, mut commit) = (Vec::new(), Vec::new());
    for arrivals in &told {
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for (sequence, at) in arrivals {
            *times.entry(*sequence).or_default() += 1;
            if *sequence <= first {
                continue;
            }
            let place = rounds.partition_point(|round| round.last < *sequence);
            if let Some(round) = rounds.get(place) {
                linking.push(at.saturating_duration_since(round.began));
                commit.push(at.saturating_duration_since(round.ended));
            }
        }
        lost += listed.iter().filter(|n| !times.contains_key(n)).count();
        doubled += times.values().filter(|count| **count > 1).count();
    }
    println!(
        "watchers: {WATCHERS}; changes in the feed: {}; told while watching: {}",
        listed.len(),
        linking.len()
    );
    println!("lost: {lost}; doubled: {doubled}");
    println!("to the watcher, the durable audit entry of the page included, milliseconds:");
    print_times("from the start of linking", &mut linking);
    print_times("from the end of linking, behind its commit", &mut commit);
    let p99 = at(&linking, 99);
    p99 < REQUIRED && lost == 0 && doubled == 0 && !linking.is_empty()
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn print_times(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let shown = |share| at(times, share).as_secs_f64() * 1_000.0;
    println!(
        "  {what}: p50 {:.1}  p90 {:.1}  p99 {:.1}  max {:.1}",
        shown(50),
        shown(90),
        shown(99),
        shown(100)
    );
}

/// Returns the time that `share` of a hundred do not exceed.
fn at(sorted: &[Duration], share: usize) -> Duration {
    let place = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

async fn measure(rounds: usize) -> (Vec<Round>, Vec<u64>, Vec<Arrivals>) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let stack = Stack::start(&url).await;
    let town = Town::of(PEOPLE, 1).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let records = records(&stack).await;
    let (end, ended) = watch::channel(u64::MAX);
    let tasks = TaskTracker::new();
    let mut watchers = Vec::with_capacity(WATCHERS);
    for _ in 0..WATCHERS {
        let request = WatchChangesRequest {
            context: Some(context()),
            heartbeat_seconds: 1,
            ..WatchChangesRequest::default()
        };
        let mut client = stack.changes(AGENCY_SYSTEM).await;
        let watching = client.watch_changes(request).await.expect("a watch");
        watchers.push(tasks.spawn(follow(watching.into_inner(), ended.clone())));
    }
    // what was there before is read by everybody before anything is measured
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut measured = vec![round(&stack).await];
    for number in 0..rounds {
        change(&stack, &records, number).await;
        measured.push(round(&stack).await);
    }
    let listed = list(&stack).await;
    end.send_replace(listed.last().copied().unwrap_or_default());
    let mut told = Vec::with_capacity(WATCHERS);
    for watcher in watchers {
        told.push(watcher.await.expect("a watcher"));
    }
    stack.stop().await;
    (measured, listed, told)
}

/// Links what is not linked.
async fn round(stack: &Stack) -> Round {
    let began = Instant::now();
    stack.link().await;
    let ended = Instant::now();
    let mut snapshot = stack.services.storage.snapshot().await.expect("storage");
    let last = snapshot.last_change().await.expect("storage");
    Round { last, began, ended }
}

/// Notes what comes, up to the change that is the last one.
async fn follow(
    mut messages: Streaming<WatchChangesResponse>,
    mut ended: watch::Receiver<u64>,
) -> Arrivals {
    let mut arrivals = Arrivals::new();
    let is_last = |arrivals: &Arrivals, end: u64| arrivals.last().is_some_and(|(n, _)| *n >= end);
    loop {
        let message = tokio::select! {
            message = messages.message() => message.expect("a stream").expect("a message"),
            changed = ended.changed() => {
                changed.expect("an end");
                tokio::time::timeout(PATIENCE, messages.message())
                    .await
                    .expect("the last change in time")
                    .expect("a stream")
                    .expect("a message")
            }
        };
        let now = Instant::now();
        arrivals.extend(message.changes.iter().map(|change| (change.sequence, now)));
        if is_last(&arrivals, *ended.borrow()) {
            return arrivals;
        }
    }
}

/// Returns the numbers of all changes that the agreement tells.
async fn list(stack: &Stack) -> Vec<u64> {
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let (mut listed, mut resume_token) = (Vec::new(), String::new());
    loop {
        let request = ListChangesRequest {
            context: Some(context()),
            resume_token,
            page_size: 500,
            ..ListChangesRequest::default()
        };
        let page = client.list_changes(request).await.expect("a page");
        let page = page.into_inner();
        listed.extend(page.changes.iter().map(|change| change.sequence));
        resume_token = page.resume_token;
        if page.end {
            return listed;
        }
    }
}

async fn records(stack: &Stack) -> Vec<SourceRecord> {
    let mut snapshot = stack.services.storage.snapshot().await.expect("storage");
    let page = snapshot.records_after(RecordNumber(0), 5_000).await;
    let page = page.expect("storage").into_iter();
    page.map(|stored| stored.record).collect()
}

/// Lets one record say what the next one says, so that people part and become one.
async fn change(stack: &Stack, records: &[SourceRecord], round: usize) {
    let mut record = records[round % records.len()].clone();
    let other = &records[(round + 1) % records.len()];
    record.values.clone_from(&other.values);
    record.content_hash = other.content_hash.map(|byte| byte ^ 0x5a);
    let mut tx = stack.services.storage.begin().await.expect("storage");
    let at = stack.services.clock.now();
    let run = tx.start_run(&record.id.source, at).await.expect("a run");
    tx.put_records(run, &[record]).await.expect("storage");
    tx.commit().await.expect("storage");
}
