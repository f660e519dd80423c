//! Against a server, when `RABT_TEST_MYSQL_URL` names one; a database for each test.

mod changes;
mod compliance;
mod mirror;
mod own;
mod phases;
mod refused;
mod servers;
mod values;

use std::time::Duration;

use rabt_connect::{
    Cell, ConnectError, Connector, Filter, Message, Mode, Outcome, Outlet, Plan, Position, Session,
};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use crate::Mysql;

/// A database that lives as long as its test.
struct Agency {
    server: String,
    name: String,
    /// The server when it is one of the test's own.
    own: Option<own::OwnServer>,
}

impl Agency {
    async fn with(name: &str, statements: &str) -> Option<Self> {
        let Ok(server) = std::env::var("RABT_TEST_MYSQL_URL") else {
            let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
            assert!(
                !required,
                "RABT_TEST_MYSQL_URL is not set and RABT_REQUIRE_LANES=all"
            );
            eprintln!("skipped: no MariaDB");
            return None;
        };
        Some(Self::at(server, name, statements).await)
    }

    async fn at(server: String, name: &str, statements: &str) -> Self {
        let name = format!("rabt_kind_{name}_{}", std::process::id());
        let agency = Self {
            server,
            name,
            own: None,
        };
        agency
            .on_server(&format!("CREATE DATABASE {}", agency.name))
            .await;
        let mut connection = MySqlConnection::connect(&agency.url()).await.unwrap();
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(statements)))
            .await
            .unwrap();
        connection.close().await.unwrap();
        agency
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = MySqlConnection::connect(&self.server).await.unwrap();
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    async fn run(&self, statement: &str) {
        let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
        connection.close().await.unwrap();
    }

    fn session(&self) -> Session {
        session(&self.url())
    }
}

impl Drop for Agency {
    /// Drops the database, also after a failed test. A test's own runtime cannot be waited for.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut connection = MySqlConnection::connect(&server).await.unwrap();
                let statement = format!("DROP DATABASE {name}");
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
            });
        });
        if dropping.join().is_err() {
            eprintln!("a test's database stays behind");
        }
    }
}

fn session(url: &str) -> Session {
    let mut config = toml::Table::new();
    config.insert("url".into(), url.into());
    Session::new("tax".parse().unwrap(), config, "/")
}

fn plan(table: &str, key: &[&str], columns: &[&str]) -> Plan {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.into(),
        key: owned(key),
        columns: owned(columns),
        mode: Mode::Snapshot,
        chunk_rows: 3,
    }
}

/// What a read sent: rows as text, `∅` for null, the fault's code for an unreadable cell; and the
/// positions with the number of rows before each.
#[derive(Debug, Default)]
struct Sent {
    rows: Vec<String>,
    positions: Vec<(usize, Position)>,
}

