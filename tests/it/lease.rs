//! Several nodes on one PostgreSQL database: one leads, and when it is killed another takes over
//! without loss, double or silence.

mod fence;
mod node;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rabt_model::SourceId;
use rabt_proto::agreement::SuspendAgreementRequest;
use rabt_proto::agreement::agreement_service_client::AgreementServiceClient;
use rabt_proto::change::{ListChangesRequest, WatchChangesRequest, WatchChangesResponse};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_proto::connector::{ApproveSourceRequest, CreateSourceRequest, StartSourceRequest};
use rabt_service::change::check_feed;
use rabt_service::operate::NewSource;
use rabt_storage::{RunState, Storage};
use rabt_tests::{
    APPROVER, Database, OPERATOR, Pki, Someone, Stack, Town, context, postgres_url, reason, skip,
};
use tokio_util::task::TaskTracker;
use tonic::{Code, Status, Streaming};

use self::node::{Node, Place};

const PEOPLE: u32 = 200;
/// What is promised.
const TAKE_OVER: Duration = Duration::from_secs(10);
/// What a busy machine may need for anything else.
const PATIENCE: Duration = Duration::from_mins(5);

/// Asks a node about somebody without a pause, and counts.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    longest: tokio::task::JoinHandle<Duration>,
}

impl Load {
    async fn on(node: &Node, pki: &Pki, someone: &Someone) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicU64::new(0));
        let mut client = node.citizens(pki).await;
        let request = lookup(&someone.national_id);
        let (ended, count) = (Arc::clone(&stop), Arc::clone(&answers));
        let longest = TaskTracker::new().spawn(async move {
            let mut longest = Duration::ZERO;
            while !ended.load(Ordering::Acquire) {
                let asked = Instant::now();
                let answer = client.lookup_citizen(request.clone()).await;
                answer.expect("a follower answers whatever happens to the leader");
                longest = longest.max(asked.elapsed());
                count.fetch_add(1, Ordering::AcqRel);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            longest
        });
        Self {
            stop,
            answers,
            longest,
        }
    }

    fn answers(&self) -> u64 {
        self.answers.load(Ordering::Acquire)
    }

    async fn end(self) -> Duration {
        self.stop.store(true, Ordering::Release);
        self.longest.await.unwrap()
    }
}

fn lookup(national_id: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: national_id.to_owned(),
        }),
        ..Default::default()
    }
}

/// Registers agencies; returns their sources.
async fn register(node: &Node, pki: &Pki, agencies: &[NewSource]) -> Vec<String> {
    let mut client = node.connectors(pki).await;
    let mut second = node.connectors_as(pki, APPROVER).await;
    let mut names = Vec::new();
    for new in agencies {
        let request = CreateSourceRequest {
            manifest: new.manifest.clone(),
            mapping: new.mapping.clone(),
            base: new.base.display().to_string(),
        };
        let made = client.create_source(request).await.unwrap().into_inner();
        let approve = ApproveSourceRequest {
            name: made.sources[0].name.clone(),
            version: made.sources[0].open.as_ref().unwrap().version,
        };
        second.approve_source(approve).await.unwrap();
        names.extend(made.sources.into_iter().map(|source| source.name));
    }
    names
}

async fn start(node: &Node, pki: &Pki, name: &str) -> Result<(), Status> {
    let name = name.to_owned();
    let mut client = node.connectors(pki).await;
    let started = client.start_source(StartSourceRequest { name }).await;
    started.map(|_| ())
}

