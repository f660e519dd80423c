use super::super::Survivorship;

fn problems(text: &str) -> Vec<String> {
    let errors = Survivorship::from_toml(text).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_told_with_its_line_and_the_remedy() {
    let text = r#"schema = 2
[default]
rules = ["valdity", "majority", "majority"]
most = 0
[group.dates]
attributes = ["birth.dat", "sex"]
[group.others]
attributes = ["sex"]
colour = 1
[attribute."birth.date"]
most = 3
ranks = { civil-registry = 300, "No Agency" = 1 }
[attribute.name]
rules = []
"#;
    let found = problems(text);
    for (line, part) in [
        (1, "must be 1"),
        (
            3,
            "'valdity' is not a rule; did you mean 'validity'?; the rules are:",
        ),
        (3, "names 'majority' twice"),
        (4, "must be from 1 to 1000"),
        (
            6,
            "'birth.dat' is not an attribute; did you mean 'birth.date'?",
        ),
        (8, "names 'sex', which is in a group already"),
        (9, "has no field 'colour'"),
        (11, "is of no use: the attribute has one value"),
        (12, "must be a rank from 0 to 255"),
        (12, "is not the id of an agency or a source"),
        (13, "'name' is not an attribute"),
    ] {
        let told = found
            .iter()
            .any(|problem| problem.starts_with(&format!("{line}: ")) && problem.contains(part));
        assert!(told, "line {line}: {part}\nin {found:#?}");
    }
    assert_eq!(found.len(), 11, "{found:#?}");
    assert_eq!(problems("schema = 1\n[default").len(), 1);
    assert!(
        problems("")
            .iter()
            .any(|problem| problem.contains("lacks 'schema'"))
    );
}

#[test]
fn the_fingerprint_is_of_what_the_rules_say() {
    let print = |text: &str| {
        Survivorship::from_toml(text)
            .unwrap()
            .fingerprint()
            .to_owned()
    };
    let shipped = Survivorship::default().fingerprint().to_owned();
    assert_eq!(print("schema = 1 # nothing else"), shipped);
    assert_eq!(
        print(
            "schema = 1\n[attribute.sex]\nrules = [\"record_of_truth\", \"validity\", \"majority\", \"source_rank\", \"recency\"]"
        ),
        shipped
    );
    let one = print("schema = 1\n[attribute.sex]\nrules = [\"recency\"]");
    let group = print("schema = 1\n[group.one]\nattributes = [\"sex\"]\nrules = [\"recency\"]");
    assert_ne!(one, shipped);
    assert_eq!(one, group);
}
