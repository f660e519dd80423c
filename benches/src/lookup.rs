//! Permitted and audited lookups over loopback mutual TLS, beside an echo of the same size.

use std::time::{Duration, Instant};

use futures::StreamExt;
use rabt_model::{Attribute, RecordNumber};
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::citizen::{LookupCitizenRequest, LookupCitizenResponse};
use rabt_proto::common::Identifier;
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, Pki, Stack, Town, context};
use tokio::runtime::Builder;
use tonic::transport::Channel;

use crate::echo;
use crate::meter::Meter;

const IN_FLIGHT: usize = 64;

/// Measures `count` lookups among `people` invented people, and a tenth as many echoes.
pub(crate) fn run(count: usize, people: usize) {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    runtime.expect("a runtime").block_on(measure(count, people));
}

async fn measure(count: usize, people: u32) {
    let folder = rabt_tests::root().join("target/bench");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["rabt.db", "rabt-audit.db"] {
        for end in ["", "-wal", "-shm"] {
            // What is not there need not be removed.
            let _ = std::fs::remove_file(folder.join(format!("{name}{end}")));
        }
    }
    let town = Town::of(people, 1).await;
    let stack = Stack::start(&format!("sqlite://{}", folder.join("rabt.db").display())).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let numbers = national_ids(stack.services.storage.as_ref()).await;
    eprintln!(
        "{} citizens, {} numbers",
        stack.services.citizens(),
        numbers.len()
    );

    let client = stack.citizens(AGENCY_SYSTEM).await;
    let answer = client.clone().lookup_citizen(lookup(&numbers[0])).await;
    let answer = answer.expect("an answer").into_inner();
    let echo = echo_client(&stack.pki, answer).await;
    ask("echo, warm", &echo, &numbers, count.div_ceil(20)).await;
    let bare = ask("echo over mTLS", &echo, &numbers, count.div_ceil(10)).await;
    let full = ask("lookup over mTLS", &client, &numbers, count).await;
    eprintln!("lookup / echo = {:.2}", full / bare);
    stack.stop().await;
}

async fn echo_client(pki: &Pki, answer: LookupCitizenResponse) -> CitizenServiceClient<Channel> {
    let address = echo::serve(pki, answer).await;
    let tls = pki.client(Some(AGENCY_SYSTEM));
    let channel = Pki::connect(address, tls)
        .await
        .expect("the handshake succeeds");
    CitizenServiceClient::new(channel)
}

fn lookup(number: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: number.to_owned(),
        }),
        read_mask: None,
    }
}

/// Asks `count` times, 64 at once; any error ends the bench.
async fn ask(
    name: &str,
    client: &CitizenServiceClient<Channel>,
    numbers: &[String],
    count: usize,
) -> f64 {
    let meter = Meter::start();
    let asking = numbers.iter().cycle().take(count).map(|number| {
        let mut client = client.clone();
        async move {
            let started = Instant::now();
            client
                .lookup_citizen(lookup(number))
                .await
                .expect("an answer");
            started.elapsed()
        }
    });
    let times = futures::stream::iter(asking).buffer_unordered(IN_FLIGHT);
    let mut times: Vec<Duration> = times.collect().await;
    let rate = meter.report(name, count);
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    eprintln!("{:<28} p50 {:?}, p99 {:?}", "", at(50), at(99));
    rate
}

/// Keeps the numbers that are answered: some registers hold numbers that cannot be national ids.
async fn answered(client: &CitizenServiceClient<Channel>, held: Vec<String>) -> Vec<String> {
    let mut numbers = Vec::with_capacity(held.len());
    for number in held {
        if client.clone().lookup_citizen(lookup(&number)).await.is_ok() {
            numbers.push(number);
        }
    }
    numbers
}

/// Returns the national ids in the civil registry's records.
async fn national_ids(storage: &dyn Storage) -> Vec<String> {
    let mut snapshot = storage.snapshot().await.expect("a snapshot");
    let records = snapshot
        .records_after(RecordNumber(i64::MIN), u32::MAX >> 1)
        .await;
    let id = Attribute::national_id();
    let mut numbers = Vec::new();
    for stored in records.expect("records") {
        if stored.record.agency.as_str() == "civil-registry" {
            let held = stored.record.values_of(&id).next();
            numbers.extend(held.map(|value| value.value.expose().to_line()));
        }
    }
    numbers
}
