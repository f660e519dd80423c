//! Whole folders, right and wrong.

mod schedule;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rabt_model::Attribute;

use super::{Agency, AgencyFolder, Deletes, Isolation, OnDrift};
use crate::connector::Mode;
use crate::kinds::{Kinds, Processes};
use crate::problem::Problems;

const MANIFEST: &str = r#"
schema = 1
[agency]
id = "electricity"
name = { en = "Electricity", ar = "الكهرباء" }
steward = "data-office@electricity.example"
agreement = "AG-SUPPLY-009"
rank = 40
[source]
kind = "sqlite"
offices = ["cairo", "giza"]
[source.config]
path = "electricity/{office}.db"
[protect]
rows_per_second = 20_000
statement_timeout = "60s"
[[stream]]
id = "person"
from = { schema = "main", table = "persons_{office}" }
key = ["person_id"]
mode = "incremental"
[stream.incremental]
cursor = "updated"
lag = "15m"
[stream.guard]
max_reject = "0.5 %"
on_drift = "report"
"#;

const MAPPING: &str = r#"
[person]
"name.chain" = { from = "NAME", steps = ["trim"] }
"phone" = { from = "NAME" }
"#;

fn load(manifest: &str, mapping: &str) -> Result<Agency, Problems> {
    let files = [
        ("electricity/manifest.toml", manifest),
        ("electricity/mapping.toml", mapping),
        ("electricity/fixtures/people.csv", "a,b"),
    ];
    AgencyFolder::load(&files)
}

#[test]
fn offices_become_sources() {
    let agency = load(MANIFEST, MAPPING).unwrap();
    assert_eq!(agency.rank, 40);
    assert_eq!(agency.name.ar, "الكهرباء");
    let ids: Vec<String> = agency.sources.iter().map(|s| s.id.to_string()).collect();
    assert_eq!(ids, ["electricity-cairo", "electricity-giza"]);
    let giza = &agency.sources[1];
    assert_eq!(giza.config["path"].as_str(), Some("electricity/giza.db"));
    assert_eq!(giza.protect.rows_per_second, Some(20_000));
    assert_eq!(giza.protect.statement_timeout, Some(Duration::from_mins(1)));
    let stream = &giza.streams[0];
    assert_eq!(stream.table, "persons_giza");
    assert_eq!(stream.guard.on_drift, OnDrift::Report);
    assert!((stream.guard.max_reject.unwrap() - 0.005).abs() < 1e-12);
    let plan = stream.plan(1_000);
    assert_eq!(plan.columns, ["NAME", "person_id", "updated"]);
    let Mode::Incremental { cursor, lag } = plan.mode else {
        panic!("incremental");
    };
    assert_eq!(
        (cursor.as_str(), lag),
        ("updated", Some(Duration::from_mins(15)))
    );
}

