//! Against a server, when `RABT_TEST_POSTGRES_URL` names one; a database for each test.

mod broken;
mod changes;
mod compliance;
mod mirror;
mod own;
mod refused;

use std::time::Duration;

use rabt_connect::{
    Cell, ConnectError, Connector, Filter, Message, Mode, Outcome, Outlet, Plan, Position, Session,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::Postgres;

/// A database that lives as long as its test.
struct Agency {
    server: String,
    name: String,
}

impl Agency {
    async fn with(name: &str, statements: &str) -> Option<Self> {
        let Ok(server) = std::env::var("RABT_TEST_POSTGRES_URL") else {
            let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
            assert!(
                !required,
                "RABT_TEST_POSTGRES_URL is not set and RABT_REQUIRE_LANES=all"
            );
            eprintln!("skipped: no PostgreSQL");
            return None;
        };
        let name = format!("rabt_kind_{name}_{}", std::process::id());
        let agency = Self { server, name };
        agency
            .on_server(&format!("CREATE DATABASE {}", agency.name))
            .await;
        let mut connection = PgConnection::connect(&agency.url()).await.unwrap();
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(statements)))
            .await
            .unwrap();
        connection.close().await.unwrap();
        Some(agency)
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    async fn run(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
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
                let mut connection = PgConnection::connect(&server).await.unwrap();
                let statement = format!("DROP DATABASE {name} WITH (FORCE)");
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
        schema: Some("public".into()),
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
    let (outcome, ()) = tokio::join!(Postgres.read(session, plan, from, outlet), host);
    outcome.map(|()| sent)
}

#[tokio::test]
async fn values_arrive_as_the_server_writes_them() {
    let Some(agency) = Agency::with(
        "values",
        "CREATE TYPE grade AS ENUM ('أ', 'ب');
         CREATE TABLE person (id bigint PRIMARY KEY, born date, paid numeric(20, 4), share float8,
           grade grade, tags text[], seen timestamptz, raw bytea, code char(6), note text);
         INSERT INTO person VALUES
           (1, 'infinity', 'NaN', 'NaN', 'أ', '{a,b}', '2024-03-01 10:00+02', '\\x00ff', 'ab', ''),
           (2, '0044-03-15 BC', 12.5, 0.1, NULL, NULL, NULL, NULL, NULL, repeat('x', 1000000));",
    )
    .await
    else {
        return;
    };
    let columns = [
        "id", "born", "paid", "share", "grade", "tags", "seen", "raw", "code", "note",
    ];
    let sent = read(&agency.session(), &plan("person", &["id"], &columns), None)
        .await
        .unwrap();
    assert_eq!(
        sent.rows,
        [
            "1|infinity|NaN|NaN|أ|{a,b}|2024-03-01 08:00:00+00|\\x00ff|ab|",
            "2|0044-03-15 BC|12.5000|0.1|∅|∅|∅|∅|∅|too_long",
        ]
    );
}

#[tokio::test]
async fn every_checkpoint_resumes_without_loss_or_repeat() {
    let Some(agency) = Agency::with(
        "resume",
        "CREATE TABLE unique_key (a int, b text, v text, PRIMARY KEY (a, b));
         INSERT INTO unique_key SELECT n / 2, 'k' || n % 2, n FROM generate_series(1, 20) n;
         CREATE VIEW no_promise AS SELECT a, v FROM unique_key
           UNION ALL SELECT NULL, 'null key';
         CREATE TABLE keyless AS SELECT n AS v FROM generate_series(1, 5) n;
         CREATE TABLE nothing (id int PRIMARY KEY);",
    )
    .await
    else {
        return;
    };
    let session = agency.session();
    for (table, key, columns, rows, checkpoints) in [
        ("unique_key", vec!["a", "b"], vec!["a", "b", "v"], 20, 7),
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
        "CREATE TABLE person (id int PRIMARY KEY, changed timestamp NOT NULL, late timestamp);
         INSERT INTO person SELECT n, timestamp '2024-01-01' + (n / 3) * interval '1 hour'
           FROM generate_series(1, 10) n;",
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
        .run("INSERT INTO person VALUES (0, '2024-01-01 03:00'), (99, '2999-01-01')")
        .await;
    let next = read(&session, &plan, Some(last)).await.unwrap();
    assert!(
        next.rows.contains(&"0|2024-01-01 03:00:00".to_owned()),
        "{:?}",
        next.rows
    );
    let (_, last) = next.positions.last().unwrap().clone();
    agency
        .run("INSERT INTO person VALUES (100, now() + interval '1 minute')")
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
    let Some(agency) = Agency::with("errors", "CREATE TABLE \"from\" (\"or\"\"der\" int)").await
    else {
        return;
    };
    let session_of = |change: &dyn Fn(&str) -> String| session(&change(&agency.url()));
    let good = plan("from", &[], &["or\"der"]);
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
            session("postgres://u@127.0.0.1:1/x"),
            &good,
            "transient",
            "firewall",
        ),
        (
            session("postgres://u@no-such-host.invalid/x"),
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
            "did you mean 'or\"der'",
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
    let other = plan("from", &["or\"der"], &["or\"der"]);
    let error = read(&agency.session(), &other, Some(position))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "configuration");
}

#[tokio::test]
async fn a_cancelled_read_frees_the_server() {
    let Some(agency) = Agency::with(
        "cancel",
        "CREATE VIEW endless AS SELECT generate_series(1, 100000000) AS id",
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
    let (outcome, ()) = tokio::join!(Postgres.read(&session, &plan, None, outlet), host);
    assert_eq!(outcome, Err(ConnectError::Cancelled));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_session_cannot_write_and_has_a_timeout() {
    let Some(agency) = Agency::with(
        "session",
        "CREATE TABLE person (id int PRIMARY KEY); INSERT INTO person VALUES (1);
         CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO person VALUES (9) RETURNING id';
         CREATE VIEW writes AS SELECT write() AS id;
         CREATE VIEW sleeps AS SELECT 1 AS id FROM pg_sleep(30);
         CREATE VIEW named AS SELECT current_setting('application_name') AS id;",
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
        read(&session, &plan("named", &[], &["id"]), None)
            .await
            .unwrap()
            .rows,
        ["rabt"]
    );
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
        "CREATE TABLE person (a int, b text NOT NULL, PRIMARY KEY (b, a));
         CREATE SCHEMA office; CREATE VIEW office.persons AS SELECT * FROM person;",
    )
    .await
    else {
        return;
    };
    let tables = Postgres
        .discover(&agency.session(), &Filter::default())
        .await
        .unwrap();
    let shown: Vec<String> = tables
        .iter()
        .map(|t| {
            format!(
                "{}.{} {:?}",
                t.schema.as_deref().unwrap_or_default(),
                t.name,
                t.key
            )
        })
        .collect();
    assert_eq!(shown, ["office.persons []", "public.person [\"b\", \"a\"]"]);
    assert_eq!(tables[1].columns[1].declared_type, "text");
    let findings = Postgres.check(&agency.session()).await;
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
    let findings = Postgres.check(&session("postgres://u@127.0.0.1:1/x")).await;
    assert_eq!(
        (findings[0].id, findings[0].outcome),
        ("reach", Outcome::Fail)
    );
}
