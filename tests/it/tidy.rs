//! What a reader may rely on in every file: its size, its words, its links, its SQL.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rabt_tests::root;

/// No file of Rust may be longer, tests included.
const LONGEST: usize = 500;

/// Half of the files are no longer than this.
const MEDIAN: usize = 200;

/// Where our text lives. `target` and hidden folders are not read.
const PLACES: [&str; 8] = [
    "src",
    "connectors",
    "tests",
    "benches",
    "docs",
    "proto",
    "deploy",
    "README.md",
];

/// Words that mean something is not finished, or that it depends on one machine. Split, so that this
/// file does not hold them.
const UNWANTED: [(&str, &str); 8] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("unimpl", "emented!"),
    ("#[ign", "ore"),
    ("\"/wo", "rk/"),
    ("/ro", "ot/"),
    ("/home", "/"),
];

/// How a statement begins, and a word that follows.
const STATEMENTS: [(&str, &str); 5] = [
    ("SELECT ", " FROM "),
    ("INSERT INTO ", "VALUES"),
    ("UPDATE ", " SET "),
    ("DELETE FROM ", ""),
    ("CREATE TABLE ", ""),
];

fn files(extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for place in PLACES {
        walk(&root().join(place), extension, &mut found);
    }
    found.sort();
    found
}

fn walk(path: &Path, extension: &str, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a readable folder");
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name != "target" && !name.starts_with('.') {
                walk(&path, extension, found);
            }
        }
    } else if path.extension().is_some_and(|found| found == extension)
        && let Ok(text) = std::fs::read_to_string(path)
    {
        found.push((path.to_path_buf(), text));
    }
}

fn shown(path: &Path) -> String {
    let root = root();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn refuse(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let mut lengths = Vec::new();
    let mut wrong = Vec::new();
    for (path, text) in files("rs") {
        let lines = text.lines().count();
        lengths.push(lines);
        if lines > LONGEST {
            wrong.push(format!("{}: {lines} lines", shown(&path)));
        }
    }
    refuse(&wrong);
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(
        median <= MEDIAN,
        "half of the files are longer than {median} lines"
    );
}

#[test]
fn nothing_is_left_undone_or_tied_to_one_machine() {
    let mut wrong = Vec::new();
    for extension in ["rs", "md", "toml", "proto", "sql", "service", "sh"] {
        for (path, text) in files(extension) {
            for (number, line) in text.lines().enumerate() {
                for (head, tail) in UNWANTED {
                    if line.contains(&format!("{head}{tail}")) {
                        wrong.push(format!("{}:{}: {head}{tail}", shown(&path), number + 1));
                    }
                }
            }
        }
    }
    refuse(&wrong);
}

#[test]
fn modules_are_not_called_mod() {
    let named: Vec<String> = files("rs")
        .iter()
        .filter(|(path, _)| path.ends_with("mod.rs"))
        .map(|(path, _)| shown(path))
        .collect();
    refuse(&named);
}

#[test]
fn migrations_come_in_pairs() {
    let folder = root().join("src/storage/migrations");
    let names = |backend: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder.join(backend)).expect("a folder of migrations");
        entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[test]
fn proto_packages_are_named_after_their_folders() {
    for (path, text) in files("proto") {
        let folder = path
            .parent()
            .and_then(|folder| folder.strip_prefix(root().join("proto")).ok());
        let expected = folder
            .expect("a file of proto/")
            .to_string_lossy()
            .replace('/', ".");
        let line = text.lines().find(|line| line.starts_with("package "));
        assert_eq!(
            line,
            Some(format!("package {expected};").as_str()),
            "{}",
            shown(&path)
        );
    }
}

#[test]
fn links_of_documents_resolve() {
    let mut wrong = Vec::new();
    for (path, text) in files("md") {
        for link in links(&text) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if target.is_empty() {
                path.clone()
            } else {
                path.parent().expect("a folder").join(target)
            };
            if !file.exists() || !has_anchor(&file, anchor) {
                wrong.push(format!("{}: {link}", shown(&path)));
            }
        }
    }
    refuse(&wrong);
}

/// Paths in back quotes that name a file of ours must name one that exists.
#[test]
fn paths_named_by_documents_exist() {
    let mut wrong = Vec::new();
    for (path, text) in files("md") {
        for quoted in text.split('`').skip(1).step_by(2) {
            let ours = ["src/", "tests/", "docs/", "proto/", "deploy/", "benches/"];
            let plain = quoted
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if plain && ours.iter().any(|o| quoted.starts_with(o)) && !root().join(quoted).exists()
            {
                wrong.push(format!("{}: {quoted}", shown(&path)));
            }
        }
    }
    refuse(&wrong);
}

/// Returns the targets of the inline links that stay inside the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target);
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

