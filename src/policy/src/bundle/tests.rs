use super::{DEMO_BUNDLE, Policy};
use crate::Method;

fn problems(text: &str) -> Vec<String> {
    let problems = Policy::from_bundle(text, "bundle.toml").unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_demonstration_loads() {
    let policy = Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap();
    let ids: Vec<&str> = policy
        .agreements()
        .iter()
        .map(|a| a.id().as_str())
        .collect();
    assert_eq!(ids, ["AG-CALL-003", "AG-HEALTH-002", "AG-TAX-001"]);
    let call = policy.agreement("AG-CALL-003").unwrap();
    assert!(!call.reveals());
    assert!(call.methods().eq([Method::VerifyAttributes]));
    assert_eq!(policy.revision().len(), 64);
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = r#"
schema = 2
agreements = 1

[[agreement]]
id = "ag-1"
titel = { en = "Tax", ar = "ضرائب" }
agency = "tax"
systems = []
methods = ["LookupCitzen", "GetCitizen"]
purposes = ["a b"]
legal_bases = ["law", "law"]
services = "tax-return"
channels = ["portal", "callcentre"]
fields = { default = ["phone"], maximum = ["name.*", "birth.dat", "facts.*"] }
period = { from = "2026-01-31", until = "2026-01-01" }
minimum_assurance = "hi"
"#;
    insta::assert_snapshot!("problems", problems(text).join("\n"));
}

#[test]
fn contradictions_are_reported() {
    let twice = format!(
        "{DEMO_BUNDLE}\n{}",
        &DEMO_BUNDLE[DEMO_BUNDLE.find("[[").unwrap()..]
    );
    assert_eq!(problems(&twice).len(), 3, "{:?}", problems(&twice));
    assert!(problems(&twice)[0].contains("is already defined in line"));

    let wide = DEMO_BUNDLE.replace(
        "default = [\"name.chain\",",
        "default = [\"photo_reference\",",
    );
    let found = problems(&wide);
    assert_eq!(found.len(), 2);
    assert!(found[0].ends_with("`photo_reference` is in `default` but not in `maximum`"));

    let useless = DEMO_BUNDLE.replace(
        "methods = [\"VerifyAttributes\"]",
        "methods = [\"GetCitizen\"]",
    );
    let found = problems(&useless).join("\n");
    assert!(
        found.contains("`VerifyAttributes` is the only method"),
        "{found}"
    );
    assert!(found.contains("fields has no `default`"), "{found}");
}

#[test]
fn broken_text_is_a_problem_with_a_line() {
    assert_eq!(
        problems(""),
        ["bundle.toml:1: the bundle has no `[[agreement]]`"]
    );
    let found = problems("schema = 1\n[[agreement]\nid = = 3\n");
    assert!(
        found[0].starts_with("bundle.toml:2: is not TOML"),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.starts_with("bundle.toml:3:")),
        "{found:?}"
    );
}

#[test]
fn the_revision_follows_the_text() {
    let one = Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap();
    let two = Policy::from_bundle(&format!("{DEMO_BUNDLE}\n"), "demo.toml").unwrap();
    assert_ne!(one.revision(), two.revision());
    assert_eq!(one.matrix(), two.matrix());
}
