//! Processes that do what a connector must not: each has an error that names it, and is gone.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rabt_connect::{
    ConnectError, Connector, Filter, Finding, Kinds, Limits, Message, Mode, Outcome, Outlet, Plan,
    Processes, Remote, Session,
};
use rabt_service::operate::NewSource;
use rabt_tests::{Plugins, Stack, kinds, python_plugins};
use tokio::time::{Instant, sleep};
use tracing_subscriber::fmt::MakeWriter;

use super::{plan, read};

const FILE: &str = "misbehaving.py";

fn session() -> Session {
    Session::new("tax".parse().unwrap(), toml::Table::new(), "/")
}

/// Starts what behaves in this way; `limits` bound it.
async fn open(plugins: &Plugins, how: &str, limits: Limits) -> Result<Remote, ConnectError> {
    plugins.put(how, FILE, how);
    Remote::open(plugins.program(how).with_limits(limits), Some(how)).await
}

/// Reads a column, and returns why that fails.
async fn read_error(remote: &Remote) -> ConnectError {
    let plan = plan("t", &["v"], &[], 10);
    read(remote, &session(), &plan, None).await.unwrap_err()
}

/// Returns the processes that this one has started and that have not ended.
pub(super) fn children() -> Vec<u32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| parent(*id) == Some(own)).collect()
}

/// Returns the parent of a process that has not ended.
fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    (state != "Z")
        .then(|| fields.next()?.parse().ok())
        .flatten()
}

/// Waits until no process is left.
async fn assert_all_gone(what: &str) {
    let since = Instant::now();
    while !children().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(1), "{what} lives on");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_process_that_does_not_shake_hands_is_named_and_gone() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let usual = Limits::default();
    let quick = Limits {
        handshake: Duration::from_secs(5),
        ..usual
    };
    for (how, limits, class, said) in [
        (
            "mute",
            quick,
            "transient",
            "did not answer within 5s, and was killed",
        ),
        (
            "silent",
            quick,
            "transient",
            "did not say what it is within 5s, and was killed",
        ),
        (
            "quitting",
            usual,
            "transient",
            "ended before it answered, with exit code 3",
        ),
        (
            "shouting",
            usual,
            "configuration",
            "something that is no handshake",
        ),
        (
            "chatting",
            usual,
            "configuration",
            "something that is no handshake",
        ),
        (
            "modern",
            usual,
            "configuration",
            "speaks protocol 7; this host speaks 1 to 2",
        ),
        (
            "liar",
            usual,
            "configuration",
            "speaks protocol 7; this host speaks 1 to 2",
        ),
        (
            "impostor",
            usual,
            "configuration",
            "of the kind other, not impostor",
        ),
        (
            "absent",
            usual,
            "configuration",
            "does not listen where it was told to",
        ),
    ] {
        let error = open(&plugins, how, limits).await.unwrap_err();
        assert_eq!(error.name(), class, "{how}: {error}");
        assert!(error.to_string().contains(said), "{how}: {error}");
        assert!(!error.remedy().is_empty());
        assert_all_gone(how).await;
    }
}

#[tokio::test]
async fn a_read_that_breaks_the_protocol_is_named_and_its_process_gone() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let small = Limits {
        memory: 1 << 30,
        ..Limits::default()
    };
    for (how, class, said) in [
        (
            "crashing",
            "transient",
            "ended in the middle of its work, by signal 6",
        ),
        ("half", "configuration", "no message, or half of one"),
        (
            "raising",
            "configuration",
            "failed in an error that it does not handle",
        ),
        (
            "memory",
            "configuration",
            "failed in an error that it does not handle",
        ),
        (
            "large",
            "configuration",
            "sent a message of more than 4 MiB",
        ),
        (
            "nothing",
            "configuration",
            "sent a message that says nothing",
        ),
        (
            "wide",
            "configuration",
            "sent rows of 0 columns where 1 were asked for",
        ),
        (
            "emptying",
            "configuration",
            "sent that the table was emptied, in a read of no changes",
        ),
        (
            "flooding",
            "transient",
            "flooded its standard output or its log, and was killed",
        ),
    ] {
        let remote = open(&plugins, how, small).await.unwrap();
        let error = read_error(&remote).await;
        assert_eq!(error.name(), class, "{how}: {error}");
        assert!(error.to_string().contains(said), "{how}: {error}");
        assert!(!error.to_string().contains("2900"), "{error}");
        assert_all_gone(how).await;
    }
    let remote = open(&plugins, "miscounting", small).await.unwrap();
    let error = read_error(&remote).await;
    assert_eq!(
        error.to_string().split(';').next(),
        Some("checkpoint: says 11 rows where 10 arrived")
    );
}

