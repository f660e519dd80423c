//! `rabt link` on a Parquet file, with the executables that lie beside each other.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rabt_connect::compliance::{NewTable, Row, row};

use super::write;

const COLUMNS: [&str; 5] = [
    "rec_id",
    "given_name",
    "surname",
    "date_of_birth",
    "soc_sec_id",
];

/// Returns the folder of `rabt` and of the executable of this kind, or says that they are not built.
fn executables() -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap().to_owned();
    let built = |name: &str| folder.join(name).is_file();
    if built("rabt") && built("rabt-connector-parquet") {
        return Some(folder);
    }
    let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
    assert!(!required, "RABT_REQUIRE_LANES=all, and rabt is not built");
    eprintln!("skipped: rabt and rabt-connector-parquet are not built (cargo build --bins)");
    None
}

fn people() -> Vec<Row> {
    let person = |id: usize| {
        let (who, copy) = (id / 2, id % 2);
        row(&[
            &format!("rec-{who}-{copy}"),
            &format!("given{}", who % 17),
            &format!("family {who}"),
            &format!("19{:02}0{}1{}", 40 + who % 50, 1 + who % 9, who % 9),
            &format!("{}", 1_000_000 + who * 7_919),
        ])
    };
    let mut rows: Vec<Row> = (0..400).map(person).collect();
    rows[7][1] = None;
    rows
}

fn dedupe(rabt: &Path, file: &Path, out: &Path) -> Output {
    let mut command = Command::new(rabt);
    command.args(["link", "dedupe"]).arg(file);
    command.args(["--id", "rec_id", "--model", "febrl", "--out"]);
    command.arg(out).output().unwrap()
}

#[test]
fn a_parquet_file_is_linked_as_the_same_rows_in_csv() {
    let Some(executables) = executables() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = people();
    write(
        &path("people.parquet"),
        &NewTable::new("people", &COLUMNS, &[]),
        &rows,
    );
    let mut text = COLUMNS.join(",") + "\n";
    for row in &rows {
        let cells: Vec<&str> = row
            .iter()
            .map(|cell| cell.as_deref().unwrap_or(""))
            .collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    std::fs::write(path("people.csv"), text).unwrap();
    let rabt = executables.join("rabt");
    let mut clusters = Vec::new();
    for name in ["people.csv", "people.parquet"] {
        let out = path(&format!("{name}.out"));
        let output = dedupe(&rabt, &path(name), &out);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        clusters.push(std::fs::read_to_string(out).unwrap());
    }
    assert_eq!(clusters[0], clusters[1]);
    let distinct: std::collections::BTreeSet<&str> = clusters[0]
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    assert_eq!((clusters[0].lines().count(), distinct.len()), (401, 200));

    std::fs::write(path("broken.parquet"), "PAR1 and no more").unwrap();
    let output = dedupe(&rabt, &path("broken.parquet"), &path("out"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("file broken.parquet: cannot be understood"),
        "{said}"
    );

    // Where the executable is not, it is said how it is made.
    let alone = path("rabt");
    std::fs::copy(&rabt, &alone).unwrap();
    let output = dedupe(&alone, &path("people.parquet"), &path("out"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("people.parquet: Parquet files are read by rabt-connector-parquet"),
        "{said}"
    );
    assert!(
        said.contains("cargo build --release --package rabt-connector-parquet"),
        "{said}"
    );
}
