//! Reading definite rules and adjustments between sources.

use super::super::comparison::scale;
use super::super::fields::Fields;
use super::super::problem::suggestion;
use super::super::{Adjust, ColumnType, Definite, Rule, SourcePair, Sources};
use super::{Columns, predicate, unique};
use crate::standardise::value::key_of_text;

const RULE: [&str; 4] = ["id", "verdict", "when", "sources"];

/// Reads every `[[rule]]`.
pub(super) fn read_rules(
    file: &Fields<'_>,
    known: &Columns<'_>,
    source: Option<usize>,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (number, table) in file.tables("rule").into_iter().enumerate() {
        let (id, fields) = Fields::named(file.problems, "rule", number, table, &RULE);
        unique(&fields, rules.iter().map(|rule| rule.id.as_str()), &id);
        if !fields.has("when") && !fields.has("sources") {
            fields.wrong(
                None,
                " has neither 'when' nor 'sources', so it would hold of every pair",
            );
        }
        let verdict = fields.need_choice("verdict", &Definite::WORDS);
        rules.push(Rule {
            id,
            verdict: verdict.unwrap_or(Definite::NonMatch),
            when: predicate::read(&fields, "when", known),
            sources: read_sources(&fields, source),
        });
    }
    rules
}

const ADJUST: [&str; 3] = ["comparison", "sources", "weight"];

/// Reads every `[[adjust]]`.
pub(super) fn read_adjusts(
    file: &Fields<'_>,
    comparisons: &[String],
    source: Option<usize>,
) -> Vec<Adjust> {
    let mut adjusts = Vec::new();
    for (number, table) in file.tables("adjust").into_iter().enumerate() {
        let place = format!("adjust number {}", number + 1);
        let fields = Fields::of(file.problems, place, table, &ADJUST);
        let comparison = find_comparison(&fields, comparisons);
        if !fields.has("sources") {
            fields.wrong(None, " lacks 'sources', between which it is made");
        }
        let sources = read_sources(&fields, source);
        let weight = fields.need_number("weight").filter(|weight| {
            let fits = (0.0..=1.0).contains(weight);
            if !fits {
                fields.wrong(Some("weight"), format!("must be 0 to 1, not {weight}"));
            }
            fits
        });
        if let (Some(comparison), Some(sources), Some(weight)) = (comparison, sources, weight) {
            adjusts.push(Adjust {
                comparison,
                sources,
                weight,
                scale: scale(weight),
            });
        }
    }
    adjusts
}

fn find_comparison(fields: &Fields<'_>, comparisons: &[String]) -> Option<usize> {
    let id = fields.need_text("comparison")?;
    let found = comparisons.iter().position(|known| known == id);
    if found.is_none() {
        let hint = suggestion(id, comparisons.iter().map(String::as_str));
        fields.wrong(
            Some("comparison"),
            format!(
                "'{id}' is not there{hint}; the comparisons are: {}",
                comparisons.join(", ")
            ),
        );
    }
    found
}

fn read_sources(fields: &Fields<'_>, source: Option<usize>) -> Option<Sources> {
    let value = fields.get("sources")?.get_ref();
    if source.is_none() {
        fields.wrong(
            Some("sources"),
            "needs the column that tells a record's source: [decision] source = \"…\"",
        );
    }
    let wanted =
        "must be \"same\", \"different\" or a list of pairs such as [[\"tax\", \"customs\"]]";
    let sources = match (value.as_str(), value.as_array()) {
        (Some("same"), _) => Some(Sources::Same),
        (Some("different"), _) => Some(Sources::Different),
        (_, Some(list)) if !list.is_empty() => {
            let pairs = list.iter().map(|item| {
                let pair = item.get_ref().as_array()?;
                let names: Option<Vec<&str>> =
                    pair.iter().map(|name| name.get_ref().as_str()).collect();
                let [left, right] = names?.try_into().ok()?;
                source_pair(left, right)
            });
            pairs
                .collect::<Option<Vec<SourcePair>>>()
                .map(Sources::Pairs)
        }
        _ => None,
    };
    if sources.is_none() {
        fields.wrong(Some("sources"), wanted);
    }
    sources
}

fn source_pair(left: &str, right: &str) -> Option<SourcePair> {
    let key = |name| key_of_text(ColumnType::Code, name);
    Some(SourcePair {
        keys: [key(left)?, key(right)?],
        names: [left.to_owned(), right.to_owned()],
    })
}
