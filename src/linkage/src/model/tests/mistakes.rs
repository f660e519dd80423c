use super::super::LinkageModel;
use super::COMPANIES;

/// Reads the model with one text put in place of another; returns the problems.
fn problems(changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = COMPANIES.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let problems = LinkageModel::from_toml(&text).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// Asserts that one change is one problem, and that its message holds all `words`.
fn one(from: &str, to: &str, words: &[&str]) {
    let found = problems(&[(from, to)]);
    assert_eq!(found.len(), 1, "{to}: {found:#?}");
    for word in words {
        assert!(found[0].contains(word), "{to}: {word} in {}", found[0]);
    }
    assert!(found[0].contains(" line "), "{to}: a line in {}", found[0]);
}

#[test]
fn ten_mistakes_are_ten_messages() {
    let found = problems(&[
        ("schema = 1", "schema = 9"),
        ("type = \"digits\"\nmany = 2", "type = \"digit\"\nmany = 2"),
        ("type = \"number\"", "type = \"number\"\nmany = 3"),
        ("take = \"year\"", "take = \"skeleton\""),
        ("take = \"initial\"", "take = \"initials\""),
        (
            "{ column = \"title\", test = \"equal\" }",
            "{ column = \"titel\", test = \"equal\" }",
        ),
        ("at_least = 0.92", "at_least = 1.92"),
        ("m = 0.8\nu = 0.01\n[[", "m = 8\nu = 0.01\n[["),
        (
            "near = { m = 0.05, u = 0.00001 }",
            "nearly = { m = 0.05, u = 0.00001 }",
        ),
        ("verdict = \"match\"", "verdict = \"maybe\""),
        ("comparison = \"brand\"", "comparison = \"brandname\""),
    ]);
    // A level that is misspelt is also missing.
    assert_eq!(found.len(), 12, "{found:#?}");
    assert!(
        found.iter().all(|problem| problem.contains(" line ")),
        "{found:#?}"
    );
    for words in [
        "line 1: schema 9 is newer than this engine's 1",
        "column 'tax_no': type 'digit' is not known; did you mean 'digits'?",
        "column 'capital': many above 1",
        "'founded' is of type date, of which 'skeleton' cannot be taken; it may be: whole, year",
        "did you mean 'initial'?",
        "names column 'titel'; did you mean 'title'?; the columns are: register, title",
        "must be above 0 and at most 1, not 1.92",
        "comparison 'place' level 'near': m is a share: it must be above 0 and at most 1, not 8",
        "has no level 'nearly'; its levels are: equal, near",
        "comparison 'tax-no' lacks level 'near'",
        "rule 'same number and year': verdict 'maybe' is not known; it may be: match, non_match",
        "comparison 'brandname' is not there",
    ] {
        assert!(
            found.iter().any(|p| p.contains(words)),
            "{words} in {found:#?}"
        );
    }
}

#[test]
fn mistakes_of_levels() {
    one(
        "name = \"brand\"\nwhen = { column = \"title\", other = \"brand\", test = \"equal\" }",
        "name = \"brand\"",
        &["level 'brand'", "has no 'when' and is not the last"],
    );
    one(
        "name = \"far\"",
        "name = \"far\"\nwhen = { column = \"place\", test = \"absent\" }",
        &["level 'far'", "must not be on the last level"],
    );
    one(
        "name = \"far\"",
        "name = \"near\"",
        &["level 'near'", "twice"],
    );
    one(
        "name = \"far\"",
        "name = \"absent\"",
        &["level 'absent'", "twice"],
    );
    one(
        "u = 0.01\nterm_frequency",
        "term_frequency",
        &["lacks 'u'", "weight below 1"],
    );
    one(
        "m = 0.2\nu = 0.99",
        "m = 0.2",
        &["level 'far'", "lacks 'u'"],
    );
    one("m = 0.2\nu = 0.99", "u = 0.99", &["level 'far' lacks 'm'"]);
    one(
        "equal = { m = 0.7, term_frequency = true }",
        "equal = { m = 0.7 }",
        &["level 'equal'", "lacks 'u'"],
    );
    one(
        "close = { m = 0.1, u = 0.01 }",
        "close = { m = 0.1, u = 0.01, term_frequency = true }",
        &["level 'close' has no field 'term_frequency'"],
    );
    let many = "[[comparison.level]]\nname = \"far\"\nwhen = { column = \"place\", test = \"absent\" }\nm = 0.1\nu = 0.1\n".repeat(14);
    one(
        "[[comparison.level]]\nname = \"far\"",
        &(many + "[[comparison.level]]\nname = \"far\""),
        &["comparison 'place' has 16 levels; the most is 15"],
    );
    one(
        "[[term_frequency]]\ncolumn = \"brand\"\nother = 0.001\nvalues = {}\n",
        "",
        &["there is no [[term_frequency]] of its column"],
    );
}

#[test]
fn too_many_comparisons_are_refused() {
    let brand = "id = \"brand\"\ntype = \"text\"\ncolumns";
    let start = COMPANIES.find(brand).unwrap() - "[[comparison]]\n".len();
    let end = COMPANIES[start..].find("\n[[term").unwrap() + start;
    let more = (0..30).map(|n| COMPANIES[start..end].replacen("brand", &format!("b{n}"), 1));
    let more: String = more.collect();
    some(
        &COMPANIES[start..end],
        &(COMPANIES[start..end].to_owned() + &more),
        "has 36 comparisons; the most is 32",
    );
}

#[test]
fn mistakes_of_predicates() {
    let near = "{ column = \"place\", test = \"distance_km\", at_most = 0.5 }";
    for (to, words) in [
        (
            "{ column = \"place\", test = \"distance\", at_most = 0.5 }",
            "test 'distance' is not known",
        ),
        (
            "{ column = \"place\", test = \"distance_km\", at_least = 0.5 }",
            "at_least is not for the test 'distance_km'; write at_most",
        ),
        (
            "{ column = \"place\", test = \"distance_km\" }",
            "lacks 'at_most'",
        ),
        (
            "{ column = \"place\", test = \"distance_km\", at_most = -1 }",
            "must be a number, 0 or more",
        ),
        (
            "{ column = \"place\", test = \"distance_km\", at_most = nan }",
            "must be a finite number",
        ),
        (
            "{ column = \"place\", test = \"distance_km\", at_most = inf }",
            "must be a finite number",
        ),
        (
            "{ column = \"place\", test = \"jaro\", at_least = 0.5 }",
            "'jaro' cannot be made of a column of type point",
        ),
        (
            "{ column = \"place\", other = \"title\", test = \"equal\" }",
            "columns of types point and text",
        ),
        (
            "{ column = \"place\", test = \"equal\", at_most = 1 }",
            "which has no bound",
        ),
        (
            "{ column = \"title\", test = \"levenshtein\", at_most = 1.5 }",
            "a whole number, 0 or more",
        ),
        (
            "{ column = \"title\", test = \"equal\", both_ways = true }",
            "both_ways is for a test with 'other'",
        ),
        ("{ any = [] }", "must hold one predicate or more"),
        (
            "{ any = [{ column = \"title\", test = \"equal\" }], not = { column = \"title\", test = \"equal\" } }",
            "more than one of all, any and not",
        ),
        ("{ anny = [] }", "did you mean 'any'?"),
        ("\"close\"", "must be a table, not string"),
        ("{ not = 7 }", "not must be a table, not integer"),
    ] {
        let found = problems(&[(near, to)]);
        assert!(
            found
                .iter()
                .any(|p| p.contains(words) && p.contains(" line ")),
            "{to}: {found:#?}"
        );
    }
    let deep = "{ not = ".repeat(40) + near + &" }".repeat(40);
    assert!(problems(&[(near, &deep)])[0].contains("more than 16 deep"));
}

/// Asserts that a change is a problem, among others that follow from it.
fn some(from: &str, to: &str, words: &str) {
    let found = problems(&[(from, to)]);
    assert!(
        found.iter().any(|p| p.contains(words)),
        "{words} in {found:#?}"
    );
}

#[test]
fn mistakes_of_columns_and_keys() {
    one(
        "id = \"mobile\"",
        "id = \"address\"",
        &["column 'address' is there twice"],
    );
    one("id = \"mobile\"", "id = \"\"", &["id must not be empty"]);
    some("id = \"mobile\"\n", "", "column number 11 lacks 'id'");
    one(
        "type = \"phone\"",
        "type = \"phone\"\nmany = 9",
        &["many must be 1 to 4, not 9"],
    );
    one(
        "type = \"phone\"",
        "type = \"phone\"\nfill_from = \"tax_no\"",
        &["fill_from must name a column of type national_id"],
    );
    one(
        "take = \"prefix\", length = 4",
        "take = \"prefix\"",
        &["lacks 'length'"],
    );
    one(
        "length = 4",
        "length = 40",
        &["length must be 1 to 16, not 40"],
    );
    one(
        "take = \"initial\"",
        "take = \"initial\", length = 2",
        &["length is for take"],
    );
    one(
        "key = [{ column = \"tax_no\", take = \"whole\" }]",
        "key = []",
        &["has no key part"],
    );
    one(
        "type = \"digits\"\ncolumns = [\"tax_no\"]",
        "type = \"digits\"\ncolumns = [\"title\"]",
        &["'title' is of type text; a comparison of type digits compares: digits"],
    );
    one(
        "columns = [\"tax_no\"]",
        "columns = [\"tax_no\", \"tax_no\"]",
        &["columns of type digits are at most 1"],
    );
    some(
        "type = \"digits\"\ncolumns",
        "type = \"digit\"\ncolumns",
        "did you mean 'digits'?",
    );
    one(
        "review = -3.0",
        "review = 5.0",
        &["review must not be above link"],
    );
    one(
        "mean = -1.5",
        "mean = \"low\"",
        &["mean must be a finite number, not string"],
    );
    some("prior = -12.0", "prio = -12.0", "did you mean 'prior'?");
}

#[test]
fn mistakes_of_rules_and_frequencies() {
    some(
        "source = \"register\"",
        "source = \"capital\"",
        "source must name a column of type text or code",
    );
    some(
        "source = \"register\"\n",
        "",
        "needs the column that tells a record's source",
    );
    one(
        "sources = \"different\"",
        "sources = \"differing\"",
        &["must be \"same\", \"different\" or a list of pairs"],
    );
    one(
        "sources = [[\"tax\", \"tax\"]]",
        "sources = [[\"tax\"]]",
        &["must be \"same\""],
    );
    one(
        "sources = [[\"tax\", \"tax\"]]",
        "",
        &["neither 'when' nor 'sources'"],
    );
    one(
        "weight = 0.5\n",
        "weight = 0.5\nweigth = 1\n",
        &["did you mean 'weight'?"],
    );
    one(
        "\"Delta\" = 0.003",
        "\"Delta\" = 0",
        &["'Delta' must have a share"],
    );
    one(
        "\"Delta\" = 0.003",
        "\"Delta\" = 0.999",
        &["add up to 1.019"],
    );
    one(
        "column = \"title\"\nother = 0.0001",
        "column = \"place\"\nother = 0.0001",
        &["must be of type text"],
    );
}

#[test]
fn broken_files_do_not_panic() {
    for length in (0..COMPANIES.len()).step_by(7) {
        if let Some(start) = COMPANIES.get(..length) {
            let _ = LinkageModel::from_toml(start);
        }
    }
    for wrong in [
        "",
        "\u{0}",
        "schema",
        "schema = 1",
        "[[column]]\n[[blocking]]\n[[comparison]]",
        "column = 1\nblocking = 2\ncomparison = 3\ndecision = 4",
    ] {
        assert!(
            !LinkageModel::from_toml(wrong).unwrap_err().is_empty(),
            "{wrong}"
        );
    }
    let found = LinkageModel::from_toml("schema = 1\nname = x\nversion = \n").unwrap_err();
    let lines: Vec<_> = found.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(2), Some(3)]);
}
