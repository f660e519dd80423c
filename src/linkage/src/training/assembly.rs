//! The parts put together, and what is to be said about them.

use super::evidence::{ComparisonInfo, Evidence};
use super::passes::Passed;
use super::report::{Finding, Reason, TrainingReport, share, whole};
use super::share::{ENOUGH, Fate, Settled, Shares, Table};
use super::{Learned, LearnedShare};

/// The shares of the three classes, by comparison.
pub(super) struct Classes {
    pub(super) strangers: Vec<Settled>,
    pub(super) same: Vec<Settled>,
    pub(super) kin: Vec<Settled>,
    /// Whether the model knows shares among relatives.
    pub(super) known: Vec<bool>,
}

/// Puts the result together.
pub(super) fn assemble(
    evidence: &Evidence,
    prior: f64,
    classes: &Classes,
    passed: &Passed,
    mut report: TrainingReport,
) -> Learned {
    let about = |name: &'static str, among: &'static str| About { name, among };
    for (index, comparison) in evidence.comparisons.iter().enumerate() {
        let covered = passed.covered[index];
        let m = about("m", "pairs of one person");
        m.report(comparison, &classes.same[index], covered, &mut report);
        if evidence.kin_prior.is_some() && classes.known[index] {
            let kin = about("kin", "pairs of relatives");
            kin.report(comparison, &classes.kin[index], covered, &mut report);
        }
        report_order(comparison, index, classes, &mut report);
    }
    let kin_prior = kin_prior(evidence, classes, passed, &mut report);
    let shares = (0..evidence.comparisons.len()).map(|index| {
        let initial = &evidence.comparisons[index].initial;
        let levels = initial.iter().enumerate();
        levels.map(move |(level, file)| learned_share(classes, index, level, file.u.is_some()))
    });
    Learned {
        prior,
        kin_prior,
        shares: shares.map(Iterator::collect).collect(),
        report,
    }
}

fn learned_share(classes: &Classes, index: usize, level: usize, has_u: bool) -> LearnedShare {
    let [same, strangers, kin] =
        [&classes.same, &classes.strangers, &classes.kin].map(|c| &c[index]);
    let u_mean = strangers.shares[level];
    LearnedShare {
        m: same.shares[level],
        u: (has_u || level == 0).then_some(u_mean),
        u_mean,
        kin: classes.known[index].then_some(kin.shares[level]),
        m_learned: same.learned(level),
        u_learned: strangers.learned(level),
        kin_learned: classes.known[index] && kin.learned(level),
    }
}

fn kin_prior(
    evidence: &Evidence,
    classes: &Classes,
    passed: &Passed,
    report: &mut TrainingReport,
) -> Option<f64> {
    let file = evidence.kin_prior?;
    let table = |class: &[Settled]| -> Table { class.iter().map(|s| s.shares.clone()).collect() };
    let shares = Shares {
        same: table(&classes.same),
        kin: table(&classes.kin),
        kin_known: classes.known.clone(),
        stranger: table(&classes.strangers),
    };
    if let Some(bits) = passed.kin_prior(&shares) {
        let number = passed.proportions.len();
        report.learned.push(format!(
            "The prior against relatives is {bits:.2} bits, from {number} passes."
        ));
        return Some(bits);
    }
    report.miss(
        Reason::TooFewPairs,
        format!(
            "The prior against relatives stays at {file:.2} bits: no pass holds enough of both."
        ),
    );
    Some(file)
}

/// Says where the prior comes from.
pub(super) fn report_prior(evidence: &Evidence, report: &mut TrainingReport) {
    if let Some(known) = report.prior {
        report.learned.push(format!(
            "The prior is {:.2} bits: {} rules at a recall of {} expect {} pairs of one person \
             among {}.",
            known.bits,
            evidence.deterministic.len(),
            evidence.recall,
            whole(known.matches),
            evidence.total_pairs,
        ));
    } else {
        report.miss(
            Reason::NoPrior,
            format!(
                "The prior stays at {:.2} bits: the deterministic rules make no pair, or their \
                 recall is not above 0 and at most 1.",
                evidence.prior
            ),
        );
    }
}

