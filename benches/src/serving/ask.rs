//! The client: the same code for every side.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::citizen::{LookupCitizenRequest, LookupCitizenResponse};
use rabt_proto::common::Identifier;
use rabt_tests::context;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

use crate::meter::Meter;

pub(super) type Client = CitizenServiceClient<Channel>;

/// A prime, so that lookups that follow each other are far apart in the population.
const STRIDE: usize = 7_919;

/// One connection and the numbers that are asked about.
pub(super) struct Asker {
    client: Client,
    numbers: Arc<[String]>,
}

/// What one round of requests took.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Requests that were answered.
    pub(super) answers: usize,
    /// Requests that failed, for whatever reason.
    pub(super) errors: usize,
    /// Wall time, seconds.
    pub(super) wall: f64,
    /// Processor time of the process, client and servers, seconds.
    pub(super) processor: f64,
    /// Median of the time to an answer, microseconds.
    pub(super) p50: u32,
    /// The time within which 99 of 100 answers came, microseconds.
    pub(super) p99: u32,
}

/// What one of the workers saw.
#[derive(Default)]
struct Seen {
    times: Vec<u32>,
    errors: usize,
}

impl Round {
    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        number(self.answers) / self.wall
    }

    /// Processor time of one answer, microseconds.
    pub(super) fn each(&self) -> f64 {
        self.processor * 1e6 / number(self.answers.max(1))
    }
}

impl Asker {
    pub(super) const fn new(client: Client, numbers: Arc<[String]>) -> Self {
        Self { client, numbers }
    }

    /// The same connection, asking about other numbers.
    pub(super) fn of(self, numbers: Arc<[String]>) -> Self {
        Self { numbers, ..self }
    }

    pub(super) fn numbers(&self) -> Arc<[String]> {
        Arc::clone(&self.numbers)
    }

    /// Asks about each number once. Returns those that somebody holds beyond doubt, and the answers.
    pub(super) async fn answered(&self) -> (Arc<[String]>, Vec<LookupCitizenResponse>) {
        let mut client = self.client.clone();
        let (mut numbers, mut answers) = (Vec::new(), Vec::new());
        for number in self.numbers.iter() {
            if let Ok(answer) = client.lookup_citizen(lookup(number)).await {
                numbers.push(number.clone());
                answers.push(answer.into_inner());
            }
        }
        (numbers.into(), answers)
    }

    /// Returns what asks about one number after the other and says whether there was an answer.
    pub(super) fn each(
        &self,
    ) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = bool> + Send>> + use<> {
        let (client, numbers) = (self.client.clone(), self.numbers());
        let next = AtomicUsize::new(0);
        move || {
            let place = next.fetch_add(1, Ordering::Relaxed).wrapping_mul(STRIDE);
            let request = lookup(&numbers[place % numbers.len()]);
            let mut client = client.clone();
            Box::pin(async move { client.lookup_citizen(request).await.is_ok() })
        }
    }

    /// Asks `count` times; `in_flight` workers ask again as soon as they have their answer.
    pub(super) async fn ask(&self, count: usize, in_flight: usize) -> Round {
        let workers = TaskTracker::new();
        let meter = Meter::start();
        let mut asking = Vec::with_capacity(in_flight);
        for first in 0..in_flight {
            let (client, numbers) = (self.client.clone(), self.numbers());
            let own = (first..count).step_by(in_flight);
            asking.push(workers.spawn(work(client, numbers, own)));
        }
        let (mut times, mut errors) = (Vec::with_capacity(count), 0);
        for worker in asking {
            let seen = worker.await.expect("the worker ends");
            times.extend(seen.times);
            errors += seen.errors;
        }
        let (wall, processor) = meter.elapsed();
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied();
        Round {
            answers: times.len(),
            errors,
            wall: wall.as_secs_f64(),
            processor: processor.as_secs_f64(),
            p50: at(50).unwrap_or_default(),
            p99: at(99).unwrap_or_default(),
        }
    }
}

async fn work(
    mut client: Client,
    numbers: Arc<[String]>,
    own: impl ExactSizeIterator<Item = usize>,
) -> Seen {
    let mut seen = Seen {
        times: Vec::with_capacity(own.len()),
        errors: 0,
    };
    for place in own {
        let request = lookup(&numbers[place.wrapping_mul(STRIDE) % numbers.len()]);
        let started = Instant::now();
        let answer = client.lookup_citizen(request).await;
        let took = u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX);
        match answer.map(|answer| answer.into_inner().citizen.is_some()) {
            Ok(true) => seen.times.push(took),
            Ok(false) | Err(_) => seen.errors += 1,
        }
    }
    seen
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

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
