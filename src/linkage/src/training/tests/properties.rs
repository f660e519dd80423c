use proptest::prelude::*;

use super::super::*;
use super::people::{evidence, world};

/// Counts of arbitrary patterns of the world's comparisons.
fn counts() -> impl Strategy<Value = Counts> {
    let pattern = (prop::array::uniform6(0_u8..4), 0_u8..3);
    let pattern = pattern.prop_map(|(six, last)| Pattern::of(six.into_iter().chain([last])));
    prop::collection::vec((pattern, 0_u64..100_000), 0..40)
        .prop_map(|all| all.into_iter().collect())
}

fn arbitrary() -> impl Strategy<Value = Evidence> {
    let passes = prop::collection::vec((counts(), prop::collection::vec(0_usize..7, 0..7)), 0..4);
    let different =
        prop::collection::vec((counts(), prop::collection::vec(0_usize..7, 0..7)), 0..3);
    let labels = prop::option::of((counts(), different, prop::option::of(counts())));
    let prior = (
        0_u64..1_000_000,
        0.0..1.5_f64,
        prop::option::of(-5.0..5.0_f64),
    );
    (counts(), passes, labels, prior).prop_map(|(random, passes, labels, prior)| {
        let mut evidence = template();
        evidence.random = random;
        evidence.deterministic[0].pairs = prior.0;
        evidence.recall = prior.1;
        evidence.kin_prior = prior.2;
        let pass = |(counts, excluded)| Pass {
            rule_id: "any".to_owned(),
            excluded,
            counts,
        };
        evidence.passes = passes.into_iter().map(pass).collect();
        evidence.labels = labels.map(|(same, different, kin)| LabelledCounts {
            same,
            different: different.into_iter().map(pass).collect(),
            kin,
        });
        evidence
    })
}

/// The world's model, with a level whose rarity is used and a comparison that knows no relatives.
fn template() -> Evidence {
    static TEMPLATE: std::sync::OnceLock<Evidence> = std::sync::OnceLock::new();
    let evidence = TEMPLATE.get_or_init(|| {
        let mut evidence = evidence(&world(), 1);
        evidence.comparisons[0].initial[1].u = None;
        for share in &mut evidence.comparisons[5].initial {
            share.kin = None;
        }
        evidence
    });
    evidence.clone()
}

proptest! {
    // A case is a whole training, so a soak run tries thousands of them and no million.
    #![proptest_config(crate::soak::at_most(64, 10_000))]

    #[test]
    fn shares_are_shares(evidence in arbitrary()) {
        let learned = train(&evidence).unwrap();
        prop_assert!(learned.prior.is_finite());
        prop_assert_eq!(learned.kin_prior.is_some(), evidence.kin_prior.is_some());
        prop_assert!(learned.kin_prior.is_none_or(f64::is_finite));
        for levels in &learned.shares {
            let levels = &levels[1..];
            let kin: Option<Vec<f64>> = levels.iter().map(|s| s.kin).collect();
            let all = [
                levels.iter().map(|s| s.m).collect(),
                levels.iter().map(|s| s.u_mean).collect(),
                kin.unwrap_or_else(|| vec![0.5; 2]),
            ];
            for shares in all {
                prop_assert!(shares.iter().all(|s| *s > 0.0 && *s < 1.0), "{:?}", shares);
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", shares);
            }
        }
        for two in learned.report.log_likelihood.windows(2) {
            prop_assert!(two[1] >= two[0] - 1e-7 * (1.0 + two[0].abs()), "{:?}", two);
        }
        for bucket in expected_counts(&learned, &evidence.random) {
            prop_assert!(bucket.expected_true.is_finite());
        }
    }

    #[test]
    fn the_order_of_counting_leaves_every_bit(seed in 0_u64..1000) {
        let evidence = evidence_small(seed);
        let mut other = evidence.clone();
        for pass in &mut other.passes {
            let mut all = pass.counts.sorted();
            all.reverse();
            pass.counts = all.into_iter().collect();
        }
        prop_assert_eq!(train(&evidence).unwrap(), train(&other).unwrap());
    }
}

proptest! {
    #![proptest_config(crate::soak::cases(64))]

    #[test]
    fn merging_does_not_depend_on_order(parts in prop::collection::vec(counts(), 0..5), turn in 0_usize..5) {
        let sum = |parts: &[Counts]| parts.iter().cloned().fold(Counts::default(), Counts::merge);
        let mut turned = parts.clone();
        turned.rotate_left(turn.min(parts.len()));
        turned.reverse();
        prop_assert_eq!(sum(&parts).sorted(), sum(&turned).sorted());
        let halves = sum(&parts[..parts.len() / 2]).merge(sum(&parts[parts.len() / 2..]));
        prop_assert_eq!(sum(&parts), halves);
    }

    #[test]
    fn a_pattern_gives_its_levels_back(levels in prop::collection::vec(0_u8..16, 0..32)) {
        let pattern = Pattern::of(levels.iter().copied());
        for (comparison, level) in levels.iter().enumerate() {
            prop_assert_eq!(pattern.level(comparison), usize::from(*level));
        }
    }

    #[test]
    fn random_pairs_are_pairs(records in 0_u32..50, wanted in 0_u64..2000, seed: u64) {
        let pairs: Vec<_> = random_pairs(records, wanted, seed).collect();
        let all = u64::from(records) * u64::from(records.saturating_sub(1)) / 2;
        prop_assert_eq!(pairs.len() as u64, all.min(wanted));
        prop_assert!(pairs.iter().all(|(left, right)| left < right && *right < records));
    }
}

/// Evidence of few patterns, from labelled draws.
fn evidence_small(seed: u64) -> Evidence {
    let mut evidence = template();
    let [same, kin, strangers] = super::people::draw_each(&world(), seed, 300);
    evidence.passes.truncate(1);
    evidence.passes[0].counts = same.merge(kin).merge(strangers);
    evidence
}
