//! One source through three ways gives the same rows and the same records.

use std::sync::Arc;

use rabt_connect::compliance::Place;
use rabt_connect::{Connector, Limits, Mode, PREFIX, Processes};
use rabt_connector_sqlite::Sqlite;
use rabt_service::operate::NewSource;
use rabt_tests::{Plugins, Stack, executable, kinds, python_plugins};

use super::place::Folder;
use super::python::KIND;
use super::{isolated, plan, python, read};

const PEOPLE: &str = "
CREATE TABLE persons (id INTEGER PRIMARY KEY, given TEXT, family, nid, born TEXT, changed INTEGER);
INSERT INTO persons VALUES
  (1, 'منى', 'حسن', '28402110110118', '11/02/1984', 10), (2, NULL, '', 29001011234567.0, '', 20),
  (3, 'x', x'00ff', CAST(x'c328' AS TEXT), CAST(x'610062' AS TEXT), 20), (4, '  ', 0.5, -1, NULL, 30),
  (5, '👩🏽‍⚕️', 'O''Brien', '٢٨٤٠٢١١٠١١٠١١٨', '1984-02-11', 40), (6, 'Ali', 9e300, 'long', '0000-00-00', 50);
UPDATE persons SET given = printf('%.*c', 70000, 'y') WHERE id = 6;
";

#[tokio::test]
async fn rows_are_the_same_through_every_process() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let folder = Folder::new().await;
    folder.run(PEOPLE).await;
    let session = folder.session();
    let python = python::open(&plugins).await;
    let isolated = isolated::sqlite();
    let columns = ["nid", "id", "given", "family", "born"];
    let mut incremental = plan("persons", &columns, &["id"], 2);
    incremental.mode = Mode::Incremental {
        cursor: "changed".to_owned(),
        lag: None,
    };
    for plan in [
        plan("persons", &columns, &["id"], 2),
        plan("persons", &columns, &[], 100),
        incremental,
    ] {
        let local = read(&Sqlite, &session, &plan, None).await.unwrap();
        let apart = read(isolated.as_ref(), &session, &plan, None);
        // positions too: a source may be isolated, or no longer, in the middle of its reading
        assert_eq!(apart.await.unwrap(), local);
        let other = read(&python, &session, &plan, None).await.unwrap();
        assert_eq!(other.rows, local.rows);
    }
    let told = |connector: &dyn Connector| connector.describe();
    assert_eq!(told(isolated.as_ref()), told(&Sqlite));
    let local = Sqlite.check(&session).await;
    assert_eq!(isolated.check(&session).await, local);
}

fn source(kind: &str, folder: &Folder) -> NewSource {
    let manifest = format!(
        r#"
schema = 1
[agency]
id = "tax"
name = {{ en = "Tax", ar = "الضرائب" }}
steward = "data@tax.example"
agreement = "AG-SUPPLY-902"
[source]
{kind}
[source.config]
path = "agency.db"
[[stream]]
id = "person"
from = {{ table = "persons" }}
key = ["id"]
mode = "snapshot"
"#
    );
    let mapping = r#"
[person]
"name.chain" = { from = ["given", "family"], as = ["given", "family"], steps = ["trim"] }
"identifier.national_id" = { from = "nid", steps = ["digits_ascii", "trim"] }
"birth.date" = { from = "born", steps = [{ parse_date = { formats = ["%d/%m/%Y", "%Y-%m-%d"] } }] }
"#;
    NewSource {
        manifest,
        mapping: mapping.to_owned(),
        base: folder.base(),
    }
}

async fn records(kind: &str, folder: &Folder, plugins: &Plugins) -> (String, String) {
    let place = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", place.path().join("rabt.db").display());
    let processes = Processes {
        rabt: Some(executable()),
        folders: vec![plugins.folder()],
        limits: Limits::default(),
    };
    let kinds = kinds().in_processes(processes).with_executables().await;
    let stack = Stack::start_reading(&url, kinds).await;
    stack.register(vec![source(kind, folder)]).await;
    let summary = stack.read(1).await.remove(0);
    stack.link().await;
    let fingerprint = stack.fingerprint().await;
    stack.stop().await;
    (format!("{:?}", summary.counts), fingerprint)
}

#[tokio::test]
async fn records_are_the_same_through_every_process() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let folder = Folder::new().await;
    folder.run(PEOPLE).await;
    let shared = records("kind = \"sqlite\"", &folder, &plugins).await;
    assert!(shared.0.contains("records: 6"), "{}", shared.0);
    let named = format!("kind = \"{KIND}\"\nexecutable = \"{PREFIX}{KIND}\"");
    for kind in [
        "kind = \"sqlite\"\nisolation = \"process\"",
        &format!("kind = \"{KIND}\""),
        &named,
    ] {
        assert_eq!(records(kind, &folder, &plugins).await, shared, "{kind}");
    }
}

#[tokio::test]
async fn executables_that_are_no_kind_are_named_when_they_are_asked_for() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    plugins.put("quitting", "misbehaving.py", "quitting");
    let processes = Processes {
        folders: vec![plugins.folder()],
        ..Processes::default()
    };
    let kinds = kinds().in_processes(processes).with_executables().await;
    let known: Vec<&str> = kinds.names().collect();
    assert_eq!(
        known,
        ["files", "mysql", "postgres", "rest", "sqlite", KIND]
    );
    let folder = Folder::new().await;
    let place = plugins.folder().display().to_string();
    for (kind, said) in [
        (
            "kind = \"odbc\"",
            format!("with unixodbc-dev) into {place}"),
        ),
        ("kind = \"quitting\"", "with exit code 3".to_owned()),
        (
            "kind = \"x\"\nexecutable = \"rabt-connector-absent\"",
            format!("no such executable in {place}"),
        ),
        (
            "kind = \"x\"\nexecutable = \"/bin/sh\"",
            "is not the name of a connector".to_owned(),
        ),
    ] {
        let source = source(kind, &folder);
        let files = [
            ("manifest.toml", source.manifest.as_str()),
            ("mapping.toml", &source.mapping),
        ];
        let problems = rabt_connect::AgencyFolder::load_for(&files, &kinds).unwrap_err();
        assert!(problems.to_string().contains(&said), "{problems}");
    }
    let connector: Option<&Arc<dyn Connector>> = kinds.get(KIND);
    let source = source(&format!("kind = \"{KIND}\""), &folder);
    let manifest = source.manifest.replace("path =", "paht =");
    let files = [
        ("manifest.toml", manifest.as_str()),
        ("mapping.toml", &source.mapping),
    ];
    let problems = rabt_connect::AgencyFolder::load_for(&files, &kinds).unwrap_err();
    assert!(
        problems.to_string().contains("did you mean 'path'?"),
        "{problems}"
    );
    assert!(connector.is_some());
}
