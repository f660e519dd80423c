//! Many who watch the feed, and one who never reads.

use std::time::Duration;

use rabt_api::Limits;
use rabt_model::{Attribute, Change, ChangeCause, ChangeKind};
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_proto::change::{WatchChangesRequest, WatchChangesResponse};
use rabt_tests::{AGENCY_SYSTEM, Stack, Town, context, reason};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

async fn watch(stack: &Stack, urn: &str) -> Result<Streaming<WatchChangesResponse>, Status> {
    follow(stack.changes(urn).await).await
}

/// Watches as one who lets little be on its way.
async fn watch_narrowly(stack: &Stack) -> Streaming<WatchChangesResponse> {
    let endpoint = Endpoint::from_shared(format!("https://{}", stack.address())).unwrap();
    let tls = stack.pki.client(Some(AGENCY_SYSTEM));
    let endpoint = endpoint.initial_stream_window_size(65_535);
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    follow(ChangeServiceClient::new(channel)).await.unwrap()
}

async fn follow(
    mut client: ChangeServiceClient<Channel>,
) -> Result<Streaming<WatchChangesResponse>, Status> {
    let request = WatchChangesRequest {
        context: Some(context()),
        heartbeat_seconds: 1,
        ..Default::default()
    };
    let answer = client.watch_changes(request).await;
    answer.map(tonic::Response::into_inner)
}

async fn entries(stack: &Stack) -> u64 {
    stack.services.storage.audit_log().size().await.unwrap()
}

#[tokio::test]
async fn a_caller_watches_so_often_at_once_and_not_more() {
    let limits = Limits {
        watchers: 4,
        watchers_per_caller: 2,
        ..Limits::default()
    };
    let stack = Stack::start_with("sqlite::memory:", limits).await;
    let first = watch(&stack, AGENCY_SYSTEM).await.unwrap();
    let second = watch(&stack, AGENCY_SYSTEM).await.unwrap();
    let before = entries(&stack).await;
    let refused = watch(&stack, AGENCY_SYSTEM).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "QUOTA_EXCEEDED");
    assert!(refused.message().contains("end a watch"), "{refused:?}");
    assert_eq!(entries(&stack).await, before + 1);
    // others are judged by what they may do, not by what this one does
    let other = watch(&stack, "urn:rabt:tax:canteen").await.unwrap_err();
    assert_eq!(reason(&other), "NOT_PERMITTED");
    drop((first, second));
    let mut tries = 0;
    while let Err(refused) = watch(&stack, AGENCY_SYSTEM).await {
        assert_eq!(reason(&refused), "QUOTA_EXCEEDED");
        tries += 1;
        assert!(tries < 100, "a place is given back when its watch ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stack.stop().await;
}

/// Commits pages of changes, as another node on the same storage does.
async fn fill(stack: &Stack, pages: usize) -> u64 {
    let mut tx = stack.services.storage.begin().await.unwrap();
    let citizens = tx.memberships().await.unwrap();
    let mut last = 0;
    for page in 0..pages {
        let citizen = citizens[page % citizens.len()].1;
        let mut change = Change::new(ChangeKind::NameChanged, citizen, ChangeCause::Link);
        change.attributes = vec![Attribute::NameChain];
        let at = stack.services.clock.now();
        last = tx.put_changes(&vec![change; 500], at).await.unwrap();
    }
    tx.commit().await.unwrap();
    last
}

#[tokio::test]
async fn one_who_never_reads_is_kept_a_window_and_no_more() {
    const PAGES: usize = 120;
    let stack = Stack::start("sqlite::memory:").await;
    let town = Town::of(20, 18).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let mut messages = watch_narrowly(&stack).await;
    let before = entries(&stack).await;
    let last = fill(&stack, PAGES).await;
    // pages are made until the connection holds what it may, each with its entry
    let mut made = entries(&stack).await;
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = entries(&stack).await;
        if now == made && now > before {
            break;
        }
        made = now;
    }
    let made = made - before;
    assert!(made < PAGES as u64 / 3, "{made} pages for nobody");
    let mut next = 1;
    while next <= last {
        let message = messages.message().await.unwrap().unwrap();
        for change in message.changes {
            assert_eq!(change.sequence, next, "nothing is lost or told twice");
            next += 1;
        }
    }
    stack.stop().await;
}
