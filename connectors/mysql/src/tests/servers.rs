//! Servers that go down, lose what was to be kept, or are set otherwise.

use rabt_connect::{Connector, Outcome, Session};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, followed, table};
use super::own::OwnServer;
use crate::Mysql;

const ROWS: &str = "SELECT CAST(id AS CHAR), CONCAT(id, '|', name) FROM person";

#[tokio::test]
async fn compressed_transactions_are_read() {
    let settings = ["--log-bin-compress=ON", "--log-bin-compress-min-len=10"];
    let Some(server) = OwnServer::start(&settings).await else {
        return;
    };
    let agency = Agency::at(server.url(), "packed", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
    agency
        .run(
            "INSERT INTO person VALUES (1, repeat('a', 500), ''), (2, repeat('b', 500), '');
             UPDATE person SET name = repeat('c', 600) WHERE id = 1; DELETE FROM person WHERE id = 2;
             ALTER TABLE person COMMENT 'a statement that is long enough to be worth compressing';
             TRUNCATE TABLE person /* a statement that is long enough to be worth compressing */",
        )
        .await;
    let news = mirror.news(&session, &plan).await;
    let name = |letter: &str, length: usize| letter.repeat(length);
    let expected = [
        format!("+1|{}", name("a", 500)),
        format!("+2|{}", name("b", 500)),
        format!("+1|{}", name("c", 600)),
        "-2".to_owned(),
        "truncated".to_owned(),
    ];
    assert_eq!(news, expected);
    drop(agency);
}

#[tokio::test]
async fn a_server_that_starts_again_goes_on_and_a_restored_one_does_not() {
    let settings = ["--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1"];
    let Some(mut server) = OwnServer::start(&settings).await else {
        return;
    };
    let agency = Agency::at(server.url(), "restart", PEOPLE).await;
    let (session, plan, mut mirror) = followed(&agency).await;
    for round in 0..3 {
        let insert = format!("INSERT INTO person VALUES ({round}, 'a', '')");
        agency.run(&insert).await;
        server.down();
        server.up().await;
        agency
            .run("FLUSH BINARY LOGS; UPDATE person SET name = concat(name, 'b')")
            .await;
        mirror.read(&session, &plan).await.unwrap();
        assert_eq!(mirror.rows, table(&agency.url(), ROWS).await);
    }
    // As after a restored copy of another age: files of the same names, begun at other times.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    server.run("RESET MASTER").await;
    for file in 0..9 {
        let fill = format!(
            "CREATE TABLE {}.fill{file} AS SELECT repeat('x', 100) FROM {}.seq_1_to_200; FLUSH BINARY LOGS",
            agency.name, agency.name
        );
        server.run(&fill).await;
    }
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(
        error.to_string().contains("another one than was read"),
        "{error}"
    );
    assert!(error.remedy().contains("from the beginning"), "{error}");
    drop(agency);
}

#[tokio::test]
async fn every_lack_of_a_server_is_found_and_its_remedy_helps() {
    let settings = [
        "--binlog-format=MIXED",
        "--binlog-row-image=MINIMAL",
        "--binlog-row-metadata=MINIMAL",
        "--expire-logs-days=1",
        "--sql-mode=",
    ];
    let Some(server) = OwnServer::start(&settings).await else {
        return;
    };
    let agency = Agency::at(server.url(), "lacks", PEOPLE).await;
    let database = &agency.name;
    server
        .run(&format!(
            "CREATE USER rabt_reader@'%' IDENTIFIED BY 'secret'; GRANT SELECT (id, name) ON {database}.person TO rabt_reader@'%'"
        ))
        .await;
    let reader = agency.url().replace("rabt:rabt@", "rabt_reader:secret@");
    let session = super::mirror::logging(&reader, "lacks");
    let plan = changes("person", &["id"], &["id", "name"]);
    let mut found = Vec::new();
    for _ in 0..9 {
        let findings = Mysql.check(&session).await;
        let failed = findings.into_iter().find(|f| f.outcome == Outcome::Fail);
        let Some(failed) = failed else { break };
        let error = Mirror::default().read(&session, &plan).await.unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        assert_eq!(Some(error.remedy()), failed.remedy.as_deref());
        found.push(failed.id);
        let remedy = failed.remedy.unwrap();
        server.run(remedy.split(';').next().unwrap()).await;
    }
    let expected = [
        "binlog_format",
        "binlog_row_image",
        "binlog_row_metadata",
        "log_rights",
    ];
    assert_eq!(found, expected);
    let findings = Mysql.check(&session).await;
    let warned = findings.iter().find(|f| f.id == "log_expiry").unwrap();
    assert_eq!(warned.outcome, Outcome::Warn);
    // Rights on columns do not show foreign keys.
    let error = Mirror::default().read(&session, &plan).await.unwrap_err();
    server.run(error.remedy().split(';').next().unwrap()).await;
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency.run("INSERT INTO person VALUES (1, 'a', '')").await;
    assert_eq!(mirror.news(&session, &plan).await, ["+1|a"]);
    drop(agency);
}

#[tokio::test]
async fn a_server_without_a_log_is_refused() {
    let Some(server) = OwnServer::start(&["--skip-log-bin"]).await else {
        return;
    };
    let agency = Agency::at(server.url(), "silent", PEOPLE).await;
    let plan = changes("person", &["id"], &["id", "name"]);
    let error = Mirror::default()
        .read(&agency.logging(), &plan)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(error.remedy().contains("log_bin"), "{error}");
    drop(agency);
}

#[tokio::test]
async fn the_log_comes_encrypted_as_the_source_says() {
    let settings = ["--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1"];
    let Some(mut server) = OwnServer::start(&settings).await else {
        return;
    };
    let agency = Agency::at(server.url(), "tls", PEOPLE).await;
    let database = agency.name.clone();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    server.place("server.crt", &certificate.pem());
    server.place("server.key", &key.serialize_pem());
    let ca = server.path("server.crt").display().to_string();
    let key = server.path("server.key").display().to_string();
    server.set(&[format!("--ssl-cert={ca}"), format!("--ssl-key={key}")]);
    server.down();
    server.up().await;
    server
        .run(&format!(
            "INSERT INTO {database}.person VALUES (1, 'a', '')"
        ))
        .await;
    server.run("SET GLOBAL require_secure_transport = ON").await;
    let plan = changes("person", &["id"], &["id", "name"]);
    let read = async |tls: &str, host: &str, ca: Option<&str>| {
        let mut config = toml::Table::new();
        for (key, value) in [
            ("host", host),
            ("database", &database),
            ("user", "rabt"),
            ("password", "rabt"),
            ("tls", tls),
        ] {
            config.insert(key.to_owned(), value.into());
        }
        config.insert("port".to_owned(), i64::from(server.port()).into());
        config.insert("binlog".to_owned(), true.into());
        if let Some(ca) = ca {
            config.insert("ca".to_owned(), ca.into());
        }
        let session = Session::new("tls".parse().unwrap(), config, "/");
        let mut mirror = Mirror::default();
        mirror.read(&session, &plan).await?;
        mirror
            .read(&session, &plan)
            .await
            .map(|()| mirror.rows.len())
    };
    for (tls, host, ca) in [
        ("prefer", "127.0.0.1", None),
        ("require", "127.0.0.1", None),
        ("verify-ca", "localhost", Some(ca.as_str())),
        ("verify-full", "localhost", Some(ca.as_str())),
    ] {
        let read = read(tls, host, ca).await;
        assert_eq!(read, Ok(1), "{tls}");
    }
    for (tls, host, ca) in [
        ("disable", "127.0.0.1", None),
        ("verify-ca", "127.0.0.1", None),
        ("verify-ca", "127.0.0.1", Some(ca.as_str())),
        ("verify-full", "127.0.0.1", Some(ca.as_str())),
    ] {
        let error = read(tls, host, ca).await.unwrap_err();
        assert_eq!(error.name(), "configuration", "{tls} {host}: {error}");
        let names = format!("server {host}:{}", server.port());
        assert!(error.to_string().contains(&names), "{tls}: {error}");
        assert!(error.to_string().contains("TLS"), "{tls}: {error}");
    }
    // The connection of the log is held to the same, whatever the others were.
    server
        .run("SET GLOBAL require_secure_transport = OFF")
        .await;
    assert_eq!(read("disable", "127.0.0.1", None).await, Ok(1));
    drop(agency);
}
