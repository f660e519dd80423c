//! What comes through a driver is what comes through the kind that speaks the database's own protocol.

use rabt_connect::{
    Batch, Cell, Connector, Filter, Message, Mode, Outlet, Plan, Position, Session,
};
use rabt_connector_mysql::Mysql;
use rabt_connector_postgres::Postgres;
use rabt_connector_sqlite::Sqlite;

use super::agency::{Agency, Driver};
use crate::Odbc;

/// A row as text, absences in angle brackets.
type Shown = Vec<String>;

fn show(batch: &Batch, row: usize) -> Shown {
    let columns = 0..batch.columns().len();
    let cell = |column| match batch.cell(row, column) {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "<null>".to_owned(),
        Cell::Unchanged => "<unchanged>".to_owned(),
        Cell::Unreadable(fault) => format!("<{}>", fault.code()),
    };
    columns.map(cell).collect()
}

/// Reads from a position to the end; returns the rows and the positions.
pub(super) async fn read(
    connector: &dyn Connector,
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> (Vec<Shown>, Vec<Position>) {
    let (outlet, mut inlet) = Outlet::channel(4);
    let taking = async {
        let (mut rows, mut positions) = (Vec::new(), Vec::new());
        while let Some(message) = inlet.receive().await.unwrap() {
            match message {
                Message::Rows(batch) => rows.extend((0..batch.rows()).map(|row| show(&batch, row))),
                Message::Checkpoint { position, .. } => positions.push(position),
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        (rows, positions)
    };
    let (result, taken) =
        futures::future::join(connector.read(session, plan, from, outlet), taking).await;
    result.unwrap();
    taken
}

pub(super) fn plan(table: &str, columns: &[&str], key: &[&str]) -> Plan {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.to_owned(),
        key: own(key),
        columns: own(columns),
        mode: Mode::Snapshot,
        chunk_rows: 2,
    }
}

/// Reads a table both ways, as a snapshot, by its cursor `seen` and without a key, and compares.
async fn compare(agency: &Agency, native: &dyn Connector, config: &str, columns: &[&str]) {
    let through = agency.session();
    let own = Session::new("tax".parse().unwrap(), config.parse().unwrap(), "/");
    let mut incremental = plan("people", columns, &["id"]);
    incremental.mode = Mode::Incremental {
        cursor: "seen".to_owned(),
        lag: None,
    };
    let keyless = plan("people", columns, &[]);
    for plan in [plan("people", columns, &["id"]), incremental, keyless] {
        let (mut expected, _) = read(native, &own, &plan, None).await;
        let (mut found, positions) = read(&Odbc, &through, &plan, None).await;
        if plan.key.is_empty() {
            expected.sort();
            found.sort();
        }
        assert!(!expected.is_empty());
        assert_eq!(found, expected);
        // Also from the last page on, and once more at the end of all.
        let from = positions.into_iter().next();
        let (rest, _) = read(&Odbc, &through, &plan, from).await;
        if !plan.key.is_empty() {
            assert_eq!(rest, expected[2..]);
        }
    }
    let filter = Filter::default();
    let known = |tables: Vec<rabt_connect::Table>| -> Vec<(String, Vec<String>, Vec<String>)> {
        let columns = |table: &rabt_connect::Table| {
            table
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect()
        };
        tables
            .into_iter()
            .map(|table| (table.name.clone(), columns(&table), table.key))
            .collect()
    };
    let expected = known(native.discover(&own, &filter).await.unwrap());
    assert_eq!(
        known(Odbc.discover(&through, &filter).await.unwrap()),
        expected
    );
}

#[tokio::test]
async fn sqlite_gives_what_the_kind_sqlite_gives() {
    let Some(agency) = Agency::new(Driver::Sqlite) else {
        return;
    };
    agency.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, weight REAL, born DATE, seen INTEGER NOT NULL, \
         note VARCHAR(10))",
    );
    agency.run(
        "INSERT INTO people VALUES (1, char(0x645, 0x646, 0x649), 61.25, '1984-02-11', 10, NULL), \
         (2, '', NULL, '0000-00-00', 20, 'longer than its column says it may be'), \
         (3, char(0x1f469) || ' O''Brien', -0.5, '11/02/1984', 20, ''), (-4, NULL, 3, NULL, 30, '  x '), \
         (9223372036854775807, 'last', 1, '', 40, char(0x200f))",
    );
    agency.run("CREATE VIEW v AS SELECT id FROM people");
    let config = format!("path = '{}'", agency.name);
    let columns = ["name", "id", "born", "seen", "note"];
    compare(&agency, &Sqlite, &config, &columns).await;
}

