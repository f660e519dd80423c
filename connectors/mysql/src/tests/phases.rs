//! Transactions of two phases: their changes lie in the log before it is known whether they hold.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rabt_connect::Position;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, followed, table};
use super::own::OwnServer;

const ROWS: &str = "SELECT CAST(id AS CHAR), CONCAT(id, '|', name) FROM person";

#[tokio::test]
async fn transactions_of_two_phases_are_told_when_they_end() {
    // Of its own, because a first reading waits for what others have prepared.
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "xa", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
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

/// Prepares and commits again and again, so that a first reading finds a moment without, and the next is
/// prepared before its snapshot is taken.
async fn prepare_until(agency: &Agency, mut id: usize, read: &AtomicBool) {
    let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
    let late = format!("'late{id}'");
    while !read.load(Ordering::Relaxed) {
        for statement in [
            format!("XA START {late}"),
            format!("INSERT INTO person VALUES ({id}, 'a', '')"),
            format!("XA END {late}"),
            format!("XA PREPARE {late}"),
            format!("XA COMMIT {late}"),
            "DO SLEEP(0.002)".to_owned(),
        ] {
            let statement = sqlx::raw_sql(AssertSqlSafe(statement));
            connection.execute(statement).await.unwrap();
        }
        id += 1;
    }
}

fn soak(seldom: usize, often: usize) -> usize {
    if std::env::var_os("RABT_SOAK").is_some() {
        often
    } else {
        seldom
    }
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
    for batch in 0..soak(2, 20) {
        let read = AtomicBool::new(false);
        let write = |writer| prepare_until(&agency, (batch * 4 + writer) * 100_000, &read);
        let mut mirrors = Vec::new();
        let reading = async {
            for _ in 0..10 {
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
            let missed = rows.keys().filter(|id| !mirror.rows.contains_key(*id));
            assert_eq!(missed.count(), 0, "of {}", rows.len());
            assert_eq!(mirror.rows, rows);
        }
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

/// As a stream is that began just when the server had written its first phase and not noted it yet.
fn forgetful(position: &Position) -> Position {
    let mut text: serde_json::Value = serde_json::from_str(position.as_str()).unwrap();
    let place = &mut text["place"];
    place["begun"] = place["spot"].clone();
    let log = &mut place["at"]["Log"];
    assert_eq!(log["prepared"].as_array().unwrap().len(), 1, "{log}");
    log["prepared"] = serde_json::json!([]);
    log["shape"] = serde_json::Value::Null;
    text.to_string().parse().unwrap()
}

#[tokio::test]
async fn a_transaction_that_was_being_prepared_when_the_stream_began_is_found() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "just", PEOPLE).await;
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name"]),
    );
    // In the file that the stream begins in, and in the one before it, with a name that was used before.
    for (id, between) in [(10, "DO 0"), (20, "FLUSH BINARY LOGS")] {
        let mut mirror = Mirror::default();
        mirror.read(&session, &plan).await.unwrap();
        let other = id + 1;
        agency
            .run(&format!(
                "XA START 'just'; INSERT INTO person VALUES ({other}, 'other', ''); XA END 'just';
                 XA PREPARE 'just'; XA COMMIT 'just';
                 XA START 'just'; INSERT INTO person VALUES ({id}, 'a', ''); SAVEPOINT here;
                 UPDATE person SET name = 'never' WHERE id = {id}; ROLLBACK TO here; XA END 'just'; XA PREPARE 'just'"
            ))
            .await;
        agency.run(between).await;
        mirror.read(&session, &plan).await.unwrap();
        mirror.position = mirror.position.as_ref().map(forgetful);
        agency
            .run(&format!("INSERT INTO person VALUES ({}, 'b', '')", id + 2))
            .await;
        agency.run("XA COMMIT 'just'").await;
        let expected = [format!("+{}|b", id + 2), format!("+{id}|a")];
        assert_eq!(mirror.news(&session, &plan).await, expected);
        assert_eq!(mirror.rows, table(&agency.url(), ROWS).await);
    }
    // Two files on, nobody looks, and nothing is passed over.
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run("XA START 'old'; INSERT INTO person VALUES (99, 'a', ''); XA END 'old'; XA PREPARE 'old'")
        .await;
    agency
        .run("FLUSH BINARY LOGS; FLUSH BINARY LOGS; FLUSH BINARY LOGS")
        .await;
    mirror.read(&session, &plan).await.unwrap();
    mirror.position = mirror.position.as_ref().map(forgetful);
    agency.run("XA COMMIT 'old'").await;
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(
        error.to_string().contains("prepared before the reading"),
        "{error}"
    );
    drop(agency);
}

/// As a stream is whose snapshot was taken behind all that follows.
fn early(position: &Position) -> Position {
    let mut text: serde_json::Value = serde_json::from_str(position.as_str()).unwrap();
    let place = &mut text["place"];
    place["seen"] = serde_json::json!({ "file": "log.999999", "offset": 4 });
    text.to_string().parse().unwrap()
}

#[tokio::test]
async fn what_ends_before_the_snapshot_is_told_in_its_order_all_the_same() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "order", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
    mirror.position = mirror.position.as_ref().map(early);
    agency
        .run(
            "XA START 'o'; INSERT INTO person VALUES (1, 'a', ''); XA END 'o'; XA PREPARE 'o';
             XA COMMIT 'o'; UPDATE person SET name = 'b' WHERE id = 1",
        )
        .await;
    assert_eq!(mirror.news(&session, &plan).await, ["+1|a", "+1|b"]);
    // One that was prepared long before had ended when the stream began: the snapshot has it.
    agency
        .run("XA START 'l'; INSERT INTO person VALUES (2, 'c', ''); XA END 'l'; XA PREPARE 'l'")
        .await;
    agency
        .run("FLUSH BINARY LOGS; FLUSH BINARY LOGS; FLUSH BINARY LOGS")
        .await;
    mirror.read(&session, &plan).await.unwrap();
    let position = mirror.position.as_ref().map(forgetful);
    mirror.position = position.as_ref().map(early);
    agency.run("XA COMMIT 'l'").await;
    assert!(mirror.news(&session, &plan).await.is_empty());
    drop(agency);
}

