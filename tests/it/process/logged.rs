//! Changes through a process: what is acknowledged, to whom, and who waits for whom.

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::{
    ConnectError, Connector, Inlet, Message, Mode, Outlet, Plan, Position, Program, Remote,
};
use rabt_connector_postgres::Postgres;
use rabt_tests::executable;
use tokio::time::sleep;

use super::plan;
use super::server::Server;

/// Two columns; the second is of up to 200 letters.
const TABLE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text)";
const FILL: &str = "INSERT INTO person SELECT n, repeat('x', 200) FROM generate_series";
const CONFIRMED: &str = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE database = current_database()";

fn isolated() -> Remote {
    let program = Program::of_kind(executable(), "postgres");
    Remote::isolating(Arc::new(Postgres), program)
}

fn changes() -> Plan {
    Plan {
        schema: Some("public".to_owned()),
        mode: Mode::Changes { follow: false },
        ..plan("person", &["id", "name"], &["id"], 100)
    }
}

/// What a host took: rows, and the last position.
type Taken = (usize, Option<Position>);

/// Takes all rows; commits when it is told to, after `stall` with the first message in its hands.
async fn take(mut inlet: Inlet, commits: bool, stall: Duration) -> Taken {
    let (mut rows, mut last) = (0, None);
    let mut first = true;
    while let Some(message) = inlet.receive().await.unwrap() {
        if std::mem::take(&mut first) {
            sleep(stall).await;
        }
        match message {
            Message::Rows(batch) => rows += batch.rows(),
            Message::Checkpoint { position, .. } => {
                last = Some(position.clone());
                if commits {
                    inlet.acknowledge(position);
                }
            }
            Message::Deleted(_)
            | Message::Truncated
            | Message::SchemaChanged(_)
            | Message::Progress(_) => {}
        }
    }
    (rows, last)
}

async fn read(
    remote: &Remote,
    server: &Server,
    from: Option<Position>,
    commits: bool,
    stall: Duration,
) -> Result<Taken, ConnectError> {
    let (outlet, inlet) = Outlet::channel(1);
    let (session, plan) = (server.session(), changes());
    let reading = remote.read(&session, &plan, from, outlet);
    let (read, taken) = futures::future::join(reading, take(inlet, commits, stall)).await;
    read.map(|()| taken)
}

#[tokio::test]
async fn the_log_is_released_behind_the_commit_of_the_host_and_not_before() {
    let Some(server) = Server::start().await else {
        return;
    };
    server.run(TABLE).await;
    let remote = isolated();
    let none = Duration::ZERO;
    let (_, at) = read(&remote, &server, None, true, none).await.unwrap();
    let before = server.ask(CONFIRMED).await;
    server.run(&format!("{FILL}(1, 250) n")).await;
    for _ in 0..2 {
        // A host that commits nothing is told everything again.
        let told = read(&remote, &server, at.clone(), false, none).await;
        assert_eq!(told.unwrap().0, 250);
        assert_eq!(server.ask(CONFIRMED).await, before);
    }
    let (rows, at) = read(&remote, &server, at, true, none).await.unwrap();
    assert_eq!(rows, 250);
    assert_ne!(server.ask(CONFIRMED).await, before);
    assert_eq!(
        read(&remote, &server, at.clone(), true, none)
            .await
            .unwrap()
            .0,
        0
    );
    // The node's own process goes on from there, and another one from where that was.
    server.run(&format!("{FILL}(251, 260) n")).await;
    let (outlet, inlet) = Outlet::channel(1);
    let (session, plan) = (server.session(), changes());
    let reading = Postgres.read(&session, &plan, at, outlet);
    let (read_here, (rows, at)) = futures::future::join(reading, take(inlet, true, none)).await;
    assert_eq!((read_here, rows), (Ok(()), 10));
    server.run(&format!("{FILL}(261, 263) n")).await;
    assert_eq!(read(&remote, &server, at, true, none).await.unwrap().0, 3);
    // A process is asked to forget, too.
    remote.forget(&session, &plan).await.unwrap();
    let slots =
        "SELECT count(*)::text FROM pg_replication_slots WHERE database = current_database()";
    assert_eq!(server.ask(slots).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn the_server_hears_from_a_process_whose_host_stalls() {
    let Some(server) = Server::start().await else {
        return;
    };
    server.run(TABLE).await;
    // Whoever says nothing for seven seconds is cut off.
    let limit = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET wal_sender_timeout = 7000', \
                 current_database()); END $$";
    server.run(limit).await;
    let remote = isolated();
    let none = Duration::ZERO;
    let (_, at) = read(&remote, &server, None, true, none).await.unwrap();
    server.run(&format!("{FILL}(1, 60000) n")).await;
    let stalled = read(&remote, &server, at, true, Duration::from_secs(18)).await;
    assert_eq!(stalled.unwrap().0, 60_000);
}
