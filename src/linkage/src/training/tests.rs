mod gaps;
mod people;
mod properties;

use people::{Person, evidence, world};

use super::*;

/// Returns log2 of the ratio of two shares.
fn bits_off(learned: f64, truth: f64) -> f64 {
    (learned / truth).log2().abs()
}

#[test]
fn known_shares_are_recovered() {
    let world = world();
    let learned = train(&evidence(&world, 1)).unwrap();
    for (comparison, truth) in learned.shares.iter().zip(&world) {
        for (level, share) in comparison.iter().enumerate().skip(1) {
            let Person { m, u, kin, .. } = truth;
            let place = format!("{} level {level}: {share:?}", truth.id);
            if share.m_learned {
                assert!(bits_off(share.m, m[level - 1]) < 0.35, "{place}");
            }
            if share.u_learned {
                assert!(bits_off(share.u_mean, u[level - 1]) < 0.35, "{place}");
            }
            if share.kin_learned {
                assert!(
                    bits_off(share.kin.unwrap(), kin[level - 1]) < 0.5,
                    "{place}"
                );
            }
        }
        assert!(comparison[1].m_learned, "{}", truth.id);
        assert!(comparison[1].kin_learned, "{}", truth.id);
    }
    assert!(
        (learned.prior - people::PRIOR).abs() < 0.1,
        "{}",
        learned.prior
    );
    let kin_prior = learned.kin_prior.unwrap();
    assert!((kin_prior - people::KIN_PRIOR).abs() < 0.3, "{kin_prior}");
}

#[test]
fn without_relatives_there_are_two_classes() {
    let mut world = world();
    let mut evidence = people::evidence_of(&world, 2, 0.0);
    evidence.kin_prior = None;
    for comparison in &mut evidence.comparisons {
        for share in &mut comparison.initial {
            share.kin = None;
        }
    }
    let learned = train(&evidence).unwrap();
    assert!(learned.kin_prior.is_none());
    for (comparison, truth) in learned.shares.iter().zip(&mut world) {
        assert!(comparison.iter().all(|share| share.kin.is_none()));
        assert!(bits_off(comparison[1].m, truth.m[0]) < 0.1, "{}", truth.id);
    }
    assert!(
        learned
            .report
            .passes
            .iter()
            .all(|pass| pass.expected_kin == 0.0)
    );
}

#[test]
fn the_likelihood_never_decreases_and_the_passes_settle() {
    let learned = train(&evidence(&world(), 3)).unwrap();
    assert!(learned.report.converged);
    assert!(learned.report.passes.iter().all(|pass| pass.used));
    let objective = &learned.report.log_likelihood;
    assert!(
        objective.len() > 5 && objective.len() < 100,
        "{}",
        objective.len()
    );
    for two in objective.windows(2) {
        assert!(two[1] >= two[0] - 1e-9 * two[0].abs(), "{two:?}");
    }
}

#[test]
fn labels_outrank_the_passes_but_leave_strangers_alone() {
    let world = world();
    let mut evidence = evidence(&world, 10);
    let without = train(&evidence).unwrap();
    let [same, kin, _] = people::draw_each(&world, 11, 5000);
    evidence.labels = Some(LabelledCounts {
        same,
        different: Vec::new(),
        kin: Some(kin),
    });
    let learned = train(&evidence).unwrap();
    for ((with, without), truth) in learned.shares.iter().zip(&without.shares).zip(&world) {
        assert!(bits_off(with[1].m, truth.m[0]) < 0.05, "{}", truth.id);
        assert!(
            bits_off(with[1].kin.unwrap(), truth.kin[0]) < 0.5,
            "{}",
            truth.id
        );
        assert_eq!(with[1].u, without[1].u);
    }
    let check = learned.report.labels.unwrap();
    assert_eq!((check.same, check.different), (5000, 5000));
    assert!(
        check.same_below_zero < 500 && check.different_above_zero < 250,
        "{check:?}"
    );
}

/// A pass whose key holds some comparisons constant.
fn pass(excluded: &[usize], counts: Counts) -> Pass {
    Pass {
        rule_id: "any".to_owned(),
        excluded: excluded.to_vec(),
        counts,
    }
}

#[test]
fn hard_negatives_teach_about_relatives() {
    let world = world();
    let mut evidence = evidence(&world, 12);
    evidence.passes.clear();
    let [same, kin, strangers] = people::draw_each(&world, 13, 2000);
    evidence.labels = Some(LabelledCounts {
        same,
        different: vec![pass(&[], kin.merge(strangers))],
        kin: None,
    });
    let learned = train(&evidence).unwrap();
    for (levels, truth) in learned.shares.iter().zip(&world).take(3) {
        assert!(levels[1].kin_learned, "{}", truth.id);
        assert!(
            bits_off(levels[1].kin.unwrap(), truth.kin[0]) < 0.5,
            "{}",
            truth.id
        );
    }
}

#[test]
fn hard_negatives_say_nothing_of_the_key_that_makes_them() {
    let world = world();
    let mut evidence = evidence(&world, 18);
    evidence.passes.clear();
    let [same, ..] = people::draw_each(&world, 19, 2000);
    let keys: [&[usize]; 2] = [&[0, 3], &[6]];
    let passes = keys.map(|key| pass(key, people::draw_pass(&world, 20, key, 2000)));
    evidence.labels = Some(LabelledCounts {
        same,
        different: passes.into(),
        kin: None,
    });
    let learned = train(&evidence).unwrap();
    for (levels, truth) in learned.shares.iter().zip(&world) {
        let found = levels[1].kin.unwrap();
        assert!(bits_off(found, truth.kin[0]) < 0.5, "{} {found}", truth.id);
    }
}

#[test]
fn expectations_agree_with_the_truth() {
    let world = world();
    let evidence = evidence(&world, 15);
    let learned = train(&evidence).unwrap();
    // Father and mother agree: 7,268 of one person, 11,475 relatives, 180,000 strangers.
    let counts = &evidence.passes[1].counts;
    let buckets = expected_counts(&learned, counts);
    assert_eq!(buckets.iter().map(|b| b.pairs).sum::<u64>(), counts.pairs());
    assert!(buckets.is_sorted_by_key(|bucket| bucket.bits));
    let expected: f64 = buckets.iter().map(|b| b.expected_true).sum();
    assert!((expected / 7268.0 - 1.0).abs() < 0.05, "{expected}");
    let low = expectation(&buckets, -3);
    let high = expectation(&buckets, 3);
    assert!(
        high.precision > low.precision && high.precision > 0.95,
        "{high:?}"
    );
    assert!(high.recall < low.recall && high.recall > 0.8, "{high:?}");
    assert!(buckets[0].expected_true < 1.0);
}

#[test]
fn the_report_reads_as_text() {
    let lines = train(&evidence(&world(), 17)).unwrap().report.lines();
    assert!(lines[0].starts_with("The prior is -16.6"), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("u of 'given': 3 of 3 levels learned"))
    );
    assert!(lines.iter().all(|line| line.ends_with('.')));
}
