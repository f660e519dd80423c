//! Databases that nobody here wrote: Chinook from its three engines, and Sakila through a view.

use rabt_model::{Attribute, RecordNumber};
use rabt_service::operate::NewSource;
use rabt_tests::{Database, Stack, mysql_url, postgres_url, sample_data, skip};

const CUSTOMERS: usize = 59;

/// Returns a folder for the customers of one engine. `columns` are its own names for first name,
/// last name, e-mail, phone, address, city and country.
fn folder(id: &str, config: &str, from: &str, key: &str, columns: [&str; 7]) -> NewSource {
    let [first, last, email, phone, address, city, country] = columns;
    let manifest = format!(
        r#"
schema = 1
[agency]
id = "{id}"
name = {{ en = "Music shop ({id})", ar = "متجر موسيقى" }}
steward = "data@{id}.example"
agreement = "AG-SUPPLY-900"
[source]
{config}
[[stream]]
id = "customer"
from = {from}
key = ["{key}"]
mode = "snapshot"
"#
    );
    let mapping = format!(
        r#"
[customer]
"name.latin" = {{ from = ["{first}", "{last}"], as = ["given", "family"], steps = ["trim", "collapse_spaces", "nfc"] }}
"email" = {{ from = "{email}", steps = ["trim", "fold_case"] }}
"phone" = {{ from = "{phone}", steps = ["trim"] }}
"address" = {{ street = {{ from = "{address}", steps = ["trim"] }}, district = {{ from = "{city}", steps = ["trim"] }} }}
"facts.{id}.country" = {{ from = "{country}", steps = ["trim"] }}
"#
    );
    NewSource {
        manifest,
        mapping,
        base: "/".into(),
    }
}

const PASCAL: [&str; 7] = [
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Address",
    "City",
    "Country",
];
const SNAKE: [&str; 7] = [
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "city",
    "country",
];

/// A configuration with the address in a file, as every address with a password must be.
fn server(kind: &str, url: &str, folder: &std::path::Path) -> String {
    let path = folder.join(format!("{kind}.url"));
    std::fs::write(&path, url).unwrap();
    let path = path.display();
    format!("kind = \"{kind}\"\n[source.config]\nurl = {{ secret = \"file:{path}\" }}")
}

/// Returns a dump without the lines that choose a database: the test has one of its own.
pub(crate) fn script(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(sample_data(name)?).unwrap();
    let chooses = |line: &str| {
        let line = line.to_uppercase();
        [
            "DROP DATABASE",
            "CREATE DATABASE",
            "\\C ",
            "USE ",
            "DROP SCHEMA",
            "CREATE SCHEMA",
        ]
        .iter()
        .any(|start| line.starts_with(start))
    };
    let kept: Vec<&str> = text.lines().filter(|line| !chooses(line)).collect();
    Some(kept.join("\n").replace("sakila.", ""))
}

/// Returns a dump without its stored programs, whose delimiter only the client program knows.
pub(crate) fn without_programs(script: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in script.lines() {
        match line.strip_prefix("DELIMITER ") {
            Some(delimiter) => inside = delimiter.trim() != ";",
            None if !inside => kept.push(line),
            None => {}
        }
    }
    kept.join("\n")
}

/// Returns every value of an attribute, sorted.
async fn values(stack: &Stack, agency: &str, attribute: &str) -> Vec<String> {
    let attribute: Attribute = attribute.parse().unwrap();
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    let records = snapshot
        .records_after(RecordNumber(i64::MIN), 100_000)
        .await
        .unwrap();
    let mut values: Vec<String> = records
        .iter()
        .filter(|stored| stored.record.agency.as_str() == agency)
        .flat_map(|stored| stored.record.values_of(&attribute))
        .map(|value| value.value.expose().to_line())
        .collect();
    values.sort();
    values
}

