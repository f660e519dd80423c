//! Certificates for the life of a node: refused, revoked, renewed, broken, over. Every test is a
//! whole node and real sockets.

mod load;
mod served;
mod typed;

use std::time::{Duration, Instant};

use rabt_api::Limits;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_proto::change::{ListChangesRequest, WatchChangesRequest, WatchChangesResponse};
use rabt_tests::{AGENCY_SYSTEM, Certified, Log, Pki, Stack, context, reason};
use tonic::transport::{Channel, ClientTlsConfig};
use tonic::{Status, Streaming};

/// A system that no agreement names: its questions reach the handler, and are refused there.
const OTHER_SYSTEM: &str = "urn:rabt:tax:canteen";

const LAST_YEAR: (i32, u8, u8) = (2025, 1, 1);
/// The day before the day on which nodes of the tests live.
const YESTERDAY: (i32, u8, u8) = (2026, 5, 31);
const TOMORROW: (i32, u8, u8) = (2026, 6, 2);
const NEXT_YEAR: (i32, u8, u8) = (2027, 1, 1);

/// Within this time what is revoked is refused.
const SOON: Duration = Duration::from_secs(1);

/// Asks what happened. [`AGENCY_SYSTEM`] is answered.
async fn ask(channel: Channel) -> Result<(), Status> {
    let request = ListChangesRequest {
        context: Some(context()),
        ..Default::default()
    };
    let mut client = ChangeServiceClient::new(channel);
    client.list_changes(request).await.map(|_| ())
}

/// Says whether a question reached its handler, whatever became of it there.
fn reached(answer: &Result<(), Status>) -> bool {
    match answer {
        Ok(()) => true,
        Err(status) => !reason(status).is_empty(),
    }
}

/// Says whether a client gets as far as a handler on a connection of its own.
async fn gets_in(stack: &Stack, tls: ClientTlsConfig) -> bool {
    // With TLS 1.3 a client learns of a refusal when it first reads.
    match Pki::connect(stack.address(), tls).await {
        Ok(channel) => reached(&ask(channel).await),
        Err(_) => false,
    }
}

async fn watch(channel: Channel) -> Streaming<WatchChangesResponse> {
    let request = WatchChangesRequest {
        context: Some(context()),
        heartbeat_seconds: 1,
        ..Default::default()
    };
    let mut client = ChangeServiceClient::new(channel);
    client.watch_changes(request).await.unwrap().into_inner()
}

/// Starts a node whose authority has a list that revokes nobody.
async fn with_list() -> Stack {
    let pki = Pki::new();
    pki.revoke(&[], YESTERDAY, NEXT_YEAR);
    let files = pki.server_with_list();
    Stack::start_certified(Limits::default(), pki, files).await
}

async fn connect(stack: &Stack, certified: &Certified) -> Channel {
    let tls = stack.pki.client_with(certified);
    Pki::connect(stack.address(), tls).await.unwrap()
}

