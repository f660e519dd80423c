//! Changes that cannot be read, or not any more: each says what to do.

use std::sync::Arc;

use rabt_connect::{AgencyFolder, ConnectError, Connector, Kinds, Outcome};

use super::Agency;
use super::mirror::{Mirror, PEOPLE, changes, publishing, table};
use crate::Postgres;

#[tokio::test]
async fn a_slot_that_is_not_ours_any_more_is_a_configuration_error() {
    let Some(agency) = Agency::with("cdc_lost", PEOPLE).await else {
        return;
    };
    let (session, plan) = (agency.publishing(), changes("person", &["id"], &["id"]));
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    let lost = |read: Result<(), ConnectError>, what: &str| {
        let error = read.unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(
            error.to_string().contains(what) && error.remedy().contains("rewind"),
            "{error}"
        );
    };
    let slot = "(SELECT slot_name FROM pg_replication_slots WHERE database = current_database())";
    agency
        .run(&format!("CREATE TABLE name AS SELECT {slot} AS n"))
        .await;
    // Somebody makes it anew: what came in between is not in it.
    agency
        .run(&format!("SELECT pg_drop_replication_slot({slot})"))
        .await;
    agency.run("INSERT INTO person VALUES (1, '', '')").await;
    agency
        .run("SELECT pg_create_logical_replication_slot((SELECT n FROM name), 'pgoutput')")
        .await;
    lost(
        mirror.read(&session, &plan).await,
        "made or moved by somebody else",
    );
    agency
        .run(&format!("SELECT pg_drop_replication_slot({slot})"))
        .await;
    lost(mirror.read(&session, &plan).await, "the slot is gone");
    let mut again = Mirror::default();
    again.read(&session, &plan).await.unwrap();
    assert_eq!(again.rows.len(), 1);
    // So is a table that was made anew.
    agency
        .run("DROP TABLE person; CREATE TABLE person (id int PRIMARY KEY); ALTER PUBLICATION rabt ADD TABLE person")
        .await;
    lost(again.read(&session, &plan).await, "made anew");
    Postgres.forget(&session, &plan).await.unwrap();
    Postgres.forget(&session, &plan).await.unwrap();
    assert!(table(&agency.url(), "SELECT slot_name::text, '' FROM pg_replication_slots WHERE database = current_database()").await.is_empty());
}

#[tokio::test]
async fn a_slot_over_its_budget_is_dropped() {
    let Some(agency) = Agency::with("cdc_budget", PEOPLE).await else {
        return;
    };
    let (mut session, plan) = (agency.publishing(), changes("person", &["id"], &["id"]));
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run("CREATE TABLE bulk AS SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 5000) n")
        .await;
    session.protect.slot_budget = Some(1 << 20);
    let error = mirror.read(&session, &plan).await.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(
        error
            .to_string()
            .contains("slot_budget is 1 MiB, and was dropped"),
        "{error}"
    );
    assert!(table(&agency.url(), "SELECT slot_name::text, '' FROM pg_replication_slots WHERE database = current_database()").await.is_empty());
}

#[tokio::test]
async fn what_changes_need_is_found_with_its_remedy() {
    let Some(agency) = Agency::with(
        "cdc_check",
        "CREATE TABLE person (id int PRIMARY KEY, name text, code int UNIQUE);
         CREATE TABLE nameless (id int); CREATE VIEW persons AS SELECT * FROM person;",
    )
    .await
    else {
        return;
    };
    let session = agency.publishing();
    let mut mirror = Mirror::default();
    let person = changes("person", &["id"], &["id", "name"]);
    let refused = |error: ConnectError, what: &str, remedy: &str| {
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(
            error.to_string().contains(what) && error.remedy().contains(remedy),
            "{error}"
        );
    };
    let error = mirror.read(&agency.session(), &person).await.unwrap_err();
    refused(error, "publication", "CREATE PUBLICATION rabt");
    let error = mirror.read(&session, &person).await.unwrap_err();
    refused(
        error,
        "does not exist",
        "CREATE PUBLICATION \"rabt\" FOR TABLE public.person;",
    );
    agency
        .run("CREATE PUBLICATION rabt FOR TABLE nameless")
        .await;
    let error = mirror.read(&session, &person).await.unwrap_err();
    refused(
        error,
        "not in the publication",
        "ALTER PUBLICATION \"rabt\" ADD TABLE public.person;",
    );
    let findings = Postgres.check(&session).await;
    let failed: Vec<_> = findings
        .iter()
        .filter(|f| f.outcome == Outcome::Fail)
        .collect();
    assert_eq!(failed.len(), 1, "{findings:?}");
    assert_eq!(
        failed[0].remedy.as_deref(),
        Some("ALTER TABLE public.nameless REPLICA IDENTITY FULL;")
    );
    agency
        .run("ALTER PUBLICATION rabt SET TABLE person (id, code)")
        .await;
    let error = mirror.read(&session, &person).await.unwrap_err();
    refused(
        error,
        "without its column 'name'",
        "SET TABLE public.person (\"id\", \"name\")",
    );
    agency.run("ALTER PUBLICATION rabt SET TABLE person").await;
    let error = mirror
        .read(&session, &changes("person", &["code"], &["code"]))
        .await
        .unwrap_err();
    refused(error, "which 'code' a row had", "REPLICA IDENTITY FULL");
    let error = mirror
        .read(&session, &changes("persons", &["id"], &["id"]))
        .await
        .unwrap_err();
    refused(error, "is no table", "mode");
    mirror.read(&session, &person).await.unwrap();
    let findings = Postgres.check(&session).await;
    assert!(
        findings.iter().all(|f| f.outcome != Outcome::Fail),
        "{findings:?}"
    );
    // An account that may not read the log is told so before anything is left at the server.
    agency
        .run(&format!(
            "CREATE ROLE {0}_reader LOGIN PASSWORD 'p'; GRANT SELECT ON person TO {0}_reader",
            agency.name
        ))
        .await;
    let url = agency
        .url()
        .replace("rabt:rabt@", &format!("{}_reader:p@", agency.name));
    let error = Mirror::default()
        .read(&publishing(&url, "reader"), &person)
        .await
        .unwrap_err();
    agency
        .run(&format!(
            "DROP OWNED BY {0}_reader; DROP ROLE {0}_reader",
            agency.name
        ))
        .await;
    refused(error, "may not read the log", "REPLICATION;");
}