#[tokio::test]
async fn endless_tables_are_refused() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    for (how, said) in [
        ("inventing", "sent more than 100000 tables"),
        ("hoarding", "sent tables of more than 128 MiB"),
    ] {
        let remote = open(&plugins, how, Limits::default()).await.unwrap();
        let found = remote.discover(&session(), &Filter::default()).await;
        let error = found.unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert_all_gone(how).await;
    }
}

#[tokio::test]
async fn more_findings_than_anybody_reads_are_refused() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let remote = open(&plugins, "finding", Limits::default()).await.unwrap();
    let findings = remote.check(&session()).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].outcome, Outcome::Fail);
    let said = "sent more than 1000 findings";
    assert!(findings[0].summary.contains(said), "{findings:?}");
    assert_all_gone("finding").await;
}

/// Reads until the first rows have come, and then wants no more. Returns how long the end took.
async fn cancelled(remote: &Remote) -> (ConnectError, Duration) {
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async move {
        let first = inlet.receive().await;
        assert!(matches!(first, Ok(Some(Message::Rows(_)))), "{first:?}");
        drop(inlet);
        Instant::now()
    };
    let (session, plan) = (session(), plan("t", &["v"], &[], 10));
    let reading = remote.read(&session, &plan, None, outlet);
    let (read, left) = futures::future::join(reading, host).await;
    (read.unwrap_err(), left.elapsed())
}

#[tokio::test]
async fn a_process_that_does_not_end_its_read_is_killed_and_started_anew() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let deaf = open(&plugins, "deaf", Limits::default()).await.unwrap();
    let before = children();
    assert_eq!(before.len(), 1);
    let (error, took) = cancelled(&deaf).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let said = "did not end a read within 500ms, and was killed";
    assert!(error.to_string().contains(said), "{error}");
    assert_all_gone("deaf").await;
    // the next call has a process again; that it could not be had would be a finding as well
    let findings = deaf.check(&session()).await;
    let passed = |finding: &Finding| finding.outcome == Outcome::Pass;
    assert!(
        findings.len() > 1 && findings.iter().all(passed),
        "{findings:?}"
    );
    let after = children();
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
}

#[tokio::test]
async fn a_silent_read_is_ended() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let limits = Limits {
        silence: Duration::from_secs(2),
        ..Limits::default()
    };
    let deaf = open(&plugins, "deaf", limits).await.unwrap();
    let error = read_error(&deaf).await;
    let said = "said nothing for 2s, and was killed";
    assert!(error.to_string().contains(said), "{error}");
    assert_all_gone("deaf").await;
}