/// Waits until something is so, for as long as it may take at most; returns how long it took.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < SOON * 2, "not within two seconds: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused_in_the_handshake() {
    let stack = with_list().await;
    let pki = &stack.pki;
    let certify = |days| pki.certify(AGENCY_SYSTEM, days);
    let revoked = certify(None);
    pki.revoke(&[&revoked], YESTERDAY, NEXT_YEAR);
    stack.reload().now();
    let revoked = pki.client_with(&revoked);
    until("the revoked one is refused", async || {
        !gets_in(&stack, revoked.clone()).await
    })
    .await;
    let stranger = pki.client_of(&Pki::new(), AGENCY_SYSTEM);
    let good = certify(Some((YESTERDAY, TOMORROW)));
    for (case, tls, may) in [
        ("good", pki.client_with(&good), true),
        (
            "over",
            pki.client_with(&certify(Some((LAST_YEAR, YESTERDAY)))),
            false,
        ),
        (
            "not yet",
            pki.client_with(&certify(Some((TOMORROW, NEXT_YEAR)))),
            false,
        ),
        ("wrong authority", stranger, false),
        ("none", pki.client(None), false),
        ("good again", pki.client_with(&good), true),
    ] {
        assert_eq!(gets_in(&stack, tls).await, may, "{case}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_revoked_caller_is_cut_within_a_second_with_its_watches() {
    let stack = with_list().await;
    let pki = &stack.pki;
    let [bad, good] = [(); 2].map(|()| pki.certify(AGENCY_SYSTEM, None));
    let (of_bad, of_good) = (connect(&stack, &bad).await, connect(&stack, &good).await);
    let mut cut = watch(of_bad.clone()).await;
    let mut kept = watch(of_good.clone()).await;
    assert!(ask(of_bad.clone()).await.is_ok());

    pki.revoke(&[&bad], YESTERDAY, NEXT_YEAR);
    let start = Instant::now();
    let ended = async { while let Ok(Some(_)) = cut.message().await {} };
    let ended = tokio::time::timeout(SOON * 2, ended).await;
    assert!(ended.is_ok(), "the watch of the revoked caller goes on");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    // its client connects again by itself, and is refused in the handshake
    let again = ask(of_bad).await;
    assert!(!reached(&again), "{again:?}");
    assert!(!gets_in(&stack, pki.client_with(&bad)).await);

    for _ in 0..2 {
        let alive = tokio::time::timeout(SOON * 3, kept.message()).await;
        assert!(matches!(alive, Ok(Ok(Some(_)))), "{alive:?}");
    }
    assert!(ask(of_good).await.is_ok());
    stack.stop().await;
}

#[tokio::test]
async fn a_certificate_that_ends_while_it_is_connected_is_refused() {
    let stack = with_list().await;
    let short = stack
        .pki
        .certify(AGENCY_SYSTEM, Some((YESTERDAY, TOMORROW)));
    let channel = connect(&stack, &short).await;
    assert!(ask(channel.clone()).await.is_ok());
    stack.clock.advance(24 * 3_600);
    let refused = ask(channel).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_PERMITTED");
    stack.stop().await;
}

#[tokio::test]
async fn an_authority_that_is_taken_out_takes_its_callers_along() {
    let (pki, second) = (Pki::new(), Pki::new());
    pki.trust(&[&second]);
    let files = pki.server();
    let stack = Stack::start_certified(Limits::default(), pki, files).await;
    let pki = &stack.pki;
    let theirs = pki.client_of(&second, AGENCY_SYSTEM);
    let of_theirs = Pki::connect(stack.address(), theirs.clone()).await.unwrap();
    let of_ours = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let mut cut = watch(of_theirs.clone()).await;
    let mut kept = watch(of_ours.clone()).await;

    pki.trust(&[]);
    let ended = async { while let Ok(Some(_)) = cut.message().await {} };
    let ended = tokio::time::timeout(SOON, ended).await;
    assert!(ended.is_ok(), "a watch goes on whose authority is gone");
    assert!(!reached(&ask(of_theirs).await));
    assert!(!gets_in(&stack, theirs.clone()).await);
    let alive = tokio::time::timeout(SOON * 3, kept.message()).await;
    assert!(matches!(alive, Ok(Ok(Some(_)))), "{alive:?}");

    pki.trust(&[&second]);
    until("the authority counts again", async || {
        gets_in(&stack, theirs.clone()).await
    })
    .await;
    assert!(ask(of_ours).await.is_ok());
    stack.stop().await;
}

#[tokio::test]
async fn a_list_past_its_time_revokes_on_and_is_told_once() {
    let log = Log::start(tracing::Level::INFO);
    let pki = Pki::new();
    let revoked = pki.certify(OTHER_SYSTEM, None);
    pki.revoke(&[&revoked], LAST_YEAR, TOMORROW);
    let files = pki.server_with_list();
    let stack = Stack::start_certified(Limits::default(), pki, files).await;
    let of_good = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let told = || log.text().matches("is past its time").count();
    assert_eq!(told(), 0);

    stack.clock.advance(24 * 3_600);
    until("the end is told", async || told() > 0).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(told(), 1, "once, not at each look");
    assert!(ask(of_good).await.is_ok());
    assert!(gets_in(&stack, stack.pki.client(Some(AGENCY_SYSTEM))).await);
    assert!(!gets_in(&stack, stack.pki.client_with(&revoked)).await);
    stack.clock.advance(3_600);
    until("the end is told again after an hour", async || told() == 2).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_any_more_stays_in_force() {
    let log = Log::start(tracing::Level::INFO);
    let pki = Pki::new();
    let revoked = pki.certify(OTHER_SYSTEM, None);
    pki.revoke(&[&revoked], YESTERDAY, NEXT_YEAR);
    let files = pki.server_with_list();
    let stack = Stack::start_certified(Limits::default(), pki, files).await;
    let pki = &stack.pki;
    let told = || log.text().matches("stays in force").count();
    let whole = std::fs::read_to_string(pki.list()).unwrap();
    let foreign = {
        // the right name and the wrong signature
        let bytes = whole.replacen("MI", "MJ", 1);
        assert_ne!(bytes, whole);
        bytes
    };
    for (case, text) in [
        ("broken", "no list".to_owned()),
        ("half", whole[..whole.len() / 2].to_owned()),
        ("damaged", foreign),
    ] {
        let before = told();
        pki.write("ca.crl", &text);
        until(case, async || told() > before).await;
        assert!(
            gets_in(&stack, pki.client(Some(AGENCY_SYSTEM))).await,
            "{case}"
        );
        assert!(!gets_in(&stack, pki.client_with(&revoked)).await, "{case}");
    }
    let before = told();
    std::fs::remove_file(pki.list()).unwrap();
    until("the file is gone", async || told() > before).await;
    assert!(!gets_in(&stack, pki.client_with(&revoked)).await);
    assert!(
        log.text().contains("ca.crl under tls.crl"),
        "{}",
        log.text()
    );

    pki.revoke(&[], YESTERDAY, NEXT_YEAR);
    until("a good list counts again", async || {
        gets_in(&stack, pki.client_with(&revoked)).await
    })
    .await;
    stack.stop().await;
}
