//! `rabt link train`, and `--train` before linking: what is learned, what is not, what is refused.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use crate::link_case::{Case, assert_done, assert_refused};

const GIVEN: [&str; 12] = [
    "أحمد",
    "محمود",
    "حسن",
    "خالد",
    "سامي",
    "كريم",
    "طارق",
    "ياسر",
    "عادل",
    "جمال",
    "فؤاد",
    "نبيل",
];
const FAMILY: [&str; 10] = [
    "البدري",
    "سالم",
    "المصري",
    "الشافعي",
    "حجازي",
    "النجار",
    "الجمل",
    "غنيم",
    "عطية",
    "درويش",
];

/// 400 people with two records each, most of them the same twice; the last column names the person,
/// of the first 300 alone.
fn people() -> String {
    let mut text = "record_id,name_ar,national_id,birth_date,sex,known\n".to_owned();
    for person in 0..400_usize {
        let pick = |salt: usize, among: usize| (person * 7919 + salt * 104_729) / 13 % among;
        let (year, month, day) = (1940 + pick(1, 60), 2 + pick(2, 11), 1 + pick(3, 28));
        let (given, father, last) = (GIVEN[pick(4, 12)], GIVEN[pick(5, 12)], FAMILY[pick(6, 10)]);
        for copy in 0..2 {
            let day = if copy == 1 && person % 11 == 0 {
                29 - day
            } else {
                day
            };
            let father = if copy == 1 && person % 13 == 0 {
                "عمر"
            } else {
                father
            };
            let id = if copy == 1 && person % 3 == 0 {
                String::new()
            } else {
                format!(
                    "2{:02}{month:02}{:02}01{:05}",
                    year % 100,
                    1 + pick(3, 28),
                    person * 17 % 99_999
                )
            };
            let known = if person < 300 {
                person.to_string()
            } else {
                String::new()
            };
            let _ = writeln!(
                text,
                "{person}-{copy},{given} {father} {} {last},{id},{year}-{month:02}-{day:02},M,{known}",
                GIVEN[pick(7, 12)],
            );
        }
    }
    text
}

/// Trains on the file, into `model.toml`.
fn train(case: &Case, more: &[&str]) -> Output {
    case.link(&["train"], &case.path("model.toml"), more)
}

