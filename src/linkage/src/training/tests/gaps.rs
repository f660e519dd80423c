//! What cannot be learned, and whether it is said.

use super::super::*;
use super::bits_off;
use super::people::{self, evidence, file_of, world};

fn reasons(learned: &Learned, comparison: &str) -> Vec<(Reason, Option<String>)> {
    let findings = learned.report.not_learned.iter();
    findings
        .filter(|finding| finding.comparison.as_deref() == Some(comparison))
        .map(|finding| (finding.reason, finding.level.clone()))
        .collect()
}

#[test]
fn an_identifier_is_not_learned_by_sampling() {
    let world = world();
    let mut evidence = evidence(&world, 4);
    // As in a small register that is sampled whole: of those with one number all are matches.
    evidence.random.add(Pattern::of([1, 1, 1, 1, 1, 1, 1]), 600);
    let learned = train(&evidence).unwrap();
    let file = evidence.comparisons[4].initial[1].u.unwrap();
    assert!(!learned.shares[4][1].u_learned);
    assert!(bits_off(learned.shares[4][1].u.unwrap(), file) < 1e-6);
    let named = (Reason::NotStrangers, Some("equal".to_owned()));
    assert!(
        reasons(&learned, "number").contains(&named),
        "{:#?}",
        learned.report
    );
    // The 600 do not spoil what many strangers share.
    assert!(bits_off(learned.shares[0][1].u.unwrap(), world[0].u[0]) < 0.1);
}

#[test]
fn a_level_never_seen_keeps_the_file_up_to_its_bound() {
    let world = world();
    let mut evidence = evidence(&world, 5);
    for share in &mut evidence.comparisons[0].initial {
        share.m *= 0.8;
        share.u = share.u.map(|u| u * 0.8);
    }
    let rare = Share {
        m: 0.1,
        u: Some(1e-8),
        kin: Some(0.1),
    };
    evidence.comparisons[0].initial.push(rare);
    evidence.comparisons[0].levels.push("unheard".to_owned());
    let learned = train(&evidence).unwrap();
    let share = learned.shares[0][4];
    assert!(!share.m_learned && !share.u_learned && !share.kin_learned);
    assert!(bits_off(share.u.unwrap(), 1e-8) < 0.5);
    assert!(
        share.m < 0.001,
        "three in ten thousand, not the file's 0.1: {}",
        share.m
    );
    let never = (Reason::NeverSeen, Some("unheard".to_owned()));
    let found = reasons(&learned, "given");
    assert_eq!(
        found.iter().filter(|f| **f == never).count(),
        3,
        "{found:?}"
    );
}

#[test]
fn a_comparison_that_is_always_absent_or_always_excluded_is_reported() {
    let world = world();
    let mut evidence = evidence(&world, 6);
    evidence.comparisons.push(ComparisonInfo {
        id: "blank".to_owned(),
        ..file_of(&world[0])
    });
    for pass in &mut evidence.passes {
        pass.excluded.push(5);
    }
    let learned = train(&evidence).unwrap();
    let few = (Reason::TooFewPairs, None);
    assert_eq!(reasons(&learned, "blank"), [few.clone(), few.clone(), few]);
    assert!(reasons(&learned, "home").contains(&(Reason::Excluded, None)));
    let (kept, file) = (learned.shares[7][1], evidence.comparisons[7].initial[1]);
    assert!(bits_off(kept.m, file.m) < 1e-6 && bits_off(kept.u.unwrap(), file.u.unwrap()) < 1e-6);
}

#[test]
fn without_counts_everything_is_kept_and_said() {
    let mut evidence = evidence(&world(), 7);
    evidence.random = Counts::default();
    evidence.deterministic.clear();
    for pass in &mut evidence.passes {
        pass.counts = Counts::default();
    }
    let learned = train(&evidence).unwrap();
    assert!((learned.prior - evidence.prior).abs() < 1e-12);
    assert_eq!(learned.kin_prior, evidence.kin_prior);
    assert!(learned.report.learned.is_empty());
    let all = learned.shares.iter().flatten();
    assert!(
        all.into_iter()
            .all(|s| !(s.m_learned || s.u_learned || s.kin_learned))
    );
    assert!(
        learned
            .report
            .warnings
            .iter()
            .all(|w| w.reason == Reason::Collapsed)
    );
}