/// Reads changes, commits each checkpoint, and returns the rows that came and how it ended.
async fn changes(remote: &Remote) -> (usize, Result<(), ConnectError>) {
    let plan = Plan {
        mode: Mode::Changes { follow: false },
        ..plan("t", &["v"], &["v"], 10)
    };
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async move {
        let mut rows = 0;
        while let Some(message) = inlet.receive().await.unwrap() {
            match message {
                Message::Rows(batch) => rows += batch.rows(),
                Message::Checkpoint { position, .. } => inlet.acknowledge(position),
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        rows
    };
    let session = session();
    let reading = remote.read(&session, &plan, None, outlet);
    let (read, rows) = futures::future::join(reading, host).await;
    (rows, read)
}

/// What is not asked for by its protocol an executable is never asked, and what an executable of its
/// protocol does not do is its fault.
#[tokio::test]
async fn changes_are_read_of_those_who_speak_their_protocol() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let usual = Limits::default();
    let session = session();
    let plan = plan("t", &["v"], &["v"], 10);
    // It sends a page for each commit it hears of.
    let changing = open(&plugins, "changing", usual).await.unwrap();
    assert!(changing.describe().capabilities.changes);
    assert_eq!(changes(&changing).await, (30, Ok(())));
    assert_eq!(changing.forget(&session, &plan).await, Ok(()));
    // It speaks protocol 1, whatever else it says.
    let boasting = open(&plugins, "boasting", usual).await.unwrap();
    assert!(!boasting.describe().capabilities.changes);
    let (rows, refused) = changes(&boasting).await;
    let refused = refused.unwrap_err();
    let said = "asks for changes, which the kind boasting does not know";
    assert!(rows == 0 && refused.to_string().contains(said), "{refused}");
    assert_eq!(boasting.forget(&session, &plan).await, Ok(()));
    drop((changing, boasting));
    // It does not read what it is told, and forgets nothing.
    let listless = open(&plugins, "listless", usual).await.unwrap();
    assert_eq!(changes(&listless).await, (10, Ok(())));
    let error = listless.forget(&session, &plan).await.unwrap_err();
    let said = "does not serve what its protocol asks for";
    assert!(error.to_string().contains(said), "{error}");
    assert_all_gone("listless").await;
}

#[tokio::test]
async fn small_messages_survive_a_host_that_stalls() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let remote = open(&plugins, "small", Limits::default()).await.unwrap();
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async move {
        sleep(Duration::from_secs(5)).await;
        let mut rows = 0;
        while let Some(message) = inlet.receive().await.unwrap() {
            if let Message::Rows(batch) = message {
                rows += batch.rows();
            }
        }
        rows
    };
    let (session, plan) = (session(), plan("t", &["v"], &[], 10));
    let reading = remote.read(&session, &plan, None, outlet);
    let (read, rows) = futures::future::join(reading, host).await;
    assert_eq!((read, rows), (Ok(()), 20_000));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn log_lines_are_forwarded_without_values() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let remote = open(&plugins, "logging", Limits::default()).await.unwrap();
    let taken = read(&remote, &session(), &plan("t", &["v"], &[], 10), None).await;
    assert_eq!(taken.unwrap().rows.len(), 10);
    drop(remote);
    assert_all_gone("logging").await;
    sleep(Duration::from_millis(200)).await;
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("row 17 of # is …"), "{written}");
    assert!(
        written.contains("lines=1"),
        "what is no log line is counted: {written}"
    );
    for hidden in ["29001011234567", "28402110110118", "منى", "belong here"] {
        assert!(!written.contains(hidden), "{hidden}: {written}");
    }
}

#[tokio::test]
async fn five_crashes_quarantine_the_source() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    plugins.put("crashing", FILE, "crashing");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rabt.db").display());
    let stack = Stack::start_reading(&url, with_folder(&plugins).await).await;
    stack.register(vec![crashing()]).await;
    let source = "tax".parse().unwrap();
    for crash in 1..=5 {
        let run = rabt_service::ingest(&stack.services, &source).await;
        let error = run.unwrap_err();
        assert_eq!(error.is_transient(), crash < 5, "{error}");
        let mut snapshot = stack.services.storage.snapshot().await.unwrap();
        let state = snapshot.get_source(&source).await.unwrap().unwrap().state;
        let expected = match crash {
            1 | 2 => "snapshot",
            3 | 4 => "degraded",
            _ => "quarantined",
        };
        assert_eq!(state.as_str().to_lowercase(), expected);
    }
    let run = rabt_service::ingest(&stack.services, &source).await;
    let refused = run.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("quarantined"), "{refused}");
    stack.stop().await;
}

async fn with_folder(plugins: &Plugins) -> Kinds {
    let processes = Processes {
        rabt: None,
        folders: vec![plugins.folder()],
        limits: Limits::default(),
    };
    kinds().in_processes(processes).with_executables().await
}

fn crashing() -> NewSource {
    let manifest = r#"
schema = 1
[agency]
id = "tax"
name = { en = "Tax", ar = "الضرائب" }
steward = "data@tax.example"
agreement = "AG-SUPPLY-902"
[source]
kind = "crashing"
[source.config]
[[stream]]
id = "person"
from = { table = "persons" }
mode = "snapshot"
"#;
    NewSource {
        manifest: manifest.to_owned(),
        mapping: "[person]\n\"name.latin\" = { from = \"name\" }\n".to_owned(),
        base: "/".into(),
    }
}
