use super::super::LinkageModel;

/// The whole models among the examples of the documentation.
fn examples() -> Vec<&'static str> {
    let text = include_str!("../../../../../docs/linkage.md");
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.contains("schema = "))
        .collect()
}

#[test]
fn the_example_of_the_documentation_loads() {
    let examples = examples();
    assert!(!examples.is_empty());
    for example in examples {
        let model = LinkageModel::from_toml(example);
        let model = model.unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert_eq!(model.name, "companies");
        let again = LinkageModel::from_toml(&model.to_toml(&[])).unwrap();
        assert_eq!(again, model);
    }
}

#[test]
fn the_documentation_names_every_word_of_a_model() {
    let text = include_str!("../../../../../docs/linkage.md");
    let tests = super::super::TestKind::WORDS.map(|(word, _)| word);
    let types = super::super::ColumnType::WORDS.map(|(word, _)| word);
    let kinds = super::super::ComparisonType::WORDS.map(|(word, _)| word);
    let takes = super::super::Take::WORDS.map(|(word, _)| word);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    for word in tests.into_iter().chain(types).chain(takes).chain(kinds) {
        let is_there = rows.iter().any(|row| row.contains(word)) || word == "graded";
        assert!(is_there, "{word}");
    }
}
