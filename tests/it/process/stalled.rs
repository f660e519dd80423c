//! A host that stalls stalls the process too, in bounded memory on both sides.

use std::time::Duration;

use rabt_connect::{Message, Outlet};
use tokio::time::sleep;

use super::misbehaving::children;
use super::place::Folder;
use super::{isolated, plan};

/// Returns what a process holds of its own, in KiB: memory that is no file.
fn held(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.unwrap().parse().unwrap()
}

#[tokio::test]
async fn ten_million_rows_wait_in_bounded_memory() {
    let folder = Folder::new().await;
    let sql = "CREATE VIEW persons AS WITH RECURSIVE n(id) AS \
               (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 10000000) \
               SELECT id, 'name ' || id AS name, '28402110110118' AS nid FROM n";
    folder.run(sql).await;
    let sqlite = isolated::sqlite();
    let (session, plan) = (
        folder.session(),
        plan("persons", &["id", "name", "nid"], &[], 5_000),
    );
    let (outlet, mut inlet) = Outlet::channel(8);
    let reading = sqlite.read(&session, &plan, None, outlet);
    let before = held(std::process::id());
    let host = async move {
        let first = inlet.receive().await;
        assert!(matches!(first, Ok(Some(Message::Rows(_)))), "{first:?}");
        // until nothing moves any more
        let process = children()[0];
        let mut last = 0;
        let mut still = 0;
        while still < 10 {
            sleep(Duration::from_millis(100)).await;
            let now = held(process);
            still = if now == last { still + 1 } else { 0 };
            last = now;
        }
        (last, held(std::process::id()))
    };
    let (process, own) = tokio::select! {
        held = host => held,
        read = reading => panic!("the read ended in a stall: {read:?}"),
    };
    eprintln!(
        "held: process {process} KiB, host {} KiB more",
        own - before
    );
    assert!(process < 32 * 1024, "{process} KiB in the process");
    assert!(own < 64 * 1024, "{own} KiB in the host");
}
