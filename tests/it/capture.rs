//! Changes from the log of an agency's server, to the records of a node: whatever was written, and
//! whoever was killed in between, the records are those of the final table.

mod process;
mod side;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rabt_connect::{Kinds, Limits, Processes};
use rabt_model::RecordNumber;
use rabt_policy::{Caller, Role};
use rabt_service::operate::{
    NewSource, approve_source, retire_source, rewind_source, update_source,
};
use rabt_service::{RunSummary, ingest};
use rabt_tests::{Database, Stack, executable, kinds, soak};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use side::{Link, Side};

/// Tells the test that reads until it is killed where its store is.
const CHILD: &str = "RABT_CAPTURE_TEST_CHILD";

/// The kind's part of the manifest, in which process it runs, the mode and what else the stream says.
fn folder(side: Side, url: &str, isolation: &str, mode: &str) -> NewSource {
    let (kind, own, from) = side.manifest();
    let manifest = format!(
        r#"
schema = 1
[agency]
id = "registry"
name = {{ en = "Registry", ar = "السجل" }}
steward = "data@registry.example"
agreement = "AG-SUPPLY-1"
[source]
kind = "{kind}"
isolation = "{isolation}"
[source.config]
url = {{ secret = "file:{url}" }}
{own}
[[stream]]
id = "person"
from = {from}
key = ["id"]
{mode}
"#
    );
    let mapping = r#"
[person]
"name.chain" = { from = "name", steps = ["trim", "collapse_spaces"] }
"identifier.national_id" = { from = "nid", steps = ["trim"], on_reject = "field" }
"address" = { text = { from = "note", steps = [{ take = 40 }] } }
[person.only]
column = "name"
in = NAMES
"#;
    let names: Vec<String> = (0..20).map(|n| format!("\"{}\"", name(n))).collect();
    NewSource {
        manifest,
        mapping: mapping.replace("NAMES", &format!("[{}]", names.join(", "))),
        base: "/".into(),
    }
}

const CHANGES: &str = "mode = \"changes\"";
const SNAPSHOT: &str = "mode = \"snapshot\"";

/// Names beyond the twentieth are left out by the mapping.
fn name(number: u32) -> String {
    format!("منى أحمد {}", char::from_u32(0x0628 + number).unwrap())
}

/// An agency's database, and the file that holds its address.
struct Agency {
    side: Side,
    /// Ends before its database does, which would wait for an open transaction.
    link: Link,
    database: Database,
    folder: tempfile::TempDir,
    /// In which process the kind reads it.
    isolation: &'static str,
    random: ChaCha8Rng,
}

impl Agency {
    async fn start(side: Side, seed: u64, isolation: &'static str) -> Option<Self> {
        let database = Database::on(&side.url()?).await;
        database.run(side.table()).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("url"), database.url()).unwrap();
        let link = Link::connect(side, &database.url()).await;
        Some(Self {
            side,
            database,
            folder,
            isolation,
            link,
            random: ChaCha8Rng::seed_from_u64(seed),
        })
    }

    fn folder(&self, mode: &str) -> NewSource {
        let url = self.folder.path().join("url").display().to_string();
        folder(self.side, &url, self.isolation, mode)
    }

    async fn run(&mut self, statement: &str) {
        self.link.run(statement).await;
    }

    /// Makes a transaction of some changes of every sort.
    async fn stir(&mut self) {
        let (begin, ends) = self.side.transaction(&mut self.random);
        self.run(&begin).await;
        for _ in 0..self.random.random_range(1..8) {
            let id = self.random.random_range(0..300);
            let other = self.random.random_range(0..300);
            let name = name(self.random.random_range(0..22));
            let length = [3, 9_000][self.random.random_range(0..2)];
            let statement = match self.random.random_range(0..6) {
                0 | 1 => self.side.insert(&format!(
                    "({id}, '{name}', '2840211{id:07}', repeat('n{other}', {length}))"
                )),
                2 => format!("UPDATE persons SET name = '{name}' WHERE id = {id}"),
                3 => format!(
                    "UPDATE persons SET note = repeat('o{other}', {length}) WHERE id = {id}"
                ),
                4 => self.side.rekey(id, other),
                _ => format!("DELETE FROM persons WHERE id = {id}"),
            };
            self.run(&statement).await;
        }
        for end in ends {
            self.run(&end).await;
        }
    }

    /// Returns the records that a node holds that reads the table now for the first time.
    async fn table(&self) -> BTreeMap<String, String> {
        let stack = Stack::start("sqlite::memory:").await;
        let url = self.folder.path().join("url").display().to_string();
        let folder = folder(self.side, &url, "shared", SNAPSHOT);
        stack.register(vec![folder]).await;
        stack.read(1).await;
        let held = held(&stack).await;
        stack.stop().await;
        held
    }
}

