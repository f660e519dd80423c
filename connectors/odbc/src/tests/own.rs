//! What is particular to drivers.

use std::collections::BTreeSet;

use rabt_connect::{Connector, Mode, Outcome};

use super::agency::{Agency, Driver};
use super::equal::{plan, read};
use crate::Odbc;

const ALL: [Driver; 3] = [Driver::Sqlite, Driver::Postgres, Driver::Mariadb];

/// Keys that the database holds to be equal and that are not the same text never stand on both sides
/// of a checkpoint.
#[tokio::test]
async fn keys_that_only_the_database_holds_to_be_equal_are_read_once() {
    for driver in ALL {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        let kind = match driver {
            Driver::Sqlite => "varchar(20) COLLATE NOCASE",
            Driver::Postgres | Driver::Mariadb => "varchar(20)",
        };
        agency.run(&format!("CREATE TABLE people (code {kind}, n bigint)"));
        let mut all = BTreeSet::new();
        for (number, code) in ["a", "A", "á", "b", "B", "b", "c", "C", "d"]
            .iter()
            .enumerate()
        {
            agency.run(&format!("INSERT INTO people VALUES ('{code}', {number})"));
            all.insert(number.to_string());
        }
        agency.run("INSERT INTO people VALUES (NULL, 100), (NULL, 101)");
        all.extend(["100".to_owned(), "101".to_owned()]);
        let plan = plan("people", &["n"], &["code"]);
        let session = agency.session();
        let (whole, positions) = read(&Odbc, &session, &plan, None).await;
        let (mut rows, mut position, mut runs) = (Vec::new(), None, 0);
        // A host that is killed at each checkpoint keeps what lies before it.
        for next in &positions {
            let (rest, _) = read(&Odbc, &session, &plan, position.take()).await;
            let (after, _) = read(&Odbc, &session, &plan, Some(next.clone())).await;
            let last = runs + 1 == positions.len();
            let kept = if last {
                rest.len()
            } else {
                rest.len() - after.len()
            };
            rows.extend(rest.into_iter().take(kept));
            position = Some(next.clone());
            runs += 1;
        }
        for rows in [whole, rows] {
            assert_eq!(rows.len(), all.len(), "{driver:?}: {rows:?}");
            let found: BTreeSet<String> = rows.into_iter().flatten().collect();
            assert_eq!(found, all, "{driver:?}");
        }
        assert!(runs > 3, "{driver:?}");
    }
}

/// Bytes are told of without being fetched.
#[tokio::test]
async fn bytes_are_binary_and_null_is_null() {
    for (driver, kind, value) in [
        (Driver::Sqlite, "blob", "x'00ff'"),
        (Driver::Mariadb, "blob", "x'00ff'"),
    ] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run(&format!(
            "CREATE TABLE people (id bigint PRIMARY KEY, photo {kind})"
        ));
        agency.run(&format!(
            "INSERT INTO people VALUES (1, {value}), (2, NULL)"
        ));
        let plan = plan("people", &["id", "photo"], &["id"]);
        let (rows, _) = read(&Odbc, &agency.session(), &plan, None).await;
        assert_eq!(rows, [["1", "<binary>"], ["2", "<null>"]], "{driver:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_holds_null_is_refused() {
    for driver in ALL {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run("CREATE TABLE people (id bigint PRIMARY KEY, seen bigint)");
        agency.run("INSERT INTO people VALUES (1, 1), (2, NULL)");
        let mut plan = plan("people", &["id"], &["id"]);
        plan.mode = Mode::Incremental {
            cursor: "seen".to_owned(),
            lag: None,
        };
        let (outlet, _inlet) = rabt_connect::Outlet::channel(4);
        let error = Odbc
            .read(&agency.session(), &plan, None, outlet)
            .await
            .unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(error.to_string().contains("cursor 'seen'"), "{error}");
    }
}

/// The session cannot write, whatever the account may.
#[tokio::test]
async fn a_session_cannot_write() {
    for driver in ALL {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run("CREATE TABLE people (id bigint PRIMARY KEY)");
        let session = agency.session();
        let written = tokio::task::spawn_blocking(move || {
            let database = crate::connection::Database::open(&session).unwrap();
            let insert = "INSERT INTO people VALUES (1)";
            database.connection.execute(insert, (), None).is_ok()
        });
        assert!(!written.await.unwrap(), "{driver:?}");
        let plan = plan("people", &["id"], &["id"]);
        assert!(
            read(&Odbc, &agency.session(), &plan, None)
                .await
                .0
                .is_empty()
        );
    }
}

#[tokio::test]
async fn findings_name_the_product() {
    for driver in ALL {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        let findings = Odbc.check(&agency.session()).await;
        let product = findings
            .iter()
            .find(|finding| finding.id == "product")
            .unwrap();
        assert_eq!(product.outcome, Outcome::Pass, "{findings:?}");
    }
}

/// A time in the future does not carry the position past now.
#[tokio::test]
async fn a_cursor_in_the_future_hides_nothing() {
    for (driver, kind) in [
        (Driver::Postgres, "timestamptz"),
        (Driver::Mariadb, "datetime(6)"),
    ] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run(&format!(
            "CREATE TABLE people (id bigint PRIMARY KEY, seen {kind} NOT NULL)"
        ));
        agency.run("INSERT INTO people VALUES (1, '2024-01-01'), (2, '2999-01-01')");
        let mut plan = plan("people", &["id"], &["id"]);
        plan.mode = Mode::Incremental {
            cursor: "seen".to_owned(),
            lag: Some(std::time::Duration::from_mins(1)),
        };
        let session = agency.session();
        let (rows, positions) = read(&Odbc, &session, &plan, None).await;
        assert_eq!(rows, [["1"], ["2"]], "{driver:?}");
        agency.run("INSERT INTO people SELECT 3, CURRENT_TIMESTAMP");
        let from = positions.into_iter().last();
        let (rows, _) = read(&Odbc, &session, &plan, from).await;
        assert_eq!(rows, [["3"], ["2"]], "{driver:?}");
    }
}

