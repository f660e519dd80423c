//! What servers do wrong, and what is said of it.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Reply, Server};
use super::{error_of, plan, read, session};

/// A value that no error may hold.
const VALUE: &str = "29001011234567";

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn row() -> String {
    format!("[{{\"id\":1,\"nid\":\"{VALUE}\"}}]")
}

/// Returns what is said of one answer, with its class before it.
async fn told(reply: Reply) -> String {
    let server = Server::start(move |_| reply.clone()).await;
    let config =
        "paging = 'none'\nmax_page_mib = 1\ntimeout = '1s'\nquery = { q = '29001011234567' }";
    let error = error_of(&server.url(), config, &["id"]).await;
    let text = format!("{}: {error}", error.name());
    assert!(!text.contains(VALUE) && !text.contains("2900101"), "{text}");
    text.replace(&server.address.to_string(), "ADDRESS")
}

#[tokio::test]
async fn every_answer_has_its_error() {
    let half = row().len() / 2;
    let bomb = packed(&vec![b' '; 8 * 1024 * 1024]);
    let mut truncated = packed(row().as_bytes());
    truncated.truncate(truncated.len() - 6);
    let answers = [
        Reply::status(400),
        Reply::status(401),
        Reply::status(403),
        Reply::status(404),
        Reply::status(302).with("location", "https://example.com/29001011234567"),
        Reply::status(429).with("retry-after", "17"),
        Reply::status(503).with("retry-after", "soon"),
        Reply::status(500),
        Reply::of_type("text/html; charset=utf-8", format!("<p>{VALUE}</p>")),
        Reply::of_type("x/29001011234567", row()),
        Reply::json(row()).slow(Duration::from_secs(3)),
        Reply::json(row()).cut(),
        Reply::json(&row().as_bytes()[..half]),
        Reply::json(format!("[{{\"id\":{VALUE}x}}]")),
        Reply::json(format!("{{\"{VALUE}\":[],\"data\":[{VALUE}]}}")),
        Reply::json(format!("\"{VALUE}\"")),
        Reply::json(format!("[{VALUE}, \"{VALUE}\"]")),
        Reply::json(format!("[{{\"nid\":\"{VALUE}\",\"{VALUE}\":1}}]")),
        Reply::json(vec![b' '; 1024 * 1024 + 1]),
        Reply::json(bomb).with("content-encoding", "gzip"),
        Reply::json(truncated).with("content-encoding", "gzip"),
        Reply::json(row()).with("content-encoding", "br"),
    ];
    let mut lines = Vec::new();
    for answer in answers {
        lines.push(told(answer).await);
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let cases: [(&[u8], &str); 5] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "configuration"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"id\":1}",
            "transient",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "transient",
        ),
        (b"HTTP/1.1 200", "transient"),
        (b"", "transient"),
    ];
    for (bytes, class) in cases {
        let server = Server::of_bytes(bytes).await;
        let error = error_of(&server.url(), "paging = 'none'", &["id"]).await;
        assert_eq!(error.name(), class, "{error}");
    }
}

#[tokio::test]
async fn a_server_that_closes_is_connected_to_again() {
    let server = Server::start(|asked| {
        let offset = asked.number("offset").unwrap();
        let body = match offset {
            0..20 => format!("[{{\"id\":{offset}}}]"),
            _ => "[]".to_owned(),
        };
        Reply::json(body).with("connection", "close")
    })
    .await;
    let session = session(&server.url(), "paging = 'offset'");
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows.len(), 20);
    assert_eq!(server.asked().len(), 21);
}

#[tokio::test]
async fn a_packed_page_is_unpacked() {
    let body = packed(row().as_bytes());
    let server = Server::start(move |asked| {
        assert_eq!(asked.header("accept-encoding"), "gzip");
        Reply::json(body.clone()).with("content-encoding", "gzip")
    })
    .await;
    let session = session(&server.url(), "paging = 'none'");
    let sent = read(&session, &plan(&["nid", "id"]), None).await.unwrap();
    assert_eq!(sent.rows, [format!("{VALUE}|1")]);
}

#[tokio::test]
async fn a_page_without_content_is_empty() {
    for reply in [Reply::status(204), Reply::json("[]"), Reply::json("null")] {
        let server = Server::start(move |_| reply.clone()).await;
        let session = session(&server.url(), "paging = 'offset'");
        let sent = read(&session, &plan(&["id"]), None).await.unwrap();
        assert_eq!((sent.rows.len(), sent.positions.len()), (0, 1));
    }
}

#[tokio::test]
async fn the_agency_can_shorten_the_wait() {
    let server = Server::start(|_| Reply::json("[]").slow(Duration::from_secs(5))).await;
    let mut session = session(&server.url(), "paging = 'none'\ntimeout = '1m'");
    session.protect.statement_timeout = Some(Duration::from_millis(200));
    let started = std::time::Instant::now();
    let error = read(&session, &plan(&["id"]), None).await.unwrap_err();
    assert_eq!(error.name(), "transient");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_failure_in_the_middle_keeps_what_came() {
    let server = Server::start(|asked| match asked.number("offset") {
        Some(0) => Reply::json("[{\"id\":1},{\"id\":2}]"),
        _ => Reply::status(500),
    })
    .await;
    let session = session(&server.url(), "paging = 'offset'");
    let (outlet, mut inlet) = rabt_connect::Outlet::channel(64);
    let plan = plan(&["id"]);
    let reading = rabt_connect::Connector::read(&crate::Rest, &session, &plan, None, outlet);
    assert_eq!(reading.await.unwrap_err().name(), "transient");
    let mut checkpoints = 0;
    while let Some(message) = inlet.receive().await.unwrap() {
        checkpoints += u32::from(matches!(message, rabt_connect::Message::Checkpoint { .. }));
    }
    assert_eq!(checkpoints, 1);
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let server = Server::start(|_| Reply::status(401)).await;
    for config in [
        "auth = 'api-key'\nkey_param = 'k'\nkey = 'hunter2'",
        "auth = 'bearer'\ntoken = 'hunter2'",
        "auth = 'basic'\nuser = 'u'\npassword = 'hunter2'",
    ] {
        let config = format!("paging = 'none'\n{config}");
        let session = session(&server.url(), &config);
        let settings = crate::config::of_session(&session).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        let error = read(&session, &plan(&["id"]), None).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