/// Starts a node that can read agencies in processes of their own.
async fn node(store: &str) -> Stack {
    let processes = Processes {
        rabt: Some(executable()),
        folders: Vec::new(),
        limits: Limits::default(),
    };
    let kinds: Kinds = kinds().in_processes(processes);
    Stack::start_reading(store, kinds).await
}

/// The records that a node holds, each in one line.
async fn held(stack: &Stack) -> BTreeMap<String, String> {
    let mut tx = stack.services.storage.snapshot().await.unwrap();
    let records = tx.records_after(RecordNumber(0), 1_000_000).await.unwrap();
    let lines = records.into_iter().map(|stored| {
        let record = stored.record;
        let values = record.values.iter();
        let values = values.map(|v| format!("{}={}", v.attribute, v.value.expose().to_line()));
        let line = values.collect::<Vec<_>>().join(" ");
        (record.id.key.expose().clone(), line)
    });
    lines.collect()
}

fn operator() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "operator-1".into(),
        role: Role::Operator,
    }
}

/// Puts another folder in force, as two people.
async fn replace(stack: &Stack, folder: NewSource) {
    let views = update_source(&stack.services, &operator(), folder)
        .await
        .unwrap();
    let second = Caller {
        system: "approver-1".into(),
        role: Role::Approver,
        ..operator()
    };
    let version = views[0].open.as_ref().unwrap().version;
    approve_source(&stack.services, &second, &views[0].id, version)
        .await
        .unwrap();
}

async fn read(stack: &Stack) -> RunSummary {
    let id = "registry".parse().unwrap();
    match ingest(&stack.services, &id).await {
        Ok(read) => read.into_inner(),
        Err(error) => {
            let mut tx = stack.services.storage.snapshot().await.unwrap();
            let runs = tx.runs(&id, 1_000).await.unwrap();
            let errors = runs.into_iter().filter_map(|run| run.error);
            let last: Vec<_> = errors.take(10).collect();
            panic!("{error}; the last errors: {last:#?}");
        }
    }
}

async fn changes_at_the_host_end_as_the_table(side: Side) {
    if let Some(agency) = Agency::start(side, 31, "shared").await {
        Box::pin(end_as_the_table(agency)).await;
    }
}

/// Writes at random and reads, as long as it takes to see every sort of change; then lets go of the log.
async fn end_as_the_table(mut agency: Agency) {
    for _ in 0..100 {
        agency.stir().await;
    }
    let stack = node("sqlite::memory:").await;
    stack.register(vec![agency.folder(CHANGES)]).await;
    let first = read(&stack).await;
    assert_eq!(held(&stack).await, agency.table().await);
    assert!(first.counts.rows > 50 && first.skipped > 0, "{first:?}");
    for _ in 0..6 {
        for _ in 0..40 {
            agency.stir().await;
        }
        let news = read(&stack).await;
        assert!(news.counts.deleted > 0, "{news:?}");
        assert_eq!(held(&stack).await, agency.table().await);
    }
    // A table at rest brings nothing.
    let rest = read(&stack).await;
    assert_eq!(rest.counts.rows, 0);
    stack.link().await;
    // Whoever does not read any more leaves nothing at the agency.
    agency.link.must_keep(1).await;
    replace(&stack, agency.folder(SNAPSHOT)).await;
    agency.link.must_keep(0).await;
    replace(&stack, agency.folder(CHANGES)).await;
    read(&stack).await;
    agency.link.must_keep(1).await;
    let id = "registry".parse().unwrap();
    retire_source(&stack.services, &operator(), &id, false)
        .await
        .unwrap();
    agency.link.must_keep(0).await;
    stack.stop().await;
}

