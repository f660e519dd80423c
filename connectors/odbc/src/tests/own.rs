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
