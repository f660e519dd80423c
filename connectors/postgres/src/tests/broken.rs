//! Servers that go down, lose what was to be kept, or speak TLS alone.

use std::time::Duration;

use rabt_connect::{ConnectError, Connector, Message, Mode, Outlet, Plan};

use super::mirror::{Mirror, changes, publishing, table};
use super::own::OwnServer;
use crate::Postgres;

const PEOPLE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text);
     CREATE PUBLICATION rabt FOR TABLE person;
     INSERT INTO person SELECT n, 'a' FROM generate_series(1, 100) n;";

#[tokio::test]
async fn a_server_that_restarts_in_the_middle_loses_nothing() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    server.run(PEOPLE).await;
    let session = publishing(&server.url(), "tax");
    let plan = changes("person", &["id"], &["id", "name"]);
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    server
        .run("INSERT INTO person SELECT n, 'b' FROM generate_series(101, 5000) n; DELETE FROM person WHERE id < 50")
        .await;
    let (outlet, mut inlet) = Outlet::channel(1);
    let reading = Postgres.read(&session, &plan, mirror.position.clone(), outlet);
    let host = async {
        let mut taken = 0;
        while let Some(message) = inlet.receive().await.unwrap() {
            let position = if let Message::Checkpoint { position, .. } = &message {
                Some(position.clone())
            } else {
                None
            };
            mirror.take(message);
            if let Some(position) = position {
                inlet.acknowledge(position);
                taken += 1;
                if taken == 3 {
                    server.down();
                }
            }
        }
    };
    let (read, ()) = tokio::join!(reading, host);
    let error = read.unwrap_err();
    assert_eq!(error.name(), "transient", "{error}");
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "transient", "{error}");
    server.up().await;
    mirror.read(&session, &plan).await.unwrap();
    let select = "SELECT id::text, id || '|' || name FROM person";
    assert_eq!(mirror.rows, table(&server.url(), select).await);
    assert_eq!(
        mirror.log.len(),
        100 + 4_900 + 49,
        "a change came twice or never"
    );
}

#[tokio::test]
async fn a_log_that_the_server_gave_up_is_a_configuration_error() {
    let settings = [
        "max_slot_wal_keep_size=1MB",
        "min_wal_size=32MB",
        "max_wal_size=32MB",
    ];
    let Some(server) = OwnServer::start(&settings).await else {
        return;
    };
    server.run(PEOPLE).await;
    let session = publishing(&server.url(), "tax");
    let plan = changes("person", &["id"], &["id", "name"]);
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    server.run("CREATE TABLE bulk (t text)").await;
    for _ in 0..4 {
        server
            .run("INSERT INTO bulk SELECT repeat(md5(n::text), 300) FROM generate_series(1, 3000) n; SELECT pg_switch_wal(); CHECKPOINT")
            .await;
    }
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(error.to_string().contains("gave up the log"), "{error}");
    assert!(error.remedy().contains("rewind"), "{error}");
    let mut again = Mirror::default();
    again.read(&session, &plan).await.unwrap();
    assert_eq!(again.rows.len(), 100);
}

#[tokio::test]
async fn a_server_without_the_right_log_is_told_what_to_set() {
    let Some(server) = OwnServer::start(&["wal_level=replica"]).await else {
        return;
    };
    server.run(PEOPLE).await;
    let session = publishing(&server.url(), "tax");
    let error = Mirror::default()
        .read(&session, &changes("person", &["id"], &["id"]))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(
        error
            .remedy()
            .contains("ALTER SYSTEM SET wal_level = 'logical'"),
        "{error}"
    );
    let findings = Postgres.check(&session).await;
    let found = findings
        .iter()
        .find(|finding| finding.id == "wal_level")
        .unwrap();
    assert!(found.remedy.is_some(), "{findings:?}");
}

#[tokio::test]
async fn a_followed_stream_goes_on_until_it_is_dropped() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    server.run(PEOPLE).await;
    let session = publishing(&server.url(), "tax");
    let plan = Plan {
        mode: Mode::Changes { follow: true },
        ..changes("person", &["id"], &["id", "name"])
    };
    let mut mirror = Mirror::default();
    let (outlet, mut inlet) = Outlet::channel(1);
    let reading = Postgres.read(&session, &plan, None, outlet);
    let host = async {
        for round in 0..5 {
            let id = 1_000 + round;
            server
                .run(&format!("INSERT INTO person VALUES ({id}, 'x')"))
                .await;
            while !mirror.rows.contains_key(&id.to_string()) {
                let message = tokio::time::timeout(Duration::from_secs(10), inlet.receive());
                mirror.take(message.await.expect("a change in time").unwrap().unwrap());
            }
        }
        drop(inlet);
    };
    let (read, ()) = tokio::join!(reading, host);
    assert_eq!(read, Err(ConnectError::Cancelled));
    assert_eq!(mirror.rows.len(), 105);
    assert_eq!(mirror.log.len(), 105);
    Postgres.forget(&session, &plan).await.unwrap();
}

