//! Transactions of two phases: their changes lie in the log before it is known whether they hold.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, table};
use super::own::OwnServer;

const ROWS: &str = "SELECT CAST(id AS CHAR), CONCAT(id, '|', name) FROM person";

#[tokio::test]
async fn transactions_of_two_phases_are_told_when_they_end() {
    // Of its own, because a first reading waits for what others have prepared.
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "xa", PEOPLE).await;
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let xid = |name: &str| format!("'{name}{}'", std::process::id());
    let (one, two, three) = (xid("one"), xid("two"), xid("three"));
    agency
        .run(&format!(
            "XA START {one}; INSERT INTO person VALUES (1, 'a', ''); XA END {one}; XA PREPARE {one}"
        ))
        .await;
    agency
        .run(&format!(
            "XA START {two}; INSERT INTO person VALUES (2, 'b', ''); XA END {two}; XA PREPARE {two};"
        ))
        .await;
    agency.run("INSERT INTO person VALUES (3, 'c', '')").await;
    assert_eq!(mirror.news(&session, &plan).await, ["+3|c"]);
    let started = mirror.clone();
    agency.run(&format!("XA ROLLBACK {two}")).await;
    agency.run("INSERT INTO person VALUES (4, 'd', '')").await;
    agency.run(&format!("XA COMMIT {one}")).await;
    agency
        .run(&format!(
            "XA START {three}; UPDATE person SET name = 'z' WHERE id = 1; XA END {three};
             XA COMMIT {three} ONE PHASE"
        ))
        .await;
    let expected = ["+4|d", "+1|a", "+1|z"];
    assert_eq!(mirror.news(&session, &plan).await, expected);
    assert!(mirror.news(&session, &plan).await.is_empty());
    let mut again = started;
    assert_eq!(again.news(&session, &plan).await, expected);
    assert_eq!(again.rows, table(&agency.url(), ROWS).await);
    drop(agency);
}

#[tokio::test]
async fn a_transaction_that_is_prepared_before_the_first_reading_is_not_lost() {
    // Of its own, because a first reading waits for what others have prepared.
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "early", PEOPLE).await;
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name"]),
    );
    let early = format!("'early{}'", std::process::id());
    // Prepared again and again: a first reading finds a moment without, and the next is prepared before its
    // snapshot is taken.
    let read = AtomicBool::new(false);
    let write = async |writer: u32| {
        let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
        let mut id = writer * 100_000;
        let late = format!("'late{}.{writer}'", std::process::id());
        while !read.load(Ordering::Relaxed) {
            for statement in [
                format!("XA START {late}"),
                format!("INSERT INTO person VALUES ({id}, 'a', '')"),
                format!("XA END {late}"),
                format!("XA PREPARE {late}"),
                "DO SLEEP(0.001)".to_owned(),
                format!("XA COMMIT {late}"),
            ] {
                let statement = sqlx::raw_sql(AssertSqlSafe(statement));
                connection.execute(statement).await.unwrap();
            }
            id += 1;
        }
    };
    let mut mirrors = Vec::new();
    let reading = async {
        for _ in 0..12 {
            let mut mirror = Mirror::default();
            mirror.read(&session, &plan).await.unwrap();
            mirrors.push(mirror);
        }
        read.store(true, Ordering::Relaxed);
    };
    tokio::join!(write(1), write(2), write(3), reading);
    for mut mirror in mirrors {
        mirror.read(&session, &plan).await.unwrap();
        let rows = table(&agency.url(), ROWS).await;
        assert_eq!(mirror.log.len(), rows.len(), "a row came twice or never");
        assert_eq!(mirror.rows, rows);
    }
    // One that stays prepared is waited for, and then told of.
    agency
        .run(&format!(
            "XA START {early}; INSERT INTO person VALUES (99, 'z', ''); XA END {early}; XA PREPARE {early}"
        ))
        .await;
    let mut anew = Mirror::default();
    let error = anew.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "transient", "{error}");
    assert!(error.remedy().contains("XA RECOVER"), "{error}");
    agency.run(&format!("XA COMMIT {early}")).await;
    anew.read(&session, &plan).await.unwrap();
    assert_eq!(anew.rows, table(&agency.url(), ROWS).await);
    drop(agency);
}
