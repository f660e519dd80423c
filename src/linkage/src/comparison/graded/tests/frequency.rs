use super::batch;
use crate::explanation::explain;
use crate::model::{COMPANIES, LinkageModel};
use crate::standardise::Standardised;

/// The companies of the model's tests.
fn companies(rows: [[(&str, &str); 2]; 2]) -> (LinkageModel, Standardised) {
    let model = LinkageModel::from_toml(COMPANIES).unwrap();
    let data = batch(&model, [&rows[0], &rows[1]]);
    (model, data)
}

#[test]
fn the_share_of_the_value_counts() {
    let rare = |title: &str, brand: &str| {
        let row = [("title", title), ("brand", brand)];
        let (model, data) = companies([row, row]);
        let steps = explain(&model, &data, 0, 1).steps;
        let of = |id: &str| steps.iter().find(|s| s.comparison == id).unwrap().stranger;
        (of("title"), of("brand"))
    };
    let bits = |factor: f64| factor.log2() * 1024.0;
    let near = |found: i32, expected: f64| (f64::from(found) - expected).abs() < 3.0;
    // m / u, and half of u / share: the share of the value, but not below 0.0005.
    let (common, brand) = rare("NILE trading", "x");
    assert!(
        near(common, bits(0.8 / 0.01) + 0.5 * bits(0.01 / 0.02)),
        "{common}"
    );
    let (listed, _) = rare("delta", "x");
    assert!(
        near(listed, bits(0.8 / 0.01) + 0.5 * bits(0.01 / 0.003)),
        "{listed}"
    );
    let (other, _) = rare("unheard of", "x");
    assert!(
        near(other, bits(0.8 / 0.01) + 0.5 * bits(0.01 / 0.0005)),
        "{other}"
    );
    assert!(near(brand, bits(0.7 / 0.001)), "{brand}");
}

#[test]
fn without_a_table_of_shares_a_level_keeps_its_u() {
    let text = COMPANIES;
    let (start, end) = (text.find("[[term_frequency]]"), text.find("[[rule]]"));
    let text = format!("{}{}", &text[..start.unwrap()], &text[end.unwrap()..]);
    let text = text.replace(
        "m = 0.7, term_frequency",
        "m = 0.7, u = 0.01, term_frequency",
    );
    let model = LinkageModel::from_toml(&text).unwrap();
    let row = [("title", "nile"), ("brand", "nile")];
    let data = batch(&model, [&row, &row]);
    let step = explain(&model, &data, 0, 1).steps[0].clone();
    assert_eq!(step.stranger, crate::weight::bits(0.8 / 0.01));
    let mut model = model;
    let title = model.column("title").unwrap();
    model
        .set_term_frequency(title, vec![("Nile".into(), 0.01)], 0.5)
        .unwrap();
    let same = explain(&model, &data, 0, 1).steps[0].clone();
    assert_eq!(
        same, step,
        "a value as common as the level says changes nothing"
    );
}
