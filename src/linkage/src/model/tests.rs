use super::LinkageModel;

#[test]
fn every_shipped_model_loads() {
    for name in LinkageModel::SHIPPED {
        let model = LinkageModel::shipped(name).unwrap();
        assert_eq!(model.name, name);
        assert_eq!(model.fingerprint().len(), 64);
        assert!(model.comparisons.len() <= crate::comparison::MOST);
    }
    assert!(LinkageModel::shipped("nowhere").is_none());
}

#[test]
fn every_problem_is_reported() {
    let text = include_str!("../models/febrl.toml")
        .replace("schema = 1", "schema = 9")
        .replace("columns = [\"surname\"]", "columns = [\"last\"]")
        .replace(
            "similar = { m = 0.04, u = 0.02 }",
            "alike = { m = 0.04, u = 2.0 }",
        );
    let problems = LinkageModel::from_toml(&text).unwrap_err();
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(all.iter().any(|p| p.contains("schema 9 is newer")));
    assert!(
        all.iter()
            .any(|p| p.contains("names column 'last'; the columns are: given_name"))
    );
    assert!(
        all.iter()
            .any(|p| p.contains("has no level 'alike'; its levels are: equal"))
    );
    assert!(all.iter().any(|p| p.contains("lacks level 'similar'")));
}

#[test]
fn a_broken_file_names_its_line() {
    let problems =
        LinkageModel::from_toml("schema = 1\nname = \"x\"\nversion = \"one\"\n").unwrap_err();
    assert_eq!(problems[0].line, Some(3));
}
