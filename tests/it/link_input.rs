//! `rabt link` on files that are wrong: it says what and where, and leaves nothing half done.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use rabt_tests::{executable, root};

use crate::link_case::{Case, HEADER, assert_done, assert_refused};

const ROWS: &str = "1,محمد أحمد علي,29104120101234,1991-04-12,M\n\
                    2,محمد احمد علي,29104120101234,1991-04-12,M\n";

#[test]
fn files_that_are_not_there_or_no_csv_are_refused() {
    let case = Case::of("");
    let empty = case.dedupe(&[]);
    assert_refused(&empty, 2, &["data.csv", "the file is empty", "header"]);
    std::fs::remove_file(case.path("data.csv")).unwrap();
    let missing = case.dedupe(&[]);
    assert_refused(&missing, 2, &["data.csv", "No such file", "check the path"]);
    std::fs::create_dir(case.path("data.csv")).unwrap();
    assert_refused(&case.dedupe(&[]), 2, &["data.csv", "directory"]);
    assert_eq!(case.files(), ["data.csv"]);
}

#[test]
fn columns_that_are_missing_are_named_with_those_that_are_there() {
    let case = Case::of("id,full name\n1,محمد\n");
    let no_id = case.dedupe(&[]);
    assert_refused(
        &no_id,
        2,
        &["no column record_id", "the file has: id, full name"],
    );
    case.write("data.csv", "record_id,colour\n1,red\n");
    let none = case.dedupe(&[]);
    assert_refused(
        &none,
        2,
        &["none of its columns", "record_id, colour", "--map"],
    );
    case.write("data.csv", "record_id,الاسم الكامل\n1,محمد أحمد علي\n");
    let map = case.write("map.toml", "\"name.chain\" = \"full name\"\n");
    let wrong = case.dedupe(&["--map", map.to_str().unwrap()]);
    assert_refused(&wrong, 2, &["no column full name", "--map"]);
    case.write("map.toml", "\"name.chian\" = \"الاسم الكامل\"\n");
    let unknown = case.dedupe(&["--map", map.to_str().unwrap()]);
    assert_refused(&unknown, 2, &["no column name.chian", "name.chain"]);
    case.write("map.toml", "\"name.chain\" = \"الاسم الكامل\"\n");
    let renamed = assert_done(&case.dedupe(&["--map", map.to_str().unwrap()]));
    assert!(renamed.contains("no column for"), "{renamed}");
    let truth = case.dedupe(&["--truth-column", "person"]);
    assert_refused(&truth, 2, &["no column person (--truth-column)"]);
}

#[test]
fn no_record_and_one_record_are_fine() {
    let case = Case::of(HEADER);
    let said = assert_done(&case.dedupe(&[]));
    assert!(said.contains("there are no records"), "{said}");
    assert!(case.clusters().is_empty());
    case.write("data.csv", format!("{HEADER}1,محمد أحمد علي,,,\n"));
    assert_done(&case.dedupe(&["--json"]));
    assert_eq!(case.clusters(), ["1,1"]);
    for rows in ["", "1,محمد أحمد علي,,,\n", ROWS] {
        case.write("data.csv", format!("{HEADER}{rows}"));
        let page = case.path("page.html");
        assert_done(&case.link(&["report"], &page, &["--truth-column", "sex"]));
        assert!(
            std::fs::read_to_string(page)
                .unwrap()
                .trim_end()
                .ends_with("</html>")
        );
    }
}

#[test]
fn records_that_are_all_alike_make_one_cluster_or_a_line_of_report() {
    let case = Case::of("");
    let alike = |count: u32| {
        let mut text = HEADER.to_owned();
        for at in 0..count {
            let _ = writeln!(
                text,
                "{at:05},محمد أحمد علي حسن,29104120101234,1991-04-12,M"
            );
        }
        text
    };
    case.write("data.csv", alike(30));
    assert_done(&case.dedupe(&[]));
    assert!(case.clusters().iter().all(|line| line.ends_with(",00000")));
    // Above every cap: nothing is compared, and it is said.
    case.write("data.csv", alike(20_000));
    let said = assert_done(&case.dedupe(&[]));
    assert!(said.contains("skipped a block of rule"), "{said}");
    assert!(said.contains("20000 records share the key"), "{said}");
    assert_eq!(case.clusters().len(), 20_000);
}

#[test]
fn one_value_in_every_row_of_a_blocking_column_is_reported() {
    let mut text = HEADER.to_owned();
    for at in 0..20_000_u32 {
        // One national id that is no filler; names and dates differ.
        let (given, year, day) = (at % 97, 1940 + at % 60, 1 + at % 28);
        let _ = writeln!(
            text,
            "{at},n{given}x m{at} k{at},29104120101234,{year}-03-{day:02},F"
        );
    }
    let case = Case::of(text);
    let said = assert_done(&case.dedupe(&[]));
    assert!(
        said.contains("20000 records share the key, more than its cap"),
        "{said}"
    );
}