#[tokio::test]
async fn a_followed_stream_at_rest_gives_signs_of_life() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    server.run(PEOPLE).await;
    let session = publishing(&server.url(), "tax");
    let plan = Plan {
        mode: Mode::Changes { follow: true },
        ..changes("person", &["id"], &["id", "name"])
    };
    let (outlet, mut inlet) = Outlet::channel(1);
    let reading = Postgres.read(&session, &plan, None, outlet);
    let host = async {
        let sign = async {
            while let Some(message) = inlet.receive().await.unwrap() {
                if matches!(message, Message::Progress(_)) {
                    break;
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(30), sign).await;
        drop(inlet);
        heard
    };
    let (read, heard) = tokio::join!(reading, host);
    assert_eq!((read, heard), (Err(ConnectError::Cancelled), Ok(())));
    Postgres.forget(&session, &plan).await.unwrap();
}

/// The first reading waits for its host in the middle of a transaction.
#[tokio::test]
async fn a_host_may_take_its_time_in_the_first_reading() {
    let Some(server) = OwnServer::start(&["idle_in_transaction_session_timeout=500"]).await else {
        return;
    };
    server.run(PEOPLE).await;
    server
        .run("INSERT INTO person SELECT n, 'a' FROM generate_series(101, 1000) n")
        .await;
    let session = publishing(&server.url(), "tax");
    let plan = changes("person", &["id"], &["id", "name"]);
    let (outlet, mut inlet) = Outlet::channel(1);
    let mut mirror = Mirror::default();
    let host = async {
        while let Some(message) = inlet.receive().await.unwrap() {
            mirror.take(message);
            if mirror.checkpoints == 3 {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    };
    let (read, ()) = tokio::join!(Postgres.read(&session, &plan, None, outlet), host);
    assert_eq!((read, mirror.rows.len()), (Ok(()), 1_000));
}

/// A server with a synchronous standby writes a commit to its log before anybody can see it.
#[tokio::test]
async fn a_change_that_cannot_be_seen_yet_is_waited_for() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    server
        .run(
            "CREATE TABLE person (id int PRIMARY KEY, name text, note text);
             ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
             CREATE PUBLICATION rabt FOR TABLE person;
             INSERT INTO person VALUES (1, 'a', repeat('n', 9000))",
        )
        .await;
    let session = publishing(&server.url(), "tax");
    let plan = changes("person", &["id"], &["id", "name", "note"]);
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let standby = async |name: &str| {
        let setting = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
        server.run(&setting).await;
        server.run("SELECT pg_reload_conf()").await;
    };
    standby("nobody").await;
    let shown = "SELECT name, setting FROM pg_settings WHERE name = 'synchronous_standby_names'";
    while table(&server.url(), shown).await["synchronous_standby_names"].is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let writing = server.run("UPDATE person SET id = 2, name = 'b' WHERE id = 1");
    let reading = async {
        let waits = "SELECT pid::text, '' FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        while table(&server.url(), waits).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Nothing is passed over while the standby does not answer.
        let held = mirror.clone();
        let error = mirror.read(&session, &plan).await.unwrap_err();
        assert_eq!(error.name(), "transient", "{error}");
        assert!(error.to_string().contains("cannot be seen yet"), "{error}");
        mirror = held;
        let answered = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            standby("").await;
        };
        let (read, ()) = tokio::join!(mirror.read(&session, &plan), answered);
        read.unwrap();
    };
    tokio::join!(writing, reading);
    let select = "SELECT id::text, id || '|' || name || '|' || note FROM person";
    assert_eq!(mirror.rows, table(&server.url(), select).await);
}

#[tokio::test]
async fn changes_come_over_tls_as_the_source_says() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    server.run(PEOPLE).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let files = [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ];
    for (name, text) in files {
        server.place("data", name, &text);
    }
    server.place("data", "pg_hba.conf", "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl replication all 127.0.0.1/32 scram-sha-256\n");
    for statement in [
        "ALTER USER rabt PASSWORD 'hunter2'",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ] {
        server.run(statement).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ca = server.path("data/server.crt").display().to_string();
    let read = async |tls: &str, host: &str, ca: Option<&str>| {
        let mut session = publishing(&server.url(), "tax");
        session.config.remove("url");
        for (key, value) in [
            ("host", host),
            ("database", "postgres"),
            ("user", "rabt"),
            ("password", "hunter2"),
            ("tls", tls),
        ] {
            session.config.insert(key.into(), value.into());
        }
        session
            .config
            .insert("port".into(), i64::from(server.port()).into());
        session
            .config
            .extend(ca.map(|ca| ("ca".to_owned(), ca.into())));
        Mirror::default()
            .read(&session, &changes("person", &["id"], &["id"]))
            .await
    };
    assert_eq!(read("verify-full", "localhost", Some(&ca)).await, Ok(()));
    assert_eq!(read("verify-ca", "127.0.0.1", Some(&ca)).await, Ok(()));
    assert_eq!(read("require", "127.0.0.1", None).await, Ok(()));
    assert_eq!(read("prefer", "127.0.0.1", None).await, Ok(()));
    for (tls, host, ca) in [
        ("verify-full", "127.0.0.1", Some(ca.as_str())),
        ("verify-ca", "localhost", None),
        ("disable", "localhost", None),
    ] {
        let error = read(tls, host, ca).await.unwrap_err();
        assert_eq!(error.name(), "configuration", "{tls}: {error}");
    }
}
