//! Training: priors and shares of levels from pairs without labels, and from labels where there
//! are any.
//!
//! Training is mathematics over **pattern counts**: how many pairs show which levels. It never
//! sees records. Counts are whole numbers and patterns are taken in sorted order, so the same
//! pairs give the same bits in any order of arrival and on any number of threads.
//!
//! - The **prior** comes from rules whose pairs are nearly all of one person, and a stated recall.
//! - **`u`** comes from random pairs; true matches among them are taken off, and where they are
//!   most of what was seen, `u` is not learned.
//! - **`m`** comes from expectation maximisation over the pairs of several blocking rules.
//!
//! # Relatives
//!
//! Plain Fellegi-Sunter takes comparisons as independent among pairs of two people. In a family
//! they are not: brothers share father, lineage, mother and residence at once. A model with shares
//! among relatives therefore has a third class, **kin**, between *same* and *stranger*. Within the
//! class those agreements are common, so that together they say *one family* once, instead of
//! *one person* four times. That is all there is of correlation: given the class, comparisons are
//! independent. The class starts from the shares of the model file, by which it is known from
//! the other two.
//!
//! # Nothing is guessed silently
//!
//! Where the data cannot tell, the model file's value stays and the [`TrainingReport`] says so and
//! why. Levels that come to weigh the other way round than in the file are reported, not mended.

mod assembly;
mod evidence;
mod expectation;
mod expectation_maximisation;
mod labels;
mod layout;
mod passes;
mod pattern;
mod prior;
mod report;
mod sampling;
mod share;
mod u_estimation;

pub use evidence::{
    ComparisonInfo, DeterministicRule, Evidence, EvidenceError, LabelledCounts, Pass, Share,
};
pub use expectation::{Expectation, WeightBucket, expectation, expected_counts};
pub use labels::PSEUDO_COUNT;
pub use pattern::{Counts, Pattern};
pub use prior::{PriorEstimate, estimate_prior};
pub use report::{Finding, LabelCheck, PassReport, Reason, TrainingReport};
pub use sampling::{SplitMix, random_pairs};

use prior::Odds;
use share::{Settled, Shares, Table, settle};

/// The shares of one level after training. Over the levels of a comparison, `absent` left out,
/// those of one kind sum to one; only `u` sums to less where a level has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnedShare {
    /// Among pairs of one person.
    pub m: f64,
    /// Among strangers; absent where the model uses the rarity of the value.
    pub u: Option<f64>,
    /// Among strangers, over all values: equal to `u` where there is one.
    pub u_mean: f64,
    /// Among close relatives; absent where it is as among strangers.
    pub kin: Option<f64>,
    /// Whether `m` was learned; if not, it is the model file's.
    pub m_learned: bool,
    /// Whether `u_mean`, and `u` where there is one, was learned.
    pub u_learned: bool,
    /// Whether `kin` was learned.
    pub kin_learned: bool,
}

/// What training came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Log2 odds that a pair is one person, against strangers.
    pub prior: f64,
    /// The same against close relatives; absent when the model knows no relatives.
    pub kin_prior: Option<f64>,
    /// The shares by comparison and level; those of `absent` stand for no evidence.
    pub shares: Vec<Vec<LearnedShare>>,
    /// What was learned, what was not, and why.
    pub report: TrainingReport,
}

/// Learns priors and shares.
///
/// # Errors
/// Evidence in which patterns, levels and shares do not correspond.
pub fn train(evidence: &Evidence) -> Result<Learned, EvidenceError> {
    evidence.check()?;
    let mut report = TrainingReport::default();
    let (prior, estimate) = prior::prior(evidence);
    report.prior = estimate;
    assembly::report_prior(evidence, &mut report);

    let odds = Odds::of(prior, evidence.kin_prior);
    let file = Shares::of(evidence);
    let strangers = u_estimation::estimate_u(evidence, &file, odds);
    assembly::report_strangers(evidence, &strangers, &mut report);

    let table: Table = strangers.iter().map(|s| s.shares.clone()).collect();
    let start = Shares::with(evidence, table);
    let passed = passes::run(evidence, &start, odds, &mut report);
    passes::compare_with_prior(estimate, &mut report);

    let none = [false; Pattern::LEVELS];
    let settled = |pairs: &Table, file: &Table| -> Vec<Settled> {
        let tables = pairs.iter().zip(file);
        tables
            .map(|(seen, file)| settle(seen, file, &none))
            .collect()
    };
    let mut same = settled(&passed.same, &start.same);
    let mut kin = settled(&passed.kin, &start.kin);
    if let Some(labels) = &evidence.labels {
        prefer(&mut same, labels::count(&labels.same, &start.same));
        if evidence.kin_prior.is_some()
            && let Some(labelled) = labels::relatives(labels, &start, &mut report)
        {
            prefer(&mut kin, labelled);
        }
    }
    for comparison in (0..kin.len()).filter(|c| !start.kin_known[*c]) {
        kin[comparison] = Settled::kept(&start.stranger[comparison], 0.0);
    }
    let classes = assembly::Classes {
        strangers,
        same,
        kin,
        known: start.kin_known.clone(),
    };
    let mut learned = assembly::assemble(evidence, prior, &classes, &passed, report);
    if let Some(labels) = &evidence.labels {
        learned.report.labels = Some(labels::check(labels, &learned));
    }
    Ok(learned)
}

/// Puts what labels say in the place of what the passes say, comparison by comparison, where the
/// labels say anything.
fn prefer(learned: &mut [Settled], labelled: Vec<Settled>) {
    for (learned, labelled) in learned.iter_mut().zip(labelled) {
        if labelled.learned_any() {
            *learned = labelled;
        }
    }
}

#[cfg(test)]
mod tests;