/// Keys and cursors whose text does not say where a row stands are refused, with the column's name and
/// a remedy; `check` names them before.
#[tokio::test]
async fn bytes_and_approximate_numbers_are_no_key_and_no_cursor() {
    for (driver, kinds) in [
        (Driver::Sqlite, ["blob", "double"]),
        (Driver::Postgres, ["bytea", "double precision"]),
        (Driver::Mariadb, ["binary(16)", "float"]),
    ] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        for (table, kind) in ["bytes", "approximate"].iter().zip(kinds) {
            agency.run(&format!(
                "CREATE TABLE {table} (id {kind} NOT NULL PRIMARY KEY, n bigint)"
            ));
            let by_key = plan(table, &["n"], &["id"]);
            let mut by_cursor = plan(table, &["n"], &["n"]);
            by_cursor.mode = Mode::Incremental {
                cursor: "id".to_owned(),
                lag: None,
            };
            for (plan, of) in [(by_key, "key 'id'"), (by_cursor, "cursor 'id'")] {
                let (outlet, _inlet) = rabt_connect::Outlet::channel(4);
                let read = Odbc.read(&agency.session(), &plan, None, outlet).await;
                let error = read.unwrap_err();
                assert_eq!(error.name(), "configuration", "{driver:?} {kind}: {error}");
                let text = error.to_string();
                assert!(text.contains(table) && text.contains(of), "{text}");
                assert!(error.remedy().contains("view"), "{text}");
            }
        }
        let findings = Odbc.check(&agency.session()).await;
        let keys = findings.iter().find(|finding| finding.id == "keys");
        let keys = format!("{:?}", keys.unwrap());
        assert!(keys.contains("approximate.id, bytes.id"), "{keys}");
    }
}

/// MariaDB orders choices by their number and gives them as text: rows are read once, in whatever order,
/// also behind each checkpoint.
#[tokio::test]
async fn choices_in_a_key_or_cursor_lose_no_row() {
    let Some(agency) = Agency::new(Driver::Mariadb) else {
        return;
    };
    agency.run(
        "CREATE TABLE people (kind enum('z', 'ي', 'A', 'a', 'b', '10', '9') \
         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, flags set('y', 'x') NOT NULL, n bigint, \
         PRIMARY KEY (kind, flags))",
    );
    let mut all = Vec::new();
    for kind in ["z", "ي", "A", "a", "b", "10", "9"] {
        for flags in ["", "y", "x", "y,x"] {
            let n = all.len();
            agency.run(&format!(
                "INSERT INTO people VALUES ('{kind}', '{flags}', {n})"
            ));
            all.push(vec![n.to_string()]);
        }
    }
    all.sort();
    let by_key = plan("people", &["n"], &["kind", "flags"]);
    let mut by_cursor = plan("people", &["n"], &["n"]);
    by_cursor.mode = Mode::Incremental {
        cursor: "kind".to_owned(),
        lag: None,
    };
    let session = agency.session();
    for plan in [by_key, by_cursor] {
        let (whole, positions) = read(&Odbc, &session, &plan, None).await;
        let mut sorted = whole.clone();
        sorted.sort();
        assert_eq!(sorted, all, "{plan:?}");
        for (at, position) in positions.iter().enumerate().take(positions.len() - 1) {
            let (rest, _) = read(&Odbc, &session, &plan, Some(position.clone())).await;
            assert_eq!(rest[..], whole[whole.len().min((at + 1) * 2)..], "{plan:?}");
        }
    }
}
