//! From databases to citizens: the whole line, on every store and from every kind of server.

use rabt_connector_synthetic::Targets;
use rabt_tests::{Database, Stack, Town, mysql_url, postgres_url, skip};

const PEOPLE: u32 = 400;

/// Reads and links a town; returns the fingerprint of what came out.
async fn fingerprint(town: &Town, storage: &str, concurrency: usize) -> String {
    let stack = Stack::start(storage).await;
    stack.register(town.sources()).await;
    stack.read(concurrency).await;
    stack.link().await;
    let fingerprint = stack.fingerprint().await;
    stack.stop().await;
    fingerprint
}

#[tokio::test]
async fn every_row_is_accounted_for_and_the_second_reading_changes_nothing() {
    let town = Town::of(PEOPLE, 5).await;
    assert!(
        town.made.databases >= 104,
        "{} databases",
        town.made.databases
    );
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    let runs = stack.read(2).await;
    let sum = |count: fn(&rabt_service::RunCounts) -> u64| -> u64 {
        runs.iter().map(|run| count(&run.counts)).sum()
    };
    let skipped: u64 = runs.iter().map(|run| run.skipped).sum();
    let rows = sum(|counts| counts.rows);
    assert!(
        rows >= town.made.records,
        "{rows} rows of {}",
        town.made.records
    );
    assert!(sum(|counts| counts.records) + sum(|counts| counts.rejected) + skipped >= rows);
    stack.link().await;
    let first = stack.fingerprint().await;
    let citizens = stack.services.citizens();

    stack.read(2).await;
    stack.link().await;
    assert_eq!(stack.fingerprint().await, first);
    assert_eq!(stack.services.citizens(), citizens);
    stack.stop().await;
}

#[tokio::test]
async fn a_node_that_starts_again_serves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let town = Town::of(PEOPLE, 6).await;
    let first = fingerprint(&town, &url, 2).await;
    let stack = Stack::start(&url).await;
    assert!(stack.services.citizens() > 0, "profiles are resident again");
    stack.link().await;
    assert_eq!(stack.fingerprint().await, first);
    stack.stop().await;
}

#[tokio::test]
async fn postgresql_as_the_store_gives_the_same_fingerprint() {
    let Some(server) = postgres_url() else { return };
    let store = Database::on(&server).await;
    let town = Town::of(PEOPLE, 7).await;
    let here = fingerprint(&town, "sqlite::memory:", 1).await;
    assert_eq!(fingerprint(&town, &store.url(), 2).await, here);
}

#[tokio::test]
async fn agencies_on_servers_give_the_same_fingerprint() {
    let (Some(postgres), Some(mysql)) = (postgres_url(), mysql_url()) else {
        return skip("needs both servers");
    };
    let (postgres, mysql) = (Database::on(&postgres).await, Database::on(&mysql).await);
    let files = Town::of(PEOPLE, 8).await;
    let targets = Targets {
        postgres: Some(postgres.url()),
        mysql: Some(mysql.url()),
    };
    let servers = Town::with(PEOPLE, 8, &targets).await;
    assert_eq!(servers.made.manifests.len(), 2, "one agency on each server");
    let expected = fingerprint(&files, "sqlite::memory:", 2).await;
    assert_eq!(fingerprint(&servers, "sqlite::memory:", 2).await, expected);
}
