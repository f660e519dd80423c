use super::{Decision, LinkageModel, Shares};

mod docs;
mod mistakes;
mod odd;
mod round;

/// A model that uses all there is: every column type, graded comparisons, rules, adjustments and
/// term frequencies.
pub(crate) const COMPANIES: &str = include_str!("tests/companies.toml");

#[test]
fn every_shipped_model_loads() {
    for name in LinkageModel::SHIPPED {
        let model = LinkageModel::shipped(name).unwrap();
        assert_eq!(model.name, name);
        assert_eq!(model.fingerprint().len(), 64);
        assert!(model.comparisons.len() <= crate::comparison::MOST);
    }
    assert!(LinkageModel::shipped("nowhere").is_none());
}

#[test]
fn shares_are_kept_beside_the_weights_made_of_them() {
    let mut model = LinkageModel::shipped("febrl").unwrap();
    let before = model.fingerprint().to_owned();
    let surname = model.comparisons[1].clone();
    let shares = |m, u| Shares {
        m,
        u: Some(u),
        kin: None,
    };
    assert_eq!(surname.levels()[1], "equal");
    assert_eq!(surname.shares[1], shares(0.80, 0.008));
    let mut learned = surname.shares.clone();
    learned[1] = shares(0.5, 0.125);
    model.set_shares("surname", &learned).unwrap();
    assert_eq!(model.comparisons[1].weights[1].stranger, 2 * 1024);
    assert_eq!(model.comparisons[1].weights[2], surname.weights[2]);
    assert_ne!(model.fingerprint(), before);

    model.set_shares("surname", &surname.shares).unwrap();
    assert_eq!(model.fingerprint(), before);
    let decision = Decision {
        prior: -10 * 1024,
        ..model.decision
    };
    model.set_decision(decision);
    assert_ne!(model.fingerprint(), before);
}

#[test]
fn wrong_shares_change_nothing() {
    let mut model = LinkageModel::shipped("febrl").unwrap();
    let before = model.clone();
    let mut shares = model.comparisons[1].shares.clone();
    let message = |result: Result<(), super::ModelError>| result.unwrap_err().message;
    shares[2].u = None;
    assert_eq!(
        message(model.set_shares("surname", &shares)),
        "comparison 'surname' level 'close': lacks 'u', the share of the level among strangers"
    );
    shares[2].u = Some(f64::NAN);
    assert!(message(model.set_shares("surname", &shares)).contains("must be above 0"));
    assert!(message(model.set_shares("surname", &shares[1..])).contains("has 5 levels"));
    assert!(message(model.set_shares("nobody", &shares)).contains("there is no comparison"));
    assert!(message(model.set_term_frequency(0, vec![], 0.0)).contains("must be above 0"));
    assert!(message(model.set_term_frequency(99, vec![], 0.1)).contains("no column 99"));
    assert_eq!(model, before);
}