#[test]
fn one_pattern_alone_gives_finite_shares() {
    let mut evidence = evidence(&world(), 8);
    let one: Counts = [(Pattern::of([1, 1, 1, 1, 1, 1, 1]), 1000)]
        .into_iter()
        .collect();
    evidence.random = one.clone();
    for pass in &mut evidence.passes {
        pass.counts = one.clone();
    }
    let learned = train(&evidence).unwrap();
    let mut all = learned.shares.iter().flat_map(|levels| &levels[1..]);
    assert!(all.all(|s| s.m > 0.0 && s.m < 1.0 && s.u_mean > 0.0 && s.u_mean < 1.0));
}

#[test]
fn classes_that_changed_places_are_refused() {
    let world = world();
    let mut evidence = evidence(&world, 9);
    let [same, _, strangers] = people::draw_each(&world, 9, 5000);
    evidence.kin_prior = None;
    for pass in &mut evidence.passes {
        pass.counts = same.clone().merge(strangers.clone());
    }
    // As if the sample had been drawn from pairs that agree: those that differ are left for the
    // class of one person.
    let file = Shares::of(&evidence);
    let mut start = Shares::with(&evidence, file.same);
    start.same = file.stranger;
    let mut report = TrainingReport::default();
    let passed = passes::run(&evidence, &start, Odds::of(0.0, None), &mut report);
    let warned: Vec<_> = report.warnings.iter().map(|w| w.reason).collect();
    assert_eq!(warned, [Reason::Switched]);
    assert!(report.passes.iter().all(|pass| !pass.used));
    assert!(passed.same.iter().flatten().all(|pairs| *pairs == 0.0));
}

#[test]
fn a_sample_of_matches_teaches_nothing_about_strangers() {
    let world = world();
    let mut evidence = evidence(&world, 19);
    let [same, ..] = people::draw_each(&world, 19, 5000);
    evidence.random = same;
    let learned = train(&evidence).unwrap();
    for (levels, file) in learned.shares.iter().zip(&evidence.comparisons) {
        assert!(levels.iter().all(|share| !share.u_learned));
        for (share, file) in levels.iter().zip(&file.initial).skip(1) {
            assert!(bits_off(share.u_mean, file.u.unwrap()) < 1e-6, "{file:?}");
        }
    }
}

#[test]
fn a_recall_stated_too_high_is_noticed() {
    let mut evidence = evidence(&world(), 14);
    evidence.deterministic[0].pairs = 1000;
    evidence.recall = 1.0;
    let learned = train(&evidence).unwrap();
    let mut warnings = learned.report.warnings.iter();
    assert!(warnings.any(|w| w.reason == Reason::PriorTooLow));
    assert!(estimate_prior(&evidence.deterministic, 0.0, 10).is_none());
}

#[test]
fn evidence_that_does_not_correspond_is_refused() {
    let good = evidence(&world(), 16);
    let refused = |change: fn(&mut Evidence)| {
        let mut evidence = good.clone();
        change(&mut evidence);
        train(&evidence).unwrap_err().to_string()
    };
    let level = refused(|e| e.random.add(Pattern::of([9]), 1));
    assert_eq!(level, "comparison 'given' has no level 9");
    let shares = refused(|e| e.comparisons[1].initial[1].m = 0.0);
    assert!(shares.contains("comparison 'father'"), "{shares}");
    let pass = refused(|e| e.passes[0].excluded.push(7));
    assert!(pass.contains("pass 'birth+given'"), "{pass}");
    assert!(refused(|e| e.prior = f64::NAN).contains("prior"));
}
