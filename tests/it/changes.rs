//! The feed of what happens to citizens: complete on every store, and for every reader.

use rabt_model::{RecordNumber, SourceRecord};
use rabt_proto::change::{
    Change, ExportSnapshotRequest, ListChangesRequest, WatchChangesRequest, WatchChangesResponse,
};
use rabt_service::change::check_feed;
use rabt_storage::{Deletion, StoredRecord};
use rabt_tests::{AGENCY_SYSTEM, Database, Stack, Town, context, postgres_url, skip, soak};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tonic::Streaming;

const PEOPLE: u32 = 60;

async fn read(stack: &Stack, seed: u64) -> Vec<StoredRecord> {
    let town = Town::of(PEOPLE, seed).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    let all = snapshot.records_after(RecordNumber(0), 1_000_000).await;
    all.unwrap()
}

/// Deletes some records, writes some back, and lets some say what another one says: people part,
/// become one, go and return.
pub(crate) async fn stir(stack: &Stack, records: &[StoredRecord], random: &mut ChaCha8Rng) {
    let mut tx = stack.services.storage.begin().await.unwrap();
    let (mut puts, mut deletions): (Vec<SourceRecord>, Vec<Deletion>) = (Vec::new(), Vec::new());
    for _ in 0..random.random_range(1..20) {
        let one = &records.choose(random).unwrap().record;
        match random.random_range(0..3) {
            0 => deletions.push(Deletion {
                id: one.id.clone(),
                version: None,
                event_at: None,
            }),
            1 => puts.push(one.clone()),
            _ => {
                let other = &records.choose(random).unwrap().record;
                let mut changed = one.clone();
                changed.values.clone_from(&other.values);
                changed.content_hash = random.random();
                puts.push(changed);
            }
        }
    }
    let run = tx
        .start_run(&records[0].record.id.source, stack.services.clock.now())
        .await;
    tx.put_records(run.unwrap(), &puts).await.unwrap();
    let at = stack.services.clock.now();
    tx.delete_records(&deletions, at).await.unwrap();
    tx.commit().await.unwrap();
    stack.clock.advance(60);
}

async fn is_complete_on(url: &str) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut stack = Stack::start(url).await;
    let records = read(&stack, 11).await;
    stack.link().await;
    for round in 0..soak(12, 300) {
        stir(&stack, &records, &mut random).await;
        if round % 4 == 3 && !url.contains(":memory:") {
            // what was not linked yet is linked by the node that starts next
            stack.stop().await;
            stack = Stack::start(url).await;
        }
        stack.link().await;
        let problems = check_feed(stack.services.storage.as_ref()).await.unwrap();
        assert!(problems.is_empty(), "round {round}: {problems:?}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn following_the_feed_gives_what_sqlite_holds() {
    let folder = tempfile::tempdir().unwrap();
    is_complete_on(&format!("sqlite://{}/rabt.db", folder.path().display())).await;
}

#[tokio::test]
async fn following_the_feed_gives_what_postgres_holds() {
    let Some(server) = postgres_url() else {
        return skip("PostgreSQL");
    };
    let database = Database::on(&server).await;
    is_complete_on(&database.url()).await;
}

async fn watch(stack: &Stack, resume: &str) -> Streaming<WatchChangesResponse> {
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let request = WatchChangesRequest {
        context: Some(context()),
        resume_token: resume.to_owned(),
        heartbeat_seconds: 1,
        ..Default::default()
    };
    client.watch_changes(request).await.unwrap().into_inner()
}

/// Takes messages up to and with the change of this number, signs of life among them; returns
/// the changes and where to go on.
async fn take(messages: &mut Streaming<WatchChangesResponse>, last: u64) -> (Vec<Change>, String) {
    let mut changes: Vec<Change> = Vec::new();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        changes.extend(message.changes);
        if changes.last().is_some_and(|change| change.sequence >= last) {
            return (changes, message.resume_token);
        }
    }
}

/// Returns the numbers of the changes that a reader may see, page by page.
async fn list(stack: &Stack) -> Vec<u64> {
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let mut listed: Vec<u64> = Vec::new();
    let mut resume_token = String::new();
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

async fn entries(stack: &Stack) -> u64 {
    stack.services.storage.audit_log().size().await.unwrap()
}

#[tokio::test]
async fn a_watcher_who_reads_late_loses_nothing_and_delays_nobody() {
    let stack = Stack::start("sqlite::memory:").await;
    let mut messages = watch(&stack, "").await;
    let records = read(&stack, 12).await;
    stack.link().await;
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let before = entries(&stack).await;
    for _ in 0..40 {
        stir(&stack, &records, &mut random).await;
        stack.link().await;
    }
    // every page that is made has its entry: no more of them than there were commits
    let made = entries(&stack).await - before;
    assert!(made <= 100, "{made} entries");
    let listed = list(&stack).await;
    let (changes, _) = take(&mut messages, *listed.last().unwrap()).await;
    let numbers: Vec<u64> = changes.iter().map(|change| change.sequence).collect();
    assert_eq!(
        numbers, listed,
        "what a watcher is told is what the list holds"
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_watcher_goes_on_behind_a_restart_without_loss_or_double() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let stack = Stack::start(&url).await;
    let records = read(&stack, 13).await;
    stack.link().await;
    let mut messages = watch(&stack, "").await;
    let listed = list(&stack).await;
    let (first, resume) = take(&mut messages, *listed.last().unwrap()).await;
    assert_eq!(first.len(), listed.len());
    stack.stop().await;
    // the stream ends with its node, behind what was on its way
    while let Ok(Some(message)) = messages.message().await {
        assert!(message.changes.is_empty());
    }

    let stack = Stack::start(&url).await;
    let mut messages = watch(&stack, &resume).await;
    let mut random = ChaCha8Rng::seed_from_u64(6);
    stir(&stack, &records, &mut random).await;
    stack.link().await;
    let all = list(&stack).await;
    assert!(all.len() > first.len(), "something happened");
    let (second, _) = take(&mut messages, *all.last().unwrap()).await;
    let told = first.iter().chain(&second);
    let told: Vec<u64> = told.map(|change| change.sequence).collect();
    assert_eq!(told, all, "nothing is lost, nothing is told twice");
    stack.stop().await;
}

#[tokio::test]
async fn a_snapshot_is_walked_in_pages_and_the_feed_goes_on_from_it() {
    let stack = Stack::start("sqlite::memory:").await;
    let records = read(&stack, 14).await;
    stack.link().await;
    let expected = stack.services.citizens();
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut names = std::collections::BTreeSet::new();
    let mut page_token = String::new();
    let mut resumes = std::collections::BTreeSet::new();
    loop {
        let request = ExportSnapshotRequest {
            context: Some(context()),
            page_size: 20,
            page_token,
            ..Default::default()
        };
        let page = client.export_snapshot(request).await.unwrap().into_inner();
        for citizen in page.citizens {
            assert!(names.insert(citizen.name), "once");
        }
        resumes.insert(page.resume_token);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        stir(&stack, &records, &mut random).await;
        stack.link().await;
    }
    assert_eq!((names.len(), resumes.len()), (expected, 1));
    stack.stop().await;
}
