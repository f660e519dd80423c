use super::{MATCH_BONUS, NON_MATCH, definite};
use crate::comparison::{compare, score, weigh};
use crate::explanation::explain;
use crate::model::{Definite, LinkageModel};
use crate::standardise::Standardised;
use crate::verdict::Verdict;

const MODEL: &str = r#"
schema = 1
name = "rules"
version = 1
[decision]
prior = -4.0
link = 3.0
review = -3.0
mean = 0.0
source = "source"
[[column]]
id = "source"
type = "code"
[[column]]
id = "name"
type = "text"
[[column]]
id = "phone"
type = "digits"
[[blocking]]
id = "name"
key = [{ column = "name", take = "initial" }]
cap = 10
[[comparison]]
id = "name"
type = "text"
columns = ["name"]
[comparison.levels]
equal = { m = 0.8, u = 0.1 }
close = { m = 0.1, u = 0.1 }
similar = { m = 0.05, u = 0.1 }
different = { m = 0.05, u = 0.7 }
[[comparison]]
id = "phone"
type = "digits"
columns = ["phone"]
[comparison.levels]
equal = { m = 0.8, u = 0.1 }
near = { m = 0.1, u = 0.1 }
different = { m = 0.1, u = 0.8 }
[[adjust]]
comparison = "phone"
sources = [["Tax", "customs"]]
weight = 0.5
[[rule]]
id = "one office writes a person once"
verdict = "non_match"
sources = [["civil", "civil"]]
[[rule]]
id = "same phone"
verdict = "match"
when = { column = "phone", test = "equal" }
sources = "different"
"#;

fn batch(model: &LinkageModel, rows: &[[&str; 3]]) -> Standardised {
    let mut data = Standardised::new(model);
    for (at, row) in rows.iter().enumerate() {
        let cells = row.map(|cell| Some(cell).filter(|cell| !cell.is_empty()));
        data.push(model, &at.to_string(), &cells);
    }
    data
}

#[test]
fn the_first_rule_that_holds_decides() {
    let model = LinkageModel::from_toml(MODEL).unwrap();
    let data = batch(
        &model,
        &[
            ["civil", "amal", "1234567"],
            ["CIVIL", "amal", "1234567"],
            ["tax", "samir", "1234567"],
            ["", "amal", "1234567"],
            ["tax", "amal", "7654321"],
        ],
    );
    let both = |a, b| {
        let found = definite(&model, &data, a, b);
        assert_eq!(found, definite(&model, &data, b, a));
        assert_eq!(score(&model, &data, a, b), score(&model, &data, b, a));
        found
    };
    assert_eq!(both(0, 1), Some(Definite::NonMatch));
    assert_eq!(score(&model, &data, 0, 1).1, NON_MATCH);
    assert_eq!(both(0, 2), Some(Definite::Match));
    let least = model.decision.link + MATCH_BONUS;
    assert_eq!(score(&model, &data, 0, 2).1.0, least);
    assert_eq!(both(0, 3), None, "a record of no known source");
    assert_eq!(both(2, 4), None);
    let explained = explain(&model, &data, 0, 2);
    assert_eq!(explained.rule.as_deref(), Some("same phone"));
    assert_eq!(
        (explained.weight.0, explained.verdict),
        (least, Verdict::Link)
    );
    assert_eq!(explain(&model, &data, 2, 4).rule, None);
}

#[test]
fn poor_evidence_between_two_sources_counts_in_part() {
    let model = LinkageModel::from_toml(MODEL).unwrap();
    let data = batch(
        &model,
        &[
            ["tax", "amal", "1234567"],
            ["customs", "amal", "99"],
            ["civil", "amal", "99"],
        ],
    );
    // Against: log2(0.8) and log2(0.1); of the phone, three bits less.
    let between = score(&model, &data, 0, 1).1;
    let other = score(&model, &data, 0, 2).1;
    assert_eq!(other, weigh(&model, &compare(&model, &data, 0, 2)));
    assert_eq!(between.0 - other.0, 3 * 1024 / 2);
    let steps = explain(&model, &data, 1, 0);
    assert_eq!(steps.sums().0, between.0);
    assert_eq!(steps.steps[1].level, "different");
}

#[test]
fn a_definite_non_match_parts_a_cluster() {
    use rabt_model::RecordNumber;
    let model = LinkageModel::from_toml(MODEL).unwrap();
    let mut index = crate::Index::new(std::sync::Arc::new(model));
    let rows = [
        ["civil", "amal", "1234567"],
        ["tax", "amal", "1234567"],
        ["civil", "amal", "1234567"],
    ];
    let linked = index.link_with(rows.len(), |at, push| {
        let number = i64::try_from(at).unwrap() + 1;
        push(RecordNumber(number), &at.to_string(), &rows[at].map(Some));
    });
    assert_eq!(linked.clusters.len(), 2, "{:?}", linked.clusters);
    let together = |cluster: &Vec<RecordNumber>| {
        cluster.contains(&RecordNumber(1)) && cluster.contains(&RecordNumber(3))
    };
    assert!(!linked.clusters.iter().any(together));
}
