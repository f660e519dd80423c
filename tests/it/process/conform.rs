//! `rabt source conform`, as the author of an executable runs it.

use std::process::{Command, Output};

use rabt_connect::compliance;
use rabt_tests::{Plugins, executable, python_plugins};
use serde_json::Value;

/// Runs the suite on the executable of a kind, with the tables of the example.
fn conform(plugins: &Plugins, kind: &str, more: &[&str]) -> Output {
    let folder = plugins.folder();
    let mut command = Command::new(executable());
    command
        .current_dir(&folder)
        .args(["source", "conform", "--executable"])
        .arg(folder.join(format!("{}{kind}", rabt_connect::PREFIX)))
        .arg("--tables")
        .arg(folder.join("sqlite-tables"))
        .args(more);
    command.output().unwrap()
}

fn names(report: &Value, outcome: &str) -> Vec<String> {
    let cases = report["cases"].as_array().unwrap().iter();
    let those = cases.filter(|case| case["outcome"] == outcome);
    those
        .map(|case| case["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_example_complies() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let output = conform(&plugins, "sqlite-python", &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(names(&report, "fail"), [""; 0], "{report:#}");
    assert!(output.status.success(), "{said}");
    // Every case that the tests of a kind have is tried, and those that were not say why.
    let (cases, handshake) = (compliance::CASES, compliance::HANDSHAKE);
    let all = cases.len() + handshake.len();
    assert_eq!(report["cases"].as_array().unwrap().len(), all);
    let mut untried = vec!["unreachable_is_transient".to_owned()];
    let changes = cases
        .iter()
        .filter(|case| case.name.starts_with("changes_"));
    untried.extend(changes.map(|case| case.name.to_owned()));
    assert_eq!(names(&report, "skipped"), untried);
    assert_eq!(report["kind"], "sqlite-python");
    for case in report["cases"].as_array().unwrap() {
        let has_reason = case["reason"]["ar"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        assert_eq!(has_reason, case["outcome"] == "skipped", "{case}");
    }
}

#[test]
fn a_fault_is_found_and_its_case_is_named() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let one = "null_is_not_empty";
    for (fault, case) in [("null", one), ("count", "empty_table")] {
        plugins.put("sqlite-broken", "broken.py", fault);
        let chosen = ["--case", case, "--case", "missing_table"];
        let output = conform(&plugins, "sqlite-broken", &chosen);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("fail     {case}\n")), "{text}");
        assert!(text.contains("pass     missing_table\n"), "{text}");
        assert!(text.contains("  help: send "), "{text}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!("does not comply: {case}\n")),
            "{said}"
        );
    }
    plugins.put("sqlite-broken", "broken.py", "null");
    let output = conform(&plugins, "sqlite-broken", &["--case", one, "--lang", "ar"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("العلاج: أرسل MARK_NULL"), "{text}");
}

/// Tries cases of the handshake on what misbehaves in a way, and returns those that fail.
fn failing(plugins: &Plugins, how: &str, file: &str, cases: &[&str]) -> Vec<String> {
    plugins.put(how, file, how);
    let mut arguments = vec!["--json"];
    for case in cases {
        arguments.extend(["--case", case]);
    }
    let output = conform(plugins, how, &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(output.status.code(), Some(4), "{how}: {report:#}");
    for case in report["cases"].as_array().unwrap() {
        let remedy = case["remedy"]["ar"].as_str().unwrap_or_default();
        assert_eq!(remedy.is_empty(), case["outcome"] != "fail", "{case}");
    }
    names(&report, "fail")
}

#[test]
fn what_is_wrong_with_a_start_or_an_end_is_found_by_its_case() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let own = "misbehaving.py";
    for (how, file, cases) in [
        ("quitting", own, &["start_is_answered"][..]),
        ("chatting", own, &["start_line_is_a_handshake"]),
        ("shouting", own, &["start_line_is_a_handshake"]),
        (
            "modern",
            own,
            &[
                "start_chooses_a_protocol_of_both",
                "a_wrong_cookie_is_refused",
            ],
        ),
        ("elsewhere", own, &["start_listens_where_it_is_told"]),
        ("trusting", "broken.py", &["a_wrong_cookie_is_refused"]),
        (
            "outliving",
            "broken.py",
            &[
                "the_end_of_input_is_the_end",
                "the_end_of_input_ends_a_read",
            ],
        ),
        ("polite", "broken.py", &["the_end_of_input_ends_a_read"]),
        ("leaving", "broken.py", &["nothing_is_left_behind"]),
        ("escaping", "broken.py", &["nothing_is_left_behind"]),
        ("printing", "broken.py", &["nothing_printed_holds_a_value"]),
        ("raising", "broken.py", &["nothing_printed_holds_a_value"]),
    ] {
        // Beside its own each is tried on the first case, and one of them on all.
        let all = compliance::HANDSHAKE.iter().map(|case| case.name);
        let tried: Vec<&str> = all
            .filter(|name| {
                how == "trusting" || *name == "start_is_answered" || cases.contains(name)
            })
            .collect();
        assert_eq!(failing(&plugins, how, file, &tried), cases, "{how}");
    }
    // That a read is not ended is found by the case of the reads.
    plugins.put("deaf", "broken.py", "deaf");
    let case = ["--case", "cancel_frees_source_within_1s"];
    let output = conform(&plugins, "deaf", &case);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("did not end a read within 500ms"), "{text}");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    let output = conform(&plugins, "sqlite-python", &["--case", "emtpy_table"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("did you mean 'empty_table'?"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    std::fs::write(
        plugins.folder().join("sqlite-tables"),
        "#!/bin/sh\necho oops >&2; exit 7\n",
    )
    .unwrap();
    let output = conform(&plugins, "sqlite-python", &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("the table maker sqlite-tables, asked to open"),
        "{said}"
    );
    assert!(said.contains("oops"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