#[test]
fn broken_lines_are_named() {
    let case = Case::of(format!("{HEADER}{ROWS}3,علي\n"));
    let ragged = case.dedupe(&[]);
    assert_refused(
        &ragged,
        2,
        &["data.csv", "line: 4", "as many cells in every line"],
    );
    let mut mixed = format!("{HEADER}{ROWS}").into_bytes();
    // Windows-1256 for محمد.
    mixed.extend(b"3,\xE3\xCD\xE3\xCF,,,\n");
    case.write("data.csv", mixed);
    let encoding = case.dedupe(&[]);
    assert_refused(
        &encoding,
        2,
        &["data.csv line 4, column name_ar: not UTF-8", "iconv -f"],
    );
    assert_eq!(
        case.files(),
        ["data.csv"],
        "nothing is left of a run that failed"
    );
}

#[test]
fn strange_but_whole_files_are_read() {
    let case = Case::of("");
    let plain = format!("{HEADER}{ROWS}");
    let long = "ابجد ".repeat(110_000);
    let files = [
        ("a mark of order", format!("\u{feff}{plain}")),
        (
            "a mark before a quote",
            format!("\u{feff}\"record_id\"{}{ROWS}", &HEADER[9..]),
        ),
        ("lines of another system", plain.replace('\n', "\r\n")),
        (
            "a line within quotes",
            plain.replace("محمد أحمد علي", "\"محمد\nأحمد\r\nعلي\""),
        ),
        ("a cell of a megabyte", format!("{plain}3,{long},,,\n")),
        (
            "a cell of zeros",
            format!("{plain}3,\u{0}محمد\u{0},\u{0},\u{0},\u{0}\n"),
        ),
        ("an unfinished last line", plain.trim_end().to_owned()),
    ];
    for (what, text) in files {
        case.write("data.csv", text);
        let said = assert_done(&case.dedupe(&[]));
        assert_eq!(case.clusters()[..2], ["1,1", "2,1"], "{what}: {said}");
    }
    case.write("data.csv", format!("{HEADER}{ROWS}{ROWS}"));
    let said = assert_done(&case.dedupe(&[]));
    assert!(
        said.contains("warning: 2 records repeat the id of another"),
        "{said}"
    );
}

/// A model of one number and one text.
const MODEL: &str = r#"
schema = 1
name = "things"
version = 1
[decision]
prior = -6.0
link = 3.0
review = -3.0
mean = 0.0
[[column]]
id = "title"
type = "text"
[[column]]
id = "size"
type = "number"
[[blocking]]
id = "title"
key = [{ column = "title", take = "whole" }]
cap = 100
[[comparison]]
id = "title"
type = "text"
columns = ["title"]
[comparison.levels]
equal = { m = 0.9, u = 0.001 }
close = { m = 0.04, u = 0.001 }
similar = { m = 0.03, u = 0.01 }
different = { m = 0.03, u = 0.988 }
[[comparison]]
id = "size"
type = "graded"
[[comparison.level]]
name = "near"
when = { column = "size", test = "difference", at_most = 1.0 }
m = 0.9
u = 0.1
[[comparison.level]]
name = "far"
m = 0.1
u = 0.9
"#;

#[test]
fn numbers_that_are_none_are_absent_and_counted() {
    let case =
        Case::of("record_id,title,size\n1,door,NaN\n2,door,inf\n3,door,-inf\n4,door,1e400\n");
    let model = case.write("model.toml", MODEL);
    let output = case.dedupe(&["--json", "--model", model.to_str().unwrap()]);
    assert_done(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["placeholders"], 4, "{report}");
}

#[test]
fn models_that_do_not_hold_are_refused_with_their_line() {
    let case = Case::of("record_id,title,size\n1,door,2\n");
    let wrong = [
        (
            MODEL.replace(
                "key = [{ column = \"title\"",
                "key = [{ column = \"colour\"",
            ),
            "colour",
        ),
        (
            MODEL.replace("schema = 1", "schema = 99"),
            "newer than this engine",
        ),
        (MODEL[..MODEL.len() / 2].to_owned(), "line"),
        ("\u{0}\u{1}PK".to_owned(), "line 1"),
        (String::new(), "schema"),
    ];
    for (text, word) in wrong {
        let model = case.write("model.toml", &text);
        let output = case.dedupe(&["--model", model.to_str().unwrap()]);
        assert_refused(&output, 2, &["model.toml", word]);
    }
    let model = case.write("model.toml", b"\xff\xfe\x00");
    assert_refused(
        &case.dedupe(&["--model", model.to_str().unwrap()]),
        2,
        &["UTF-8"],
    );
    assert_refused(
        &case.dedupe(&["--model", "none.toml"]),
        2,
        &["one of: egypt, febrl"],
    );
    assert_eq!(case.files(), ["data.csv", "model.toml"]);
}

