//! The real listeners, over loopback, with handlers that only this file knows.

mod fake;

use std::time::Duration;

use futures::FutureExt;
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::common::Identifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::{Bound, start};
use crate::tests::pki::{self, Pki};
use crate::{ApiError, Limits, ServerConfig};

const SYSTEM: &str = "urn:rabt:tax:portal";

/// A running edge and the means to call it.
struct Node {
    pki: Pki,
    bound: Bound,
    shutdown: CancellationToken,
}

impl Node {
    async fn start(limits: Limits, admin_mtls: bool) -> Self {
        let pki = Pki::new();
        let config = pki.config(limits, admin_mtls);
        let shutdown = CancellationToken::new();
        let bound = start(fake::parts(), &config, shutdown.clone())
            .await
            .unwrap();
        Self {
            pki,
            bound,
            shutdown,
        }
    }

    async fn client(&self, urn: &str) -> CitizenServiceClient<Channel> {
        let tls = self.pki.client_of(urn);
        CitizenServiceClient::new(pki::connect(self.bound.addr, tls).await.unwrap())
    }
}

fn ask(scheme: &str, value: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        identifier: Some(Identifier {
            scheme: scheme.to_owned(),
            value: value.to_owned(),
        }),
        ..Default::default()
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn the_caller_is_the_one_in_the_certificate() {
    let node = Node::start(Limits::default(), false).await;
    let mut client = node.client(SYSTEM).await;
    let answer = client.lookup_citizen(ask("echo", "")).await.unwrap();
    assert!(answer.metadata().get("x-request-id").is_some());
    let citizen = answer.into_inner().citizen.unwrap();
    assert_eq!(citizen.name, "tax/portal/system");
}

#[tokio::test]
async fn no_certificate_and_a_foreign_one_are_refused_in_the_handshake() {
    let node = Node::start(Limits::default(), false).await;
    let foreign = Pki::new();
    let cases = [
        ("none", node.pki.client_without_certificate()),
        (
            "foreign",
            node.pki.client_with(&foreign.identity_of(SYSTEM)),
        ),
    ];
    for (case, tls) in cases {
        // With TLS 1.3 the client learns of the refusal when it first reads.
        if let Ok(channel) = pki::connect(node.bound.addr, tls).await {
            let mut client = CitizenServiceClient::new(channel);
            let status = client.lookup_citizen(ask("echo", "")).await.unwrap_err();
            assert!(reason(&status).is_empty(), "{case} reached the stack");
            assert_ne!(status.code(), Code::Unimplemented, "{case}");
        }
    }
    let mut client = node.client(SYSTEM).await;
    assert!(client.lookup_citizen(ask("echo", "")).await.is_ok());
}

#[tokio::test]
async fn a_certificate_that_names_nobody_may_do_nothing() {
    let node = Node::start(Limits::default(), false).await;
    let mut client = node.client("urn:rabt:tax").await;
    let status = client.lookup_citizen(ask("echo", "")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "NOT_PERMITTED");
}

#[tokio::test]
async fn a_panic_is_a_defect_of_one_request() {
    let node = Node::start(Limits::default(), false).await;
    let mut client = node.client(SYSTEM).await;
    let status = client.lookup_citizen(ask("panic", "")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(reason(&status), "DEFECT");
    assert!(client.lookup_citizen(ask("echo", "")).await.is_ok());
}

#[tokio::test]
async fn deadlines_of_caller_and_node_are_kept() {
    let limits = Limits {
        deadline_ms: 50,
        ..Limits::default()
    };
    let node = Node::start(limits, false).await;
    let mut client = node.client(SYSTEM).await;
    let status = client
        .lookup_citizen(ask("sleep", "60000"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_caller_over_its_limit_is_shed_and_others_are_not() {
    let limits = Limits {
        in_flight_per_caller: 1,
        ..Limits::default()
    };
    let node = Node::start(limits, false).await;
    let mut busy = node.client(SYSTEM).await;
    let mut same = node.client(SYSTEM).await;
    let mut other = node.client("urn:rabt:police:desk").await;
    let held = busy.lookup_citizen(ask("sleep", "60000"));
    let probes = async {
        // The first request needs a moment to arrive.
        let status = loop {
            match same.lookup_citizen(ask("echo", "")).await {
                Err(status) => break status,
                Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(reason(&status), "OVERLOADED");
        assert!(other.lookup_citizen(ask("echo", "")).await.is_ok());
    };
    tokio::select! {
        _ = held => panic!("the request that was to be held has ended"),
        () = probes => {}
    }
}

#[tokio::test]
async fn malformed_bytes_never_stop_the_node() {
    let node = Node::start(Limits::default(), false).await;
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 600],
        &[0x16, 0x03, 0x01, 0xff, 0xff],
    ] {
        let mut socket = TcpStream::connect(node.bound.addr).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        drop(socket.read_to_end(&mut rest).await);
    }
    let tls = node.pki.client_of(SYSTEM);
    let channel = pki::connect(node.bound.addr, tls).await.unwrap();
    for seed in 0..64_u8 {
        let bytes = (1..200_u8)
            .map(|i| i.wrapping_mul(seed) ^ (seed >> 3))
            .collect();
        let status = fake::send_raw(channel.clone(), bytes).await;
        assert!(status.is_none_or(|status| status.code() != Code::Unknown));
    }
    let mut client = CitizenServiceClient::new(channel);
    assert!(client.lookup_citizen(ask("echo", "")).await.is_ok());
}

#[tokio::test]
async fn messages_over_the_limit_are_refused() {
    let limits = Limits {
        message_bytes: 1_000,
        ..Limits::default()
    };
    let node = Node::start(limits, false).await;
    let mut client = node.client(SYSTEM).await;
    let status = client
        .lookup_citizen(ask("echo", &"x".repeat(2_000)))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_shutdown_waits_for_requests_in_work() {
    let node = Node::start(Limits::default(), false).await;
    let mut client = node.client(SYSTEM).await;
    assert!(client.lookup_citizen(ask("echo", "")).await.is_ok());
    let work = client.lookup_citizen(ask("sleep", "300")).fuse();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        node.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(work, stop);
    assert!(answer.is_ok());
    node.bound.task.await.unwrap();
    assert!(TcpStream::connect(node.bound.addr).await.is_err());
}

#[tokio::test]
async fn a_shutdown_waits_no_longer_than_its_limit() {
    let limits = Limits {
        drain_ms: 50,
        ..Limits::default()
    };
    let node = Node::start(limits, false).await;
    let mut client = node.client(SYSTEM).await;
    let work = client.lookup_citizen(ask("sleep", "60000"));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        node.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(work, stop);
    assert!(answer.is_err());
    node.bound.task.await.unwrap();
}

#[tokio::test]
async fn the_admin_address_serves_health_and_nothing_else() {
    let node = Node::start(Limits::default(), false).await;
    let url = format!("http://{}", node.bound.admin_addr);
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel.clone());
    let service = "rabt.citizen.v1.CitizenService".to_owned();
    let answer = health.check(HealthCheckRequest { service }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    let status = CitizenServiceClient::new(channel.clone())
        .lookup_citizen(ask("echo", ""))
        .await;
    assert_eq!(status.unwrap_err().code(), Code::Unimplemented);
    let services = fake::reflect(channel).await;
    assert!(
        services.contains(&"rabt.citizen.v1.CitizenService".to_owned()),
        "{services:?}"
    );

    let mut agencies = HealthClient::new({
        let tls = node.pki.client_of(SYSTEM);
        pki::connect(node.bound.addr, tls).await.unwrap()
    });
    let status = agencies
        .check(HealthCheckRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn the_admin_address_can_ask_for_certificates() {
    let node = Node::start(Limits::default(), true).await;
    let addr = node.bound.admin_addr;
    let url = format!("http://{addr}");
    let plain = Channel::from_shared(url).unwrap().connect().await;
    if let Ok(channel) = plain {
        let answer = HealthClient::new(channel)
            .check(HealthCheckRequest::default())
            .await;
        assert!(answer.is_err());
    }
    let tls = node.pki.client_of("urn:rabt:rabt:person:m.hassan:operator");
    let channel = pki::connect(addr, tls).await.unwrap();
    assert!(
        HealthClient::new(channel)
            .check(HealthCheckRequest::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    let pki = Pki::new();
    let good = pki.config(Limits::default(), false);
    let refuse = async |config: &ServerConfig| {
        let outcome = start(fake::parts(), config, CancellationToken::new()).await;
        outcome.unwrap_err().to_string()
    };
    let mut config = good.clone();
    config.tls.client_ca = "/nowhere/ca.pem".into();
    assert!(
        refuse(&config)
            .await
            .contains("/nowhere/ca.pem under tls.client_ca")
    );
    let mut config = good.clone();
    config.tls.cert.clone_from(&config.tls.key);
    assert!(refuse(&config).await.contains("under tls.cert"));
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = good;
    config.listen = taken.local_addr().unwrap();
    let error = start(fake::parts(), &config, CancellationToken::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Listen { .. }));
}
