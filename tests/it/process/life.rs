//! No process lives longer than its host.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rabt_tests::{executable, python_plugins};

use super::place::Folder;
use rabt_connect::compliance::Place;

/// How long a process may live on.
const LONGEST: Duration = Duration::from_secs(1);

/// Starts a host that looks at a database in a process of its own, and does not come to an end.
fn host(folder: &Path, connectors: &Path, kind: &[&str]) -> Child {
    Command::new(executable())
        .args(["source", "propose", "--out", "agency"])
        .args(kind)
        .current_dir(folder)
        .env("RABT__CONNECTORS__FOLDER", connectors)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Returns what `find` finds, when it has.
fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn kill_and_see(mut host: Child, process: u32) {
    assert!(lives(process));
    // nothing of the host can run any more
    host.kill().unwrap();
    host.wait().unwrap();
    let since = Instant::now();
    while lives(process) {
        assert!(since.elapsed() < LONGEST, "the process outlives its host");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_host_that_is_killed_takes_its_python_process_along() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    plugins.put("hanging", "misbehaving.py", "hanging");
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), &plugins.folder(), &["--kind", "hanging"]);
    let told = folder.path().join("process");
    let process = wait_for("the process says who it is", || {
        std::fs::read_to_string(&told).ok()?.parse().ok()
    });
    kill_and_see(host, process);
}

#[tokio::test]
async fn a_host_that_is_killed_takes_its_busy_kind_along() {
    let folder = Folder::new().await;
    // the first row is never found, and the kind never looks up from searching it
    let sql = "CREATE VIEW persons AS WITH RECURSIVE n(id) AS \
               (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, id AS name FROM n WHERE id < 0";
    folder.run(sql).await;
    let kind = ["--kind", "sqlite", "--set", "path=agency.db", "--isolated"];
    let none = tempfile::tempdir().unwrap();
    let host = host(&folder.base(), none.path(), &kind);
    // a process that only says what the kind can do may come and go before
    let process = wait_for("a process of the kind is busy", || {
        children(host.id()).into_iter().find(|id| ticks(*id) > 20)
    });
    kill_and_see(host, process);
}

/// Returns the processes that a process has started and that have not ended.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let files = tasks.into_iter().flatten().flatten();
    let texts = files.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let ids = texts.collect::<Vec<_>>().join(" ");
    ids.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Returns the processor time of a process, in hundredths of a second.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(") ").map(|(_, rest)| rest);
    let mut fields = after.unwrap_or_default().split(' ').skip(11);
    fields
        .next()
        .and_then(|user| user.parse().ok())
        .unwrap_or(0)
}
