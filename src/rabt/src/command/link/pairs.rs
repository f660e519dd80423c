//! Two records side by side, and why they have their weight.

use std::collections::BTreeSet;

use rabt_linkage::{BIT, Candidates, LinkageModel};

use super::input::Again;
use super::report::data::{CellPair, Pair, Thresholds, WaterfallStep};
use super::run::Records;

/// Returns a weight in bits.
pub(super) fn in_bits(weight: i32) -> f64 {
    f64::from(weight) / f64::from(BIT)
}

/// Returns the prior and the thresholds of a model, in bits.
pub(super) fn thresholds(model: &LinkageModel) -> Thresholds {
    Thresholds {
        link: in_bits(model.decision.link),
        review: in_bits(model.decision.review),
        prior: in_bits(model.decision.prior),
        kin_prior: model.decision.kin_prior.map(in_bits),
    }
}

/// Returns two records side by side. Nothing is said of their truth, nor of why they are shown.
pub(super) fn pair(
    records: &Records,
    again: &Again,
    candidates: &Candidates<'_>,
    [left, right]: [u32; 2],
) -> Pair {
    let explanation = records.batch.explain(left, right);
    let steps = explanation.steps.iter().map(|step| WaterfallStep {
        comparison: step.comparison.clone(),
        level: step.level.clone(),
        stranger: in_bits(step.stranger),
        kin: in_bits(step.kin),
    });
    let (stranger, kin) = explanation.prior;
    Pair {
        ids: [left, right].map(|row| records.names.id(row as usize).to_owned()),
        cells: cells(&records.model, again, [left, right]),
        weight: explanation.weight.as_bits(),
        probability: explanation.weight.probability(),
        verdict: explanation.verdict,
        fault: None,
        reason: None,
        blocking: candidates.shared_rules(left, right),
        prior: (in_bits(stranger), kin.map(in_bits)),
        steps: steps.collect(),
        rule: explanation.rule.clone(),
    }
}

/// Returns the columns that either record has: those of the model in its order, then the others.
fn cells(model: &LinkageModel, again: &Again, rows: [u32; 2]) -> Vec<CellPair> {
    let mut seen = BTreeSet::new();
    let columns = rows.iter().flat_map(|row| again.cells(*row));
    let columns = columns.filter(|(column, _)| seen.insert(column.as_str()));
    let mut columns: Vec<&String> = columns.map(|(column, _)| column).collect();
    columns.sort_by_key(|column| model.column(column).unwrap_or(usize::MAX));
    let columns = columns.into_iter();
    columns
        .map(|column| CellPair {
            column: column.clone(),
            values: rows.map(|row| again.value(row, column).map(shown)),
        })
        .collect()
}

/// Letters of a value that are shown; a longer one is cut.
const LONGEST: usize = 200;

fn shown(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
