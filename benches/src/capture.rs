//! Changes from the log of PostgreSQL: how many a second come out of it, and how long after its
//! commit one is at the host.

use std::time::Duration;

use rabt_connect::{
    Cell, ConnectError, Connector, Inlet, Message, Mode, Outlet, Plan, Position, Session,
};
use rabt_connector_postgres::Postgres;
use rabt_model::{Clock, SystemClock};
use rabt_tests::{Database, postgres_url};
use tokio::runtime::Builder;

use crate::meter::Meter;

/// Changes of the transaction that is read as fast as it goes.
const BULK: usize = 300_000;
/// Changes in a second, and seconds, while the lag is measured.
const RATE: usize = 1_000;
const SECONDS: usize = 20;
/// The longest lag that 99 of 100 changes may have.
const P99: Duration = Duration::from_secs(1);

const TABLE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text, at text);
     CREATE PUBLICATION rabt FOR TABLE person;";

/// Measures; says whether the lag is within its bound. Nothing is measured without a server.
pub(crate) fn run() -> bool {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    postgres_url().is_none_or(|server| runtime.block_on(measure(&server)))
}

async fn measure(server: &str) -> bool {
    let database = Database::on(server).await;
    database.run(TABLE).await;
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), database.url().into());
    config.insert("publication".to_owned(), "rabt".into());
    let session = Session::new("bench".parse().expect("a name"), config, "/");

    let (_, begun) = read(&session, plan(false), None, usize::MAX).await;
    let fill = format!(
        "INSERT INTO person SELECT n, 'محمد أحمد حسن', '0' FROM generate_series(1, {BULK}) n"
    );
    database.run(&fill).await;
    let meter = Meter::start();
    let (lags, at) = read(&session, plan(false), begun, usize::MAX).await;
    assert_eq!(lags.len(), BULK);
    meter.report("postgres: changes", BULK);

    let count = RATE * SECONDS;
    let pace = format!(
        "DO $$ DECLARE start timestamptz := clock_timestamp(); BEGIN FOR n IN 1..{count} LOOP \
         PERFORM pg_sleep(greatest(0, n / {RATE}.0 - extract(epoch FROM clock_timestamp() - start))); \
         INSERT INTO person VALUES ({BULK} + n, 'محمد أحمد حسن', \
         (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text); COMMIT; END LOOP; END $$"
    );
    let writing = database.run(&pace);
    let reading = read(&session, plan(true), at, count);
    let ((), (mut lags, _)) = futures::future::join(writing, reading).await;
    assert_eq!(lags.len(), count);
    lags.sort_unstable();
    let of = |share: usize| lags[(lags.len() * share / 100).min(lags.len() - 1)];
    eprintln!(
        "postgres: lag at {RATE} changes/s, {count} changes: p50 {:?}, p99 {:?}, longest {:?}",
        of(50),
        of(99),
        of(100)
    );
    let stopped = Postgres.forget(&session, &plan(false)).await;
    stopped.expect("the slot is dropped");
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
    session: &Session,
    plan: Plan,
    from: Option<Position>,
    rows: usize,
) -> (Vec<Duration>, Option<Position>) {
    let (outlet, inlet) = Outlet::channel(8);
    let reading = Postgres.read(session, &plan, from, outlet);
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
