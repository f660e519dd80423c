use rabt_connect::{Connector, Session};

use super::{Auth, of_session, problems_of};
use crate::Rest;

fn session(config: &str) -> Session {
    Session::new("tax".parse().unwrap(), config.parse().unwrap(), "/base")
}

#[test]
fn every_mistake_is_reported() {
    let text = r#"
        ulr = "x"
        url = "ftp://h/"
        paging = "cursr"
        rows = "data"
        auth = "oauth2"
        token = { secret = "env:T" }
        token_url = "https://u:p@h/token"
        client_auth = "header"
        scopes = "read"
        headers = { "a b" = "x", Authorization = "x", X-A = 7 }
        since = { from = "cursor" }
        offset_param = ""
        first_page = 2
        page_size = 0
        ca = 7
        timeout = "1d"
        max_page_mib = 0
        encoding = "windows-1265"
        [tables]
        cars = 7
        [tables.persons]
        path = "people?x=1"
        pagin = "offset"
        paging = "offset"
        next = "/next"
        last_page = "shrt"
    "#;
    let problems = Rest.validate(&text.parse().unwrap());
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn each_way_to_log_in_has_its_keys() {
    let mut lines = Vec::new();
    for text in [
        "auth = 'api-key'",
        "auth = 'api-key'\nkey = { secret = 'env:K' }\nkey_header = 'a b'",
        "auth = 'api-key'\nkey = { secret = 'env:K' }\nkey_header = 'a'\nkey_param = 'b'",
        "auth = 'api-key'\nkey = { secret = 'env:K' }\nkey_header = 'Host'",
        "auth = 'bearer'",
        "auth = 'bearer'\ntoken = 'clear'",
        "auth = 'basic'\nuser = 'a:b'",
        "auth = 'oauth2'",
        "auth = 'none'\nkey = { secret = 'env:K' }",
        "auth = 'beerer'",
    ] {
        let config = format!("url = 'https://h'\npaging = 'link'\n{text}")
            .parse()
            .unwrap();
        let told = Rest
            .validate(&config)
            .into_iter()
            .map(|problem| problem.to_string());
        lines.push(told.collect::<Vec<_>>().join("\n"));
    }
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[test]
fn a_table_has_the_keys_of_the_source_and_its_own() {
    let settings = of_session(&session(
        "url = 'https://h/v1/'\npaging = 'cursor'\nnext = '/next'\nrows = '/data'\n\
         [tables.persons]\npath = '/people/'\n[tables.cars]\npaging = 'offset'\nrows = ''",
    ))
    .unwrap();
    let persons = settings.endpoint("persons");
    assert_eq!(persons.path.as_deref(), Some("people"));
    assert_eq!(
        (persons.rows.shown(), persons.size.is_some()),
        ("'/data'".into(), false)
    );
    let cars = settings.endpoint("cars");
    assert_eq!(
        (cars.rows.shown(), cars.size.is_some()),
        ("the top of the answer".into(), true)
    );
    assert_eq!(settings.endpoint("boats").path, None);
    assert!(matches!(settings.auth, Auth::None));
    assert_eq!(settings.server(), "h:443");
}

#[test]
fn a_reference_to_a_secret_is_enough_for_a_manifest() {
    for text in [
        "auth = 'bearer'\ntoken = { secret = 'env:T' }",
        "auth = 'basic'\nuser = 'u'\npassword = { secret = 'file:p' }",
        "auth = 'api-key'\nkey_param = 'k'\nkey = { secret = 'env:K' }",
    ] {
        let config = format!("url = 'https://h'\npaging = 'none'\n{text}")
            .parse()
            .unwrap();
        assert!(Rest.validate(&config).is_empty(), "{text}");
    }
    let wrong = "url = 'https://h'\npaging = 'none'\nauth = 'bearer'\ntoken = \"a\\nb\"";
    assert_eq!(problems_of(&wrong.parse().unwrap()).len(), 1);
}
