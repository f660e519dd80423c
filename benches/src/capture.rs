//! Changes from the log of PostgreSQL or of MariaDB: how many a second come out of it, and how long after
//! its commit one is at the host.

use std::time::Duration;

use rabt_connect::{
    Cell, ConnectError, Connector, Inlet, Message, Mode, Outlet, Plan, Position, Session,
};
use rabt_connector_mysql::Mysql;
use rabt_connector_postgres::Postgres;
use rabt_model::{Clock, SystemClock};
use rabt_tests::{Database, mysql_url, postgres_url};
use tokio::runtime::Builder;

use crate::meter::Meter;

/// Changes of the transaction that is read as fast as it goes.
const BULK: usize = 300_000;
/// Changes in a second, and seconds, while the lag is measured.
const RATE: usize = 1_000;
const SECONDS: usize = 20;
/// The longest lag that 99 of 100 changes may have.
const P99: Duration = Duration::from_secs(1);

/// Whose log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Postgres,
    Mariadb,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    const fn connector(self) -> &'static dyn Connector {
        match self {
            Self::Postgres => &Postgres,
            Self::Mariadb => &Mysql,
        }
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Postgres => {
                "CREATE TABLE person (id int PRIMARY KEY, name text, at text);
                 CREATE PUBLICATION rabt FOR TABLE person;"
            }
            Self::Mariadb => "CREATE TABLE person (id int PRIMARY KEY, name text, at text)",
        }
    }

    /// Returns the statement that makes many rows in one transaction.
    fn bulk(self) -> String {
        match self {
            Self::Postgres => format!(
                "INSERT INTO person SELECT n, 'محمد أحمد حسن', '0' FROM generate_series(1, {BULK}) n"
            ),
            Self::Mariadb => {
                format!("INSERT INTO person SELECT seq, 'محمد أحمد حسن', '0' FROM seq_1_to_{BULK}")
            }
        }
    }

    /// Returns the script that makes rows at a rate, each with the time at which it was written.
    fn pace(self, count: usize) -> String {
        match self {
            Self::Postgres => format!(
                "DO $$ DECLARE start timestamptz := clock_timestamp(); BEGIN FOR n IN 1..{count} LOOP \
                 PERFORM pg_sleep(greatest(0, n / {RATE}.0 - extract(epoch FROM clock_timestamp() - start))); \
                 INSERT INTO person VALUES ({BULK} + n, 'محمد أحمد حسن', \
                 (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text); COMMIT; END LOOP; END $$"
            ),
            Self::Mariadb => format!(
                "BEGIN NOT ATOMIC \
                   DECLARE n int DEFAULT 1; \
                   DECLARE begun decimal(20, 6) DEFAULT UNIX_TIMESTAMP(SYSDATE(6)); \
                   WHILE n <= {count} DO \
                     DO SLEEP(GREATEST(0, n / {RATE} - (UNIX_TIMESTAMP(SYSDATE(6)) - begun))); \
                     INSERT INTO person VALUES ({BULK} + n, 'محمد أحمد حسن', \
                       CAST(FLOOR(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000) AS CHAR)); \
                     SET n = n + 1; \
                   END WHILE; \
                 END"
            ),
        }
    }

    fn session(self, url: String) -> Session {
        let mut config = toml::Table::new();
        config.insert("url".to_owned(), url.into());
        match self {
            Self::Postgres => config.insert("publication".to_owned(), "rabt".into()),
            Self::Mariadb => config.insert("binlog".to_owned(), true.into()),
        };
        Session::new("bench".parse().expect("a name"), config, "/")
    }
}

/// Measures; says whether the lag is within its bound. Nothing is measured without a server.
pub(crate) fn run(side: Side) -> bool {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let server = match side {
        Side::Postgres => postgres_url(),
        Side::Mariadb => mysql_url(),
    };
    server.is_none_or(|server| runtime.block_on(measure(side, &server)))
}

async fn measure(side: Side, server: &str) -> bool {
    let database = Database::on(server).await;
    database.run(side.table()).await;
    let session = side.session(database.url());
    let connector = side.connector();

    let (_, begun) = read(connector, &session, plan(false), None, usize::MAX).await;
    database.run(&side.bulk()).await;
    let meter = Meter::start();
    let (lags, at) = read(connector, &session, plan(false), begun, usize::MAX).await;
    assert_eq!(lags.len(), BULK);
    let name = side.name();
    meter.report(&format!("{name}: changes"), BULK);

    let count = RATE * SECONDS;
    let pace = side.pace(count);
    let writing = database.run(&pace);
    let reading = read(connector, &session, plan(true), at, count);
    let ((), (mut lags, _)) = futures::future::join(writing, reading).await;
    assert_eq!(lags.len(), count);
    lags.sort_unstable();
    let of = |share: usize| lags[(lags.len() * share / 100).min(lags.len() - 1)];
    eprintln!(
        "{name}: lag at {RATE} changes/s, {count} changes: p50 {:?}, p99 {:?}, longest {:?}",
        of(50),
        of(99),
        of(100)
    );
    let stopped = connector.forget(&session, &plan(false)).await;
    stopped.expect("the log is given up");
    of(99) < P99
}

fn plan(follow: bool) -> Plan {
    Plan {
        stream: "person".parse().expect("a name"),
        schema: None,
        table: "person".to_owned(),
        key: vec!["id".to_owned()],
        columns: ["at", "id", "name"].map(str::to_owned).to_vec(),
        mode: Mode::Changes { follow },
        chunk_rows: 5_000,
    }
}

/// Reads until the end, or until so many rows have their checkpoint; returns how long after it was
/// written each row had its checkpoint, and the last position.
async fn read(
    connector: &dyn Connector,
    session: &Session,
    plan: Plan,
    from: Option<Position>,
    rows: usize,
) -> (Vec<Duration>, Option<Position>) {
    let (outlet, inlet) = Outlet::channel(8);
    let reading = connector.read(session, &plan, from, outlet);
    let (read, taken) = futures::future::join(reading, take(inlet, rows)).await;
    // One that has enough drops its end.
    let enough = rows < usize::MAX && read == Err(ConnectError::Cancelled);
    assert!(enough || read.is_ok(), "{read:?}");
    taken
}

async fn take(mut inlet: Inlet, rows: usize) -> (Vec<Duration>, Option<Position>) {
    let (mut lags, mut written, mut last) = (Vec::new(), Vec::new(), None);
    while lags.len() < rows {
        let Some(message) = inlet.receive().await.expect("counts match") else {
            break;
        };
        match message {
            Message::Rows(batch) => {
                let times = (0..batch.rows()).map(|row| match batch.cell(row, 0) {
                    Cell::Text(text) => text.parse::<i64>().unwrap_or_default(),
                    Cell::Null | Cell::Unchanged | Cell::Unreadable(_) => 0,
                });
                written.extend(times);
            }
            Message::Checkpoint { position, .. } => {
                let now = SystemClock.now().as_microsecond();
                let lag = |at: i64| Duration::from_micros(u64::try_from(now - at).unwrap_or(0));
                lags.extend(written.drain(..).map(lag));
                inlet.acknowledge(position.clone());
                last = Some(position);
            }
            Message::Deleted(_)
            | Message::Truncated
            | Message::SchemaChanged(_)
            | Message::Progress(_) => {}
        }
    }
    (lags, last)
}
