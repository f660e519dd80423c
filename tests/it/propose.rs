//! Proposals for databases that nobody here wrote: Chinook as a file, and Sakila on a server.

use std::collections::BTreeMap;

use rabt_connect::{
    AgencyFolder, Capabilities, Connector, Filter, NewAgency, Proposal, Sampling, Session, propose,
    survey,
};
use rabt_connector_mysql::Mysql;
use rabt_connector_sqlite::Sqlite;
use rabt_model::Label;
use rabt_tests::{Database, mysql_url, sample_data, skip};

use crate::chinook::{script, without_programs};

/// What a person would map: table, column, attribute with its part.
type Expected = [(&'static str, &'static str, &'static str)];

const CHINOOK: &Expected = &[
    ("Customer", "FirstName", "name.latin/given"),
    ("Customer", "LastName", "name.latin/family"),
    ("Customer", "Address", "address/text"),
    ("Customer", "City", "address/district"),
    ("Customer", "Phone", "phone"),
    ("Customer", "Email", "email"),
    ("Employee", "LastName", "name.latin/family"),
    ("Employee", "FirstName", "name.latin/given"),
    ("Employee", "BirthDate", "birth.date"),
    ("Employee", "Address", "address/text"),
    ("Employee", "City", "address/district"),
    ("Employee", "Phone", "phone"),
    ("Employee", "Email", "email"),
];

const SAKILA: &Expected = &[
    ("customer", "first_name", "name.latin/given"),
    ("customer", "last_name", "name.latin/family"),
    ("customer", "email", "email"),
    ("customer_list", "name", "name.latin"),
    ("customer_list", "address", "address/text"),
    ("customer_list", "phone", "phone"),
    ("customer_list", "city", "address/district"),
    ("staff", "first_name", "name.latin/given"),
    ("staff", "last_name", "name.latin/family"),
    ("staff", "email", "email"),
    ("staff_list", "name", "name.latin"),
    ("staff_list", "address", "address/text"),
    ("staff_list", "phone", "phone"),
    ("staff_list", "city", "address/district"),
];

async fn proposal(connector: &dyn Connector, session: &Session) -> Proposal {
    let sampling = Sampling::usual(2026);
    let surveyed = survey(connector, session, &Filter::default(), sampling, None).await;
    let surveyed = surveyed.unwrap();
    for one in &surveyed {
        assert_eq!(one.refused, None, "{}", one.table.name);
    }
    let capabilities = Capabilities {
        snapshot: true,
        incremental: true,
        changes: false,
    };
    propose(&surveyed, capabilities)
}

/// Returns table and column with the attribute they are mapped to.
fn mapped(proposal: &Proposal) -> BTreeMap<(String, String), String> {
    let mut mapped = BTreeMap::new();
    for table in proposal.of_persons() {
        for column in &table.columns {
            let Some(attribute) = &column.attribute else {
                continue;
            };
            let part = column
                .part
                .map(|part| format!("/{part}"))
                .unwrap_or_default();
            let place = (table.name.clone(), column.name.clone());
            mapped.insert(place, format!("{attribute}{part}"));
        }
    }
    mapped
}

/// Writes how much of what a person would map is proposed, and what else.
fn compare(proposal: &Proposal, expected: &Expected) -> String {
    let mut mapped = mapped(proposal);
    let mut lines = Vec::new();
    let mut right = 0;
    for (table, column, attribute) in expected {
        let found = mapped.remove(&((*table).to_owned(), (*column).to_owned()));
        if found.as_deref() == Some(*attribute) {
            right += 1;
        } else {
            let found = found.unwrap_or_else(|| "-".to_owned());
            lines.push(format!("{table}.{column}: {attribute} as {found}"));
        }
    }
    let further = mapped
        .iter()
        .map(|((table, column), attribute)| format!("also {table}.{column} as {attribute}"));
    lines.extend(further);
    let percent = right * 100 / expected.len();
    assert!(percent >= 80, "{lines:#?}");
    lines.insert(
        0,
        format!("{right} of {} columns, {percent} %", expected.len()),
    );
    lines.join("\n")
}

/// The folder that is written loads, whatever the database is called.
fn loads(proposal: &Proposal, kind: &str) {
    let folder = proposal.to_folder(&NewAgency {
        id: "shop".parse().unwrap(),
        name: Label::new("Shop", "متجر"),
        steward: "data@shop.example".to_owned(),
        agreement: "AG-SUPPLY-900".parse().unwrap(),
        kind: kind.to_owned(),
        config: toml::Table::new(),
    });
    let folder = folder.unwrap();
    let loaded = AgencyFolder::load(&folder.files());
    assert!(
        loaded.is_ok(),
        "{}\n{}",
        loaded.unwrap_err(),
        folder.mapping
    );
}

#[tokio::test]
async fn chinook_is_proposed() {
    let Some(path) = sample_data("chinook/Chinook_Sqlite.sqlite") else {
        return;
    };
    let mut config = toml::Table::new();
    config.insert("path".to_owned(), path.display().to_string().into());
    let session = Session::new("shop".parse().unwrap(), config, "/");
    let proposal = proposal(&Sqlite, &session).await;
    insta::assert_snapshot!(compare(&proposal, CHINOOK));
    loads(&proposal, "sqlite");
}

#[tokio::test]
async fn sakila_is_proposed() {
    let (Some(schema), Some(data)) = (
        script("sakila/sakila-mariadb-schema.sql"),
        script("sakila/sakila-mariadb-data.sql"),
    ) else {
        return;
    };
    let Some(server) = mysql_url() else {
        return skip("needs MariaDB");
    };
    let database = Database::on(&server).await;
    database.run(&without_programs(&schema)).await;
    database.run(&without_programs(&data)).await;
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), database.url().into());
    let session = Session::new("shop".parse().unwrap(), config, "/");
    let proposal = proposal(&Mysql, &session).await;
    insta::assert_snapshot!(compare(&proposal, SAKILA));
    loads(&proposal, "mysql");
}

/// From a database to a folder, with the command that an operator types; a second time nothing is
/// written over what people may have corrected.
#[test]
fn the_command_writes_a_folder_that_loads() {
    let Some(path) = sample_data("chinook/Chinook_Sqlite.sqlite") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("shop");
    let run = || {
        let mut command = std::process::Command::new(rabt_tests::executable());
        command.args(["source", "propose", "--kind", "sqlite", "--json", "--set"]);
        command.arg(format!("path={}", path.display()));
        command.arg("--out").arg(&folder).output().unwrap()
    };
    let output = run();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["of_people"].as_array().unwrap().len(), 2);
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (manifest, mapping) = (text("manifest.toml"), text("mapping.toml"));
    let files = [
        ("manifest.toml", manifest.as_str()),
        ("mapping.toml", mapping.as_str()),
    ];
    assert!(AgencyFolder::load(&files).is_ok());
    let again = run();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("manifest.toml"));
}

/// What is written to a file holds no secret: one that is given in clear is refused, unread.
#[test]
fn the_command_takes_no_secret_in_clear() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("shop");
    let mut command = std::process::Command::new(rabt_tests::executable());
    command.args(["source", "propose", "--kind", "postgres"]);
    command.args(["--set", "url=postgres://reader:hunter2@127.0.0.1:1/shop"]);
    let output = command.arg("--out").arg(&folder).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("url: holds a password in clear"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!folder.exists());
}
