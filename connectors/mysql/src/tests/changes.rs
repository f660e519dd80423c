//! Changes from the log of a server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rabt_connect::{ConnectError, Connector, Message, Outlet, Plan};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, followed, table};
use crate::Mysql;

const ROWS: &str = "SELECT CAST(id AS CHAR), CONCAT(id, '|', name) FROM person";

#[tokio::test]
async fn snapshot_and_stream_join_exactly() {
    let Some(agency) = Agency::with("log_join", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person SELECT seq, 'before', repeat('x', 50) FROM seq_1_to_20000")
        .await;
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name"]),
    );
    let mut mirror = Mirror::default();
    let read = AtomicBool::new(false);
    let writing = async {
        let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
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
    let Some(agency) = Agency::with("log_order", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person VALUES (1, 'a', ''), (2, 'b', '')")
        .await;
    let (session, plan) = (
        agency.logging(),
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
        "REPLACE INTO person VALUES (3, 'replaced', '')",
        "INSERT INTO person VALUES (1, 'aaa', '') ON DUPLICATE KEY UPDATE name = 'aaa'",
        "CREATE TABLE elsewhere (id int); INSERT INTO elsewhere VALUES (1)",
    ] {
        agency.run(statement).await;
    }
    let expected = [
        "+3|c",
        "+1|aa",
        "-2",
        "+22|∅",
        "-3",
        "+3|again",
        "+3|replaced",
        "+1|aaa",
    ];
    assert_eq!(mirror.news(&session, &plan).await, expected);
    assert!(mirror.news(&session, &plan).await.is_empty());
    agency
        .run("BEGIN; UPDATE person SET name = 'x'; ROLLBACK")
        .await;
    assert!(mirror.news(&session, &plan).await.is_empty());
}

#[tokio::test]
async fn an_emptied_table_ends_the_read_and_the_next_goes_on() {
    let Some(agency) = Agency::with("log_truncate", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person VALUES (1, 'a', ''), (2, 'b', '')")
        .await;
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run("TRUNCATE TABLE person; INSERT INTO person VALUES (3, 'c', '')")
        .await;
    assert_eq!(mirror.news(&session, &plan).await, ["truncated"]);
    assert_eq!(mirror.news(&session, &plan).await, ["+3|c"]);
    agency
        .run("CREATE OR REPLACE TABLE person (id int PRIMARY KEY, name text) SELECT 4 AS id, 'd' AS name")
        .await;
    let news = mirror.news(&session, &plan).await;
    assert_eq!(news, ["columns id,name", "truncated", "+4|d"]);
    assert_eq!(mirror.rows, table(&agency.url(), ROWS).await);
}

#[tokio::test]
async fn altered_tables_are_told_of() {
    let Some(agency) = Agency::with("log_ddl", PEOPLE).await else {
        return;
    };
    let (session, plan, mut mirror) = followed(&agency).await;
    for statement in [
        "INSERT INTO person VALUES (1, 'a', '')",
        "ALTER TABLE person ADD more text",
        "INSERT INTO person VALUES (2, 'b', '', '')",
        "ALTER TABLE person MODIFY note varchar(9)",
        "ALTER TABLE person DROP more",
        "INSERT INTO person VALUES (3, 'c', '')",
    ] {
        agency.run(statement).await;
    }
    let news = mirror.news(&session, &plan).await;
    let expected = [
        "+1|a",
        "columns id,name,note,more",
        "+2|b",
        "columns id,name,note",
        "+3|c",
    ];
    assert_eq!(news, expected);
    agency
        .run("ALTER TABLE person RENAME COLUMN name TO full_name")
        .await;
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(error.to_string().contains("no column 'name'"), "{error}");
    agency
        .run("INSERT INTO person VALUES (4, 'd', ''); ALTER TABLE person RENAME COLUMN full_name TO name")
        .await;
    assert_eq!(
        mirror.news(&session, &plan).await,
        ["columns id,full_name,note", "+4|no_column"],
        "the host stops at the first of them"
    );
}

#[tokio::test]
async fn a_column_of_another_type_stops_the_stream_behind_what_was_before() {
    let Some(agency) = Agency::with("log_retyped", PEOPLE).await else {
        return;
    };
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run(
            "INSERT INTO person VALUES (1, '7', ''); ALTER TABLE person MODIFY name int;
             INSERT INTO person VALUES (2, 8, '')",
        )
        .await;
    for _ in 0..2 {
        let error = mirror.read(&session, &plan).await.unwrap_err();
        assert_eq!(error.name(), "configuration");
        assert!(error.to_string().contains("column 'name'"), "{error}");
        assert!(error.remedy().contains("from the beginning"), "{error}");
        assert_eq!(mirror.log, ["+1|7"], "what came before is kept, once");
    }
    let mut anew = Mirror::default();
    assert_eq!(anew.news(&session, &plan).await, ["+1|7", "+2|8"]);
    // A text that became longer is the same text.
    agency
        .run("ALTER TABLE person MODIFY note longtext; INSERT INTO person VALUES (3, 9, '')")
        .await;
    let plan = changes("person", &["id"], &["id", "note"]);
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run("UPDATE person SET note = 'x' WHERE id = 1")
        .await;
    assert_eq!(mirror.news(&session, &plan).await, ["+1|x"]);
}

#[tokio::test]
async fn what_takes_rows_without_telling_stops_the_stream() {
    for (name, setup, statement, says) in [
        (
            "log_renamed",
            PEOPLE,
            "CREATE TABLE fresh LIKE person; RENAME TABLE person TO old, fresh TO person",
            "was renamed",
        ),
        (
            "log_partition",
            "CREATE TABLE person (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)
               (PARTITION p1 VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN (20))",
            "INSERT INTO person VALUES (1, 'a'); ALTER TABLE person TRUNCATE PARTITION p1",
            "by its partitions",
        ),
        (
            "log_text",
            PEOPLE,
            "SET SESSION binlog_format = 'STATEMENT'; INSERT INTO person VALUES (1, 'a', '')",
            "as text",
        ),
    ] {
        let Some(agency) = Agency::with(name, setup).await else {
            return;
        };
        let (session, plan) = (
            agency.logging(),
            changes("person", &["id"], &["id", "name"]),
        );
        let mut mirror = Mirror::default();
        mirror.read(&session, &plan).await.unwrap();
        agency.run(statement).await;
        let error = mirror.read(&session, &plan).await.unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.remedy().contains("from the beginning"), "{error}");
        let mut anew = Mirror::default();
        anew.read(&session, &plan).await.unwrap();
        assert_eq!(anew.rows, table(&agency.url(), ROWS).await, "{name}");
    }
}

#[tokio::test]
async fn parts_of_a_row_are_read_again() {
    let Some(agency) = Agency::with("log_minimal", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')")
        .await;
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["id", "name", "note"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run(
            "SET SESSION binlog_row_image = 'MINIMAL'; UPDATE person SET name = 'A' WHERE id = 1;
             UPDATE person SET id = 22 WHERE id = 2; DELETE FROM person WHERE id = 3;
             INSERT INTO person (id, name) VALUES (4, 'd')",
        )
        .await;
    let expected = ["+1|A|x", "-2", "+22|b|y", "-3", "+4|d|∅"];
    assert_eq!(mirror.news(&session, &plan).await, expected);
}

#[tokio::test]
async fn every_checkpoint_inside_a_transaction_resumes() {
    // The second is too large to be kept until its end.
    for (name, people, chunk) in [("log_parts", 350, 20), ("log_large", 15_000, 2_500)] {
        let Some(agency) = Agency::with(name, PEOPLE).await else {
            return;
        };
        let session = agency.logging();
        let plan = Plan {
            chunk_rows: chunk,
            ..changes("person", &["id"], &["id", "name"])
        };
        let mut start = Mirror::default();
        start.read(&session, &plan).await.unwrap();
        agency
            .run(&format!(
                "BEGIN; INSERT INTO person SELECT seq, 'new', '' FROM seq_1_to_{people};
                 SAVEPOINT a; CREATE TEMPORARY TABLE t (id int); UPDATE person SET name = 'never';
                 ROLLBACK TO a;
                 UPDATE person SET id = id + 100000 WHERE id % 2 = 0;
                 DELETE FROM person WHERE id % 5 = 0; COMMIT;
                 INSERT INTO person VALUES (9999999, 'last', '')"
            ))
            .await;
        let from = start.position.clone();
        let (outlet, mut inlet) = Outlet::channel(2);
        let mut at_checkpoints = Vec::new();
        let mut whole = start;
        let host = async {
            while whole.log.last().is_none_or(|last| last != "+9999999|last")
                || whole.position == from
            {
                let message = inlet.receive().await.unwrap().unwrap();
                let checkpoint = matches!(message, Message::Checkpoint { .. });
                whole.take(message);
                if checkpoint {
                    at_checkpoints.push(whole.clone());
                }
            }
            drop(inlet);
        };
        let reading = Mysql.read(&session, &plan, from.clone(), outlet);
        let (read, ()) = tokio::join!(reading, host);
        assert!(
            matches!(read, Ok(()) | Err(ConnectError::Cancelled)),
            "{read:?}"
        );
        assert!(at_checkpoints.len() > 8, "{}", at_checkpoints.len());
        assert!(!whole.log.iter().any(|line| line.contains("never")));
        assert_eq!(whole.rows, table(&agency.url(), ROWS).await);
        for mut mirror in at_checkpoints {
            mirror
                .read_unacknowledged(&session, &plan, whole.log.len())
                .await;
            assert_eq!(mirror.log.len(), whole.log.len());
            assert!(mirror.log == whole.log, "another order");
            assert_eq!(mirror.rows, whole.rows);
        }
    }
}

#[tokio::test]
async fn what_was_taken_back_is_not_told() {
    let Some(agency) = Agency::with(
        "log_back",
        "CREATE TABLE person (id int PRIMARY KEY, name text, note text);
         CREATE TABLE aside (id int) ENGINE = MyISAM",
    )
    .await
    else {
        return;
    };
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run(
            "BEGIN; INSERT INTO person VALUES (1, 'a', ''); CREATE TEMPORARY TABLE t (id int); ROLLBACK;
             BEGIN; INSERT INTO person VALUES (2, 'b', ''); INSERT INTO aside VALUES (1); ROLLBACK;
             BEGIN; INSERT INTO person VALUES (3, 'c', ''); SAVEPOINT x;
             INSERT INTO person VALUES (4, 'd', ''); INSERT INTO aside VALUES (1); ROLLBACK TO x;
             INSERT INTO person VALUES (5, 'e', ''); COMMIT",
        )
        .await;
    assert_eq!(mirror.news(&session, &plan).await, ["+3|c", "+5|e"]);
    assert_eq!(mirror.rows, table(&agency.url(), ROWS).await);
}

#[tokio::test]
async fn what_was_read_of_a_killed_first_reading_stays_good() {
    let Some(agency) = Agency::with("log_first", PEOPLE).await else {
        return;
    };
    agency
        .run("INSERT INTO person SELECT seq, 'a', '' FROM seq_1_to_1000")
        .await;
    let (session, plan) = (
        agency.logging(),
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
    let (read, ()) = tokio::join!(Mysql.read(&session, &plan, None, outlet), host);
    assert_eq!(read, Err(ConnectError::Cancelled));
    agency
        .run(
            "DELETE FROM person WHERE id IN (7, 700); UPDATE person SET name = 'b' WHERE id IN (8, 800);
             INSERT INTO person VALUES (-5, 'new', '')",
        )
        .await;
    mirror.read(&session, &plan).await.unwrap();
    assert_eq!(mirror.rows, table(&agency.url(), ROWS).await);
}
