//! What was learned, written into a model.

use super::{Trained, TrainingOptions};
use crate::model::{LinkageModel, ModelError, Shares};
use crate::training::{Learned, LearnedShare};
use crate::weight::from_bits;

/// Writes what was learned into a copy of the model.
pub(super) fn write(
    model: &LinkageModel,
    learned: Learned,
    options: &TrainingOptions<'_>,
) -> Result<Trained, ModelError> {
    let mut trained = model.clone();
    for (comparison, shares) in model.comparisons.iter().zip(&learned.shares) {
        let both = shares.iter().zip(&comparison.shares);
        let shares: Vec<Shares> = both.map(|(learned, old)| settled(learned, old)).collect();
        trained.set_shares(&comparison.id, &shares)?;
    }
    let mut decision = model.decision;
    decision.prior = eighths(learned.prior);
    decision.kin_prior = learned.kin_prior.map(eighths);
    if !options.keep_thresholds {
        let fallen = model.decision.prior - decision.prior;
        decision.link -= fallen;
        decision.review -= fallen;
    }
    trained.set_decision(decision);
    let name = options.name.unwrap_or(&model.name);
    trained.set_version(name, model.version + 1);
    Ok(Trained {
        model: trained,
        report: learned.report,
    })
}

/// Returns the shares of a level, rounded to what is learned at all, so that the file can be read.
///
/// Of relatives the passes know those who share a family's names, that is brothers and sisters;
/// father and son, or a mother with another name, hardly occur among them. So shares among
/// relatives go half of the way, in bits, from the old model's to what was learned.
fn settled(learned: &LearnedShare, old: &Shares) -> Shares {
    let kin = learned.kin.map(|kin| match old.kin {
        // Also where it was not learned: then it is the old one up to the bound that seeing the
        // level rarely or never sets.
        Some(old) => (old * kin).sqrt(),
        None => kin,
    });
    Shares {
        m: three_digits(learned.m),
        u: learned.u.map(three_digits),
        kin: kin.map(three_digits),
    }
}

/// Rounds to three significant digits, through their decimal form: it reads back as the same.
fn three_digits(share: f64) -> f64 {
    format!("{share:.2e}").parse().unwrap_or(share)
}

/// Rounds bits to an eighth.
fn eighths(bits: f64) -> i32 {
    from_bits((bits * 8.0).round() / 8.0)
}
