//! Tables whose log does not tell of every change: they are refused before a row is read.

use super::Agency;
use super::mirror::{Mirror, changes};

#[tokio::test]
async fn tables_whose_log_does_not_tell_all_are_refused() {
    for (name, setup, key, says) in [
        (
            "no_engine",
            "CREATE TABLE person (id int PRIMARY KEY, name text) ENGINE = MyISAM",
            "id",
            "kept by MyISAM",
        ),
        (
            "no_view",
            "CREATE TABLE p (id int PRIMARY KEY, name text); CREATE VIEW person AS SELECT * FROM p",
            "id",
            "is no table",
        ),
        (
            "no_versions",
            "CREATE TABLE person (id int PRIMARY KEY, name text) WITH SYSTEM VERSIONING",
            "id",
            "versions of its rows",
        ),
        (
            "no_cascade",
            "CREATE TABLE home (id int PRIMARY KEY);
             CREATE TABLE person (id int PRIMARY KEY, name text, home int,
               FOREIGN KEY (home) REFERENCES home (id) ON DELETE SET NULL)",
            "id",
            "foreign key with CASCADE or SET NULL",
        ),
        (
            "no_packed",
            "CREATE TABLE person (id int PRIMARY KEY, name text, note text COMPRESSED)",
            "id",
            "compressed column 'note'",
        ),
        (
            "no_unique",
            "CREATE TABLE person (id int PRIMARY KEY, name varchar(9))",
            "name",
            "promise to be unique",
        ),
        (
            "no_computed",
            "CREATE TABLE person (id int, name text, twice int AS (id * 2) VIRTUAL, UNIQUE (twice))",
            "twice",
            "computes 'twice' of its key",
        ),
    ] {
        let Some(agency) = Agency::with(name, setup).await else {
            return;
        };
        let plan = changes("person", &[key], &["id", "name"]);
        let error = Mirror::default()
            .read(&agency.logging(), &plan)
            .await
            .unwrap_err();
        assert_eq!(error.name(), "configuration", "{name}: {error}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_key_that_the_log_does_not_tell_as_text_stops_the_stream() {
    let Some(agency) = Agency::with(
        "no_uuid",
        "CREATE TABLE person (id uuid PRIMARY KEY, name text)",
    )
    .await
    else {
        return;
    };
    let plan = changes("person", &["id"], &["id", "name"]);
    let mut mirror = Mirror::default();
    mirror.read(&agency.logging(), &plan).await.unwrap();
    agency.run("INSERT INTO person VALUES (uuid(), 'a')").await;
    let error = mirror.read(&agency.logging(), &plan).await.unwrap_err();
    assert!(error.to_string().contains("'id' in its key"), "{error}");
}

#[tokio::test]
async fn the_key_of_the_configuration_is_asked_for() {
    let Some(agency) = Agency::with("no_binlog", super::mirror::PEOPLE).await else {
        return;
    };
    let plan = changes("person", &["id"], &["id", "name"]);
    let error = Mirror::default()
        .read(&agency.session(), &plan)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("source.config.binlog"),
        "{error}"
    );
}
