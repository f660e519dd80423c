mod frequency;
mod oracle;
mod symmetry;

use std::fmt::Write;

use crate::comparison::compare;
use crate::explanation::explain;
use crate::model::LinkageModel;
use crate::rule::definite;
use crate::standardise::Standardised;

const TYPES: [&str; 10] = [
    "text", "code", "digits", "date", "number", "point", "set", "name", "address", "phone",
];

/// A model of two columns of every type, with one rule.
fn model_of(predicate: &str) -> LinkageModel {
    let mut text = String::from(
        "schema = 1\nname = \"t\"\nversion = 1\npack = \"egypt\"\n[decision]\nprior = 0\nlink = 3\nreview = -3\nmean = 0\n",
    );
    for kind in TYPES {
        for suffix in ["", "2"] {
            let _ = writeln!(
                text,
                "[[column]]\nid = \"{kind}{suffix}\"\ntype = \"{kind}\""
            );
        }
    }
    text += "[[blocking]]\nid = \"b\"\ncap = 9\nkey = [{ column = \"text\", take = \"whole\" }]\n";
    let _ = write!(
        text,
        "[[comparison]]\nid = \"c\"\ntype = \"graded\"\n\
         [[comparison.level]]\nname = \"yes\"\nwhen = {predicate}\nm = 0.5\nu = 0.25\n\
         [[comparison.level]]\nname = \"no\"\nm = 0.5\nu = 0.75\n\
         [[rule]]\nid = \"r\"\nverdict = \"match\"\nwhen = {predicate}\n"
    );
    LinkageModel::from_toml(&text).unwrap_or_else(|errors| panic!("{predicate}: {errors:#?}"))
}

/// Two records, each a list of columns and values.
fn batch(model: &LinkageModel, records: [&[(&str, &str)]; 2]) -> Standardised {
    let mut data = Standardised::new(model);
    for (at, record) in records.into_iter().enumerate() {
        let mut cells = vec![None; model.columns.len()];
        for (column, value) in record {
            cells[model.column(column).unwrap()] = Some(*value);
        }
        data.push(model, &at.to_string(), &cells);
    }
    data
}

/// Says whether a predicate holds of two records, from either side.
fn holds(predicate: &str, left: &[(&str, &str)], right: &[(&str, &str)]) -> bool {
    let model = model_of(predicate);
    let forth = batch(&model, [left, right]);
    let back = batch(&model, [right, left]);
    let found = definite(&model, &forth, 0, 1);
    assert_eq!(
        found,
        definite(&model, &back, 0, 1),
        "{predicate} {left:?} {right:?}"
    );
    assert_eq!(
        compare(&model, &forth, 0, 1)[0],
        compare(&model, &back, 0, 1)[0],
        "{predicate} {left:?} {right:?}"
    );
    found.is_some()
}

/// Returns the level of two records.
fn level(predicate: &str, left: &[(&str, &str)], right: &[(&str, &str)]) -> String {
    let model = model_of(predicate);
    let data = batch(&model, [left, right]);
    explain(&model, &data, 0, 1).steps[0].level.clone()
}

