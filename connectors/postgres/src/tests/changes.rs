//! Changes from the log of a server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rabt_connect::{ConnectError, Connector, Message, Outlet, Plan};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, table};
use crate::Postgres;

#[tokio::test]
async fn snapshot_and_stream_join_exactly() {
    let Some(agency) = Agency::with("cdc_join", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person SELECT n, 'before', repeat('x', 50) FROM generate_series(1, 20000) n")
        .await;
    let (session, plan) = (
        agency.publishing(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    let read = AtomicBool::new(false);
    let writing = async {
        let mut connection = PgConnection::connect(&agency.url()).await.unwrap();
        let mut next = 20_001;
        while !read.load(Ordering::Relaxed) {
            let statement = format!("INSERT INTO person VALUES ({next}, 'during', '')");
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
            next += 1;
        }
        next - 1
    };
    let reading = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        mirror.read(&session, &plan).await.unwrap();
        read.store(true, Ordering::Relaxed);
    };
    let (last, ()) = tokio::join!(writing, reading);
    let first = mirror.log.len();
    mirror.read(&session, &plan).await.unwrap();
    assert!(first > 20_000, "nothing was written before the snapshot");
    assert_eq!(mirror.log.len(), last, "a row came twice or never");
    assert_eq!(mirror.rows.len(), last);
    assert!(mirror.news(&session, &plan).await.is_empty());
}

#[tokio::test]
async fn changes_come_in_the_order_of_commits() {
    let Some(agency) = Agency::with("cdc_order", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person VALUES (1, 'a', ''), (2, 'b', '')")
        .await;
    let (session, plan) = (
        agency.publishing(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    assert_eq!(mirror.news(&session, &plan).await, ["+1|a", "+2|b"]);
    for statement in [
        "INSERT INTO person VALUES (3, 'c', NULL)",
        "UPDATE person SET name = 'aa' WHERE id = 1",
        "UPDATE person SET id = 22, name = NULL WHERE id = 2",
        "DELETE FROM person WHERE id = 3",
        "INSERT INTO person VALUES (3, 'again', '')",
        "CREATE TABLE elsewhere (id int); INSERT INTO elsewhere VALUES (1)",
    ] {
        agency.run(statement).await;
    }
    let expected = ["+3|c", "+1|aa", "-2", "+22|∅", "-3", "+3|again"];
    assert_eq!(mirror.news(&session, &plan).await, expected);
    assert!(mirror.news(&session, &plan).await.is_empty());
    agency
        .run("BEGIN; UPDATE person SET name = 'x'; ROLLBACK")
        .await;
    assert!(mirror.news(&session, &plan).await.is_empty());
}

#[tokio::test]
async fn values_of_the_log_read_as_those_of_a_statement() {
    let columns = [
        "id", "flag", "code", "ip", "net", "born", "paid", "share", "grade", "tags", "seen", "raw",
        "span", "own", "day", "doc", "u", "yes",
    ];
    let Some(agency) = Agency::with(
        "cdc_values",
        "CREATE TYPE grade AS ENUM ('أ', 'ب'); CREATE DOMAIN yes AS boolean; CREATE DOMAIN yesyes AS yes;
         CREATE TABLE person (id bigint PRIMARY KEY, flag boolean, code char(6), ip inet, net cidr, born date,
           paid numeric(20, 4), share float8, grade grade, tags text[], seen timestamptz, raw bytea,
           span interval, own \"char\", day timestamp, doc jsonb, u uuid, yes yesyes);
         CREATE PUBLICATION rabt FOR TABLE person;",
    )
    .await
    else {
        return;
    };
    let row = "true, 'ab', '10.0.0.1', '10.0.0.0/8', 'infinity', 'NaN', 0.1, 'ب', '{a,\"b c\"}',
         '2024-03-01 10:00+02', '\\x00ff', '1 day 2 hours', 'x', '0044-03-15 10:00 BC', '{\"a\": 1}',
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', false";
    agency
        .run(&format!("INSERT INTO person VALUES (1, {row})"))
        .await;
    let (session, plan) = (agency.publishing(), changes("person", &["id"], &columns));
    let mut mirror = Mirror::default();
    let selected = mirror.news(&session, &plan).await;
    agency
        .run(&format!("INSERT INTO person VALUES (2, {row})"))
        .await;
    let logged = mirror.news(&session, &plan).await;
    let behind = |lines: &[String]| lines[0].split_once('|').unwrap().1.to_owned();
    assert_eq!(behind(&logged), behind(&selected));
    assert!(
        selected[0].contains("|true|ab|10.0.0.1/32|"),
        "{selected:?}"
    );
}

#[tokio::test]
async fn what_the_log_does_not_repeat_is_read_again() {
    let Some(agency) = Agency::with(
        "cdc_toast",
        "CREATE TABLE person (id int PRIMARY KEY, name text, note text);
         ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
         CREATE PUBLICATION rabt FOR TABLE person;
         INSERT INTO person VALUES (1, 'a', repeat('n', 9000)), (2, 'b', repeat('m', 9000)),
           (3, 'c', repeat('o', 9000)), (4, 'd', repeat('p', 9000));",
    )
    .await
    else {
        return;
    };
    let session = agency.publishing();
    let plan = changes("person", &["id"], &["id", "name", "note"]);
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let statements = "UPDATE person SET name = 'A' WHERE id = 1;
         UPDATE person SET id = 22 WHERE id = 2;
         UPDATE person SET name = 'C' WHERE id = 3; DELETE FROM person WHERE id = 3;
         ALTER TABLE person REPLICA IDENTITY FULL;
         UPDATE person SET name = 'D' WHERE id = 4;";
    for statement in statements.split(';') {
        agency.run(statement).await;
    }
    let news = mirror.news(&session, &plan).await;
    assert!(
        news.iter().all(|line| !line.contains("unchanged")),
        "{news:?}"
    );
    let select = "SELECT id::text, id || '|' || name || '|' || note FROM person";
    assert_eq!(mirror.rows, table(&agency.url(), select).await);
}

#[tokio::test]
async fn an_emptied_table_ends_the_read_and_the_next_goes_on() {
    let Some(agency) = Agency::with("cdc_truncate", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person VALUES (1, 'a', ''), (2, 'b', '')")
        .await;
    let (session, plan) = (
        agency.publishing(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run("BEGIN; TRUNCATE person; INSERT INTO person VALUES (2, 'again', ''); COMMIT;")
        .await;
    agency.run("INSERT INTO person VALUES (3, 'c', '')").await;
    assert_eq!(
        mirror.news(&session, &plan).await,
        ["truncated", "+2|again"]
    );
    assert_eq!(mirror.news(&session, &plan).await, ["+3|c"]);
}

#[tokio::test]
async fn a_table_that_is_emptied_and_filled_at_once_has_checkpoints_inside() {
    let Some(agency) = Agency::with("cdc_refill", PEOPLE).await else {
        return;
    };
    let (session, plan) = (agency.publishing(), changes("person", &["id"], &["id"]));
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let before = mirror.checkpoints;
    agency
        .run("BEGIN; TRUNCATE person; INSERT INTO person SELECT generate_series(1, 1000), '', ''; COMMIT;")
        .await;
    assert_eq!(mirror.news(&session, &plan).await.len(), 1 + 1_000);
    assert!(mirror.checkpoints >= before + 10, "{}", mirror.checkpoints);
}

#[tokio::test]
async fn altered_tables_are_told_of() {
    let Some(agency) = Agency::with("cdc_ddl", PEOPLE).await else {
        return;
    };
    let (session, plan) = (
        agency.publishing(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    for statement in [
        "INSERT INTO person VALUES (1, 'a', '')",
        "ALTER TABLE person ADD more text",
        "INSERT INTO person VALUES (2, 'b', '', '')",
        "ALTER TABLE person ALTER note TYPE varchar(9)",
        "ALTER TABLE person DROP more",
    ] {
        agency.run(statement).await;
    }
    let news = mirror.news(&session, &plan).await;
    assert_eq!(news, ["+1|a", "columns id,name,note,more", "+2|b"]);
    agency.run("INSERT INTO person VALUES (3, 'c', '')").await;
    assert_eq!(
        mirror.news(&session, &plan).await,
        ["columns id,name,note", "+3|c"]
    );
    agency
        .run("ALTER TABLE person RENAME name TO full_name")
        .await;
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(error.to_string().contains("no column 'name'"), "{error}");
    agency
        .run("INSERT INTO person VALUES (4, 'd', ''); ALTER TABLE person RENAME full_name TO name")
        .await;
    assert_eq!(
        mirror.news(&session, &plan).await,
        ["columns id,full_name,note", "+4|no_column"],
        "the host stops at the first of them"
    );
}

#[tokio::test]
async fn a_slot_is_confirmed_as_far_as_the_host_committed() {
    let Some(agency) = Agency::with("cdc_ack", PEOPLE).await else {
        return;
    };
    let (session, plan) = (agency.publishing(), changes("person", &["id"], &["id"]));
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let confirmed = "SELECT slot_name::text, confirmed_flush_lsn::text FROM pg_replication_slots
         WHERE database = current_database()";
    let before = table(&agency.url(), confirmed).await;
    agency
        .run("INSERT INTO person SELECT generate_series(1, 250), '', ''")
        .await;
    for _ in 0..2 {
        // The host is killed with everything in its hands and nothing committed.
        let mut lost = mirror.clone();
        lost.read_unacknowledged(&session, &plan, 250).await;
        assert_eq!(table(&agency.url(), confirmed).await, before);
    }
    assert_eq!(mirror.news(&session, &plan).await.len(), 250);
    assert_ne!(table(&agency.url(), confirmed).await, before);
    // The log that others write is not kept for a table at rest.
    agency
        .run("CREATE TABLE other AS SELECT generate_series(1, 1000) AS n")
        .await;
    let before = table(&agency.url(), confirmed).await;
    assert!(mirror.news(&session, &plan).await.is_empty());
    assert_ne!(table(&agency.url(), confirmed).await, before);
}

#[tokio::test]
async fn every_checkpoint_inside_a_transaction_resumes() {
    let Some(agency) = Agency::with("cdc_parts", PEOPLE).await else {
        return;
    };
    let session = agency.publishing();
    let plan = Plan {
        chunk_rows: 20,
        ..changes("person", &["id"], &["id", "name"])
    };
    let mut start = Mirror::default();
    start.read(&session, &plan).await.unwrap();
    agency
        .run(
            "BEGIN; INSERT INTO person SELECT generate_series(1, 350), 'new', '';
             UPDATE person SET id = id + 1000 WHERE id % 2 = 0;
             DELETE FROM person WHERE id % 5 = 0; COMMIT;",
        )
        .await;
    agency
        .run("INSERT INTO person VALUES (9999, 'last', '')")
        .await;
    let from = start.position.clone();
    let (outlet, mut inlet) = Outlet::channel(2);
    let mut at_checkpoints = Vec::new();
    let mut whole = start;
    let host = async {
        while whole.log.last().is_none_or(|last| last != "+9999|last") || whole.position == from {
            let message = inlet.receive().await.unwrap().unwrap();
            let checkpoint = matches!(message, Message::Checkpoint { .. });
            whole.take(message);
            if checkpoint {
                at_checkpoints.push(whole.clone());
            }
        }
        drop(inlet);
    };
    let reading = Postgres.read(&session, &plan, from.clone(), outlet);
    let (read, ()) = tokio::join!(reading, host);
    assert!(
        matches!(read, Ok(()) | Err(ConnectError::Cancelled)),
        "{read:?}"
    );
    assert!(
        at_checkpoints.len() > 20,
        "{} checkpoints",
        at_checkpoints.len()
    );
    let select = "SELECT id::text, id || '|' || name FROM person";
    assert_eq!(whole.rows, table(&agency.url(), select).await);
    for mut mirror in at_checkpoints {
        // What one host has committed is not there any more for one that is behind it.
        mirror
            .read_unacknowledged(&session, &plan, whole.log.len())
            .await;
        assert_eq!(mirror.log, whole.log);
        assert_eq!(mirror.rows, whole.rows);
    }
}

#[tokio::test]
async fn what_was_read_of_a_killed_first_reading_stays_good() {
    let Some(agency) = Agency::with("cdc_first", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person SELECT generate_series(1, 1000), 'a', ''")
        .await;
    let (session, plan) = (
        agency.publishing(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async {
        while mirror.checkpoints < 3 {
            mirror.take(inlet.receive().await.unwrap().unwrap());
        }
        drop(inlet);
    };
    let (read, ()) = tokio::join!(Postgres.read(&session, &plan, None, outlet), host);
    assert_eq!(read, Err(ConnectError::Cancelled));
    agency
        .run("DELETE FROM person WHERE id IN (7, 700); UPDATE person SET name = 'b' WHERE id IN (8, 800);
              INSERT INTO person VALUES (-5, 'new', '')")
        .await;
    mirror.read(&session, &plan).await.unwrap();
    let select = "SELECT id::text, id || '|' || name FROM person";
    assert_eq!(mirror.rows, table(&agency.url(), select).await);
}
