//! What values come to.

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::server::{Reply, Server};
use super::{error_of, plan, read, session};
use crate::client::Answer;
use crate::page::{Asked, At, Opening, Page};

async fn rows(body: impl Into<Vec<u8>>, config: &str, columns: &[&str]) -> Vec<String> {
    let reply = Reply::json(body);
    let server = Server::start(move |_| reply.clone()).await;
    let session = session(&server.url(), &format!("paging = 'none'\n{config}"));
    read(&session, &plan(columns), None).await.unwrap().rows
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let body = "[{\"n\":123456789012345678901234567890},{\"n\":0.10},{\"n\":-0},{\"n\":1E400},\
                {\"n\":9007199254740993},{\"n\":1.0e+2}, {\"n\" : 3 }]";
    let expected = [
        "123456789012345678901234567890",
        "0.10",
        "-0",
        "1E400",
        "9007199254740993",
        "1.0e+2",
        "3",
    ];
    assert_eq!(rows(body, "", &["n"]).await, expected);
}

#[tokio::test]
async fn null_empty_and_missing_are_three_things() {
    let body = "[{\"id\":1,\"v\":null},{\"id\":2,\"v\":\"\"},{\"id\":3},{\"id\":4,\"v\":true}]";
    let told = rows(body, "", &["id", "v"]).await;
    assert_eq!(told, ["1|∅", "2|", "3|!no_column", "4|true"]);
    let told = rows(body, "optional = ['v']", &["id", "v"]).await;
    assert_eq!(told, ["1|∅", "2|", "3|∅", "4|true"]);
}

#[tokio::test]
async fn objects_are_taken_apart_and_lists_are_text() {
    let body = r#"{"d":[{"id":1,"address":{"city":"طنطا","geo":{"lat":30.10}},"tags":[1, "ب"]},
                        {"id":2,"address":null,"tags":[]}]}"#;
    let columns = ["id", "address.city", "address.geo.lat", "tags"];
    let told = rows(body, "rows = '/d'", &columns).await;
    assert_eq!(told, ["1|طنطا|30.10|[1, \"ب\"]", "2|∅|∅|[]"]);
    let told = rows(body, "rows = '/d'", &["id", "address"]).await;
    assert_eq!(told[0], r#"1|{"city":"طنطا","geo":{"lat":30.10}}"#);
}