#[tokio::test]
async fn postgres_gives_what_the_kind_postgres_gives() {
    let Some(agency) = Agency::new(Driver::Postgres) else {
        return;
    };
    agency.run("CREATE TYPE sex AS ENUM ('male', 'female')");
    agency.run(
        "CREATE TABLE people (id bigserial PRIMARY KEY, name varchar(60), born date, seen timestamptz NOT NULL, \
         weight double precision, worth numeric(20, 4), alive boolean, sex sex, code uuid, tags text[], code2 char(4), \
         \"الاسم\" text, at time)",
    );
    agency.run(
        "INSERT INTO people (name, born, seen, weight, worth, alive, sex, code, tags, code2, \"الاسم\", at) VALUES \
         ('Mona', '1984-02-11', '2024-01-01 10:00:00.123456+02', 0.1, 12.5, true, 'female', \
          '00112233-4455-6677-8899-aabbccddeeff', '{a,\"b c\"}', 'x', 'منى', '10:11:12.5'), \
         ('', 'infinity', '2024-01-01 10:00:00.123457+02', 'NaN', 'NaN', false, 'male', NULL, '{}', '', '', NULL), \
         (NULL, '0044-03-15 BC', '2024-01-01 10:00:00.123457+02', 1e300, -0.0001, NULL, NULL, NULL, NULL, NULL, '👩🏽‍⚕️', NULL), \
         ('back\\slash ''quoted'' ?', '9999-12-31', '2024-06-01', 3, 99999999999999.9999, true, 'male', NULL, NULL, 'abcd', \
          repeat('ي', 20000), NULL), \
         ('last', NULL, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, repeat('x', 65537), NULL)",
    );
    agency.run("CREATE VIEW v AS SELECT id FROM people");
    let url = std::env::var("RABT_TEST_POSTGRES_URL").unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let config = format!("url = '{server}/{}'", agency.name);
    let columns = [
        "name",
        "id",
        "born",
        "seen",
        "weight",
        "worth",
        "alive",
        "sex",
        "code",
        "tags",
        "code2",
        "الاسم",
        "at",
    ];
    compare(&agency, &Postgres, &config, &columns).await;
}

#[tokio::test]
async fn mariadb_gives_what_the_kind_mysql_gives() {
    let Some(agency) = Agency::new(Driver::Mariadb) else {
        return;
    };
    agency.run(
        "CREATE TABLE people (id bigint unsigned PRIMARY KEY, name varchar(60), born date, seen datetime(6) NOT NULL, \
         weight double, worth decimal(20, 4), alive tinyint(1), sex enum('male', 'female'), flags set('a', 'b'), \
         `الاسم` mediumtext, y year, t time) CHARACTER SET utf8mb4",
    );
    agency.run(
        "INSERT INTO people VALUES \
         (1, 'Mona', '1984-02-11', '2024-01-01 10:00:00.123456', 0.1, 12.5, 1, 'female', 'a,b', 'منى', 1984, '10:11:12'), \
         (2, '', NULL, '2024-01-01 10:00:00.123457', -1.5, NULL, 0, 'male', '', '', NULL, '-100:00:00'), \
         (3, NULL, '9999-12-31', '2024-01-01 10:00:00.123457', 1e300, -0.0001, NULL, NULL, NULL, '👩🏽‍⚕️', 0, NULL), \
         (9223372036854775808, 'back\\\\slash ''q'' ?', NULL, '2024-06-01', 3, 99999999999999.9999, 1, NULL, NULL, \
          REPEAT('ي', 20000), NULL, NULL), \
         (18446744073709551615, 'last', NULL, '2025-06-01', NULL, NULL, NULL, NULL, NULL, REPEAT('x', 65537), NULL, NULL)",
    );
    agency.run("CREATE VIEW v AS SELECT id FROM people");
    let url = std::env::var("RABT_TEST_MYSQL_URL").unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let config = format!("url = '{server}/{}'", agency.name);
    let columns = [
        "name",
        "id",
        "born",
        "seen",
        "weight",
        "worth",
        "alive",
        "sex",
        "flags",
        "الاسم",
        "y",
        "t",
    ];
    compare(&agency, &Mysql, &config, &columns).await;
}