async fn an_emptied_table_and_a_stream_read_anew_leave_what_is_there(side: Side) {
    let Some(mut agency) = Agency::start(side, 32, "shared").await else {
        return;
    };
    agency.run(&side.fill(1, 200, &name(1))).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(vec![agency.folder(CHANGES)]).await;
    read(&stack).await;
    // The nightly load of many an agency: emptied and filled again, with few rows less.
    agency.run(&side.refill(3, 210, &name(1))).await;
    agency.run("DELETE FROM persons WHERE id = 100").await;
    let news = read(&stack).await;
    assert_eq!(news.counts.deleted, 2, "{news:?}");
    read(&stack).await;
    assert_eq!(held(&stack).await, agency.table().await);
    // Rewound, it is read from its start; what went meanwhile is seen.
    agency
        .run("DELETE FROM persons WHERE id BETWEEN 20 AND 24")
        .await;
    let id = "registry".parse().unwrap();
    rewind_source(&stack.services, &operator(), &id, None)
        .await
        .unwrap();
    let again = read(&stack).await;
    assert_eq!(again.counts.deleted, 5, "{again:?}");
    assert_eq!(held(&stack).await, agency.table().await);
    // An accident is none of the two, and nothing is deleted until a person has looked.
    agency.run("TRUNCATE persons").await;
    let error = ingest(&stack.services, &"registry".parse().unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nothing was deleted"), "{error}");
    assert_eq!(held(&stack).await.len(), 202);
    stack.stop().await;
}

fn store(folder: &Path) -> String {
    format!("sqlite://{}/rabt.db", folder.display())
}

async fn read_until_killed(folder: &Path) {
    let stack = node(&store(folder)).await;
    std::fs::write(folder.join("reading"), "").unwrap();
    loop {
        // The connection of the reading that was killed before may take a moment to end.
        let _ = ingest(&stack.services, &"registry".parse().unwrap()).await;
    }
}

async fn a_reading_host_is_killed_and_misses_nothing(side: Side) {
    if let Some(folder) = std::env::var_os(CHILD) {
        return read_until_killed(Path::new(&folder)).await;
    }
    let Some(agency) = Agency::start(side, 33, "shared").await else {
        return;
    };
    let name = side.test("a_reading_host_is_killed_and_misses_nothing");
    Box::pin(miss_nothing(agency, &name, &mut |_, _| {})).await;
}

/// Starts a host that reads until it is killed, as the test of this name.
async fn reading_host(name: &str, place: &Path) -> Child {
    let mark = place.join("reading");
    let _ = std::fs::remove_file(&mark);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(CHILD, place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !mark.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the host ended by itself"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child
}

/// Writes while hosts read and are killed; `harm` may do more to each of them, as often as a transaction
/// is made.
async fn miss_nothing(
    mut agency: Agency,
    name: &str,
    harm: &mut (dyn FnMut(&Child, &mut ChaCha8Rng) + Send),
) {
    for _ in 0..300 {
        agency.stir().await;
    }
    let place = tempfile::tempdir().unwrap();
    let stack = node(&store(place.path())).await;
    stack.register(vec![agency.folder(CHANGES)]).await;
    stack.stop().await;
    let mut random = ChaCha8Rng::seed_from_u64(34);
    // A process needs its time to start, and transactions in which it may be harmed, however busy the machine.
    let (longest, least) = if agency.isolation == "shared" {
        (600, 0)
    } else {
        (3_000, 40)
    };
    for _ in 0..soak(10, 100) {
        let mut child = reading_host(name, place.path()).await;
        let until = Duration::from_millis(random.random_range(1..longest));
        let started = Instant::now();
        let mut stirred = 0;
        while started.elapsed() < until || stirred < least {
            stirred += 1;
            agency.stir().await;
            harm(&child, &mut random);
        }
        // No signal can be caught here: this is kill -9.
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.code().is_none(), "the host ended by itself");
    }
    let stack = node(&store(place.path())).await;
    let expected = agency.table().await;
    let mut tries = 0;
    while held(&stack).await != expected {
        tries += 1;
        assert!(tries < 20, "records are not those of the table");
        read(&stack).await;
    }
    let rest = read(&stack).await;
    assert_eq!(rest.counts.rows, 0, "changes came twice");
    stack.stop().await;
    drop(agency.database);
}

/// The suite, for one kind of server.
macro_rules! captured {
    ($module:ident, $side:expr) => {
        mod $module {
            use super::{Side, process};

            #[tokio::test]
            async fn changes_at_the_host_end_as_the_table() {
                super::changes_at_the_host_end_as_the_table($side).await;
            }

            #[tokio::test]
            async fn an_emptied_table_and_a_stream_read_anew_leave_what_is_there() {
                let test = super::an_emptied_table_and_a_stream_read_anew_leave_what_is_there;
                Box::pin(test($side)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_reading_host_is_killed_and_misses_nothing() {
                super::a_reading_host_is_killed_and_misses_nothing($side).await;
            }

            #[tokio::test]
            async fn changes_through_a_process_end_as_the_table() {
                process::changes_through_a_process_end_as_the_table($side).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_kind_and_its_host_are_killed_and_miss_nothing() {
                process::a_kind_and_its_host_are_killed_and_miss_nothing($side).await;
            }
        }
    };
}

captured!(postgres, Side::Postgres);
captured!(mariadb, Side::Mariadb);