#[test]
fn a_sheet_stands_for_the_schema_of_a_file() {
    let of = |from: &str| {
        let written = r#"from = { schema = "main", table = "persons_{office}" }"#;
        load(
            &MANIFEST.replace(written, &format!("from = {{ {from} }}")),
            MAPPING,
        )
    };
    let agency = of(r#"file = "people.xlsx", sheet = "أسماء""#).unwrap();
    let stream = &agency.sources[0].streams[0];
    assert_eq!(stream.schema.as_deref(), Some("أسماء"));
    assert_eq!(stream.table, "people.xlsx");
    for (from, said) in [
        (r#"file = "a.xlsx", schema = "main""#, "belongs to 'table'"),
        (r#"table = "a", sheet = "main""#, "belongs to 'file'"),
    ] {
        let problems = of(from).unwrap_err().to_string();
        assert!(problems.contains(said), "{problems}");
    }
}

#[test]
fn without_offices_the_source_is_the_agency() {
    let manifest = MANIFEST.replace("offices = [\"cairo\", \"giza\"]", "");
    let agency = load(&manifest, MAPPING).unwrap();
    assert_eq!(agency.sources.len(), 1);
    assert_eq!(agency.sources[0].id.as_str(), "electricity");
    assert_eq!(agency.sources[0].office, None);
}

#[test]
fn many_mistakes_are_reported_in_one_run() {
    let manifest = r#"
schema = 2
colour = "red"
[agency]
id = "Electricity"
name = { en = "Electricity" }
agreement = "ag-1"
rnak = 5
[source]
kind = "sqlite"
offices = ["cairo", "cairo"]
[source.confg]
path = "x"
[protect]
statement_timeout = "soon"
[[stream]]
id = "person"
from = { tabel = "persons" }
mode = "snapshoot"
[stream.guard]
max_reject = "half"
on_drift = "halt"
[[stream]]
id = "person"
from = { table = "p" }
mode = "incremental"
"#;
    let mapping = "[persn]\n\"name.chain\" = { form = \"N\" }\n";
    let problems = load(manifest, mapping).unwrap_err();
    assert!(problems.0.len() >= 10);
    insta::assert_snapshot!(problems);
}

#[test]
fn syntax_errors_and_missing_files_are_told() {
    let problems = load("schema = \n[agency\n", MAPPING).unwrap_err();
    assert!(problems.0.len() >= 2, "{problems}");
    assert!(
        problems
            .0
            .iter()
            .all(|p| p.file.ends_with("manifest.toml") && p.line > 0)
    );
    let problems = AgencyFolder::load(&[("mapping.toml", MAPPING)]).unwrap_err();
    assert_eq!(problems.to_string(), "manifest.toml: is not in the folder");
    assert!(load("", "").is_err());
}

#[test]
fn an_unknown_kind_is_told_when_the_kinds_are_known() {
    let files = [("manifest.toml", MANIFEST), ("mapping.toml", MAPPING)];
    let problems = AgencyFolder::load_for(&files, &Kinds::new()).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "manifest.toml:10: source.kind: 'sqlite' is not a kind; there are "
    );
}

/// Loads the folder for a node whose folder of executables is this one, with other lines in place of
/// `kind` and `path`.
fn load_on_node(folder: &std::path::Path, source: &str, config: &str) -> Result<Agency, Problems> {
    let manifest = MANIFEST
        .replace("kind = \"sqlite\"", source)
        .replace("path = \"electricity/{office}.db\"", config);
    let files = [("manifest.toml", &*manifest), ("mapping.toml", MAPPING)];
    let processes = Processes {
        folders: vec![folder.to_owned()],
        ..Processes::default()
    };
    AgencyFolder::load_for(&files, &Kinds::new().in_processes(processes))
}

#[test]
fn only_what_is_called_as_a_connector_is_an_executable() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["python3", "rabt-connector-odbc"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
    let load = |name: &str| {
        let source = format!("kind = \"odbc\"\nexecutable = '{name}'");
        load_on_node(folder.path(), &source, "path = 'x'")
    };
    let agency = load("rabt-connector-odbc").unwrap();
    let executable = agency.sources[0].executable.as_deref();
    assert_eq!(executable, Some("rabt-connector-odbc"));
    let inside = folder.path().join("rabt-connector-odbc");
    for name in ["python3", "/bin/sh", "../sh", &inside.to_string_lossy()] {
        let problems = load(name).unwrap_err().to_string();
        let place = format!("manifest.toml:11: source.executable: executable {name}: ");
        assert!(problems.starts_with(&place), "{problems}");
        let said = "is not the name of a connector: rabt-connector- and a word";
        assert!(problems.contains(said), "{problems}");
    }
}

#[test]
fn secrets_of_the_store_are_the_agencys_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rabt-connector-odbc");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let load = |name: &str| {
        let config = format!("host = 'h'\npassword = {{ secret = 'store:{name}' }}");
        let source = "kind = \"odbc\"\nexecutable = \"rabt-connector-odbc\"";
        load_on_node(folder.path(), source, &config)
    };
    assert!(load("agencies/electricity/password").is_ok());
    for name in [
        "agencies/tax/password",
        "agencies/electricity-2/password",
        "password",
    ] {
        let problems = load(name).unwrap_err().to_string();
        let expected = format!(
            "manifest.toml:15: source.config.password: the secret store:{name} is not of the agency \
             electricity; name one that begins with store:agencies/electricity/"
        );
        assert_eq!(problems, expected);
    }
}

