//! Which blocking rules are learned from.
//!
//! A pass says nothing about the comparisons that its key holds constant, so rules are chosen
//! until every comparison is free in two of them, as far as the model's rules allow. A model that
//! knows relatives has one pass more, that is made for training alone: records that share all
//! that a family shares by name, where relatives are about as many as the records of one person.

use super::pass::PassRule;
use super::{TrainingError, TrainingOptions};
use crate::model::{BlockingRule, Comparison, ComparisonType, KeyPart, LinkageModel, Take};

/// Passes in which every comparison should be free.
const FREE_IN: usize = 2;

/// The name of the pass for relatives.
const FAMILY: &str = "father+grandfather+last";

/// Returns the rules to learn from.
pub(super) fn passes(
    model: &LinkageModel,
    options: &TrainingOptions<'_>,
) -> Result<Vec<PassRule>, TrainingError> {
    let rules: Vec<BlockingRule> = if options.passes.is_empty() {
        choose(model)
    } else {
        let named = options.passes.iter().map(|id| named(model, id));
        named.collect::<Result<_, _>>()?
    };
    if let Some(id) = options
        .rules
        .iter()
        .find(|id| !rules.iter().any(|rule| rule.id == **id))
    {
        return Err(TrainingError::NoSuchPass(id.clone()));
    }
    let passes = rules.into_iter().map(|rule| {
        let constant = constant(model, &rule);
        PassRule::of(model, rule, constant)
    });
    Ok(passes.collect())
}

fn named(model: &LinkageModel, id: &str) -> Result<BlockingRule, TrainingError> {
    let own = model.blocking.iter().find(|rule| rule.id == id).cloned();
    own.or_else(|| family(model).filter(|rule| rule.id == id))
        .ok_or_else(|| TrainingError::NoSuchRule(id.to_owned()))
}

fn choose(model: &LinkageModel) -> Vec<BlockingRule> {
    let mut lacking = vec![FREE_IN; model.comparisons.len()];
    let mut chosen: Vec<usize> = Vec::new();
    let held: Vec<Vec<usize>> = model.blocking.iter().map(|r| constant(model, r)).collect();
    loop {
        let left = (0..held.len()).filter(|rule| !chosen.contains(rule));
        let gain = |rule: &usize| {
            let free = (0..lacking.len()).filter(|c| !held[*rule].contains(c));
            free.filter(|comparison| lacking[*comparison] > 0).count()
        };
        // Of rules that are as good, the one that holds less constant; of these the first.
        let best = left.min_by_key(|rule| (usize::MAX - gain(rule), held[*rule].len(), *rule));
        let Some(best) = best.filter(|rule| gain(rule) > 0) else {
            break;
        };
        for (comparison, lacking) in lacking.iter_mut().enumerate() {
            if !held[best].contains(&comparison) {
                *lacking = lacking.saturating_sub(1);
            }
        }
        chosen.push(best);
    }
    // In the order of the model: its first rules are the surest, and pairs are counted at the
    // first rule that makes them.
    chosen.sort_unstable();
    let rules = chosen.into_iter().map(|rule| model.blocking[rule].clone());
    rules.chain(family(model)).collect()
}

/// Returns the key of what a family shares by name, for a model that knows relatives.
fn family(model: &LinkageModel) -> Option<BlockingRule> {
    model.decision.kin_prior?;
    let mut comparisons = model.comparisons.iter();
    let lineage = comparisons.find(|c| c.kind == ComparisonType::Lineage)?;
    let [first, second] = [lineage.columns.first(), lineage.columns.last()];
    let columns = [*first?, *second?];
    let parts = [Take::Father, Take::Grandfather, Take::Last];
    Some(BlockingRule {
        id: FAMILY.to_owned(),
        parts: parts.map(|take| KeyPart { columns, take }).into(),
        cap: usize::MAX,
        split: Vec::new(),
    })
}

/// Returns the comparisons that the key of a rule holds constant.
pub(super) fn constant(model: &LinkageModel, rule: &BlockingRule) -> Vec<usize> {
    let comparisons = model.comparisons.iter().enumerate();
    let held = comparisons.filter(|(_, comparison)| {
        let mut parts = rule.parts.iter();
        parts.any(|part| holds(model, part, comparison))
    });
    held.map(|(index, _)| index).collect()
}

fn holds(model: &LinkageModel, part: &KeyPart, comparison: &Comparison) -> bool {
    let is_of = |column: usize| part.columns.contains(&column);
    let reads = match comparison.kind {
        ComparisonType::Given => {
            return comparison.columns.iter().any(|c| is_of(*c)) && part.take == Take::Given;
        }
        ComparisonType::Father => {
            return comparison.columns.iter().any(|c| is_of(*c)) && part.take == Take::Father;
        }
        ComparisonType::Lineage => {
            let behind = matches!(part.take, Take::Grandfather | Take::Last);
            return comparison.columns.iter().any(|c| is_of(*c)) && behind;
        }
        // Its second column only tells whether a number can be trusted.
        ComparisonType::NationalId => &comparison.columns[..1],
        ComparisonType::Exact
        | ComparisonType::Text
        | ComparisonType::Digits
        | ComparisonType::Date
        | ComparisonType::Chain
        | ComparisonType::Phone
        | ComparisonType::Residence
        | ComparisonType::Graded => &comparison.columns[..],
    };
    // A column that is filled from the key's agrees wherever it was filled.
    reads
        .iter()
        .any(|column| is_of(*column) || model.columns[*column].fill_from.is_some_and(&is_of))
}