/// Says what sampling told about strangers.
pub(super) fn report_strangers(
    evidence: &Evidence,
    strangers: &[Settled],
    report: &mut TrainingReport,
) {
    for (comparison, settled) in evidence.comparisons.iter().zip(strangers) {
        let u = About {
            name: "u",
            among: "random pairs",
        };
        u.report(comparison, settled, true, report);
    }
}

/// What a report is about.
struct About {
    name: &'static str,
    among: &'static str,
}

impl About {
    fn report(
        &self,
        comparison: &ComparisonInfo,
        settled: &Settled,
        covered: bool,
        report: &mut TrainingReport,
    ) {
        let Self { name, among } = self;
        let id = &comparison.id;
        let pairs = whole(settled.pairs);
        if settled.pairs < ENOUGH {
            let (reason, why) = if covered {
                (
                    Reason::TooFewPairs,
                    format!("{pairs} {among} have both values, {ENOUGH} are needed"),
                )
            } else {
                (
                    Reason::Excluded,
                    "no usable pass leaves the comparison free".to_owned(),
                )
            };
            report.not_learned.push(Finding {
                reason,
                comparison: Some(id.clone()),
                level: None,
                sentence: format!("{name} of '{id}' stays as in the model file: {why}."),
            });
            return;
        }
        let levels = 1..comparison.levels.len();
        let learned = levels.clone().filter(|l| settled.learned(*l)).count();
        report.learned.push(format!(
            "{name} of '{id}': {learned} of {} levels learned from {pairs} {among}.",
            levels.len()
        ));
        for level in levels {
            let Some((reason, why)) = self.why(settled.fates[level], &pairs) else {
                continue;
            };
            let named = &comparison.levels[level];
            let kept = share(settled.shares[level]);
            report.not_learned.push(Finding {
                reason,
                comparison: Some(id.clone()),
                level: Some(named.clone()),
                sentence: format!("{name} of '{id}' level '{named}' is {kept}: {why}."),
            });
        }
    }

    fn why(&self, fate: Fate, pairs: &str) -> Option<(Reason, String)> {
        let among = self.among;
        let kept = "the model file's value stays, up to the bound that this sets";
        match fate {
            Fate::Learned | Fate::TooFew => None,
            Fate::NeverSeen => Some((
                Reason::NeverSeen,
                format!("it was never seen among {pairs} {among}; {kept}"),
            )),
            Fate::Rare => Some((
                Reason::Rare,
                format!("it was seen less than five times among {pairs} {among}; {kept}"),
            )),
            Fate::Hidden => Some((
                Reason::NotStrangers,
                "most sampled pairs that show it are expected to be of one person or of \
                 relatives, so sampling cannot tell; the model file's value stays"
                    .to_owned(),
            )),
        }
    }
}

/// Reports levels that weigh the other way round than in the model file.
fn report_order(
    comparison: &ComparisonInfo,
    index: usize,
    classes: &Classes,
    report: &mut TrainingReport,
) {
    let [same, strangers] = [&classes.same, &classes.strangers].map(|class| &class[index].shares);
    let initial = &comparison.initial;
    for level in 1..initial.len() - 1 {
        let (Some(u), Some(next_u)) = (initial[level].u, initial[level + 1].u) else {
            continue;
        };
        let file = (initial[level].m / u).log2() - (initial[level + 1].m / next_u).log2();
        let bits = |level: usize| (same[level] / strangers[level]).log2();
        let learned = bits(level) - bits(level + 1);
        if file >= 0.0 && learned < -0.1 {
            let (id, names) = (&comparison.id, &comparison.levels);
            report.warnings.push(Finding {
                reason: Reason::Order,
                comparison: Some(id.clone()),
                level: Some(names[level].clone()),
                sentence: format!(
                    "'{id}': level '{}' now weighs {:.1} bits less than '{}', which the model \
                     file has below it.",
                    names[level],
                    -learned,
                    names[level + 1]
                ),
            });
        }
    }
}
