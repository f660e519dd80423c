//! The evidence of two records as a waterfall: what each comparison adds, and the sum so far.

use std::iter::once;

use rabt_model::Label;
use rabt_proto::linkage as pb;
use serde::Serialize;

use super::word::{self, both};
use crate::command::link::evidence_words;
use crate::render::table;

/// Signs in a bar at most; each stands for a bit.
const LONGEST: u32 = 24;

/// What speaks for and against two records being one person.
#[derive(Debug, Serialize)]
pub(super) struct Waterfall {
    prior: Against,
    steps: Vec<Step>,
    sum: Against,
    rule: Option<String>,
    weight_bits: f64,
    verdict: &'static str,
    verdict_label: Label,
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
    comparison_label: Label,
    level: String,
    level_label: Label,
    #[serde(flatten)]
    added: Against,
    sum: Against,
}

impl Waterfall {
    /// Returns the steps with their running sums.
    pub(super) fn of(explanation: &pb::PairExplanation) -> Self {
        let prior = Against::of(explanation.prior.as_ref());
        let mut sum = prior;
        let steps = explanation.steps.iter().map(|step| {
            let added = Against::of(step.evidence.as_ref());
            sum = sum.plus(added);
            Step::of(step, added, sum)
        });
        let steps = steps.collect();
        let (verdict, verdict_label) = word::verdict(explanation.verdict());
        Self {
            prior,
            steps,
            sum,
            rule: (!explanation.rule.is_empty()).then(|| explanation.rule.clone()),
            weight_bits: explanation.weight_bits,
            verdict,
            verdict_label,
        }
    }

    /// Returns the waterfall and its conclusion for people.
    pub(super) fn to_text(&self) -> String {
        let kin = self.prior.relatives_bits.is_some();
        let mut head = vec!["comparison", "level", "strangers"];
        head.extend(kin.then_some("relatives"));
        head.push("sum");
        head.extend(kin.then_some("sum, relatives"));
        head.push("a sign for each bit");
        let prior = "prior / الاحتمال المسبق".to_owned();
        let prior = cells(prior, String::new(), self.prior, self.prior);
        let steps = self.steps.iter().map(|step| {
            let names = (both(&step.comparison_label), both(&step.level_label));
            cells(names.0, names.1, step.added, step.sum)
        });
        let why = match &self.rule {
            Some(rule) => format!("rule '{rule}' decided"),
            None if kin => "the lesser sum decided".to_owned(),
            None => "the sum decided".to_owned(),
        };
        format!(
            "{}\n\n{}: {:+.2} bits; {why}",
            table(&head, once(prior).chain(steps)),
            both(&self.verdict_label),
            self.weight_bits
        )
    }
}

impl Against {
    fn of(evidence: Option<&pb::Evidence>) -> Self {
        let evidence = evidence.copied().unwrap_or_default();
        Self {
            strangers_bits: evidence.stranger_bits,
            relatives_bits: evidence.relative_bits,
        }
    }

    fn plus(self, added: Self) -> Self {
        let kin = self.relatives_bits.zip(added.relatives_bits);
        Self {
            strangers_bits: self.strangers_bits + added.strangers_bits,
            relatives_bits: kin.map(|(sum, added)| sum + added),
        }
    }

    /// Returns the evidence against the likelier of the two hypotheses.
    fn lesser(self) -> f64 {
        let kin = self.relatives_bits.unwrap_or(self.strangers_bits);
        self.strangers_bits.min(kin)
    }
}

impl Step {
    fn of(step: &pb::EvidenceStep, added: Against, sum: Against) -> Self {
        let (comparison_label, level_label) = evidence_words(&step.comparison, &step.level);
        Self {
            comparison: step.comparison.clone(),
            comparison_label,
            level: step.level.clone(),
            level_label,
            added,
            sum,
        }
    }
}

fn cells(comparison: String, level: String, added: Against, sum: Against) -> Vec<String> {
    let mut cells = vec![comparison, level];
    for against in [added, sum] {
        cells.push(format!("{:+.2}", against.strangers_bits));
        cells.extend(against.relatives_bits.map(|bits| format!("{bits:+.2}")));
    }
    cells.push(bar(sum.lesser()));
    cells
}

/// Returns the sum so far as signs: plus for one person, minus for two.
fn bar(bits: f64) -> String {
    let sign = if bits < 0.0 { "-" } else { "+" };
    let whole = (1..=LONGEST).take_while(|bit| f64::from(*bit) <= bits.abs().round());
    sign.repeat(whole.count())
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_has_a_sign_for_each_bit() {
        assert_eq!(bar(3.4), "+++");
        assert_eq!(bar(-1.6), "--");
        assert_eq!(bar(0.2), "");
        assert_eq!(bar(60.0).len(), 24);
    }
}
