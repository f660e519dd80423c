//! Asking for changes, and where a position is understood.

use rabt_connect::Mode;

use super::server::{Reply, Server};
use super::{plan, read, session};

#[tokio::test]
async fn changes_are_asked_for_by_a_template() {
    let server = Server::start(|asked| {
        let rows = match asked.param("filter").as_deref() {
            None => "[{\"id\":1,\"at\":\"2024-03-01T10:00:00Z\"},{\"id\":2,\"at\":\"2024-03-01T09:00:00Z\"}]",
            Some("at ge '2024-03-01T09:45:00Z'") => "[{\"id\":3,\"at\":\"2099-01-01T00:00:00Z\"}]",
            Some(_) => "[]",
        };
        Reply::json(rows)
    })
    .await;
    let config = "paging = 'none'\nsince = { filter = \"at ge '{cursor}'\", sort = 'at' }";
    let session = session(&server.url(), config);
    let mut plan = plan(&["id", "at"]);
    plan.mode = Mode::Incremental {
        cursor: "at".to_owned(),
        lag: Some(std::time::Duration::from_mins(15)),
    };
    let first = read(&session, &plan, None).await.unwrap();
    assert_eq!(first.rows.len(), 2);
    let second = read(&session, &plan, first.positions.last().cloned())
        .await
        .unwrap();
    assert_eq!(second.rows, ["3|2099-01-01T00:00:00Z"]);
    let third = read(&session, &plan, second.positions.last().cloned())
        .await
        .unwrap();
    assert!(third.rows.is_empty());
    // The row of the future did not take the position with it.
    assert!(!server.asked()[2].query.contains("2099"));
    let fourth = read(&session, &plan, third.positions.last().cloned())
        .await
        .unwrap();
    assert!(fourth.rows.is_empty());
    assert_eq!(server.asked()[2].query, server.asked()[3].query);
}

#[tokio::test]
async fn changes_need_a_cursor_and_a_way_to_ask() {
    let server = Server::start(|_| Reply::json("[{\"id\":1,\"at\":null}]")).await;
    let mut plan = plan(&["id", "at"]);
    plan.mode = Mode::Incremental {
        cursor: "at".to_owned(),
        lag: None,
    };
    let mut told = Vec::new();
    for config in [
        "paging = 'none'",
        "paging = 'none'\nsince = { at_from = '{cursor}' }",
    ] {
        let error = read(&session(&server.url(), config), &plan, None)
            .await
            .unwrap_err();
        assert_eq!(error.name(), "configuration");
        told.push(error.to_string());
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_position_belongs_to_its_table_and_paging() {
    let server = Server::start(|asked| {
        let page = asked.number("page").or(asked.number("offset")).unwrap();
        Reply::json(if page < 4 {
            format!("[{{\"id\":{page}}}]")
        } else {
            "[]".to_owned()
        })
    })
    .await;
    let own = session(&server.url(), "paging = 'page'\npage_size = 1");
    let sent = read(&own, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ["1", "2", "3"]);
    let position = sent.positions[0].clone();
    let rest = read(&own, &plan(&["id"]), Some(position.clone()))
        .await
        .unwrap();
    assert_eq!(rest.rows, ["2", "3"]);
    let mut other = plan(&["id"]);
    other.table = "cars".to_owned();
    let mut changes = plan(&["id"]);
    changes.mode = Mode::Incremental {
        cursor: "id".to_owned(),
        lag: None,
    };
    let since = "since = { from = '{cursor}' }";
    for (config, plan) in [
        // The number of a page means nothing when pages have another size.
        ("paging = 'page'\npage_size = 2", plan(&["id"])),
        ("paging = 'offset'\npage_size = 1", plan(&["id"])),
        ("paging = 'page'\npage_size = 1", other),
        (
            &*format!("paging = 'page'\npage_size = 1\n{since}"),
            changes,
        ),
    ] {
        let session = session(&server.url(), config);
        let refused = read(&session, &plan, Some(position.clone()))
            .await
            .unwrap_err();
        assert_eq!(refused.name(), "configuration", "{config}");
    }
    let mut elsewhere = own.clone();
    elsewhere.source = "pensions".parse().unwrap();
    let refused = read(&elsewhere, &plan(&["id"]), Some(position))
        .await
        .unwrap_err();
    assert_eq!(refused.name(), "configuration");
}
