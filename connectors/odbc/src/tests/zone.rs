//! Servers whose zone has the hour of autumn that comes twice.

use std::time::Duration;

use rabt_connect::{Connector, Mode, Plan, Session};
use rabt_connector_mysql::Mysql;
use rabt_connector_postgres::Postgres;

use super::agency::{Agency, Driver};
use super::equal::{plan, read};
use crate::Odbc;

/// Returns a session whose server is in Cairo, as the driver's own words set it.
fn in_cairo(agency: &Agency) -> Session {
    let zone = match agency.driver {
        Driver::Mariadb => ";InitStmt={SET time_zone = '+03:00'}",
        Driver::Postgres => ";ConnSettings={SET TimeZone TO 'Africa/Cairo'}",
        Driver::Sqlite => "",
    };
    let connection = format!("{}{zone}", agency.connection(&agency.name));
    let config = agency.config_with(&[("connection", &connection)]);
    Session::new("tax".parse().unwrap(), config, "/")
}

fn by_cursor(lag: Option<Duration>) -> Plan {
    let mut plan = plan("people", &["id", "seen"], &["id"]);
    plan.mode = Mode::Incremental {
        cursor: "seen".to_owned(),
        lag,
    };
    plan
}

/// Moments are told apart in the hour that comes twice: pages go on, end, and come once, and their text is
/// what the database's own kind gives.
#[tokio::test]
async fn moments_of_the_hour_that_comes_twice_come_once() {
    for (driver, kind) in [
        (Driver::Mariadb, "timestamp(6) NULL"),
        (Driver::Postgres, "timestamptz"),
    ] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run(&format!(
            "CREATE TABLE people (id bigint PRIMARY KEY, seen {kind})"
        ));
        // From an hour before to an hour behind the end of summer time in Cairo, 20:00 to 23:00 UTC.
        for (id, second) in (0..36).map(|step| (step, 1_730_404_800 + step * 300)) {
            let moment = match driver {
                Driver::Mariadb => format!("FROM_UNIXTIME({second})"),
                Driver::Postgres | Driver::Sqlite => format!("to_timestamp({second})"),
            };
            agency.run(&format!("INSERT INTO people VALUES ({id}, {moment})"));
        }
        let native: &dyn Connector = match driver {
            Driver::Mariadb => &Mysql,
            Driver::Postgres | Driver::Sqlite => &Postgres,
        };
        let own = Session::new("tax".parse().unwrap(), own_config(&agency), "/");
        let expected = read(native, &own, &by_cursor(None), None).await.0;
        assert_eq!(expected.len(), 36);
        let (found, positions) = read(&Odbc, &in_cairo(&agency), &by_cursor(None), None).await;
        assert_eq!(found, expected, "{driver:?}");
        // A host that is killed at any checkpoint goes on behind it.
        for (at, position) in positions.iter().enumerate().take(positions.len() - 1) {
            let from = Some(position.clone());
            let (rest, _) = read(&Odbc, &in_cairo(&agency), &by_cursor(None), from).await;
            assert_eq!(rest[..], expected[(at + 1) * 2..], "{driver:?}");
        }
    }
}

fn own_config(agency: &Agency) -> toml::Table {
    let variable = match agency.driver {
        Driver::Mariadb => "RABT_TEST_MYSQL_URL",
        Driver::Postgres | Driver::Sqlite => "RABT_TEST_POSTGRES_URL",
    };
    let url = std::env::var(variable).unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), format!("{server}/{}", agency.name).into());
    config
}

/// A column of local times goes back by an hour once a year; what is written then is not overlooked east
/// of Greenwich, where the position follows the clock of UTC.
#[tokio::test]
async fn local_times_that_go_back_by_an_hour_are_read() {
    for (driver, kind, ahead) in [
        (
            Driver::Mariadb,
            "datetime(6)",
            [
                "UTC_TIMESTAMP(6) + INTERVAL 3 HOUR",
                "UTC_TIMESTAMP(6) + INTERVAL 2 HOUR",
            ],
        ),
        (
            Driver::Postgres,
            "timestamp",
            [
                "now() AT TIME ZONE 'UTC' + '3 h'",
                "now() AT TIME ZONE 'UTC' + '2 h'",
            ],
        ),
    ] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        agency.run(&format!(
            "CREATE TABLE people (id bigint PRIMARY KEY, seen {kind} NOT NULL)"
        ));
        let native: &dyn Connector = match driver {
            Driver::Mariadb => &Mysql,
            Driver::Postgres | Driver::Sqlite => &Postgres,
        };
        let own = Session::new("tax".parse().unwrap(), own_config(&agency), "/");
        let [summer, winter] = ahead;
        for (connector, session, id) in [
            (&Odbc as &dyn Connector, in_cairo(&agency), 1),
            (native, own, 10),
        ] {
            agency.run(&format!("INSERT INTO people SELECT {id}, {summer}"));
            let (_, positions) = read(connector, &session, &by_cursor(None), None).await;
            agency.run(&format!("INSERT INTO people SELECT {id} + 1, {winter}"));
            let from = positions.into_iter().last();
            let (rows, _) = read(connector, &session, &by_cursor(None), from).await;
            let came = rows.iter().any(|row| row[0] == (id + 1).to_string());
            assert!(came, "{driver:?}: {rows:?}");
        }
    }
}
