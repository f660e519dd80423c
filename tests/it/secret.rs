//! Secrets that change while a node runs: a reference is resolved at each reading.

use std::path::Path;

use rabt_service::ingest;
use rabt_service::operate::NewSource;
use rabt_tests::{Database, Stack, mysql_url, postgres_url};

/// Returns the folder of an agency whose password is in a file.
fn agency(kind: &str, url: &str, folder: &Path) -> NewSource {
    let manifest = format!(
        r#"
schema = 1
[agency]
id = "registry"
name = {{ en = "Registry", ar = "السجل" }}
steward = "data@registry.example"
agreement = "AG-SUPPLY-902"
[source]
kind = "{kind}"
[source.config]
url = {{ secret = "file:{kind}.url" }}
[[stream]]
id = "person"
from = {{ table = "person" }}
key = ["id"]
mode = "snapshot"
"#
    );
    let path = folder.join(format!("{kind}.url"));
    std::fs::write(path, format!("{url}\n")).unwrap();
    NewSource {
        manifest,
        mapping: "[person]\n\"phone\" = { from = \"phone\" }\n".to_owned(),
        base: folder.into(),
    }
}

/// Returns the address with another account.
fn with_account(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{user}:{password}@{place}")
}

/// Reads with a password, changes it at the database and in its file, and reads again.
async fn changes(kind: &str, database: &Database, user: &str, statement: impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let url = |password: &str| with_account(&database.url(), user, password);
    let stack = Stack::start("sqlite::memory:").await;
    let source = agency(kind, &url("hunter2"), folder.path());
    stack.register(vec![source]).await;
    assert_eq!(stack.read(1).await[0].counts.rows, 1);

    database.run(&statement("hunter3")).await;
    std::fs::write(folder.path().join(format!("{kind}.url")), url("hunter3")).unwrap();
    assert_eq!(stack.read(1).await[0].counts.rows, 1, "without a restart");

    // The password is what lets it in: one that is not changed in its file is refused, and not told.
    database.run(&statement("hunter4")).await;
    let id = "registry".parse().unwrap();
    let refused = ingest(&stack.services, &id).await.unwrap_err();
    assert_eq!(refused.class(), rabt_model::ErrorClass::Configuration);
    assert!(!refused.to_string().contains("hunter"), "{refused}");

    // What is kept, and what an export of it holds, is the reference.
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    for source in snapshot.list_sources().await.unwrap() {
        assert!(source.manifest.contains(&format!("file:{kind}.url")));
        assert!(!source.manifest.contains("hunter"));
    }
    for run in snapshot.runs(&id, 10).await.unwrap() {
        assert!(!format!("{run:?}").contains("hunter"));
    }
    drop(snapshot);
    stack.stop().await;
}

const TABLE: &str = "CREATE TABLE person (id INTEGER PRIMARY KEY, phone VARCHAR(20));
                     INSERT INTO person VALUES (1, '01001234567');";

#[tokio::test]
async fn a_password_that_changes_counts_from_the_next_reading_on_postgres() {
    let Some(url) = postgres_url() else {
        return;
    };
    let database = Database::on(&url).await;
    let user = format!("rabt_secret_{}", std::process::id());
    let made = format!(
        "{TABLE} CREATE ROLE {user} LOGIN PASSWORD 'hunter2'; GRANT SELECT ON person TO {user};"
    );
    database.run(&made).await;
    let statement = |password: &str| format!("ALTER ROLE {user} PASSWORD '{password}'");
    changes("postgres", &database, &user, statement).await;
    database
        .run(&format!("DROP OWNED BY {user}; DROP ROLE {user};"))
        .await;
}

#[tokio::test]
async fn a_password_that_changes_counts_from_the_next_reading_on_mariadb() {
    let Some(url) = mysql_url() else {
        return;
    };
    let database = Database::on(&url).await;
    let user = format!("rabt_secret_{}", std::process::id());
    let made = format!(
        "{TABLE} CREATE USER '{user}'@'%' IDENTIFIED BY 'hunter2'; GRANT SELECT ON person TO '{user}'@'%';"
    );
    database.run(&made).await;
    let statement = |password: &str| format!("ALTER USER '{user}'@'%' IDENTIFIED BY '{password}'");
    changes("mysql", &database, &user, statement).await;
    database.run(&format!("DROP USER '{user}'@'%'")).await;
}
