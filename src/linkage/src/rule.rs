//! Definite rules and adjustments: what a model says of a pair beyond the weights of its levels.

use crate::comparison::{Pair, holds};
use crate::model::{Definite, LinkageModel, Rule, Sources, scaled};
use crate::standardise::{Standardised, value};
use crate::weight::{BIT, MatchWeight};

/// How far above the link threshold a definite match stands at least.
pub(crate) const MATCH_BONUS: i32 = 20 * BIT;

/// The weight of a definite non-match.
pub(crate) const NON_MATCH: MatchWeight = MatchWeight(-64 * BIT);

/// Returns what the first rule that holds of two rows decides; `None` when none holds.
pub(crate) fn definite(
    model: &LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> Option<Definite> {
    holding(model, data, left, right).map(|rule| rule.verdict)
}

/// Returns the first rule that holds of two rows.
pub(crate) fn holding<'a>(
    model: &'a LinkageModel,
    data: &Standardised,
    left: u32,
    right: u32,
) -> Option<&'a Rule> {
    if model.rules.is_empty() {
        return None;
    }
    let pair = Pair::of(model, data, left, right);
    model.rules.iter().find(|rule| {
        let between = rule.sources.as_ref();
        between.is_none_or(|sources| are_between(&pair, sources))
            && rule.when.as_ref().is_none_or(|when| holds(&pair, when))
    })
}

/// Returns the weight of a pair of which a rule holds.
pub(crate) fn decided(model: &LinkageModel, verdict: Definite, weight: MatchWeight) -> MatchWeight {
    match verdict {
        Definite::Match => weight.max(MatchWeight(model.decision.link + MATCH_BONUS)),
        Definite::NonMatch => NON_MATCH,
    }
}

/// What part of each comparison's weight counts for a pair, in 1/1024.
pub(crate) struct Factors([i32; crate::comparison::MOST]);

impl Factors {
    /// Returns the factors of two rows, or `None` when the model adjusts nothing.
    pub(crate) fn of(
        model: &LinkageModel,
        data: &Standardised,
        left: u32,
        right: u32,
    ) -> Option<Self> {
        if model.adjusts.is_empty() {
            return None;
        }
        let pair = Pair::of(model, data, left, right);
        let mut factors = [BIT; crate::comparison::MOST];
        // The first that fits counts, so the later ones are written before it.
        for adjust in model.adjusts.iter().rev() {
            if are_between(&pair, &adjust.sources) {
                factors[adjust.comparison] = adjust.scale;
            }
        }
        Some(Self(factors))
    }

    /// Returns what is left of what one comparison adds.
    pub(crate) fn apply(&self, comparison: usize, (stranger, kin): (i32, i32)) -> (i32, i32) {
        let scale = self.0[comparison];
        (scaled(stranger, scale), scaled(kin, scale))
    }
}

/// Says whether a pair comes from such sources; never where a source is not known.
fn are_between(pair: &Pair<'_>, sources: &Sources) -> bool {
    let Some(column) = pair.model.source else {
        return false;
    };
    let kind = pair.model.columns[column].kind;
    let key = |card| value::key_of_card(pair.data, kind, column, card);
    let (Some(left), Some(right)) = (key(pair.left), key(pair.right)) else {
        return false;
    };
    match sources {
        Sources::Same => left == right,
        Sources::Different => left != right,
        Sources::Pairs(pairs) => pairs
            .iter()
            .any(|pair| pair.keys == [left, right] || pair.keys == [right, left]),
    }
}

#[cfg(test)]
mod tests;
