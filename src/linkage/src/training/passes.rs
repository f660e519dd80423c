//! The passes of expectation maximisation, and whether what they come to can be used.

use super::evidence::{Evidence, Pass};
use super::expectation_maximisation::{Fitted, ITERATIONS, Slice, fit};
use super::layout::Both;
use super::prior::{Odds, PriorEstimate};
use super::report::{PassReport, Reason, TrainingReport, whole};
use super::share::{ENOUGH, Shares, Table};

/// What the passes came to.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    /// Expected pairs of one person at each level.
    pub(super) same: Table,
    /// Expected pairs of relatives at each level.
    pub(super) kin: Table,
    /// Whether a usable pass says something about the comparison.
    pub(super) covered: Vec<bool>,
    /// `(expected pairs of one person and of relatives, levels that the pass holds constant)` of
    /// the passes that know both classes.
    pub(super) proportions: Vec<(Both, Vec<(usize, usize)>)>,
}

/// Fits the passes. When what they come to cannot be used, all that is returned is empty.
pub(super) fn run(
    evidence: &Evidence,
    start: &Shares,
    odds: Odds,
    report: &mut TrainingReport,
) -> Passed {
    let empty: Table = start.same.iter().map(|l| vec![0.0; l.len()]).collect();
    let nothing = Passed {
        same: empty.clone(),
        kin: empty,
        covered: vec![false; start.same.len()],
        proportions: Vec::new(),
    };
    if evidence.passes.is_empty() {
        return nothing;
    }
    let each = evidence.passes.iter();
    let mut slices: Vec<Slice> = each.map(|pass| slice(pass, start, odds)).collect();
    let fitted = fit(&mut slices, start);
    let sound = is_sound(&fitted, odds, report);
    let mut passed = Passed {
        same: fitted.same,
        kin: fitted.kin,
        ..nothing.clone()
    };
    for (pass, slice) in evidence.passes.iter().zip(&slices) {
        let expected = slice.expected();
        let used = sound && has_enough(pass, expected, odds, report);
        if used {
            passed.note(pass, expected);
        }
        report.passes.push(PassReport {
            rule_id: pass.rule_id.clone(),
            pairs: pass.counts.pairs(),
            patterns: pass.counts.patterns(),
            expected_same: expected[0],
            expected_kin: expected[1],
            used,
        });
    }
    report.log_likelihood = fitted.objective;
    report.converged = fitted.converged;
    if sound { passed } else { nothing }
}

impl Pass {
    /// Returns of every comparison whether the pass leaves it free.
    pub(super) fn free(&self, shares: &Shares) -> Vec<bool> {
        let comparisons = 0..shares.same.len();
        comparisons
            .map(|comparison| !self.excluded.contains(&comparison))
            .collect()
    }
}

impl Passed {
    /// Notes what a usable pass covers.
    fn note(&mut self, pass: &Pass, expected: Both) {
        for (comparison, covered) in self.covered.iter_mut().enumerate() {
            *covered |= !pass.excluded.contains(&comparison);
        }
        if expected[1] >= ENOUGH {
            self.proportions.push((expected, constant(pass)));
        }
    }

    /// Returns the log2 odds of one person against relatives in the whole population. A pass
    /// shows those odds among pairs that agree on its key; what the key itself is worth against
    /// relatives is taken off.
    pub(super) fn kin_prior(&self, shares: &Shares) -> Option<f64> {
        let mut sum = 0.0;
        let mut weights = 0.0;
        for ([same, kin], constant) in &self.proportions {
            let key: f64 = constant
                .iter()
                .map(|(c, level)| (shares.same[*c][*level] / shares.kin[*c][*level]).log2())
                .sum();
            let weight = same.min(*kin);
            sum += weight * ((same / kin).log2() - key);
            weights += weight;
        }
        (weights > 0.0).then(|| (sum / weights).clamp(-30.0, 30.0))
    }
}