/// Reads sources through a node and waits until all of it is linked.
async fn read(node: &Node, pki: &Pki, storage: &dyn Storage, names: &[String]) {
    for name in names {
        start(node, pki, name).await.unwrap();
    }
    let began = Instant::now();
    while !is_settled(storage, names).await {
        assert!(began.elapsed() < PATIENCE, "the sources are not read");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn is_settled(storage: &dyn Storage, names: &[String]) -> bool {
    let mut tx = storage.snapshot().await.unwrap();
    for name in names {
        let id: SourceId = name.trim_start_matches("sources/").parse().unwrap();
        let runs = tx.runs(&id, 1).await.unwrap();
        let state = runs.first().map(|run| run.state);
        assert_ne!(state, Some(RunState::Failed), "{name}");
        if state != Some(RunState::Succeeded) {
            return false;
        }
    }
    tx.unlinked_records(1).await.unwrap().is_empty()
}

/// What an undisturbed node makes of the same agencies.
async fn undisturbed(town: &Town) -> String {
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let fingerprint = stack.fingerprint().await;
    stack.stop().await;
    fingerprint
}

/// Waits until a node lets a source be started; returns how long that took.
async fn take_over(node: &Node, pki: &Pki, name: &str) -> Duration {
    let began = Instant::now();
    loop {
        match start(node, pki, name).await {
            Ok(()) => return began.elapsed(),
            Err(status) => assert!(
                matches!(status.code(), Code::FailedPrecondition | Code::Unavailable),
                "{status:?}"
            ),
        }
        assert!(began.elapsed() < PATIENCE, "nobody takes over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn watch(node: &Node, pki: &Pki) -> Streaming<WatchChangesResponse> {
    let request = WatchChangesRequest {
        context: Some(context()),
        heartbeat_seconds: 60,
        ..Default::default()
    };
    let mut client = node.changes(pki).await;
    client.watch_changes(request).await.unwrap().into_inner()
}

/// Returns the numbers of the changes that a reader may see, page by page.
async fn list(node: &Node, pki: &Pki) -> Vec<u64> {
    let mut client = node.changes(pki).await;
    let (mut listed, mut resume_token) = (Vec::new(), String::new());
    loop {
        let request = ListChangesRequest {
            context: Some(context()),
            resume_token,
            page_size: 500,
            ..Default::default()
        };
        let page = client.list_changes(request).await.unwrap().into_inner();
        listed.extend(page.changes.iter().map(|change| change.sequence));
        resume_token = page.resume_token;
        if page.end {
            return listed;
        }
    }
}

/// Takes what a watcher is told, up to and with the change of this number.
async fn told(messages: &mut Streaming<WatchChangesResponse>, last: u64) -> Vec<u64> {
    let mut told: Vec<u64> = Vec::new();
    while told.last().is_none_or(|number| *number < last) {
        let message = tokio::time::timeout(PATIENCE, messages.message()).await;
        let message = message.expect("the watcher is told").unwrap().unwrap();
        told.extend(message.changes.iter().map(|change| change.sequence));
    }
    told
}

/// Waits until a node answers about somebody; a follower is half a second behind.
async fn knows(node: &Node, pki: &Pki, someone: &Someone) {
    let mut client = node.citizens(pki).await;
    let began = Instant::now();
    while let Err(status) = client.lookup_citizen(lookup(&someone.national_id)).await {
        assert!(began.elapsed() < PATIENCE, "{status:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_takes_over_from_one_that_is_killed() {
    let Some(server) = postgres_url() else {
        return skip("PostgreSQL");
    };
    let town = Town::of(PEOPLE, 23).await;
    let expected = undisturbed(&town).await;
    let database = Database::on(&server).await;
    let place = Place::new(&database.url());
    let pki = &place.pki;
    let first = place.start("node-a");
    let second = place.start("node-b");
    assert!(first.leads && !second.leads, "one leads");

    // half of the agencies, read through the leader; both answer
    let agencies = town.sources();
    let (before, after) = agencies.split_at(agencies.len() / 2);
    let early = register(&first, pki, before).await;
    let late = register(&first, pki, after).await;
    let storage = rabt_storage::open(&database.url()).await.unwrap();
    read(&first, pki, storage.as_ref(), &early).await;
    let someone = Someone::best_known(storage.as_ref()).await;
    knows(&first, pki, &someone).await;
    knows(&second, pki, &someone).await;

    // the follower refuses to write, and says who does
    let refused = start(&second, pki, &early[0]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let says = "ask node-a (https://node-a.example)";
    assert!(refused.message().contains(says), "{refused:?}");

    // the leader is killed while it reads the other half
    let mut messages = watch(&second, pki).await;
    let load = Load::on(&second, pki, &someone).await;
    for name in &late {
        start(&first, pki, name).await.unwrap();
    }
    first.kill();
    let answered = load.answers();
    let took = take_over(&second, pki, &early[0]).await;
    let meanwhile = load.answers() - answered;
    eprintln!("taken over within {took:?}; {meanwhile} lookups were answered meanwhile");
    assert!(took <= TAKE_OVER, "{took:?}");
    assert!(meanwhile > 0, "reads go on");

    // nothing is lost and nothing doubled
    let mut rest = early[1..].to_vec();
    rest.extend(late);
    read(&second, pki, storage.as_ref(), &rest).await;
    let longest = load.end().await;
    eprintln!("the longest lookup took {longest:?}");
    let held = rabt_service::fingerprint(storage.as_ref()).await.unwrap();
    assert_eq!(held, expected);
    let problems = check_feed(storage.as_ref()).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let listed = list(&second, pki).await;
    assert_eq!(told(&mut messages, *listed.last().unwrap()).await, listed);
    second.stop();
    let last = storage.audit_log().last_outbox().await.unwrap().unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    assert!(tx.outbox_after(last, 1).await.unwrap().is_empty());
    drop(tx);
    storage.close().await;
    place.verify("node-a");
    place.verify("node-b");
}

/// Asks for a number that nobody can have; returns why nothing was answered. A permitted question is told
/// that the number cannot be.
async fn refusal(node: &Node, pki: &Pki) -> String {
    let mut client = node.citizens(pki).await;
    reason(&client.lookup_citizen(lookup("1")).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suspended_at_one_node_is_refused_at_every_node() {
    let Some(server) = postgres_url() else {
        return skip("PostgreSQL");
    };
    let database = Database::on(&server).await;
    let place = Place::new(&database.url());
    let pki = &place.pki;
    let (first, second) = (place.start("node-a"), place.start("node-b"));
    assert_eq!(refusal(&first, pki).await, "BAD_IDENTIFIER");
    let began = Instant::now();
    while refusal(&second, pki).await != "BAD_IDENTIFIER" {
        assert!(began.elapsed() < PATIENCE, "the follower has no agreements");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let suspend = SuspendAgreementRequest {
        name: "agreements/AG-TAX-001".to_owned(),
        reason: "a complaint".to_owned(),
    };
    let mut client = AgreementServiceClient::new(first.connect(pki, OPERATOR).await);
    client.suspend_agreement(suspend).await.unwrap();
    let stopped = Instant::now();
    assert_eq!(
        refusal(&first, pki).await,
        "AGREEMENT_NOT_ACTIVE",
        "at once"
    );
    let mut elsewhere = refusal(&second, pki).await;
    while elsewhere == "BAD_IDENTIFIER" {
        assert!(stopped.elapsed() < TAKE_OVER, "it is not stopped elsewhere");
        tokio::time::sleep(Duration::from_millis(100)).await;
        elsewhere = refusal(&second, pki).await;
    }
    assert_eq!(elsewhere, "AGREEMENT_NOT_ACTIVE");
    eprintln!("refused at the other node after {:?}", stopped.elapsed());
    first.stop();
    second.stop();
}
