//! What goes wrong, and which class it is.

use rabt_connect::{Connector, Message, Outlet, Session};

use super::ldif::Ldif;
use super::relay::{Relay, fake};
use super::slapd::{PASSWORD, READER, SUFFIX, Setup, Slapd, config_at};
use super::{error_of, plan, read_on, session};
use crate::Ldap;

fn people(count: usize) -> Ldif {
    let mut ldif = Ldif::default();
    for at in 0..count {
        let uid = format!("u{at:05}");
        let attributes = [
            ("objectClass", "inetOrgPerson"),
            ("uid", uid.as_str()),
            ("cn", "منى علي"),
            ("sn", "علي"),
        ];
        ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
    }
    ldif
}

#[tokio::test]
async fn a_read_that_breaks_off_goes_on_behind_its_last_checkpoint() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.reload(&people(600));
    let relay = Relay::to(server.port);
    let session = session(&format!("{}page_size = 50", config_at(&relay.url(), "")));
    let mut plan = plan("inetOrgPerson", &["uid", "cn"]);
    plan.chunk_rows = 60;
    let (whole, done) = read_on(&session, &plan, None).await;
    assert_eq!((done, whole.rows.len()), (Ok(()), 600));
    let bytes = relay.sent();
    let (mut rows, mut from, mut broken) = (Vec::new(), None, 0);
    for part in [3, 4, 5, 6, 7, 8, 9, 10] {
        relay.cut_after(bytes * part / 10);
        let (sent, done) = read_on(&session, &plan, from.clone()).await;
        // What came behind the last checkpoint is lost with the run.
        if let Some((before, position)) = sent.positions.last() {
            rows.extend_from_slice(&sent.rows[..*before]);
            from = Some(position.clone());
        }
        match done {
            Ok(()) => break,
            Err(error) => {
                assert_eq!(error.name(), "transient", "{error}");
                broken += 1;
            }
        }
    }
    assert!(broken > 1, "{broken}");
    rows.sort();
    assert_eq!(rows, whole.sorted());
}

#[tokio::test]
async fn a_server_that_is_stopped_is_a_transient_error() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.reload(&people(400));
    let session = session(&format!("{}page_size = 10", server.config("")));
    let mut plan = plan("inetOrgPerson", &["uid"]);
    plan.chunk_rows = 20;
    let (outlet, mut inlet) = Outlet::channel(1);
    let stopping = async move {
        let mut last = None;
        let mut rows = 0;
        while let Ok(Some(message)) = inlet.receive().await {
            match message {
                Message::Rows(batch) => rows += batch.rows(),
                Message::Checkpoint { position, .. } => {
                    last = Some((rows, position));
                    server.stop();
                }
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        (server, last.unwrap())
    };
    let reading = Ldap.read(&session, &plan, None, outlet);
    let (done, (mut server, (before, position))) = futures::future::join(reading, stopping).await;
    assert_eq!(done.unwrap_err().name(), "transient");
    assert_eq!(
        error_of(&session, &plan).await.name(),
        "transient",
        "it is gone"
    );
    server.run();
    let (sent, done) = read_on(&session, &plan, Some(position)).await;
    assert_eq!(done, Ok(()));
    assert_eq!(before + sent.rows.len(), 400);
}

#[tokio::test]
async fn logins_bases_and_limits_are_for_the_operator() {
    let limited = Setup {
        database: format!("limits dn.exact={READER} size=100"),
        ..Setup::default()
    };
    let Some(mut server) = Slapd::start(&limited) else {
        return;
    };
    server.reload(&people(150));
    let with = |key: &str, value: &str| {
        let mut session = session(&format!("{}page_size = 50", server.config("")));
        session.config.insert(key.into(), value.into());
        session
    };
    let plan = plan("inetOrgPerson", &["uid"]);
    for (session, named) in [
        (with("password", "hunter2"), "refused the login"),
        (
            with("bind_dn", "cn=منى,dc=agency,dc=example"),
            "refused the login",
        ),
        (with("bind_dn", "منى"), "no distinguished name"),
        (
            with("base", "ou=منى,dc=agency,dc=example"),
            "has a base that is not there",
        ),
        (with("base", "منى"), "no distinguished name"),
        (with("join", "; "), "more entries than the server gives"),
    ] {
        let error = error_of(&session, &plan).await;
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(error.to_string().contains(named), "{error}");
        let shown = format!("{error:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("منى"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_search_ends_in_its_time() {
    let url = fake(vec![bind_taken()]);
    let mut session = speaks(&url);
    session.protect.statement_timeout = Some(std::time::Duration::from_secs(1));
    let error = error_of(&session, &plan("person", &["uid"])).await;
    assert_eq!(error.name(), "transient");
    assert!(error.to_string().contains("within 1 s"), "{error}");
    assert!(error.remedy().contains("statement_timeout"), "{error}");
}

fn speaks(url: &str) -> Session {
    session(&format!(
        "url = '{url}'\nbind_dn = '{READER}'\npassword = '{PASSWORD}'\nbase = '{SUFFIX}'\ntimeout = '2s'"
    ))
}

/// Returns a value of BER.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    value(0x30, &[value(2, &[id]), operation.to_vec()].concat())
}

fn result(id: u8, tag: u8) -> Vec<u8> {
    let parts = [value(0x0A, &[0]), value(4, b""), value(4, b"")];
    message(id, &value(tag, &parts.concat()))
}

fn bind_taken() -> Vec<u8> {
    result(1, 0x61)
}

#[tokio::test]
async fn what_is_no_ldap_brings_nothing_down() {
    let entry = value(0x64, &[value(4, b"cn=x"), value(0x30, b"")].concat());
    let mut deep = Vec::new();
    for _ in 0..20_000 {
        deep = [
            &[0x30, 0x84][..],
            &u32::try_from(deep.len()).unwrap().to_be_bytes(),
            &deep,
        ]
        .concat();
        if deep.len() > 60_000 {
            break;
        }
    }
    let huge = [&[0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF][..], &[0; 64]].concat();
    for (answers, class) in [
        (
            vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()],
            "configuration",
        ),
        // An entry is no answer to a login.
        (vec![message(1, &entry)], "configuration"),
        (vec![message(1, &value(0x61, b""))], "configuration"),
        (vec![message(1, &value(0x64, &deep))], "configuration"),
        (vec![huge.clone()], "data"),
        // The end of a search comes as another thing.
        (vec![bind_taken(), result(2, 0x61)], "configuration"),
        (vec![bind_taken(), huge], "data"),
    ] {
        let url = fake(answers);
        let error = error_of(&speaks(&url), &plan("person", &["uid"])).await;
        assert_eq!(error.name(), class, "{error}");
        assert!(!error.remedy().is_empty());
    }
}