/// Column, test, the two values, and whether it holds.
const TESTS: &str = r#"
text -- test = "equal" -- Nile Trading -- NILE  trading -- yes
text -- test = "equal" -- nile -- delta -- no
text -- test = "jaro_winkler", at_least = 0.92 -- martha -- marhta -- yes
text -- test = "jaro_winkler", at_least = 0.97 -- martha -- marhta -- no
text -- test = "jaro", at_least = 0.94 -- martha -- marhta -- yes
text -- test = "jaro", at_least = 0.95 -- martha -- marhta -- no
text -- test = "levenshtein", at_most = 2 -- martha -- marhta -- yes
text -- test = "levenshtein", at_most = 1 -- martha -- marhta -- no
text -- test = "damerau_levenshtein", at_most = 1 -- martha -- marhta -- yes
text -- test = "damerau_levenshtein", at_most = 0 -- martha -- marhta -- no
text -- test = "jaccard", at_least = 0.25 -- night -- nacht -- no
text -- test = "jaccard", at_least = 0.14 -- night -- nacht -- yes
text -- test = "jaccard", at_least = 1 -- a -- a -- yes
text -- test = "prefix", at_least = 3 -- cairo -- cairene -- yes
text -- test = "prefix", at_least = 5 -- cairo -- cairene -- no
text -- test = "prefix", at_least = 9 -- cairo -- cairo -- no
text -- test = "same_skeleton" -- جمال -- Gamal -- yes
text -- test = "same_skeleton" -- جمال -- Kamal -- no
digits -- test = "equal" -- ٠١٢٣ -- 0123 -- yes
digits -- test = "levenshtein", at_most = 1 -- 12345 -- 12355 -- yes
digits -- test = "prefix", at_least = 3 -- 12345 -- 12399 -- yes
phone -- test = "equal" -- 01012345678 -- +20 10 1234 5678 -- yes
name -- test = "equal" -- أحمد محمد -- Ahmed Mohamed -- yes
name -- test = "equal" -- أحمد محمد -- أحمد محمود -- no
name -- test = "same_skeleton" -- جمال فاروق -- Gamal Farouk -- yes
name -- test = "jaro_winkler", at_least = 0.9 -- زكريا فهيم -- زكرياء فهيم -- yes
address -- test = "equal" -- 12 شارع النصر -- 12 ش النصر -- yes
address -- test = "equal" -- 12 شارع النصر -- 13 ش النصر -- no
date -- test = "equal" -- 1990-02-11 -- 11/02/1990 -- yes
date -- test = "levenshtein", at_most = 1 -- 1990-02-11 -- 1990-02-12 -- yes
date -- test = "days", at_most = 1 -- 1999-12-31 -- 2000-01-02 -- no
date -- test = "days", at_most = 2 -- 1999-12-31 -- 2000-01-02 -- yes
date -- test = "days", at_most = 400 -- 1999 -- 1999-03-01 -- no
date -- test = "months", at_most = 1 -- 2000-01-15 -- 2000-02-15 -- yes
date -- test = "months", at_most = 1 -- 2000-01-15 -- 2000-02-16 -- no
date -- test = "months", at_most = 0 -- 2000-03 -- 2000-03-16 -- yes
date -- test = "years", at_most = 1 -- 2000-05-15 -- 2001-05-15 -- yes
date -- test = "years", at_most = 1 -- 2000-05-15 -- 2001-05-16 -- no
date -- test = "years", at_most = 1 -- 2000 -- 2001-11-16 -- yes
date -- test = "years", at_most = 0 -- 2000 -- 2001-11-16 -- no
number -- test = "equal" -- 1,000 -- 1000.0 -- yes
number -- test = "equal" -- 0 -- -0.0 -- yes
number -- test = "difference", at_most = 0.5 -- 10 -- 10.5 -- yes
number -- test = "difference", at_most = 0.4 -- 10 -- 10.5 -- no
number -- test = "relative_difference", at_most = 0.1 -- -90 -- -100 -- yes
number -- test = "relative_difference", at_most = 0.09 -- 90 -- 100 -- no
number -- test = "relative_difference", at_most = 0 -- 0 -- 0 -- yes
point -- test = "distance_km", at_most = 112 -- 0,0 -- 0,1 -- yes
point -- test = "distance_km", at_most = 111 -- 0,0 -- 0,1 -- no
point -- test = "distance_km", at_most = 20016 -- 90,0 -- -90,0 -- yes
point -- test = "distance_km", at_most = 1 -- 10,180 -- 10,-180 -- yes
point -- test = "distance_km", at_most = 0 -- 30.1,31.2 -- 30.1;31.2 -- yes
set -- test = "equal" -- a|b -- B,a,b -- yes
set -- test = "overlap", at_least = 2 -- a|b|c -- c;b;x -- yes
set -- test = "overlap", at_least = 3 -- a|b|c -- c;b;x -- no
set -- test = "overlap_share", at_least = 1 -- a|b|c -- c;b -- yes
set -- test = "overlap_share", at_least = 0.6 -- a|b|c -- c;x -- no
set -- test = "jaccard", at_least = 0.5 -- a|b|c -- c;b;x -- yes
set -- test = "jaccard", at_least = 0.51 -- a|b|c -- c;b;x -- no
"#;

