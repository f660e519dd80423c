use super::{DEMO_BUNDLE, Policy};
use crate::{Catalogue, EGYPT, Method};

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

#[test]
fn terms_are_read_and_written() {
    let terms = "exempt_purposes = [\"eligibility\"]\nsees_protected = true\nsees_restricted = [\"clinic\"]\nbreak_glass = true\n\
                 retention_days = 365\nwithhold_days = 90\n\
                 budget = { per_day = 1000, per_end_user = 50, end_users = 200 }\nid = \"AG-HEALTH-002\"";
    let text = DEMO_BUNDLE.replace("id = \"AG-HEALTH-002\"", terms);
    let policy = Policy::from_bundle(&text, "demo.toml").unwrap();
    let agreement = policy.agreement("AG-HEALTH-002").unwrap();
    assert_eq!(agreement.terms().budget().per_end_user, Some(50));
    assert_eq!(agreement.terms().budget().end_users, Some(200));
    let again = Policy::from_bundle(&agreement.to_text(), "one.toml").unwrap();
    let again = again.agreement("AG-HEALTH-002").unwrap();
    assert_eq!(again.terms(), agreement.terms());
    assert_eq!(again.to_text(), agreement.to_text());

    let wrong = text
        .replace("[\"eligibility\"]\nsees", "[\"gossip\"]\nsees")
        .replace("break_glass = true", "break_glass = 1")
        .replace("retention_days = 365", "retention_days = 0")
        .replace("per_end_user = 50", "per_end_users = 50");
    insta::assert_snapshot!("terms", problems(&wrong).join("\n"));
}

#[test]
fn services_of_a_bundle_are_all_that_its_agreements_may_name() {
    let service = "[[service]]\nid = \"tax-return\"\ntitle = { en = \"T\", ar = \"ض\" }\nagency = \"tax\"\n\
                   channels = [\"portal\"]\nlegal_bases = [\"income-tax-act\"]\nfields = [\"name.chain\"]\n";
    let found = problems(&format!("{DEMO_BUNDLE}\n{service}"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("`insurance-card`, which is no `[[service]]`"),
        "{found:?}"
    );
}

#[test]
fn the_demonstration_uses_services_of_the_catalogue() {
    let policy = Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap();
    let catalogue = Catalogue::from_text(EGYPT, "egypt.toml").unwrap();
    for agreement in policy.agreements() {
        assert_eq!(catalogue.objections(agreement), Vec::<String>::new());
    }
    let strange = DEMO_BUNDLE.replace(
        "channels = [\"system\", \"portal\"]",
        "channels = [\"post_office\"]",
    );
    let policy = Policy::from_bundle(&strange, "demo.toml").unwrap();
    let tax = policy.agreement("AG-TAX-001").unwrap();
    let objections = catalogue.objections(tax);
    assert!(
        objections[0].contains("none of the agreement's channels"),
        "{objections:?}"
    );
}