/// Returns the level at which a pass holds each of its excluded comparisons: the most frequent.
fn constant(pass: &Pass) -> Vec<(usize, usize)> {
    let mut all = Vec::with_capacity(pass.excluded.len());
    for comparison in &pass.excluded {
        let pairs = pass.counts.by_level(*comparison);
        let most = (0..pairs.len()).rev().max_by_key(|level| pairs[*level]);
        all.push((*comparison, most.unwrap_or(0)));
    }
    all
}

/// Lays a pass out. Its classes start as large as the priors and its key let expect.
fn slice(pass: &Pass, start: &Shares, odds: Odds) -> Slice {
    let free = pass.free(start);
    let [mut same, mut kin] = [odds.same, odds.kin];
    for (comparison, level) in constant(pass) {
        let ratio = start.ratio(comparison, level);
        same *= ratio[0];
        kin *= ratio[1];
    }
    let all = 1.0 + same + kin;
    let relatives = if odds.kin > 0.0 {
        (kin / all).clamp(0.001, 0.45)
    } else {
        0.0
    };
    let classes = [(same / all).clamp(0.001, 0.5), relatives];
    Slice::of(&pass.counts, &free, start, classes)
}

/// Tells whether the classes are what they are called, and reports it when they are not.
fn is_sound(fitted: &Fitted, odds: Odds, report: &mut TrainingReport) -> bool {
    if !fitted.converged {
        report.warn(
            Reason::NotConverged,
            format!("The shares had not settled after {ITERATIONS} iterations."),
        );
    }
    if let Some(other) = switched(&fitted.shares, odds) {
        report.warn(
            Reason::Switched,
            format!(
                "The passes are not used: pairs of one person came to agree less than {other}."
            ),
        );
        return false;
    }
    true
}

/// Tells whether a pass holds enough pairs of one person, and reports what it lacks.
fn has_enough(pass: &Pass, expected: Both, odds: Odds, report: &mut TrainingReport) -> bool {
    let rule = &pass.rule_id;
    let [same, kin] = expected.map(whole);
    if expected[0] < ENOUGH {
        report.warn(
            Reason::Collapsed,
            format!("Pass '{rule}' is next to nothing: it expects {same} pairs of one person."),
        );
        return false;
    }
    if odds.kin > 0.0 && expected[1] < ENOUGH {
        report.warn(
            Reason::Collapsed,
            format!("Pass '{rule}' says nothing about relatives: it expects {kin} pairs of them."),
        );
    }
    true
}

/// Names the class that agrees more than pairs of one person do: the mean weight of the first
/// levels is then below that of the last.
fn switched(shares: &Shares, odds: Odds) -> Option<&'static str> {
    let reversed = |class: &Table| {
        let comparisons = shares.same.iter().zip(class);
        let differences = comparisons.map(|(same, class)| {
            let last = same.len() - 1;
            (same[1] / class[1]).log2() - (same[last] / class[last]).log2()
        });
        differences.sum::<f64>() < 0.0
    };
    if reversed(&shares.stranger) {
        Some("strangers")
    } else if odds.kin > 0.0 && reversed(&shares.kin) {
        Some("relatives")
    } else {
        None
    }
}

/// Warns when a pass alone expects more pairs of one person than the prior allows.
pub(super) fn compare_with_prior(prior: Option<PriorEstimate>, report: &mut TrainingReport) {
    let Some(prior) = prior else { return };
    let used = report.passes.iter().filter(|pass| pass.used);
    let most = used.max_by(|a, b| a.expected_same.total_cmp(&b.expected_same));
    if let Some(pass) = most
        && pass.expected_same > 1.05 * prior.matches
    {
        let sentence = format!(
            "Pass '{}' expects {} pairs of one person, but the prior only {}: the stated recall \
             of the deterministic rules is too high.",
            pass.rule_id,
            whole(pass.expected_same),
            whole(prior.matches)
        );
        report.warn(Reason::PriorTooLow, sentence);
    }
}