#[test]
fn every_test_tells_the_values_it_is_for() {
    for line in TESTS.lines().filter(|line| !line.is_empty()) {
        let [column, test, left, right, expected] =
            line.split(" -- ").collect::<Vec<_>>().try_into().unwrap();
        let predicate = format!("{{ column = \"{column}\", {test} }}");
        let found = holds(&predicate, &[(column, left)], &[(column, right)]);
        assert_eq!(found, expected == "yes", "{line}");
    }
}

#[test]
fn what_is_no_value_is_absent() {
    for (column, value) in [
        ("number", "NaN"),
        ("number", "inf"),
        ("number", "-infinity"),
        ("number", "about ten"),
        ("number", ""),
        ("point", "91,0"),
        ("point", "NaN,NaN"),
        ("point", "inf,0"),
        ("set", "|;"),
        ("set", "unknown"),
        ("text", "غير معروف"),
    ] {
        let equal = format!("{{ column = \"{column}\", test = \"equal\" }}");
        let record = [(column, value)];
        assert!(!holds(&equal, &record, &record), "{column} {value}");
        assert_eq!(
            level(&equal, &record, &record),
            "absent",
            "{column} {value}"
        );
        let absent = format!("{{ column = \"{column}\", test = \"both_absent\" }}");
        assert!(holds(&absent, &record, &record), "{column} {value}");
        let model = model_of(&equal);
        let data = batch(&model, [&record, &record]);
        let counted = if value.is_empty() { 0 } else { 2 };
        assert_eq!(data.placeholders(), counted, "{column} {value}");
    }
}

#[test]
fn absence_is_told_apart() {
    let (some, none) = ([("text", "a")], []);
    let test = |name: &str| format!("{{ column = \"text\", test = \"{name}\" }}");
    for (name, both, one, neither) in [
        ("absent", true, true, false),
        ("both_absent", true, false, false),
        ("one_absent", false, true, false),
    ] {
        assert_eq!(holds(&test(name), &none, &none), both, "{name}");
        assert_eq!(holds(&test(name), &some, &none), one, "{name}");
        assert_eq!(holds(&test(name), &some, &some), neither, "{name}");
    }
    // A comparison that asks for absence is never absent itself.
    assert_eq!(level(&test("both_absent"), &none, &none), "yes");
    assert_eq!(level(&test("both_absent"), &some, &none), "no");
    assert_eq!(level(&test("equal"), &some, &none), "absent");
    let not = format!("{{ not = {} }}", test("equal"));
    assert_eq!(level(&not, &some, &none), "absent");
    assert!(
        holds(&not, &some, &none),
        "a test on an absent value does not hold"
    );
}

#[test]
fn predicates_compose_and_read_across_columns() {
    let equal = "{ column = \"text\", test = \"equal\" }";
    let crossed = "{ column = \"text\", other = \"text2\", test = \"equal\" }";
    let ab = [("text", "a"), ("text2", "b")];
    let ba = [("text", "b"), ("text2", "a")];
    let bc = [("text", "b"), ("text2", "c")];
    assert!(holds(crossed, &ab, &ba));
    assert!(holds(crossed, &ab, &bc));
    let both = "{ column = \"text\", other = \"text2\", both_ways = true, test = \"equal\" }";
    assert!(holds(both, &ab, &ba));
    assert!(!holds(both, &ab, &bc));
    assert!(holds(
        &format!("{{ any = [{equal}, {crossed}] }}"),
        &ab,
        &ba
    ));
    assert!(!holds(
        &format!("{{ all = [{equal}, {crossed}] }}"),
        &ab,
        &ba
    ));
    assert!(holds(
        &format!("{{ all = [{{ not = {equal} }}, {crossed}] }}"),
        &ab,
        &ba
    ));
    // One column is there on the left and the other on the right: the test can be made.
    assert_eq!(level(crossed, &[("text", "a")], &[("text2", "c")]), "no");
    assert_eq!(level(crossed, &[("text", "a")], &[("text", "a")]), "absent");
}
