//! How pages follow each other, and where that ends.

use super::server::{Asked, Reply, Server};
use super::{error_of, plan, read, session};

fn list(from: usize, count: usize) -> String {
    let rows = (from..from + count).map(|id| format!("{{\"id\":{id}}}"));
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn ids(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|id| id.to_string()).collect()
}

/// Returns the queries that a server was asked.
fn queries(server: &Server) -> Vec<String> {
    server
        .asked()
        .into_iter()
        .map(|asked| asked.query)
        .collect()
}

#[tokio::test]
async fn offsets_follow_what_came() {
    // The server gives at most two rows, whatever it is asked for.
    let server = Server::start(|asked| {
        let offset = asked.number("skip").unwrap();
        Reply::json(list(offset, 5_usize.saturating_sub(offset).min(2)))
    })
    .await;
    let config = "paging = 'offset'\noffset_param = 'skip'\nsize_param = 'top'\npage_size = 10\n\
                  query = { state = 'حي' }\nfields_param = 'fields'";
    let session = session(&server.url(), config);
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ids(0, 5));
    let first = "state=%D8%AD%D9%8A&fields=id&top=10&skip=";
    let expected: Vec<String> = [0, 2, 4, 5]
        .iter()
        .map(|skip| format!("{first}{skip}"))
        .collect();
    assert_eq!(queries(&server), expected);
    assert_eq!(server.asked()[0].path, "/api/persons");
}

#[tokio::test]
async fn the_last_page_is_told_as_the_operator_says() {
    let pages = |asked: &Asked| match asked.number("page").unwrap() {
        1 => Reply::json(list(0, 3)),
        2 => Reply::json(list(3, 1)),
        _ => Reply::status(404),
    };
    for (config, asked) in [("last_page = 'missing'", 3), ("last_page = 'short'", 2)] {
        let server = Server::start(pages).await;
        let config = format!("paging = 'page'\npage_size = 3\n{config}");
        let sent = read(&session(&server.url(), &config), &plan(&["id"]), None)
            .await
            .unwrap();
        assert_eq!(sent.rows, ids(0, 4));
        assert_eq!(server.asked().len(), asked);
    }
    let server = Server::start(pages).await;
    let error = error_of(&server.url(), "paging = 'page'", &["id"]).await;
    assert_eq!(error.name(), "configuration");
}

#[tokio::test]
async fn an_empty_page_may_have_a_next_one() {
    let server = Server::start(|asked| {
        let (rows, next) = match asked.param("cursor").as_deref() {
            None => (list(0, 2), "\"a&b=ع\""),
            Some("a&b=ع") => (list(0, 0), "17"),
            Some("17") => (list(2, 1), "\"end\""),
            // A server whose last cursor stands for itself.
            _ => (list(0, 0), "\"end\""),
        };
        Reply::json(format!("{{\"rows\":{rows},\"next\":{next}}}"))
    })
    .await;
    let config = "paging = 'cursor'\nnext = '/next'\nrows = '/rows'";
    let sent = read(&session(&server.url(), config), &plan(&["id"]), None)
        .await
        .unwrap();
    assert_eq!(sent.rows, ids(0, 3));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn links_may_be_relative() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/persons" => Reply::json(list(0, 1)).with("link", "<persons/2?x=1>; rel=next"),
        "/api/persons/2" => Reply::json(list(1, 1)).with("link", "</else?k=v>; rel=next"),
        _ => Reply::json(list(2, 1)).with("link", "</api>; rel=prev"),
    })
    .await;
    let session = session(&server.url(), "paging = 'link'");
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ids(0, 3));
    assert_eq!(server.asked()[2].path, "/else");
}

#[tokio::test]
async fn a_link_to_another_server_is_refused() {
    let other = Server::start(|_| Reply::json("[]")).await;
    let elsewhere = other.url();
    let localhost = format!("http://localhost:{}/api", other.address.port());
    for target in [
        elsewhere,
        localhost,
        "//example.com/".to_owned(),
        "https://127.0.0.1/".to_owned(),
    ] {
        let body = format!(
            "{{\"rows\":{},\"next\":\"{target}?q=29001011234567\"}}",
            list(0, 1)
        );
        let server = Server::start(move |_| Reply::json(body.clone())).await;
        let config = "paging = 'next'\nnext = '/next'\nrows = '/rows'";
        let error = error_of(&server.url(), config, &["id"]).await;
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(!error.to_string().contains("2900"), "{error}");
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_paging_that_repeats_itself_is_an_error() {
    type Answer = fn(&Asked) -> Reply;
    let same: Answer = |_| Reply::json("{\"rows\":[{\"id\":1}],\"next\":\"29001011234567\"}");
    let circle: Answer = |asked| {
        let next = if asked.param("cursor").as_deref() == Some("a") {
            "b"
        } else {
            "a"
        };
        let id = rand(asked);
        Reply::json(format!(
            "{{\"rows\":[{{\"id\":{id}}}],\"next\":\"{next}\"}}"
        ))
    };
    let ignored: Answer = |_| Reply::json(format!("{{\"rows\":{}}}", list(0, 3)));
    let mut told = Vec::new();
    for (answer, config) in [
        (same, "paging = 'cursor'\nnext = '/next'"),
        (circle, "paging = 'cursor'\nnext = '/next'"),
        (circle, "paging = 'next'\nnext = '/next'"),
        (ignored, "paging = 'offset'"),
        (ignored, "paging = 'page'"),
    ] {
        let server = Server::start(answer).await;
        let error = error_of(&server.url(), &format!("{config}\nrows = '/rows'"), &["id"]).await;
        assert_eq!(error.name(), "data", "{error}");
        assert!(server.asked().len() < 6);
        told.push(error.to_string());
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// Returns a number that differs from request to request.
fn rand(asked: &Asked) -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    assert!(asked.body.is_empty());
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn one_page_must_be_all() {
    let answer = |_: &Asked| Reply::json(list(0, 2)).with("link", "</x>; rel=\"next\"");
    let server = Server::start(answer).await;
    let error = error_of(&server.url(), "paging = 'none'", &["id"]).await;
    assert_eq!(error.name(), "configuration");
    let server = Server::start(|_| Reply::json(list(0, 2))).await;
    let session = session(&server.url(), "paging = 'none'");
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ids(0, 2));
    // The run ended: its position starts the snapshot anew.
    let last = sent.positions.last().cloned();
    let again = read(&session, &plan(&["id"]), last).await.unwrap();
    assert_eq!(again.rows, ids(0, 2));
}

#[tokio::test]
async fn a_path_may_have_several_parts_of_any_text() {
    let server = Server::start(|_| Reply::json(list(0, 1))).await;
    let url = format!("{}/", server.url());
    let config = "paging = 'none'\n[tables.persons]\npath = '/سجل/people list/../?'";
    let refused = error_of(&url, config, &["id"]).await;
    assert_eq!(refused.name(), "configuration");
    let config = "paging = 'none'\n[tables.persons]\npath = '/سجل/people list/../x'";
    let sent = read(&session(&url, config), &plan(&["id"]), None)
        .await
        .unwrap();
    assert_eq!(sent.rows, ids(0, 1));
    assert_eq!(server.asked()[0].path, "/api/سجل/people list/x");
}
