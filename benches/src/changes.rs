//! From a record that changed to a watcher who knows: one record is written, linked and told at a
//! time, over loopback mutual TLS.

use std::time::{Duration, Instant};

use rabt_model::{RecordNumber, SourceRecord};
use rabt_proto::change::WatchChangesRequest;
use rabt_tests::{AGENCY_SYSTEM, Stack, Town, context};
use tokio::runtime::Builder;

/// Invented people in the databases of the shipped agencies.
const PEOPLE: u32 = 5_000;

/// Measures `rounds` changes and prints the times.
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
pub(crate) fn run(rounds: usize) {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let mut times = runtime.expect("a runtime").block_on(measure(rounds));
    times.sort_unstable();
    let at = |share: usize| {
        let place = (times.len() * share / 100).min(times.len() - 1);
        times[place].as_secs_f64() * 1_000.0
    };
    println!("changes told: {}", times.len());
    println!("from the start of linking to the watcher, including its durable commit and the");
    println!("durable audit entry of the page, milliseconds:");
    println!(
        "  p50 {:.1}  p90 {:.1}  p99 {:.1}  max {:.1}",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

async fn measure(rounds: usize) -> Vec<Duration> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let stack = Stack::start(&url).await;
    let town = Town::of(PEOPLE, 1).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let records = records(&stack).await;
    let request = WatchChangesRequest {
        context: Some(context()),
        ..WatchChangesRequest::default()
    };
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let watching = client.watch_changes(request).await.expect("a watch");
    let mut messages = watching.into_inner();
    let mut last = 0;
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let end = change(&stack, &records, round).await;
        let start = Instant::now();
        stack.link().await;
        let mut told = stack.services.storage.snapshot().await.expect("storage");
        let newest = told.last_change().await.expect("storage");
        drop(told);
        while last < newest {
            let message = messages
                .message()
                .await
                .expect("a stream")
                .expect("a message");
            last = message
                .changes
                .last()
                .map_or(last, |change| change.sequence);
        }
        // the first round reads what was told before
        if round > 0 && end {
            times.push(start.elapsed());
        }
    }
    stack.stop().await;
    times
}

async fn records(stack: &Stack) -> Vec<SourceRecord> {
    let mut snapshot = stack.services.storage.snapshot().await.expect("storage");
    let page = snapshot.records_after(RecordNumber(0), 5_000).await;
    let page = page.expect("storage").into_iter();
    page.map(|stored| stored.record).collect()
}

/// Lets one record say what the next one says, so that people part and become one.
async fn change(stack: &Stack, records: &[SourceRecord], round: usize) -> bool {
    let mut record = records[round % records.len()].clone();
    let other = &records[(round + 1) % records.len()];
    record.values.clone_from(&other.values);
    record.content_hash = other.content_hash.map(|byte| byte ^ 0x5a);
    let mut tx = stack.services.storage.begin().await.expect("storage");
    let at = stack.services.clock.now();
    let run = tx.start_run(&record.id.source, at).await.expect("a run");
    let put = tx.put_records(run, &[record]).await.expect("storage");
    tx.commit().await.expect("storage");
    put.updated > 0
}
