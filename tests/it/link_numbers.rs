//! `rabt link` on numbers and points that nobody meant.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::link_case::{Case, assert_done};

/// A model of a number, a point and a text.
const MODEL: &str = r#"
schema = 1
name = "places"
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
[[column]]
id = "place"
type = "point"
[[blocking]]
id = "title"
key = [{ column = "title", take = "whole" }]
cap = 100
[[blocking]]
id = "size"
key = [{ column = "size", take = "whole" }]
cap = 100
[[blocking]]
id = "place"
key = [{ column = "place", take = "whole" }]
cap = 100
[[comparison]]
id = "size"
type = "graded"
[[comparison.level]]
name = "near"
when = { any = [{ column = "size", test = "relative_difference", at_most = 0.01 }, { column = "size", test = "difference", at_most = 1 }] }
m = 0.99
u = 0.0001
[[comparison.level]]
name = "far"
m = 0.01
u = 0.9999
[[comparison]]
id = "place"
type = "graded"
[[comparison.level]]
name = "near"
when = { column = "place", test = "distance_km", at_most = 1 }
m = 0.99
u = 0.0001
[[comparison.level]]
name = "far"
m = 0.01
u = 0.9999
"#;

fn case() -> (Case, PathBuf) {
    let case = Case::of("");
    let model = case.write("model.toml", MODEL);
    (case, model)
}

/// Deduplicates two records of one title and this size and place; returns whether they are one
/// thing, and how many of their values stand for none.
fn linked(sizes: [&str; 2], places: [&str; 2]) -> (bool, u64) {
    let (case, model) = case();
    let row = |at: usize| format!("{at},door,\"{}\",\"{}\"\n", sizes[at], places[at]);
    case.write(
        "data.csv",
        format!("record_id,title,size,place\n{}{}", row(0), row(1)),
    );
    let output = case.dedupe(&["--json", "--model", model.to_str().unwrap()]);
    assert_done(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let one = case.clusters() == ["0,0", "1,0"];
    (one, report["placeholders"].as_u64().unwrap())
}

#[test]
fn what_is_no_number_agrees_with_nothing() {
    for wrong in [
        "NaN",
        "inf",
        "-Infinity",
        "1e400",
        "-1e999",
        "0x10",
        "ten",
        "1,2,3",
        "--1",
    ] {
        assert_eq!(linked([wrong, wrong], ["", ""]), (false, 2), "{wrong}");
        assert_eq!(linked([wrong, "12"], ["", ""]), (false, 1), "{wrong}");
    }
    assert_eq!(
        linked(["", ""], ["", ""]),
        (false, 0),
        "nothing is no placeholder"
    );
}

#[test]
fn numbers_at_the_ends_are_numbers() {
    let long = "9".repeat(300);
    for (one, other, same) in [
        ("0", "-0", true),
        ("1.7976931348623157e308", "1.7976931348623157e308", true),
        ("1.7976931348623157e308", "-1.7976931348623157e308", false),
        ("4.9e-324", "0", true),
        (long.as_str(), long.as_str(), true),
        (long.as_str(), "9", false),
        ("٩٩٩٩٩٩٩", "9,999,999", true),
    ] {
        assert_eq!(linked([one, other], ["", ""]), (same, 0), "{one} {other}");
    }
    let beyond = "9".repeat(400);
    assert_eq!(linked([&beyond, &beyond], ["", ""]), (false, 2));
}

#[test]
fn what_is_no_point_agrees_with_nothing() {
    for wrong in [
        "NaN,NaN",
        "inf,0",
        "0,-inf",
        "1e400,0",
        "91,0",
        "0,180.5",
        "30",
        "30;",
        "north,west",
        ",",
    ] {
        assert_eq!(linked(["", ""], [wrong, wrong]), (false, 2), "{wrong}");
    }
    for (one, other, same) in [
        ("90,0", "90,179", true),
        ("-90,-180", "-90,180", true),
        ("0,0", "0,0", true),
        ("0,180", "0,-180", true),
        ("0,0", "0,1", false),
    ] {
        assert_eq!(linked(["", ""], [one, other]), (same, 0), "{one} {other}");
    }
}

#[test]
fn a_column_of_nothing_but_wrong_numbers_trains_and_links() {
    let (case, model) = case();
    let mut text = "record_id,title,size,place\n".to_owned();
    for row in 0..500 {
        let wrong = ["NaN", "inf", "1e400", "-inf"][row % 4];
        let _ = writeln!(text, "{row},t{},{wrong},\"{wrong},{wrong}\"", row / 2);
    }
    case.write("data.csv", text);
    let model = model.to_str().unwrap();
    let output = case.dedupe(&["--train", "--json", "--model", model]);
    assert_done(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["placeholders"], 1000, "{report}");
    assert_eq!(case.clusters().len(), 500);
    let trained = case.link(&["train"], &case.path("trained.toml"), &["--model", model]);
    assert_done(&trained);
    let text = std::fs::read_to_string(case.path("trained.toml")).unwrap();
    rabt_linkage::LinkageModel::from_toml(&text).unwrap();
}