fn has_anchor(file: &Path, anchor: &str) -> bool {
    if anchor.is_empty() {
        return true;
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(slug).any(|slug| slug == anchor)
}

fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn sql_is_written_in_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in files("rs") {
        // A test may well run a script of the agency's.
        if shown(&path).contains("test") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{}:{}", shown(&path), number + 1);
            let literal = line.split('"').nth(1).unwrap_or_default();
            for (verb, second) in STATEMENTS {
                let (first, second) = (verb.to_lowercase(), second.to_lowercase());
                if literal.starts_with(&first) && literal.contains(&second) {
                    wrong.push(format!("{}: keywords of SQL are upper case", place()));
                }
                if literal.starts_with(verb) && literal.trim_end_matches(';').contains(';') {
                    wrong.push(format!("{}: one statement per text", place()));
                }
            }
        }
    }
    refuse(&wrong);
}

#[test]
fn errors_are_lower_case_without_a_period() {
    let mut wrong = Vec::new();
    for (path, text) in files("rs") {
        for (number, line) in text.lines().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix("#[error(\"") else {
                continue;
            };
            let message = rest.trim_end_matches([']', ')', '"']);
            let first = message.split(' ').next().unwrap_or_default();
            let mut letters = first.chars();
            let capital = letters.next().is_some_and(char::is_uppercase)
                && letters.next().is_some_and(char::is_lowercase)
                && !first.chars().skip(1).any(char::is_uppercase);
            if capital || message.ends_with('.') {
                wrong.push(format!("{}:{}: {message}", shown(&path), number + 1));
            }
        }
    }
    refuse(&wrong);
}

#[test]
fn folders_of_modules_have_their_module() {
    let mut alone = BTreeSet::new();
    for (path, _) in files("rs") {
        let folder = path.parent().expect("a file lies in a folder");
        let is_crate = ["src", "it", "examples"]
            .iter()
            .any(|name| folder.ends_with(name))
            || folder.join("Cargo.toml").exists();
        if !is_crate && !folder.with_extension("rs").exists() {
            alone.insert(format!("{}: no module of this name", shown(folder)));
        }
    }
    refuse(&alone.into_iter().collect::<Vec<_>>());
}

/// The table of expected behaviour names tests; each of them is there.
#[test]
fn expected_behaviour_is_held_by_tests_that_exist() {
    let named = tests_named_by("docs/behaviour.md");
    assert!(named > 25, "the table names {named} tests");
}

/// Every control against a threat is held by a test that is there.
#[test]
fn every_control_is_held_by_a_test_that_exists() {
    let text = std::fs::read_to_string(root().join("docs/threat-model.md")).expect("the model");
    let tables = text
        .split("\n## ")
        .filter(|part| part.contains("| Held by |"));
    let rows = tables.flat_map(str::lines).filter(|line| {
        line.starts_with("| ") && !line.starts_with("| Threat |") && !line.starts_with("|---")
    });
    let unheld: Vec<String> = rows
        .filter(|row| !row.trim_end().ends_with("` |"))
        .map(|row| format!("docs/threat-model.md: no test holds: {row}"))
        .collect();
    refuse(&unheld);
    let named = tests_named_by("docs/threat-model.md");
    assert!(named > 40, "the model names {named} tests");
}

/// Returns how many tests the tables of a document name, each in the last column; all of them must be
/// there.
fn tests_named_by(document: &str) -> usize {
    let table = std::fs::read_to_string(root().join(document)).expect("the document");
    let sources = files("rs");
    let mut wrong = Vec::new();
    let mut named = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let Some(name) = line
            .rsplit('`')
            .nth(1)
            .filter(|_| line.trim_end().ends_with("` |"))
        else {
            continue;
        };
        named += 1;
        let head = format!("fn {name}(");
        if !sources.iter().any(|(_, text)| text.contains(&head)) {
            wrong.push(format!("{document}: there is no test {name}"));
        }
    }
    refuse(&wrong);
    named
}

/// References to these tables were dropped on PostgreSQL (migration 0033), which is sound for as long as no row of
/// theirs goes away.
#[test]
fn rows_that_others_name_without_a_reference_are_never_deleted() {
    let mut statements = 0;
    let folder = root().join("src/storage/src/postgres");
    let ours = files("rs").into_iter();
    for (path, text) in ours.filter(|(path, _)| path.starts_with(&folder)) {
        let words: Vec<&str> = text.split_whitespace().collect();
        for three in words.windows(3) {
            if three[0].trim_start_matches('"') != "DELETE" || three[1] != "FROM" {
                continue;
            }
            statements += 1;
            let table = three[2].trim_end_matches(|c: char| !c.is_alphanumeric());
            let named = ["citizens", "records", "audit_logs"].contains(&table);
            assert!(
                !named,
                "{}: rows of {table} are named elsewhere",
                path.display()
            );
        }
    }
    assert!(statements > 5, "{statements} statements were looked at");
}