#[tokio::test]
async fn a_row_that_is_none_does_not_stop_the_others() {
    let body = b"[{\"id\":1,\"v\":\"a\"},7,null,[{}],{\"id\":2,\"v\":\"\\ud800\"},\
                 {\"id\":3,\"id\":4,\"v\":\"a\\u0000b\"},{\"id\":5,\"v\":\"\xff\xfe\"},{\"\\ud800\":1}]";
    let told = rows(body.as_slice(), "", &["id", "v"]).await;
    let ragged = "!ragged_row|!ragged_row";
    let expected = [
        "1|a",
        ragged,
        ragged,
        ragged,
        "2|!not_text",
        "!ragged_row|!nul_byte",
        "5|!not_text",
        ragged,
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn windows_1256_is_read_when_it_is_declared() {
    let body = b"[{\"id\":\"\xe3\xe4\xec\"}]".to_vec();
    let reply = Reply::of_type("application/json; charset=windows-1256", body.clone());
    let server = Server::start(move |_| reply.clone()).await;
    let declared = session(&server.url(), "paging = 'none'");
    assert_eq!(
        read(&declared, &plan(&["id"]), None).await.unwrap().rows,
        ["منى"]
    );
    let config = "encoding = 'windows-1256'";
    assert_eq!(rows(body.clone(), config, &["id"]).await, ["منى"]);
    assert_eq!(rows(body, "", &["id"]).await, ["!not_text"]);
}

#[tokio::test]
async fn a_column_that_no_row_has_is_told() {
    let body = "[{\"id\":1,\"name\":\"x\",\"29001011234567\":1}]";
    let server = Server::start(move |_| Reply::json(body)).await;
    let error = error_of(&server.url(), "paging = 'none'", &["id", "nmae"]).await;
    insta::assert_snapshot!(error);
}

#[tokio::test]
async fn a_column_that_goes_away_is_drift() {
    let server = Server::start(|asked| {
        Reply::json(match asked.number("offset").unwrap() {
            0 => "[{\"id\":1,\"v\":\"a\"}]",
            1 => "[{\"id\":2,\"w\":\"b\"}]",
            2 => "[{\"id\":3,\"w\":\"c\"}]",
            _ => "[]",
        })
    })
    .await;
    let both = session(&server.url(), "paging = 'offset'\noptional = ['o']");
    let sent = read(&both, &plan(&["id", "o", "v"]), None).await.unwrap();
    // The host stops for the column that is gone, and for no other.
    let table = sent.changed.unwrap();
    let error = plan(&["id", "o", "v"]).check_columns(&table).unwrap_err();
    assert!(error.to_string().contains("'v'"), "{error}");
    assert_eq!(sent.rows, ["1|∅|a", "2|∅|!no_column", "3|∅|!no_column"]);
    let optional = session(&server.url(), "paging = 'offset'\noptional = ['v']");
    let sent = read(&optional, &plan(&["id", "v"]), None).await.unwrap();
    assert!(sent.changed.is_none());
    assert_eq!(sent.rows, ["1|a", "2|∅", "3|∅"]);
}

#[tokio::test]
async fn a_column_that_rows_leave_out_now_and_then_is_no_drift() {
    let server = Server::start(|asked| {
        Reply::json(match asked.number("offset").unwrap() {
            0 => "[{\"id\":1,\"v\":\"a\"},{\"id\":2}]",
            2 => "[{\"id\":3}]",
            _ => "[]",
        })
    })
    .await;
    let session = session(&server.url(), "paging = 'offset'");
    let sent = read(&session, &plan(&["id", "v"]), None).await.unwrap();
    assert!(sent.changed.is_none());
    assert_eq!(sent.rows, ["1|a", "2|!no_column", "3|!no_column"]);
}

#[tokio::test]
async fn a_chunk_may_end_inside_a_page() {
    let body = "[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4},{\"id\":5}]";
    let server = Server::start(move |_| Reply::json(body)).await;
    let session = session(&server.url(), "paging = 'none'");
    let mut plan = plan(&["id"]);
    plan.chunk_rows = 2;
    let sent = read(&session, &plan, None).await.unwrap();
    assert_eq!(sent.positions.len(), 3);
    let rest = read(&session, &plan, Some(sent.positions[0].clone()))
        .await
        .unwrap();
    assert_eq!(rest.rows, ["3", "4", "5"]);
}

/// Opens a page of these bytes, with these pointers of rows and next cursor.
fn open(body: Vec<u8>, kind: &'static str, rows: &str, next: &str) -> Result<Page, String> {
    let config = format!("paging = 'cursor'\nrows = '{rows}'\nnext = '{next}'");
    let session = session("http://localhost/", &config);
    let settings = crate::config::of_session(&session).unwrap();
    let opening = Opening {
        place: "table persons".to_owned(),
        endpoint: settings.endpoint("persons").clone(),
        max_page: 1024 * 1024,
        encoding: None,
        asked: Asked {
            at: At::Start,
            url: settings.base.clone(),
            secret_param: None,
        },
    };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(kind));
    let answer = Answer {
        headers,
        body,
        status: StatusCode::OK,
    };
    Page::open(answer, &opening).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn any_bytes_are_a_page_or_an_error(
        body in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(vec!["application/json", "text/json; charset=utf-16le", "x+json;charset=big5"]),
    ) {
        if let Ok(page) = open(body, kind, "", "/0") {
            prop_assert_eq!(page.rows().count(), page.count());
        }
    }

    #[test]
    fn rows_are_slices_of_the_answer(
        numbers in prop::collection::vec("-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?", 0..20),
        space in "[ \n\t]{0,3}",
    ) {
        let rows: Vec<String> = numbers.iter().map(|n| format!("{{\"n\":{space}{n}}}")).collect();
        let list = rows.join(&format!("{space},{space}"));
        let body = format!("{space}{{\"d\":[{space}{list}{space}],\"next\":null}}{space}");
        let page = open(body.into_bytes(), "application/json", "/d", "/next").unwrap();
        prop_assert_eq!(page.rows().collect::<Vec<_>>(), rows);
        prop_assert!(page.next.is_none());
    }
}
