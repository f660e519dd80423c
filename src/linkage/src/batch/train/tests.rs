use std::sync::Arc;

use super::super::*;

/// Returns companies-like records of the shipped schema for another country: people, most with a
/// second record that has a slip, in the order that `turn` gives.
fn batch(turn: impl Fn(usize) -> usize) -> Batch {
    const PEOPLE: usize = 600;
    let model = Arc::new(LinkageModel::shipped("febrl").unwrap());
    let standardiser = Standardiser::new(Arc::clone(&model));
    standardiser.read(0, |push| {
        for place in 0..2 * PEOPLE {
            let record = turn(place);
            let (person, copy) = (record / 2, record % 2);
            let pick = |salt: usize, among: usize| (person * 7919 + salt * 104_729) / 13 % among;
            let given = format!("g{}na", pick(1, 90));
            let family = format!("f{}ly", pick(2, 150));
            let digits = [
                pick(3, 120).to_string(),
                (1000 + pick(4, 300)).to_string(),
                (1_000_000 + person * 17 + copy * usize::from(person % 9 == 0)).to_string(),
            ];
            let street = format!(
                "street {}",
                pick(5, 200) + copy * usize::from(person % 7 == 0)
            );
            let suburb = format!("town {}", pick(6, 80));
            let born = format!(
                "19{:02}{:02}{:02}",
                pick(7, 90) + 10,
                pick(8, 12) + 1,
                pick(9, 28) + 1
            );
            let cells = [
                Some(given.as_str()),
                Some(family.as_str()),
                Some(digits[0].as_str()),
                Some(street.as_str()),
                None,
                Some(suburb.as_str()),
                Some(digits[1].as_str()),
                Some("nsw"),
                Some(born.as_str()),
                Some(digits[2].as_str()),
            ];
            push(&format!("{person}-{copy}"), &cells);
        }
    });
    standardiser.finish()
}

#[test]
fn training_depends_on_no_order_and_no_threads() {
    let options = TrainingOptions {
        random_pairs: 20_000,
        ..TrainingOptions::default()
    };
    let one = batch(|place| place).train(&options).unwrap();
    assert_eq!(one.model.version, 2);
    assert!(
        one.report.passes.iter().any(|pass| pass.used),
        "{:?}",
        one.report
    );
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .unwrap();
    let other = threads.install(|| batch(|place| 1199 - place).train(&options).unwrap());
    assert_eq!(one.model.fingerprint(), other.model.fingerprint());
    assert_eq!(one.report.lines(), other.report.lines());
}

#[test]
fn a_trained_model_reads_back() {
    let labels: Vec<Option<u32>> = (0..1200).map(|row| Some(row / 2)).collect();
    let options = TrainingOptions {
        labels: Some(&labels),
        ..TrainingOptions::default()
    };
    let trained = batch(|place| place).train(&options).unwrap().model;
    let back = LinkageModel::from_toml(&trained.to_toml(&[])).unwrap();
    assert_eq!(back, trained);
}

#[test]
fn thresholds_stay_or_move_against_the_prior() {
    let batch = batch(|place| place);
    let old = batch.model().decision;
    let decision = |keep_thresholds| {
        let options = TrainingOptions {
            keep_thresholds,
            ..TrainingOptions::default()
        };
        batch.train(&options).unwrap().model.decision
    };
    let kept = decision(true);
    assert_ne!(kept.prior, old.prior);
    assert_eq!((kept.link, kept.review), (old.link, old.review));
    let moved = decision(false);
    assert_eq!(moved.prior, kept.prior);
    // A weight is prior and evidence, so what is asked of the evidence is the same as before.
    for (new, old_bound) in [(moved.link, old.link), (moved.review, old.review)] {
        assert_eq!(new - moved.prior, old_bound - old.prior);
    }
}

#[test]
fn what_does_not_exist_is_refused() {
    let passes = ["no such rule".to_owned()];
    let batch = batch(|place| place);
    let options = TrainingOptions {
        passes: &passes,
        ..TrainingOptions::default()
    };
    let wrong = batch.train(&options).unwrap_err();
    assert_eq!(wrong, TrainingError::NoSuchRule(passes[0].clone()));
    let options = TrainingOptions {
        labels: Some(&[None]),
        ..TrainingOptions::default()
    };
    assert!(matches!(
        batch.train(&options),
        Err(TrainingError::Labels { .. })
    ));
}

#[test]
fn every_comparison_is_free_in_two_passes() {
    for name in LinkageModel::SHIPPED {
        let model = LinkageModel::shipped(name).unwrap();
        assert_eq!(train::least_free(&model), 2, "{name}");
    }
}
