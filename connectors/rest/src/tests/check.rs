//! What a check and a discovery tell.

use rabt_connect::{Connector, Filter, Finding, Outcome};

use super::server::{Reply, Server};
use super::session;
use crate::Rest;

async fn told(server: &Server, config: &str) -> String {
    let findings = Rest.check(&session(&server.url(), config)).await;
    let lines = findings.iter().map(line).collect::<Vec<_>>().join("\n");
    lines.replace(&server.address.to_string(), "ADDRESS")
}

fn line(finding: &Finding) -> String {
    let outcome = match finding.outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
    };
    let remedy = finding
        .remedy
        .as_deref()
        .map(|remedy| format!(" -> {remedy}"));
    format!(
        "{outcome} {}: {}{}",
        finding.id,
        finding.summary,
        remedy.unwrap_or_default()
    )
}

#[tokio::test]
async fn a_check_finds_everything() {
    let two_pages = |asked: &super::server::Asked| {
        let offset = asked.number("offset").unwrap();
        let date = "Mon, 01 Jan 2024 00:00:00 GMT";
        let body = if offset < 2 {
            format!("{{\"d\":[{{\"id\":{offset}}}]}}")
        } else {
            "{\"d\":[]}".to_owned()
        };
        Reply::json(body).with("date", date)
    };
    let well = Server::start(two_pages).await;
    let listed = "\n[tables]\npersons = {}";
    let mut all = Vec::new();
    let right = format!("paging = 'offset'\nrows = '/d'{listed}");
    // How far the clock is behind differs from day to day.
    let text = told(&well, &right).await;
    let clock = text.lines().find(|line| line.contains(" clock:")).unwrap();
    assert!(
        clock.starts_with("warn clock: the server's clock is "),
        "{clock}"
    );
    all.push(
        text.lines()
            .filter(|line| !line.contains(" clock:"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    all.push(told(&well, "paging = 'offset'").await);
    let wrong = Server::start(|_| Reply::json("{\"items\":[{\"id\":1}]}")).await;
    all.push(told(&wrong, &right).await);
    all.push(
        told(
            &wrong,
            &format!("paging = 'offset'\nrows = '/items'{listed}"),
        )
        .await,
    );
    let refuses = Server::start(|_| Reply::status(401)).await;
    all.push(
        told(
            &refuses,
            &format!("paging = 'offset'\nauth = 'bearer'\ntoken = 'x'{listed}"),
        )
        .await,
    );
    let absent = Server::start(|_| Reply::status(404)).await;
    all.push(told(&absent, &right).await);
    let empty = Server::start(|_| Reply::json("[]")).await;
    all.push(told(&empty, &format!("paging = 'offset'{listed}")).await);
    all.push(told(&empty, "paging = 'offst'").await);
    insta::assert_snapshot!(all.join("\n\n"));
}

#[tokio::test]
async fn a_discovery_tells_columns_and_shapes() {
    let server = Server::start(|asked| {
        match asked.path.as_str() {
            "/api/cars" => return Reply::json("[]"),
            "/api/v2/people" => {}
            _ => return Reply::status(404),
        }
        Reply::json(
            r#"{"n":70000,"d":[{"id":1,"nid":"29001011234567","born":{"on":"1984-02-11","in":null}},
                {"id":2,"nid":"29001011234568","born":{"on":"1984-02-12","in":"طنطا"}},
                {"id":3,"nid":"29001011234569","born":{"on":"1984-02-13"}}]}"#,
        )
    })
    .await;
    let config = "paging = 'none'\n[tables]\nboats = {}\ncars = {}\n\
                  persons = { path = 'v2/people', rows = '/d', total = '/n' }";
    let session = session(&server.url(), config);
    let tables = Rest.discover(&session, &Filter::default()).await.unwrap();
    assert_eq!(tables.len(), 2);
    assert_eq!(
        (tables[0].name.as_str(), tables[0].columns.len()),
        ("cars", 0)
    );
    assert_eq!(tables[1].estimated_rows, Some(70_000));
    let columns: Vec<String> = tables[1]
        .columns
        .iter()
        .map(|c| format!("{} {} {}", c.name, c.declared_type, c.nullable))
        .collect();
    assert_eq!(
        columns,
        [
            "id number false",
            "nid string 9(14) false",
            "born.on string 9(4)-9(2)-9(2) false",
            "born.in string true",
        ]
    );
    let filter = Filter {
        name_contains: Some("PERS".to_owned()),
        ..Filter::default()
    };
    assert_eq!(Rest.discover(&session, &filter).await.unwrap().len(), 1);
}