fn report(output: &Output) -> serde_json::Value {
    assert_done(output);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_model_is_learned_and_links() {
    let case = Case::of(people());
    let learned = report(&train(&case, &["--json", "--name", "register"]));
    let old = rabt_linkage::LinkageModel::shipped("egypt")
        .unwrap()
        .version;
    assert_eq!(
        (&learned["model"], &learned["version"]),
        (&"register".into(), &(old + 1).into())
    );
    assert_eq!(learned["records"], 800);
    let levels = learned["levels"].as_array().unwrap();
    let moved = |level: &&serde_json::Value| level["m"]["old"] != level["m"]["new"];
    assert!(levels.iter().filter(moved).count() > 5, "{levels:#?}");

    let text = read(&case.path("model.toml"));
    assert!(
        text.starts_with(&format!(
            "# Trained from model egypt version {old}, on 800 records of data.csv, without labels"
        )),
        "{text}"
    );
    let written = rabt_linkage::LinkageModel::from_toml(&text).unwrap();
    assert_eq!(
        written.fingerprint(),
        learned["fingerprint"].as_str().unwrap()
    );

    // To train beforehand and on the way is the same.
    assert_done(&case.dedupe(&["--model", case.path("model.toml").to_str().unwrap()]));
    let before = case.clusters();
    assert_done(&case.dedupe(&["--train"]));
    assert_eq!(case.clusters(), before);
    let together = before.iter().filter(|line| {
        line.split_once("-1,")
            .is_some_and(|(one, other)| other == format!("{one}-0"))
    });
    assert!(together.count() > 300, "{before:#?}");
}

#[test]
fn what_is_not_learned_is_named_with_its_reason() {
    let case = Case::of(people());
    let learned = report(&train(&case, &["--json"]));
    let notes = learned["not_learned"].as_array().unwrap();
    let of = |comparison: &str| {
        notes
            .iter()
            .find(|note| note["comparison"] == comparison && note["level"].is_null())
    };
    // The file has no telephone numbers.
    let phone = of("phone").unwrap_or_else(|| panic!("{notes:#?}"));
    let sentence = phone["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("m of 'phone' stays as in the model file")
            || sentence.contains("u of 'phone' stays"),
        "{sentence}"
    );
    for level in learned["levels"].as_array().unwrap() {
        if level["comparison"] == "phone" {
            assert_eq!(level["m"]["old"], level["m"]["new"], "{level}");
        }
    }
    let output = train(&case, &[]);
    assert_done(&output);
    let said = String::from_utf8_lossy(&output.stdout);
    for words in [sentence, "prior", "→", "model in"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn known_people_are_counted() {
    let case = Case::of(people());
    let output = train(&case, &["--labels-column", "known"]);
    assert_done(&output);
    let said = String::from_utf8_lossy(&output.stdout);
    // A pair for each of the 300 people that are known.
    assert!(said.contains("300"), "{said}");
    let text = read(&case.path("model.toml"));
    assert!(
        text.contains("from the known people of column known."),
        "{text}"
    );
    let with = rabt_linkage::LinkageModel::from_toml(&text).unwrap();
    assert_done(&train(&case, &[]));
    let without = rabt_linkage::LinkageModel::from_toml(&read(&case.path("model.toml"))).unwrap();
    let given = |model: &rabt_linkage::LinkageModel| {
        let found = model
            .comparisons
            .iter()
            .find(|comparison| comparison.id == "given-name");
        found.unwrap().shares[1]
    };
    assert!(
        given(&with).m > 0.97,
        "every given name is the same: {:?}",
        given(&with)
    );
    assert_eq!(
        given(&with).u,
        given(&without).u,
        "labels say nothing of strangers"
    );
    let missing = train(&case, &["--labels-column", "person"]);
    assert_refused(&missing, 2, &["no column person"]);
}

#[test]
fn what_cannot_be_learned_from_is_refused_and_an_old_model_stays() {
    let case = Case::of(people());
    let old = case.write("model.toml", "old");
    for (more, words) in [
        (
            &["--pass", "no such rule"][..],
            &["no blocking rule 'no such rule'", "national-id"][..],
        ),
        (
            &["--recall", "1.5"],
            &["--recall must be above 0 and at most 1"],
        ),
        (
            &["--recall", "nan"],
            &["--recall must be above 0 and at most 1"],
        ),
        (&["--truth-column", "known"], &["--labels-column"]),
    ] {
        assert_refused(&train(&case, more), 2, words);
    }
    let full = case.link(&["train"], Path::new("/dev/full"), &[]);
    assert_refused(&full, 1, &["/dev/full cannot be written"]);
    assert_refused(
        &case.link(&["train"], &case.path("data.csv"), &[]),
        2,
        &["both read and written"],
    );
    assert_eq!(read(&old), "old");
    assert_eq!(case.files(), ["data.csv", "model.toml"]);
}

#[test]
fn too_few_records_teach_nothing() {
    let case = Case::of("record_id,name_ar\n1,محمد أحمد علي\n");
    let learned = report(&train(&case, &["--json"]));
    for level in learned["levels"].as_array().unwrap() {
        assert_eq!(level["m"]["old"], level["m"]["new"], "{level}");
    }
    assert_eq!(learned["prior"]["old"], learned["prior"]["new"]);
    case.write("data.csv", "record_id,name_ar\n");
    assert_done(&train(&case, &[]));
}

/// A model whose one level asks how common the title is.
const TITLES: &str = r#"
schema = 1
name = "titles"
version = 4
[decision]
prior = -6.0
link = 3.0
review = -3.0
mean = 0.0
[[column]]
id = "title"
type = "text"
[[blocking]]
id = "title"
key = [{ column = "title", take = "whole" }]
cap = 100
[[comparison]]
id = "title"
type = "graded"
[[comparison.level]]
name = "equal"
when = { column = "title", test = "equal" }
m = 0.9
u = 0.1
term_frequency = { column = "title" }
[[comparison.level]]
name = "different"
m = 0.1
u = 0.9
"#;

#[test]
fn shares_of_values_are_counted() {
    let mut text = "record_id,title\n".to_owned();
    for row in 0..100 {
        let title = match row {
            0..50 => "Nile Trading".to_owned(),
            50..70 => "DELTA".to_owned(),
            70..90 => format!("single {row}"),
            _ => String::new(),
        };
        let _ = writeln!(text, "{row},{title}");
    }
    let case = Case::of(text);
    let model = case.write("titles.toml", TITLES);
    assert_done(&train(&case, &["--model", model.to_str().unwrap()]));
    let trained: toml::Table = read(&case.path("model.toml")).parse().unwrap();
    assert_eq!(trained["version"].as_integer(), Some(5));
    let table = &trained["term_frequency"][0];
    // Of the 90 records that have one: 50, 20, and 20 titles of one record each.
    let values = table["values"].as_table().unwrap();
    let shares: Vec<(&str, f64)> = values
        .iter()
        .map(|(value, share)| (value.as_str(), share.as_float().unwrap()))
        .collect();
    assert_eq!(shares, [("nile trading", 0.556), ("delta", 0.222)]);
    assert!(
        (table["other"].as_float().unwrap() - 0.0111).abs() < 1e-9,
        "{table}"
    );
}
