//! A node is killed under load while somebody follows its feed: whoever goes on with the last resume
//! token has lost nothing and is told nothing twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rabt_model::{Change, ChangeCause, ChangeKind, CitizenId, RecordNumber};
use rabt_proto::change as pb;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_service::change::{Replay, check_feed, check_replay};
use rabt_storage::StoredRecord;
use rabt_tests::{AGENCY_SYSTEM, Pki, Stack, Town, context, soak};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::changes::stir;

/// Tells the test that serves until it is killed where its store is.
const CHILD: &str = "RABT_FEED_TEST_CHILD";
const NAME: &str = "feed_kill::a_watcher_follows_through_kills_without_loss_or_double";
/// Records below which there is too little to stir.
const FEW: usize = 60;
/// How long a node may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

fn url(folder: &Path) -> String {
    format!("sqlite://{}/rabt.db", folder.display())
}

/// Serves, and lets people part and become one, without an end.
async fn serve_until_killed(folder: &Path) {
    let stack = Stack::start(&url(folder)).await;
    let (mut records, last) = held(&stack).await;
    if records.len() < FEW {
        // more goes than comes back: the sources are read again before nobody is left
        stack.read(2).await;
        stack.link().await;
        (records, _) = held(&stack).await;
    }
    stack.pki.write_client(AGENCY_SYSTEM, folder);
    std::fs::write(folder.join("address.new"), stack.address().to_string()).unwrap();
    std::fs::rename(folder.join("address.new"), folder.join("address")).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(last);
    loop {
        stir(&stack, &records, &mut random).await;
        stack.link().await;
    }
}

/// Returns the records and the number of the last change.
async fn held(stack: &Stack) -> (Vec<StoredRecord>, u64) {
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    let records = snapshot.records_after(RecordNumber(0), 1_000_000).await;
    (records.unwrap(), snapshot.last_change().await.unwrap())
}

async fn start_child(folder: &Path) -> (Child, Channel) {
    let address = folder.join("address");
    let _ = std::fs::remove_file(&address);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !address.exists() {
        assert!(started.elapsed() < PATIENCE, "the node does not start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let address = std::fs::read_to_string(address).unwrap().parse().unwrap();
    let channel = Pki::connect(address, Pki::read_client(folder))
        .await
        .unwrap();
    (child, channel)
}

/// One who follows the feed, and knows what it has told.
#[derive(Default)]
struct Reader {
    resume: String,
    replay: Replay,
    ids: BTreeSet<CitizenId>,
    /// What was told since the last check, and where that was.
    told: Vec<u64>,
    checked: String,
}

impl Reader {
    async fn watch(&self, channel: Channel) -> Streaming<pb::WatchChangesResponse> {
        let request = pb::WatchChangesRequest {
            context: Some(context()),
            resume_token: self.resume.clone(),
            heartbeat_seconds: 1,
            ..Default::default()
        };
        let mut client = ChangeServiceClient::new(channel);
        client.watch_changes(request).await.unwrap().into_inner()
    }

    fn take(&mut self, message: pb::WatchChangesResponse) {
        for told in &message.changes {
            let change = change(told);
            self.ids.insert(change.citizen);
            self.ids.extend(change.other);
            self.replay.apply(&change);
            self.told.push(told.sequence);
        }
        self.resume = message.resume_token;
    }

    /// Reads until the node is gone.
    async fn until_broken(&mut self, mut messages: Streaming<pb::WatchChangesResponse>) {
        while let Ok(Some(message)) = messages.message().await {
            self.take(message);
        }
    }

    /// Reads on at a node that has started again, and compares with what it lists and holds.
    async fn check(&mut self, stack: &Stack) {
        stack.link().await;
        let mut listed: Vec<u64> = Vec::new();
        loop {
            let request = pb::ListChangesRequest {
                context: Some(context()),
                resume_token: self.checked.clone(),
                page_size: 500,
                ..Default::default()
            };
            let mut client = stack.changes(AGENCY_SYSTEM).await;
            let page = client.list_changes(request).await.unwrap().into_inner();
            listed.extend(page.changes.iter().map(|change| change.sequence));
            self.checked = page.resume_token;
            if page.end {
                break;
            }
        }
        let channel = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
        let mut messages = self.watch(channel).await;
        while self.told.last() < listed.last() {
            let message = messages.message().await.unwrap().unwrap();
            self.take(message);
        }
        let told = std::mem::take(&mut self.told);
        assert!(told == listed, "{told:?} was told of {listed:?}");
        let storage = stack.services.storage.as_ref();
        let problems = check_replay(storage, &self.replay, &self.ids).await;
        let problems = problems.unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let mut tx = storage.snapshot().await.unwrap();
        let members = tx.memberships().await.unwrap();
        let live = tx.count_records().await.unwrap();
        assert_eq!(members.len() as u64, live, "a record has one citizen");
    }
}

fn change(told: &pb::Change) -> Change {
    let name = told.kind().as_str_name();
    let kind = ChangeKind::ALL
        .into_iter()
        .find(|kind| name == format!("CHANGE_KIND_{}", kind.code().to_uppercase()));
    let id = |name: &str| name.strip_prefix("citizens/").map(|id| id.parse().unwrap());
    let numbers = |records: &[String]| {
        let records = records.iter();
        records.map(|n| RecordNumber(n.parse().unwrap())).collect()
    };
    let citizen = id(&told.citizen).unwrap();
    let mut change = Change::new(kind.unwrap(), citizen, ChangeCause::Link);
    change.other = id(&told.other_citizen);
    change.joined = numbers(&told.joined_records);
    change.left = numbers(&told.left_records);
    change
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_follows_through_kills_without_loss_or_double() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return serve_until_killed(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stack = Stack::start(&url(folder)).await;
    let town = Town::of(60, 19).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    let mut reader = Reader::default();
    reader.check(&stack).await;
    stack.stop().await;

    let mut random = ChaCha8Rng::seed_from_u64(21);
    let mut told = 0;
    for kill in 0..soak(10, 1_000) {
        let (mut child, channel) = start_child(folder).await;
        let mut messages = reader.watch(channel).await;
        let first = messages.message().await.unwrap().unwrap();
        reader.take(first);
        let moment = Duration::from_millis(random.random_range(5..400));
        let killed = async {
            tokio::time::sleep(moment).await;
            // No signal can be caught here: this is kill -9.
            child.kill().unwrap();
            child.wait().unwrap()
        };
        let (status, ()) = tokio::join!(killed, reader.until_broken(messages));
        assert!(
            status.code().is_none(),
            "kill {kill}: the node ended by itself"
        );
        told += reader.told.len();
        let stack = Stack::start(&url(folder)).await;
        reader.check(&stack).await;
        stack.stop().await;
    }
    assert!(told > 0, "nothing was told by a node that was killed");
    let storage = rabt_storage::open(&url(folder)).await.unwrap();
    let problems = check_feed(storage.as_ref()).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    storage.close().await;
}