#[tokio::test]
async fn chinook_is_one_shop_on_three_engines() {
    let (Some(sqlite), Some(postgres), Some(mysql)) = (
        sample_data("chinook/Chinook_Sqlite.sqlite"),
        script("chinook/Chinook_PostgreSql.sql"),
        script("chinook/Chinook_MySql.sql"),
    ) else {
        return;
    };
    let (Some(postgres_server), Some(mysql_server)) = (postgres_url(), mysql_url()) else {
        return skip("needs both servers");
    };
    let on_postgres = Database::on(&postgres_server).await;
    on_postgres.run(&postgres).await;
    let on_mysql = Database::on(&mysql_server).await;
    on_mysql.run(&mysql).await;

    let secrets = tempfile::tempdir().unwrap();
    let file = format!(
        "kind = \"sqlite\"\n[source.config]\npath = \"{}\"",
        sqlite.display()
    );
    let pg = server("postgres", &on_postgres.url(), secrets.path());
    let my = server("mysql", &on_mysql.url(), secrets.path());
    let in_public = "{ schema = \"public\", table = \"customer\" }";
    let stack = Stack::start("sqlite::memory:").await;
    stack
        .register(vec![
            folder(
                "shop-sqlite",
                &file,
                "{ table = \"Customer\" }",
                "CustomerId",
                PASCAL,
            ),
            folder("shop-postgres", &pg, in_public, "customer_id", SNAKE),
            folder(
                "shop-mysql",
                &my,
                "{ table = \"Customer\" }",
                "CustomerId",
                PASCAL,
            ),
        ])
        .await;
    let runs = stack.read(3).await;
    for run in &runs {
        assert_eq!(
            (run.counts.rows, run.counts.rejected),
            (59, 0),
            "{}",
            run.source
        );
    }
    stack.link().await;

    for attribute in ["name.latin", "email", "phone", "address"] {
        let expected = values(&stack, "shop-sqlite", attribute).await;
        assert!(
            expected.len() >= CUSTOMERS - 2,
            "{attribute}: {}",
            expected.len()
        );
        for agency in ["shop-postgres", "shop-mysql"] {
            assert_eq!(
                values(&stack, agency, attribute).await,
                expected,
                "{agency} {attribute}"
            );
        }
    }
    let names = values(&stack, "shop-mysql", "name.latin").await;
    for accented in [
        "Luís Gonçalves",
        "Leonie Köhler",
        "František Wichterlová",
        "Bjørn Hansen",
    ] {
        assert!(names.iter().any(|name| name == accented), "{accented}");
    }
    assert_eq!(
        stack.services.citizens(),
        CUSTOMERS,
        "one citizen per customer"
    );
    stack.stop().await;
}

#[tokio::test]
async fn sakila_arrives_through_a_view() {
    let (Some(schema), Some(data)) = (
        script("sakila/sakila-mariadb-schema.sql"),
        script("sakila/sakila-mariadb-data.sql"),
    ) else {
        return;
    };
    let Some(server_url) = mysql_url() else {
        return;
    };
    let database = Database::on(&server_url).await;
    database.run(&without_programs(&schema)).await;
    database.run(&without_programs(&data)).await;
    database
        .run(
            "CREATE VIEW customer_with_address AS \
             SELECT c.customer_id, c.first_name, c.last_name, c.email, a.phone, a.address, \
               t.city, n.country \
             FROM customer c JOIN address a USING (address_id) JOIN city t USING (city_id) \
               JOIN country n USING (country_id)",
        )
        .await;
    let secrets = tempfile::tempdir().unwrap();
    let config = server("mysql", &database.url(), secrets.path());
    let from = "{ table = \"customer_with_address\" }";
    let stack = Stack::start("sqlite::memory:").await;
    stack
        .register(vec![folder("rental", &config, from, "customer_id", SNAKE)])
        .await;
    let runs = stack.read(1).await;
    assert_eq!((runs[0].counts.rows, runs[0].counts.records), (599, 599));
    stack.link().await;
    let cities = values(&stack, "rental", "address").await;
    assert!(
        cities.iter().any(|line| line.contains("Ciudad del Este")),
        "addresses are joined"
    );
    stack.stop().await;
}