fn load_truth(truth: &str, mapping: &str) -> Result<crate::Truth, crate::Problems> {
    let manifest = format!(
        r#"schema = 1
[agency]
id = "tax"
name = {{ en = "Tax", ar = "الضرائب" }}
steward = "a@b.example"
agreement = "AG-1"
[source]
kind = "sqlite"
[source.config]
path = "x"
[[stream]]
id = "person"
from = {{ table = "p" }}
key = ["ID"]
mode = "snapshot"
{truth}
"#
    );
    let agency = load(&manifest, mapping)?;
    Ok(agency.sources[0].streams[0].truth.clone())
}

#[test]
fn a_stream_may_be_the_record_of_truth() {
    const VALUES: &str =
        "[person]\n\"sex\" = { from = \"S\" }\n\"phone\" = [{ from = \"T\" }, { from = \"U\" }]\n";
    let truth = |text: &str| load_truth(&format!("record_of_truth = {text}"), VALUES);
    let all = truth("true").unwrap();
    assert!(all.person);
    assert_eq!(all.attributes, [Attribute::Sex, Attribute::Phone]);
    let one = truth("[\"sex\"]").unwrap();
    assert_eq!((one.person, one.attributes), (false, vec![Attribute::Sex]));
    let person = truth("[\"person\"]").unwrap();
    assert!(person.person && person.attributes.is_empty());
    assert_eq!(truth("false").unwrap(), crate::Truth::default());
    let wrong = truth("[\"persn\", \"birth.date\"]")
        .unwrap_err()
        .to_string();
    assert!(
        wrong.contains("manifest.toml:16:") && wrong.contains("did you mean 'person'?"),
        "{wrong}"
    );
    assert!(wrong.contains("'birth.date' is no attribute that the stream's mapping fills"));
    assert!(
        truth("\"sex\"")
            .unwrap_err()
            .to_string()
            .contains("must be true, or a list")
    );
}

#[test]
fn replacements_are_keys_of_the_stream() {
    let mapping = "[person]\n\"sex\" = { from = \"S\" }\nreplaced_by = [\"A\", \"B\"]\n";
    let wrong = load_truth("", mapping).unwrap_err().to_string();
    let expected = "mapping.toml:3: person.replaced_by: names 2 column(s), and the key has 1; \
                    name one for each, in its order";
    assert!(wrong.ends_with(expected), "{wrong}");
}

#[test]
fn a_source_says_in_which_process_its_kind_runs() {
    let load = |more: &str| {
        let manifest = MANIFEST.replace("kind = \"sqlite\"", &format!("kind = \"sqlite\"\n{more}"));
        load(&manifest, MAPPING).map(|mut agency| agency.sources.remove(1))
    };
    assert_eq!(load("").unwrap().isolation, Isolation::Shared);
    let process = load("isolation = \"process\"").unwrap();
    assert_eq!(
        (process.isolation, process.executable),
        (Isolation::Process, None)
    );
    let named = load("executable = \"rabt-sqlite\"").unwrap();
    assert_eq!(named.executable.as_deref(), Some("rabt-sqlite"));
    for (more, said) in [
        ("isolation = \"proces\"", "did you mean 'process'?"),
        ("isolation = true", "must be a text in quotes"),
        ("executable = 7", "must be a text in quotes"),
        (
            "executable = \"x\"\nisolation = \"shared\"",
            "an executable always runs in a process of its own",
        ),
    ] {
        let problems = load(more).unwrap_err().to_string();
        assert!(problems.contains(said), "{problems}");
    }
}

