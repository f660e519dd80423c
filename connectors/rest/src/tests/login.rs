//! Every way to say who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::server::{Asked, Reply, Server};
use super::{error_of, plan, read, session};

/// Returns a server that gives one row to those whom `knows` knows.
async fn guarded(knows: fn(&Asked) -> bool) -> Server {
    Server::start(move |asked| {
        if knows(asked) {
            Reply::json("[{\"id\":1}]")
        } else {
            Reply::status(401)
        }
    })
    .await
}

#[tokio::test]
async fn every_way_is_taken() {
    type Knows = fn(&Asked) -> bool;
    let cases: [(Knows, &str); 4] = [
        (
            |asked| asked.header("x-api-key") == "hunter2",
            "auth = 'api-key'\nkey_header = 'X-Api-Key'\nkey = 'hunter2'",
        ),
        (
            |asked| asked.param("key").as_deref() == Some("hun&ter=2"),
            "auth = 'api-key'\nkey_param = 'key'\nkey = 'hun&ter=2'",
        ),
        (
            |asked| asked.header("authorization") == "Bearer hunter2",
            "auth = 'bearer'\ntoken = 'hunter2'",
        ),
        (
            |asked| asked.header("authorization") == "Basic cmFidDpodW50ZXIy",
            "auth = 'basic'\nuser = 'rabt'\npassword = 'hunter2'",
        ),
    ];
    for (knows, config) in cases {
        let server = guarded(knows).await;
        let config = format!("paging = 'none'\nheaders = {{ X-Office = 'cairo' }}\n{config}");
        let sent = read(&session(&server.url(), &config), &plan(&["id"]), None)
            .await
            .unwrap();
        assert_eq!(sent.rows, ["1"]);
        let asked = &server.asked()[0];
        assert_eq!(asked.header("x-office"), "cairo");
        assert!(asked.header("user-agent").starts_with("rabt/"));
        let wrong = config.replace("hun", "not");
        let error = error_of(&server.url(), &wrong, &["id"]).await;
        assert_eq!(error.name(), "configuration");
        assert!(!error.to_string().contains("ter"), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_a_link_repeats_does_not_come_into_a_position() {
    let server = Server::start(|asked| {
        assert_eq!(asked.query.matches("k=hunter2").count(), 1);
        let reply = Reply::json(format!("[{{\"id\":{}}}]", asked.number("p").unwrap_or(0)));
        match asked.number("p") {
            None => reply.with("link", "</api/persons?p=1&k=hunter2>; rel=next"),
            Some(_) => reply,
        }
    })
    .await;
    let config = "paging = 'link'\nauth = 'api-key'\nkey_param = 'k'\nkey = 'hunter2'";
    let session = session(&server.url(), config);
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ["0", "1"]);
    assert!(
        sent.positions
            .iter()
            .all(|position| !position.as_str().contains("hunter2"))
    );
    let rest = read(&session, &plan(&["id"]), Some(sent.positions[0].clone()))
        .await
        .unwrap();
    assert_eq!(rest.rows, ["1"]);
}

/// A server that gives tokens `t1`, `t2` and so on, and pages to the last one alone.
struct Issuer {
    server: Server,
    given: Arc<AtomicUsize>,
}

impl Issuer {
    /// Tokens live for `lives` seconds; every token but those from `good` on is refused.
    async fn start(lives: &'static str, good: usize) -> Self {
        let given = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&given);
        let server = Server::start(move |asked| {
            if asked.path == "/token" {
                return issue(asked, &count, lives);
            }
            let token = asked.header("authorization").strip_prefix("Bearer t");
            let number: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
            if number < good || number != count.load(Ordering::Relaxed) {
                return Reply::status(401);
            }
            let page = asked.number("page").unwrap();
            Reply::json(if page > 3 {
                "[]".to_owned()
            } else {
                format!("[{{\"id\":{page}}}]")
            })
            .slow(Duration::from_millis(400))
        })
        .await;
        Self { server, given }
    }

    fn config(&self, extra: &str) -> String {
        format!(
            "paging = 'page'\nauth = 'oauth2'\ntoken_url = 'http://{}/token'\n\
             client_id = 'ra:bt'\nclient_secret = 'hunter2 %'\nscopes = ['read', 'list']\n{extra}",
            self.server.address
        )
    }
}

fn issue(asked: &Asked, count: &AtomicUsize, lives: &str) -> Reply {
    assert_eq!(asked.method, http::Method::POST);
    let grant = "grant_type=client_credentials&scope=read+list";
    let in_form = format!("{grant}&client_id=ra%3Abt&client_secret=hunter2+%25");
    // ra%3Abt:hunter2+%25
    let in_header = asked.header("authorization") == "Basic cmElM0FidDpodW50ZXIyKyUyNQ==";
    if asked.body != in_form && !(in_header && asked.body == grant) {
        return Reply::status(401);
    }
    let number = count.fetch_add(1, Ordering::Relaxed) + 1;
    Reply::json(format!(
        "{{\"access_token\":\"t{number}\",\"token_type\":\"Bearer\",\"expires_in\":{lives}}}"
    ))
}

async fn rows_of(issuer: &Issuer, extra: &str) -> Vec<String> {
    let session = session(&issuer.server.url(), &issuer.config(extra));
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    sent.rows
}

#[tokio::test]
async fn a_token_is_got_once() {
    let issuer = Issuer::start("3600", 1).await;
    assert_eq!(rows_of(&issuer, "").await, ["1", "2", "3"]);
    assert_eq!(issuer.given.load(Ordering::Relaxed), 1);
    assert_eq!(
        rows_of(&issuer, "client_auth = 'form'").await,
        ["1", "2", "3"]
    );
    assert_eq!(issuer.given.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let issuer = Issuer::start("1", 1).await;
    assert_eq!(rows_of(&issuer, "").await, ["1", "2", "3"]);
    let refused = issuer.server.asked();
    assert!(issuer.given.load(Ordering::Relaxed) >= 2);
    assert_eq!(
        refused
            .iter()
            .filter(|asked| asked.path != "/token")
            .count(),
        4
    );
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_replaced_once() {
    let given = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&given);
    let server = Server::start(move |asked| {
        if asked.path == "/token" {
            return issue(asked, &count, "3600");
        }
        let page = asked.number("page").unwrap();
        let withdrawn = page == 2 && asked.header("authorization") == "Bearer t1";
        match page {
            _ if withdrawn => Reply::status(401),
            1 | 2 => Reply::json(format!("[{{\"id\":{page}}}]")),
            _ => Reply::json("[]"),
        }
    })
    .await;
    let issuer = Issuer { server, given };
    assert_eq!(rows_of(&issuer, "").await, ["1", "2"]);
    assert_eq!(issuer.given.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_an_error() {
    let issuer = Issuer::start("3600", 9).await;
    let error = error_of(&issuer.server.url(), &issuer.config(""), &["id"]).await;
    assert_eq!(error.name(), "configuration");
    assert_eq!(issuer.given.load(Ordering::Relaxed), 1);
    let wrong = issuer.config("").replace("hunter2", "wrong");
    let error = error_of(&issuer.server.url(), &wrong, &["id"]).await;
    assert_eq!(error.name(), "configuration");
    assert!(error.to_string().contains("token server"), "{error}");
}

#[tokio::test]
async fn a_token_server_that_is_not_there_is_transient() {
    let server = guarded(|_| true).await;
    let config = "paging = 'none'\nauth = 'oauth2'\ntoken_url = 'http://127.0.0.1:1/token'\n\
                  client_id = 'c'\nclient_secret = 's'";
    let error = error_of(&server.url(), config, &["id"]).await;
    assert_eq!(error.name(), "transient", "{error}");
    assert!(server.asked().is_empty());
}