#[test]
fn targets_that_cannot_be_written_are_refused_and_old_ones_stay() {
    let case = Case::of(format!("{HEADER}{ROWS}"));
    for command in ["dedupe", "report"] {
        let nowhere = case.link(&[command], &case.path("none/out"), &[]);
        assert_refused(
            &nowhere,
            1,
            &[
                "none/out cannot be written: No such file",
                "check the folder",
            ],
        );
        let full = case.link(&[command], Path::new("/dev/full"), &[]);
        assert_refused(
            &full,
            1,
            &["/dev/full cannot be written", "space on the disk"],
        );
        let own = case.link(&[command], &case.path("data.csv"), &[]);
        assert_refused(&own, 2, &["both read and written"]);
        assert_done(&case.link(&[command], Path::new("/dev/stdout"), &[]));
    }
    let old = case.write("clusters.csv", "old");
    case.write("data.csv", format!("{HEADER}{ROWS}3,علي\n"));
    assert_refused(&case.dedupe(&[]), 2, &["line: 4"]);
    assert_eq!(std::fs::read_to_string(old).unwrap(), "old");
    assert_eq!(case.files(), ["clusters.csv", "data.csv"]);
}

/// Explains a pair of the file.
fn explain(case: &Case, more: &[&str], ids: [&str; 2]) -> Output {
    Command::new(executable())
        .args(["link", "explain"])
        .arg(case.path("data.csv"))
        .args(["--id", "record_id"])
        .args(more)
        .args(ids)
        .output()
        .unwrap()
}

#[test]
fn a_pair_is_explained_or_the_id_is_named() {
    let case = Case::of(format!(
        "{HEADER}{ROWS}3,سعاد حسن,,,F\n4,سعاد,,,\n4,سعاد,,,\n"
    ));
    let svg = case.path("pair.svg");
    let output = explain(
        &case,
        &["--json", "--svg", svg.to_str().unwrap()],
        ["1", "2"],
    );
    assert_done(&output);
    let pair: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&pair["left"], &pair["verdict"]),
        (&"1".into(), &"link".into())
    );
    assert!(!pair["blocking_rules"].as_array().unwrap().is_empty());
    let steps = pair["steps"].as_array().unwrap();
    let sums = &steps.last().unwrap()["sum"];
    let least = sums["strangers_bits"]
        .as_f64()
        .unwrap()
        .min(sums["relatives_bits"].as_f64().unwrap());
    assert!(
        (pair["weight_bits"].as_f64().unwrap() - least).abs() < 1e-9,
        "{pair}"
    );
    let picture = std::fs::read_to_string(svg).unwrap();
    assert!(picture.starts_with("<svg xmlns=") && picture.ends_with("</svg>"));
    let apart = explain(&case, &[], ["1", "3"]);
    assert_done(&apart);
    assert!(String::from_utf8_lossy(&apart.stdout).contains("never a candidate"));
    assert_refused(
        &explain(&case, &[], ["1", "9"]),
        2,
        &["no record has the id 9"],
    );
    assert_refused(
        &explain(&case, &[], ["4", "1"]),
        2,
        &["2 records have the id 4"],
    );
    assert_refused(&explain(&case, &[], ["1", "1"]), 2, &["with itself"]);
}

#[test]
fn settings_of_splink_become_a_model_that_loads() {
    let settings = root().join("src/linkage/tests/fixtures/splink/people.json");
    let case = Case::of("");
    let model = case.path("model.toml");
    let import = |settings: &Path| {
        Command::new(executable())
            .args(["--json", "link", "import-splink"])
            .arg(settings)
            .arg("--out")
            .arg(&model)
            .output()
            .unwrap()
    };
    let output = import(&settings);
    assert_done(&output);
    let written: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        !written["notes"].as_array().unwrap().is_empty(),
        "{written}"
    );
    let text = std::fs::read_to_string(&model).unwrap();
    rabt_linkage::LinkageModel::from_toml(&text).unwrap();
    let broken = case.write("broken.json", "{");
    assert_refused(&import(&broken), 2, &["broken.json", "not JSON"]);
    assert_eq!(std::fs::read_to_string(&model).unwrap(), text);
}
