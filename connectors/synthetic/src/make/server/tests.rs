use std::path::Path;
use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::manifest;
use crate::{Made, Targets, make};

const DATABASE: &str = "rabt_synthetic_test";

#[test]
fn only_the_source_changes() {
    let text = "schema = 1\n[source]\nkind = \"sqlite\"\n[source.config]\npath = \"a.db\"\n";
    let changed = manifest(text, "postgres", Path::new("/data/a.url")).unwrap();
    let table: toml::Table = changed.parse().unwrap();
    assert_eq!(table["schema"].as_integer(), Some(1));
    assert_eq!(table["source"]["kind"].as_str(), Some("postgres"));
    let secret = &table["source"]["config"]["url"]["secret"];
    assert_eq!(secret.as_str(), Some("file:/data/a.url"));
    assert!(manifest("schema = 1", "mysql", Path::new("a")).is_err());
}

/// Makes the databases with these targets and checks what does not depend on the server: the truth
/// is that of the files, and one manifest changed. Returns how many rows the agency has.
async fn made_with(targets: &Targets, agency: &str) -> i64 {
    let dir = tempfile::tempdir().unwrap();
    let made: Made = make(600, 4, dir.path(), targets).await.unwrap();
    let files = dir.path().join("files");
    let plain = make(600, 4, &files, &Targets::default()).await.unwrap();
    assert_eq!(made.truth, plain.truth);
    assert_eq!(made.manifests.len(), 1);
    assert_eq!(made.manifests[0].0.as_str(), agency);
    let rows = made
        .truth
        .iter()
        .filter(|(source, ..)| source.as_str() == agency);
    i64::try_from(rows.count()).unwrap()
}

#[tokio::test]
async fn postgresql_takes_the_same_rows() {
    let Ok(url) = std::env::var("RABT_TEST_POSTGRES_URL") else {
        println!("skipped: no PostgreSQL");
        return;
    };
    let options = PgConnectOptions::from_str(&url).unwrap();
    let mut server = options.connect().await.unwrap();
    let drop = format!("DROP DATABASE IF EXISTS {DATABASE}");
    let create = format!("CREATE DATABASE {DATABASE}");
    server.execute(AssertSqlSafe(drop.clone())).await.unwrap();
    server.execute(AssertSqlSafe(create)).await.unwrap();
    let own = options.database(DATABASE);
    let targets = Targets {
        postgres: Some(own.to_url_lossy().to_string()),
        mysql: None,
    };
    let expected = made_with(&targets, "social-insurance").await;
    let mut connection = own.connect().await.unwrap();
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM members")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    server.execute(AssertSqlSafe(drop)).await.unwrap();
    assert_eq!(counted, expected);
}

#[tokio::test]
async fn mariadb_takes_the_same_rows() {
    let Ok(url) = std::env::var("RABT_TEST_MYSQL_URL") else {
        println!("skipped: no MariaDB");
        return;
    };
    let options = MySqlConnectOptions::from_str(&url).unwrap();
    let mut server = options.connect().await.unwrap();
    let drop = format!("DROP DATABASE IF EXISTS {DATABASE}");
    let create = format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4");
    server.execute(AssertSqlSafe(drop.clone())).await.unwrap();
    server.execute(AssertSqlSafe(create)).await.unwrap();
    let own = options.database(DATABASE);
    let targets = Targets {
        postgres: None,
        mysql: Some(own.to_url_lossy().to_string()),
    };
    let expected = made_with(&targets, "labour").await;
    let mut connection = own.connect().await.unwrap();
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM tbl_worker")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    server.execute(AssertSqlSafe(drop)).await.unwrap();
    assert_eq!(counted, expected);
}