#[test]
fn a_source_says_whether_it_is_restricted() {
    let load = |more: &str| {
        let manifest = MANIFEST.replace("kind = \"sqlite\"", &format!("kind = \"sqlite\"\n{more}"));
        load(&manifest, MAPPING)
    };
    let are = |more| load(more).map(|agency| agency.sources.iter().all(|one| one.restricted));
    assert!(!are("").unwrap());
    assert!(are("restricted = true").unwrap());
    let problems = load("restricted = \"yes\"").unwrap_err().to_string();
    assert!(
        problems.contains("source.restricted: must be true or false"),
        "{problems}"
    );
}

/// Loads the folder with another mode, and what else the stream says behind it.
fn load_mode(mode: &str) -> Result<Agency, Problems> {
    let manifest = MANIFEST.replace("mode = \"incremental\"\n", mode);
    let manifest = if mode.contains("incremental") {
        manifest
    } else {
        manifest.replace(
            "[stream.incremental]\ncursor = \"updated\"\nlag = \"15m\"\n",
            "",
        )
    };
    load(&manifest, MAPPING)
}

#[test]
fn a_stream_of_changes_is_told_of_deletions_by_its_log() {
    let agency = load_mode("mode = \"changes\"\n").unwrap();
    let stream = &agency.sources[0].streams[0];
    assert_eq!(stream.mode, Mode::Changes { follow: false });
    assert_eq!(stream.deletes, Deletes::Log);
    assert_eq!(stream.plan(10).columns, ["NAME", "person_id"]);
    let never = load_mode("mode = \"changes\"\ndeletes = \"never\"\n").unwrap();
    assert_eq!(never.sources[0].streams[0].deletes, Deletes::Never);
    for (mode, wrong) in [
        (
            "mode = \"changes\"\ndeletes = \"sweep\"\n",
            "its log tells of every deletion",
        ),
        (
            "mode = \"incremental\"\ndeletes = \"log\"\n",
            "needs the mode changes",
        ),
        (
            "mode = \"snapshot\"\nsweep = { every = \"1h\" }\n",
            "belongs to mode = \"incremental\"",
        ),
        ("mode = \"chagnes\"\n", "did you mean 'changes'?"),
    ] {
        let problems = load_mode(mode).unwrap_err().to_string();
        assert!(problems.contains(wrong), "{problems}");
    }
    let manifest = MANIFEST.replace("key = [\"person_id\"]", "key = []");
    let manifest = manifest.replace("mode = \"incremental\"", "mode = \"changes\"");
    let manifest = manifest.replace(
        "[stream.incremental]\ncursor = \"updated\"\nlag = \"15m\"\n",
        "",
    );
    let problems = load(&manifest, MAPPING).unwrap_err().to_string();
    assert!(problems.contains("needs a key"), "{problems}");
}

#[test]
fn an_incremental_stream_may_sweep_its_keys() {
    let mapping = format!("{MAPPING}[person.only]\ncolumn = \"STATE\"\nin = [\"A\"]\n");
    let mode = "mode = \"incremental\"\ndeletes = \"sweep\"\nsweep = { every = \"1d\" }\n";
    let manifest = MANIFEST.replace("mode = \"incremental\"\n", mode);
    let agency = load(&manifest, &mapping).unwrap();
    let stream = &agency.sources[0].streams[0];
    assert_eq!(stream.deletes, Deletes::Sweep);
    assert_eq!(stream.sweep_every, Some(Duration::from_hours(24)));
    let plan = stream.key_plan(10);
    assert_eq!(plan.columns, ["STATE", "person_id"]);
    assert_eq!(plan.mode, Mode::Snapshot);
}

#[test]
fn a_budget_is_a_size() {
    let with = |text: &str| {
        let budget = format!("rows_per_second = 20_000\nslot_budget = {text}");
        load(
            &MANIFEST.replace("rows_per_second = 20_000", &budget),
            MAPPING,
        )
    };
    let agency = with("\"8 GiB\"").unwrap();
    assert_eq!(agency.sources[0].protect.slot_budget, Some(8 << 30));
    for text in ["\"8\"", "\"0 MiB\"", "\"GiB\"", "8"] {
        assert!(with(text).is_err(), "{text}");
    }
}