#[tokio::test]
async fn what_a_transaction_of_two_phases_looked_like_is_known() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "looks", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run("XA START 'l'; INSERT INTO person VALUES (1, 'a', ''); XA END 'l'; XA PREPARE 'l'")
        .await;
    mirror.read(&session, &plan).await.unwrap();
    mirror.position = mirror.position.as_ref().map(forgetful);
    agency.run("XA COMMIT 'l'").await;
    agency
        .run("ALTER TABLE person MODIFY name varchar(40); INSERT INTO person VALUES (2, 'b', '')")
        .await;
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert!(error.to_string().contains("another type"), "{error}");
    assert_eq!(mirror.log, ["+1|a"]);
    drop(agency);
}

#[tokio::test]
async fn rows_of_two_phases_that_are_read_again_are_not_missed() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let table_of = "CREATE TABLE weighed (id int PRIMARY KEY, kilos double)";
    let agency = Agency::at(server.url(), "again", table_of).await;
    let (session, plan) = (
        agency.logging(),
        changes("weighed", &["id"], &["id", "kilos"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let count = soak(300, 3_000);
    let left = AtomicUsize::new(3);
    let write = async |writer: usize| {
        let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
        for id in writer * 100_000..writer * 100_000 + count {
            let script = format!(
                "XA START 'r{id}', 'of', 7; INSERT INTO weighed VALUES ({id}, {id}.5); XA END 'r{id}', 'of', 7;
                 XA PREPARE 'r{id}', 'of', 7; XA COMMIT 'r{id}', 'of', 7"
            );
            let script = sqlx::raw_sql(AssertSqlSafe(script));
            connection.execute(script).await.unwrap();
        }
        left.fetch_sub(1, Ordering::Relaxed);
    };
    let reading = async {
        while left.load(Ordering::Relaxed) > 0 {
            mirror.read(&session, &plan).await.unwrap();
        }
    };
    tokio::join!(write(1), write(2), write(3), reading);
    mirror.read(&session, &plan).await.unwrap();
    let rows = "SELECT CAST(id AS CHAR), CONCAT(id, '|', kilos) FROM weighed";
    let rows = table(&agency.url(), rows).await;
    let missed = rows.keys().filter(|id| !mirror.rows.contains_key(*id));
    assert_eq!(missed.count(), 0, "of {}", rows.len());
    drop(agency);
}

#[tokio::test]
async fn prepared_transactions_have_the_names_that_the_log_gives_them() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "names", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run("XA START X'00ff27', 'b', 7; INSERT INTO person VALUES (1, 'a', ''); XA END X'00ff27', 'b', 7; XA PREPARE X'00ff27', 'b', 7")
        .await;
    agency.run("INSERT INTO person VALUES (2, 'b', '')").await;
    mirror.read(&session, &plan).await.unwrap();
    let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
    let names = crate::change::prepared(&mut connection).await.unwrap();
    assert_eq!(names, ["07000000030100ff2762"]);
    let position = mirror.position.as_ref().unwrap();
    assert!(position.as_str().contains(&names[0]), "{position:?}");
    agency.run("XA ROLLBACK X'00ff27', 'b', 7").await;
    drop(agency);
}