async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> Result<Sent, ConnectError> {
    let (outlet, mut inlet) = Outlet::channel(2);
    let mut sent = Sent::default();
    let host = async {
        while let Some(message) = inlet.receive().await.unwrap() {
            match message {
                Message::Rows(batch) => {
                    for row in 0..batch.rows() {
                        let cells = (0..batch.columns().len()).map(|c| match batch.cell(row, c) {
                            Cell::Text(text) => text.to_owned(),
                            Cell::Null => "∅".to_owned(),
                            Cell::Unchanged => "unchanged".to_owned(),
                            Cell::Unreadable(fault) => fault.code().to_owned(),
                        });
                        sent.rows.push(cells.collect::<Vec<_>>().join("|"));
                    }
                }
                Message::Checkpoint { position, .. } => {
                    sent.positions.push((sent.rows.len(), position));
                }
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
    };
    let (outcome, ()) = tokio::join!(Mysql.read(session, plan, from, outlet), host);
    outcome.map(|()| sent)
}

#[tokio::test]
async fn values_arrive_as_the_server_writes_them() {
    let Some(agency) = Agency::with(
        "values",
        "CREATE TABLE person (id bigint unsigned PRIMARY KEY, born date, paid decimal(20, 4),
           share double, grade enum('أ', 'ب'), tags set('a', 'b'), seen timestamp NULL, raw blob,
           code int(6) zerofill, latin varchar(20) CHARACTER SET latin1, flag bit(1), note mediumtext);
         SET sql_mode = '';
         INSERT INTO person VALUES
           (18446744073709551615, '0000-00-00', 12.5, 0.1, 'أ', 'a,b', '2024-03-01 08:00:00',
             UNHEX('00ff'), 42, 'Müller', b'1', ''),
           (2, '1984-02-11', NULL, NULL, NULL, NULL, NULL, 'text', NULL, NULL, NULL,
             REPEAT('x', 1000000));",
    )
    .await
    else {
        return;
    };
    let columns = [
        "id", "born", "paid", "share", "grade", "tags", "seen", "raw", "code", "latin", "flag",
        "note",
    ];
    let sent = read(&agency.session(), &plan("person", &["id"], &columns), None)
        .await
        .unwrap();
    assert_eq!(
        sent.rows,
        [
            "2|1984-02-11|∅|∅|∅|∅|∅|text|∅|∅|∅|too_long",
            "18446744073709551615|0000-00-00|12.5000|0.1|أ|a,b|2024-03-01 08:00:00|not_text|000042|Müller|1|",
        ]
    );
}

#[tokio::test]
async fn every_checkpoint_resumes_without_loss_or_repeat() {
    let Some(agency) = Agency::with(
        "resume",
        "CREATE TABLE unique_key (a int, b varchar(9), v text, PRIMARY KEY (a, b));
         INSERT INTO unique_key SELECT seq DIV 2, CONCAT('k', seq MOD 2), seq FROM seq_1_to_20;
         CREATE TABLE numbers (n bigint unsigned PRIMARY KEY);
         INSERT INTO numbers SELECT 18446744073709551600 + seq FROM seq_1_to_9;
         CREATE TABLE exact (n decimal(30, 4) PRIMARY KEY);
         INSERT INTO exact SELECT 12345678901234567890.0001 + seq / 10000 FROM seq_1_to_9;
         CREATE TABLE words (n enum('zz', 'bb', 'aa', 'cc') PRIMARY KEY);
         INSERT INTO words VALUES ('aa'), ('bb'), ('cc'), ('zz');
         CREATE TABLE floats (n float PRIMARY KEY);
         INSERT INTO floats SELECT seq / 10 FROM seq_1_to_9;
         CREATE TABLE bytes (n binary(2) PRIMARY KEY);
         INSERT INTO bytes SELECT UNHEX(LPAD(HEX(seq * 31), 4, '0')) FROM seq_1_to_9;
         CREATE TABLE days (n date PRIMARY KEY);
         INSERT INTO days SELECT '2024-01-01' + INTERVAL seq DAY FROM seq_1_to_9;
         CREATE VIEW no_promise AS SELECT a, v FROM unique_key UNION ALL SELECT NULL, 'null key';
         CREATE TABLE keyless AS SELECT seq AS v FROM seq_1_to_5;
         CREATE TABLE nothing (id int PRIMARY KEY);",
    )
    .await
    else {
        return;
    };
    let session = agency.session();
    for (table, key, columns, rows, checkpoints) in [
        ("unique_key", vec!["a", "b"], vec!["a", "b", "v"], 20, 7),
        ("numbers", vec!["n"], vec!["n"], 9, 4),
        ("exact", vec!["n"], vec!["n"], 9, 4),
        ("words", vec!["n"], vec!["n"], 4, 2),
        ("floats", vec!["n"], vec!["n"], 9, 4),
        ("bytes", vec!["n"], vec!["n"], 9, 4),
        ("days", vec!["n"], vec!["n"], 9, 4),
        ("no_promise", vec!["a"], vec!["v", "a"], 21, 0),
        ("keyless", vec![], vec!["v"], 5, 1),
        ("nothing", vec!["id"], vec!["id"], 0, 1),
    ] {
        let plan = plan(table, &key, &columns);
        let whole = read(&session, &plan, None).await.unwrap();
        assert_eq!(whole.rows.len(), rows, "{table}");
        if checkpoints > 0 {
            assert_eq!(whole.positions.len(), checkpoints, "{table}");
        }
        for (before, position) in &whole.positions {
            let rest = read(&session, &plan, Some(position.clone())).await.unwrap();
            assert_eq!(
                rest.rows,
                whole.rows[*before..],
                "{table} behind row {before}"
            );
        }
    }
}

#[tokio::test]
async fn a_cursor_loses_nothing() {
    let Some(agency) = Agency::with(
        "cursor",
        "CREATE TABLE person (id int PRIMARY KEY, changed datetime NOT NULL, late datetime);
         INSERT INTO person SELECT seq, '2024-01-01' + INTERVAL (seq DIV 3) HOUR, NULL
           FROM seq_1_to_10;",
    )
    .await
    else {
        return;
    };
    let session = agency.session();
    let mut plan = plan("person", &["id"], &["id", "changed"]);
    let cursor = "changed".to_owned();
    plan.mode = Mode::Incremental { cursor, lag: None };
    let whole = read(&session, &plan, None).await.unwrap();
    assert_eq!(whole.rows.len(), 10);
    for (before, position) in &whole.positions[..whole.positions.len() - 1] {
        let rest = read(&session, &plan, Some(position.clone())).await.unwrap();
        assert_eq!(rest.rows, whole.rows[*before..]);
    }
    let (_, last) = whole.positions.last().unwrap().clone();
    agency
        .run("INSERT INTO person VALUES (0, '2024-01-01 03:00', NULL), (99, '2999-01-01', NULL)")
        .await;
    let next = read(&session, &plan, Some(last)).await.unwrap();
    assert!(
        next.rows.contains(&"0|2024-01-01 03:00:00".to_owned()),
        "{:?}",
        next.rows
    );
    let (_, last) = next.positions.last().unwrap().clone();
    agency
        .run("INSERT INTO person VALUES (100, UTC_TIMESTAMP() + INTERVAL 1 MINUTE, NULL)")
        .await;
    let next = read(&session, &plan, Some(last.clone())).await.unwrap();
    assert_eq!(
        next.rows.len(),
        2,
        "a date far ahead hides nothing: {:?}",
        next.rows
    );

    let lag = Some(Duration::from_hours(24 * 365 * 20));
    plan.mode = Mode::Incremental {
        cursor: "changed".into(),
        lag,
    };
    assert_eq!(
        read(&session, &plan, Some(last)).await.unwrap().rows.len(),
        13
    );

    plan.columns = vec!["id".into(), "late".into()];
    plan.mode = Mode::Incremental {
        cursor: "late".into(),
        lag: None,
    };
    assert_eq!(
        read(&session, &plan, None).await.unwrap_err().name(),
        "configuration"
    );
}

#[tokio::test]
async fn errors_name_class_thing_and_remedy() {
    let Some(agency) = Agency::with("errors", "CREATE TABLE `from` (`or``der` int)").await else {
        return;
    };
    let session_of = |change: &dyn Fn(&str) -> String| session(&change(&agency.url()));
    let good = plan("from", &[], &["or`der"]);
    assert!(read(&agency.session(), &good, None).await.is_ok());
    for (session, plan, class, named) in [
        (
            session_of(&|url| url.replace("rabt:rabt@", "rabt:wrong@")),
            &good,
            "configuration",
            "password",
        ),
        (
            session_of(&|url| format!("{url}_x")),
            &good,
            "configuration",
            "database",
        ),
        (
            session("mysql://u@127.0.0.1:1/x"),
            &good,
            "transient",
            "firewall",
        ),
        (
            session("mysql://u@no-such-host.invalid/x"),
            &good,
            "transient",
            "no-such-host",
        ),
        (
            agency.session(),
            &plan("form", &[], &["x"]),
            "configuration",
            "table form",
        ),
        (
            agency.session(),
            &plan("from", &[], &["order"]),
            "configuration",
            "did you mean 'or`der'",
        ),
        (
            agency.session(),
            &plan("fr\0m", &[], &["order"]),
            "configuration",
            "table",
        ),
    ] {
        let error = read(&session, plan, None).await.unwrap_err();
        assert_eq!(error.name(), class, "{error}");
        assert!(
            error.to_string().contains(named),
            "{error} does not name {named}"
        );
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    let position = read(&agency.session(), &good, None)
        .await
        .unwrap()
        .positions
        .remove(0)
        .1;
    let other = plan("from", &["or`der"], &["or`der"]);
    let error = read(&agency.session(), &other, Some(position))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "configuration");
}

#[tokio::test]
async fn a_cancelled_read_frees_the_server() {
    let Some(agency) = Agency::with(
        "cancel",
        "CREATE VIEW endless AS SELECT seq AS id FROM seq_1_to_100000000",
    )
    .await
    else {
        return;
    };
    let (outlet, mut inlet) = Outlet::channel(1);
    let (session, plan) = (agency.session(), plan("endless", &[], &["id"]));
    let host = async {
        inlet.receive().await.unwrap();
        drop(inlet);
    };
    let started = std::time::Instant::now();
    let (outcome, ()) = tokio::join!(Mysql.read(&session, &plan, None, outlet), host);
    assert_eq!(outcome, Err(ConnectError::Cancelled));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_session_cannot_write_and_has_a_timeout() {
    let Some(agency) = Agency::with(
        "session",
        "CREATE TABLE person (id int PRIMARY KEY); INSERT INTO person VALUES (1);
         CREATE FUNCTION writing() RETURNS int MODIFIES SQL DATA
           BEGIN INSERT INTO person VALUES (9); RETURN 9; END;
         CREATE VIEW writes AS SELECT writing() AS id;
         CREATE VIEW sleeps AS SELECT SLEEP(30) AS id;",
    )
    .await
    else {
        return;
    };
    let mut session = agency.session();
    session.protect.statement_timeout = Some(Duration::from_millis(300));
    assert!(
        read(&session, &plan("writes", &[], &["id"]), None)
            .await
            .is_err()
    );
    let error = read(&session, &plan("sleeps", &[], &["id"]), None)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "transient");
    assert_eq!(
        read(&session, &plan("person", &["id"], &["id"]), None)
            .await
            .unwrap()
            .rows,
        ["1"]
    );
}

#[tokio::test]
async fn check_and_discover_tell_what_there_is() {
    let Some(agency) = Agency::with(
        "discover",
        "CREATE TABLE person (a int, b varchar(9) NOT NULL, PRIMARY KEY (b, a));
         CREATE VIEW persons AS SELECT * FROM person;",
    )
    .await
    else {
        return;
    };
    let tables = Mysql
        .discover(&agency.session(), &Filter::default())
        .await
        .unwrap();
    let shown: Vec<String> = tables
        .iter()
        .map(|t| format!("{} {:?}", t.name, t.key))
        .collect();
    assert_eq!(shown, ["person [\"b\", \"a\"]", "persons []"]);
    assert_eq!(tables[0].columns[1].declared_type, "varchar(9)");
    let findings = Mysql.check(&agency.session()).await;
    assert!(
        findings
            .iter()
            .all(|finding| finding.outcome != Outcome::Fail),
        "{findings:?}"
    );
    assert!(
        findings
            .iter()
            .any(|f| f.id == "read_only" && f.outcome == Outcome::Warn)
    );
    let findings = Mysql.check(&session("mysql://u@127.0.0.1:1/x")).await;
    assert_eq!(
        (findings[0].id, findings[0].outcome),
        ("reach", Outcome::Fail)
    );
}
