//! One caller's load is its own: floods, and requests that never come to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rabt_api::Limits;
use rabt_proto::citizen::{LookupCitizenRequest, LookupCitizenResponse};
use rabt_proto::connector::{CheckSourceRequest, CheckSourceResponse};
use rabt_tests::{AGENCY_SYSTEM, OPERATOR, Stack, reason};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

use super::{OTHER_SYSTEM, ask, reached};

const RATE: u32 = 5;
const BURST: u32 = 40;

/// Asks as fast as it can until told to end; returns the answers, the refusals, and one of these.
async fn flood(channel: Channel, on: Arc<AtomicUsize>) -> (u32, u32, Option<Status>) {
    let (mut answers, mut refusals, mut last) = (0, 0, None);
    while on.load(Ordering::Relaxed) > 0 {
        match ask(channel.clone()).await {
            Ok(()) => answers += 1,
            Err(status) => {
                refusals += 1;
                let over = reason(&status) == "QUOTA_EXCEEDED";
                last = over.then_some(status).or(last);
                // the client of the flood shares the processors of the test
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    (answers, refusals, last)
}

/// Asks a while; returns the slowest answer. Every question must reach its handler.
async fn slowest(channel: &Channel, count: u32) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..count {
        let start = Instant::now();
        let answer = ask(channel.clone()).await;
        assert!(reached(&answer), "{answer:?}");
        let status = answer.map_or_else(|status| reason(&status), |()| String::new());
        assert_ne!(status, "QUOTA_EXCEEDED");
        assert_ne!(status, "OVERLOADED");
        slowest = slowest.max(start.elapsed());
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    slowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_floods_leaves_the_others_unharmed() {
    let limits = Limits {
        requests_per_second_per_caller: RATE,
        burst_per_caller: BURST,
        // more than a burst of the flood, and fewer than it has under way: without a rate it would
        // take all of them, with one it cannot, however slow the machine
        in_flight: 64,
        ..Limits::default()
    };
    let stack = Stack::start_with("sqlite::memory:", limits).await;
    let other = stack.connect(Some(OTHER_SYSTEM)).await.unwrap();
    slowest(&other, 3).await;
    let on = Arc::new(AtomicUsize::new(1));
    let start = Instant::now();
    let mut floods = Vec::new();
    for _ in 0..8 {
        let channel = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
        let floods_of_one = (0..16).map(|_| flood(channel.clone(), Arc::clone(&on)));
        floods.push(futures::future::join_all(floods_of_one));
    }
    let harmed = async {
        // the burst is over by then
        tokio::time::sleep(Duration::from_millis(500)).await;
        let slowest = slowest(&other, 25).await;
        on.store(0, Ordering::Relaxed);
        slowest
    };
    let (ended, slowest) = tokio::join!(futures::future::join_all(floods), harmed);
    let most = f64::from(BURST) + f64::from(RATE) * start.elapsed().as_secs_f64() + 1.0;
    let all = ended.into_iter().flatten();
    let (mut answers, mut refusals, mut seen) = (0, 0, None);
    for (answered, refused, last) in all {
        answers += answered;
        refusals += refused;
        seen = last.or(seen);
    }
    assert!(
        f64::from(answers) <= most,
        "{answers} answers, {most} allowed"
    );
    assert!(answers > 0 && refusals > answers, "{answers}, {refusals}");
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let seen = seen.unwrap();
    assert_eq!(seen.code(), Code::ResourceExhausted, "{seen:?}");
    assert_eq!(reason(&seen), "QUOTA_EXCEEDED");
    let wait = seen.get_error_details().retry_info().unwrap().retry_delay;
    assert!(
        wait.is_some_and(|wait| wait <= Duration::from_secs(2)),
        "{wait:?}"
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_caller_has_so_many_connections_and_not_more() {
    let limits = Limits {
        connections_per_caller: 2,
        ..Limits::default()
    };
    let stack = Stack::start_with("sqlite::memory:", limits).await;
    let first = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let second = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    assert!(ask(first.clone()).await.is_ok() && ask(second.clone()).await.is_ok());
    let third = match stack.connect(Some(AGENCY_SYSTEM)).await {
        Ok(third) => ask(third).await,
        Err(error) => Err(Status::unavailable(error.to_string())),
    };
    assert!(!reached(&third), "{third:?}");
    let other = stack.connect(Some(OTHER_SYSTEM)).await.unwrap();
    assert!(reached(&ask(other).await));
    drop(first);
    let mut tries = 0;
    while stack.connect(Some(AGENCY_SYSTEM)).await.is_err() {
        tries += 1;
        assert!(
            tries < 100,
            "a place is given back when its connection ends"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.stop().await;
}

/// Opens a request and never sends its message.
async fn open<M, A>(channel: Channel, path: &'static str) -> Status
where
    M: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let codec: ProstCodec<M, A> = ProstCodec::default();
    let nothing = futures::stream::pending::<M>();
    let answer = client
        .client_streaming(Request::new(nothing), path.parse().unwrap(), codec)
        .await;
    answer.map(|_: tonic::Response<A>| ()).unwrap_err()
}

#[tokio::test]
async fn a_request_whose_message_never_comes_is_cut_at_the_deadline() {
    let limits = Limits {
        deadline_ms: 300,
        slow_deadline_ms: 60_000,
        in_flight: 1,
        ..Limits::default()
    };
    let stack = Stack::start_with("sqlite::memory:", limits).await;
    let system = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let person = stack.connect(Some(OPERATOR)).await.unwrap();
    let lookup = open::<LookupCitizenRequest, LookupCitizenResponse>(
        system.clone(),
        "/rabt.citizen.v1.CitizenService/LookupCitizen",
    );
    let start = Instant::now();
    let status = tokio::time::timeout(Duration::from_secs(5), lookup).await;
    assert_eq!(status.unwrap().code(), Code::DeadlineExceeded);
    assert!(start.elapsed() >= Duration::from_millis(300));
    // a method that may take long waits no longer for its question
    let check = open::<CheckSourceRequest, CheckSourceResponse>(
        person,
        "/rabt.connector.v1.ConnectorService/CheckSource",
    );
    let status = tokio::time::timeout(Duration::from_secs(5), check).await;
    assert_eq!(status.unwrap().code(), Code::DeadlineExceeded);
    // the only place is free again
    assert!(ask(system).await.is_ok());
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_cut() {
    let limits = Limits {
        handshake_ms: 300,
        ..Limits::default()
    };
    let stack = Stack::start_with("sqlite::memory:", limits).await;
    let admin = stack.admin();
    let admin = admin.strip_prefix("http://").unwrap().to_owned();
    for (place, address) in [("agencies", stack.address().to_string()), ("admin", admin)] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        let mut said = Vec::new();
        let ended = socket.read_to_end(&mut said);
        let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
        assert!(
            ended.is_ok(),
            "{place}: the silent connection is still open"
        );
    }
    stack.stop().await;
}
