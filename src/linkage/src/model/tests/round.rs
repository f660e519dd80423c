use proptest::prelude::*;

use super::super::{LinkageModel, Shares};
use super::COMPANIES;

fn assert_round(model: &LinkageModel) {
    let text = model.to_toml(&[]);
    let again = LinkageModel::from_toml(&text).unwrap_or_else(|errors| {
        panic!("{errors:#?}\n{text}");
    });
    assert_eq!(&again, model);
    assert_eq!(again.to_toml(&[]), text);
    assert_eq!(again.fingerprint(), model.fingerprint());
}

#[test]
fn a_written_model_reads_back_equal() {
    for name in LinkageModel::SHIPPED {
        assert_round(&LinkageModel::shipped(name).unwrap());
    }
    assert_round(&LinkageModel::from_toml(COMPANIES).unwrap());
}

#[test]
fn a_comment_cannot_break_the_file() {
    let model = LinkageModel::from_toml(COMPANIES).unwrap();
    let comment = ["trained on 3 files\nname = \"other\"\u{7}".to_owned()];
    let text = model.to_toml(&comment);
    assert!(text.starts_with("# trained on 3 files\n# name = \"other\"\nschema = 1\n"));
    let again = LinkageModel::from_toml(&text).unwrap();
    assert_eq!(again.fingerprint(), model.fingerprint());
}

#[test]
fn layout_and_comments_are_not_part_of_the_fingerprint() {
    let model = LinkageModel::from_toml(COMPANIES).unwrap();
    let other = COMPANIES.replace("version = 3", "# a comment\nversion  =  3");
    let same = LinkageModel::from_toml(&other).unwrap();
    assert_eq!(same.fingerprint(), model.fingerprint());
    let changed = COMPANIES.replace("at_least = 0.92", "at_least = 0.93");
    let changed = LinkageModel::from_toml(&changed).unwrap();
    assert_ne!(changed.fingerprint(), model.fingerprint());
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![
        1e-12..1.0_f64,
        Just(1.0),
        Just(0.1 + 0.2),
        Just(f64::MIN_POSITIVE)
    ]
}

proptest! {
    #![proptest_config(crate::soak::cases(64))]

    #[test]
    fn learned_shares_read_back(
        m in share(), u in share(), kin in proptest::option::of(share()),
        value in "\\PC{1,12}", rare in share(),
    ) {
        let mut model = LinkageModel::from_toml(COMPANIES).unwrap();
        for id in ["title", "tax-no", "brand"] {
            let place = model.comparisons.iter().position(|c| c.id == id).unwrap();
            let mut shares = model.comparisons[place].shares.clone();
            shares[1] = Shares { m, u: Some(u), kin };
            model.set_shares(id, &shares).unwrap();
        }
        let title = model.column("title").unwrap();
        model.set_term_frequency(title, vec![(value, rare)], u).unwrap();
        let again = LinkageModel::from_toml(&model.to_toml(&[])).unwrap();
        prop_assert_eq!(again, model);
    }
}
