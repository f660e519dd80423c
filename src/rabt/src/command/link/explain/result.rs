//! The explanation of a pair, for programs and for people.

use std::fmt::Write as _;

use rabt_linkage::Verdict;
use serde::Serialize;

use crate::command::link::report::data::Pair;
use crate::render::table;

/// Letters of a value that a table has room for.
const ROOM: usize = 32;

/// Why two records have their weight.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    left: String,
    right: String,
    /// Against strangers and, when the model knows them, against relatives.
    prior: Against,
    steps: Vec<Step>,
    /// The sums of the prior and the steps.
    sum: Against,
    decided_by: &'static str,
    /// The rule that decided whatever the sums say.
    rule: Option<String>,
    weight_bits: f64,
    probability: f64,
    verdict: &'static str,
    /// The blocking rules of which the two share a key; without any they are never compared.
    blocking_rules: Vec<String>,
}

/// Evidence in bits against the two hypotheses.
#[derive(Debug, Clone, Copy, Serialize)]
struct Against {
    strangers_bits: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    relatives_bits: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Step {
    comparison: String,
    left: String,
    right: String,
    level: String,
    #[serde(flatten)]
    added: Against,
    sum: Against,
}

impl Explained {
    /// Returns the explanation of a pair; `values` holds what each comparison compared.
    pub(super) fn of(pair: &Pair, values: Vec<[String; 2]>) -> Self {
        let prior = Against {
            strangers_bits: pair.prior.0,
            relatives_bits: pair.prior.1,
        };
        let mut sum = prior;
        let steps = pair.steps.iter().zip(values).map(|(step, [left, right])| {
            let added = Against {
                strangers_bits: step.stranger,
                relatives_bits: prior.relatives_bits.map(|_| step.kin),
            };
            sum.strangers_bits += step.stranger;
            sum.relatives_bits = sum.relatives_bits.map(|bits| bits + step.kin);
            Step {
                comparison: step.comparison.clone(),
                left,
                right,
                level: step.level.clone(),
                added,
                sum,
            }
        });
        let steps = steps.collect();
        let kin = sum.relatives_bits;
        Self {
            left: pair.ids[0].clone(),
            right: pair.ids[1].clone(),
            prior,
            steps,
            sum,
            decided_by: match &pair.rule {
                Some(_) => "rule",
                None if kin.is_some_and(|kin| kin < sum.strangers_bits) => "relatives",
                None => "strangers",
            },
            rule: pair.rule.clone(),
            weight_bits: pair.weight,
            probability: pair.probability,
            verdict: match pair.verdict {
                Verdict::Link => "link",
                Verdict::Review => "review",
                Verdict::NonLink => "non_link",
            },
            blocking_rules: pair.blocking.clone(),
        }
    }

    /// Returns the explanation as a table and its conclusion.
    pub(super) fn to_text(&self) -> String {
        let kin = self.prior.relatives_bits.is_some();
        let mut head = vec!["comparison", "left", "right", "level", "strangers"];
        head.extend(kin.then_some("relatives"));
        head.push("sum");
        head.extend(kin.then_some("sum, relatives"));
        let row = |names: [&str; 4], added: Against, sum: Against| {
            let mut row: Vec<String> = names.map(plain).into();
            for against in [added, sum] {
                row.push(format!("{:+.2}", against.strangers_bits));
                row.extend(against.relatives_bits.map(|bits| format!("{bits:+.2}")));
            }
            row
        };
        let prior = row(["prior", "", "", ""], self.prior, self.prior);
        let steps = self.steps.iter().map(|step| {
            let names = [&step.comparison, &step.left, &step.right, &step.level];
            row(names.map(String::as_str), step.added, step.sum)
        });
        let mut text = format!("{} × {}\n\n", plain(&self.left), plain(&self.right));
        text += &table(&head, std::iter::once(prior).chain(steps));
        let why = match self.decided_by {
            "rule" => format!(
                "rule '{}' decided",
                self.rule.as_deref().unwrap_or_default()
            ),
            "relatives" => "the lesser sum, against relatives, decided".to_owned(),
            _ if kin => "the lesser sum, against strangers, decided".to_owned(),
            _ => "the sum decided".to_owned(),
        };
        let _ = write!(
            text,
            "\n\n{}: {:+.3} bits, probability {:.6}; {why}\n",
            self.verdict, self.weight_bits, self.probability
        );
        if self.blocking_rules.is_empty() {
            text += "never a candidate: \
                     no blocking rule gives both the same key in a block below its cap";
        } else {
            let _ = write!(text, "candidates by: {}", self.blocking_rules.join(", "));
        }
        text
    }
}

/// Returns a value as a terminal may show it: cut, and without signs that would steer it.
fn plain(value: &str) -> String {
    let mut letters = value.chars();
    let kept = letters.by_ref().take(ROOM);
    let mut text: String = kept
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn values_are_cut_and_cannot_steer_a_terminal() {
        assert_eq!(plain("\u{1b}[31mred"), "\u{fffd}[31mred");
        assert_eq!(plain(&"م".repeat(40)).chars().count(), 33);
    }
}