#[tokio::test]
async fn a_log_that_tells_of_other_rows_than_a_reading_sees_is_refused() {
    let Some(agency) = Agency::with(
        "cdc_rows",
        "CREATE TABLE whole (id int PRIMARY KEY, name text);
         CREATE TABLE parent (id int PRIMARY KEY, name text);
         CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
         CREATE TABLE picked (id int PRIMARY KEY, name text);
         CREATE TABLE hidden (id int PRIMARY KEY, name text);
         ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
         CREATE PUBLICATION rabt FOR TABLE whole (id), parent, picked WHERE (id > 5), hidden;",
    )
    .await
    else {
        return;
    };
    let reader = format!("{}_reader", agency.name);
    agency
        .run(&format!(
            "CREATE ROLE {reader} LOGIN REPLICATION PASSWORD 'p'"
        ))
        .await;
    agency
        .run(&format!(
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
        ))
        .await;
    let url = agency.url().replace("rabt:rabt@", &format!("{reader}:p@"));
    let session = publishing(&url, &agency.name);
    let mut told = Vec::new();
    for table in ["parent", "picked", "hidden"] {
        let plan = changes(table, &["id"], &["id", "name"]);
        told.push(Mirror::default().read(&session, &plan).await.unwrap_err());
    }
    let slots =
        "SELECT slot_name::text, '' FROM pg_replication_slots WHERE database = current_database()";
    let left = table(&agency.url(), slots).await;
    let checked = Postgres.check(&session).await;
    let whole = changes("whole", &["id"], &["id"]);
    let read = Mirror::default().read(&session, &whole).await;
    // Whoever sees every row reads them all.
    agency.run(&format!("ALTER ROLE {reader} BYPASSRLS")).await;
    let hidden = changes("hidden", &["id"], &["id", "name"]);
    let seen = Mirror::default().read(&session, &hidden).await;
    for plan in [&whole, &hidden] {
        let _ = Postgres.forget(&session, plan).await;
    }
    agency
        .run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"))
        .await;
    assert_eq!((read, seen), (Ok(()), Ok(())));
    assert!(left.is_empty(), "{left:?}");
    for (error, (what, remedy)) in told.iter().zip([
        ("inherit from it", "\"snapshot\""),
        ("a filter that hides rows", "ADD TABLE public.picked;"),
        ("row security", "BYPASSRLS;"),
    ]) {
        assert_eq!(error.name(), "configuration", "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.remedy().contains(remedy), "{error}");
    }
    for (id, named) in [
        ("inheritance", "public.parent"),
        ("row_filter", "public.picked"),
        ("row_security", "public.hidden"),
    ] {
        let finding = checked.iter().find(|finding| finding.id == id).unwrap();
        assert_eq!(finding.outcome, Outcome::Fail, "{finding:?}");
        assert!(finding.summary.contains(named), "{finding:?}");
    }
    let columns = checked.iter().find(|one| one.id == "published_columns");
    assert!(
        columns.unwrap().summary.contains("of public.whole are"),
        "{columns:?}"
    );
}

/// Told when the folder is handed in, and not by the first reading.
#[test]
fn a_process_of_its_own_reads_no_changes() {
    let load = |isolation: &str| {
        let manifest = format!(
            r#"
schema = 1
[agency]
id = "tax"
name = {{ en = "Tax", ar = "الضرائب" }}
steward = "data@tax.example"
agreement = "AG-S-1"
[source]
kind = "postgres"
isolation = "{isolation}"
[source.config]
url = {{ secret = "env:URL" }}
publication = "rabt"
[[stream]]
id = "person"
from = {{ table = "persons" }}
key = ["id"]
mode = "changes"
"#
        );
        let files = [
            ("manifest.toml", manifest.as_str()),
            ("mapping.toml", "[person]\n\"phone\" = { from = \"tel\" }\n"),
        ];
        let kinds = Kinds::new().with(Arc::new(crate::Postgres));
        AgencyFolder::load_for(&files, &kinds)
    };
    load("shared").unwrap();
    load("process").unwrap();
}
