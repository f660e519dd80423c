use super::Standardised;
use crate::model::LinkageModel;

fn cells<'a>(model: &LinkageModel, values: &[(&str, &'a str)]) -> Vec<Option<&'a str>> {
    let mut cells = vec![None; model.columns.len()];
    for (column, value) in values {
        cells[model.column(column).unwrap()] = Some(*value);
    }
    cells
}

/// Returns a card without its last word, which comes from the identity.
fn values(batch: &Standardised, row: u32) -> &[u32] {
    let card = batch.card(row);
    &card[..card.len() - 1]
}

#[test]
fn spellings_of_one_record_make_one_card() {
    let model = LinkageModel::shipped("egypt").unwrap();
    let mut batch = Standardised::new(&model);
    for (name, id, phone) in [
        ("أحمد محمد عبد الرحمن", "29002110112357", "01012345678"),
        ("احمد محمد عبدالرحمن", "٢٩٠٠٢١١٠١١٢٣٥٧", "+20 10 1234 5678"),
    ] {
        let row = cells(
            &model,
            &[
                ("name.chain", name),
                ("identifier.national_id", id),
                ("phone", phone),
            ],
        );
        batch.push(&model, name, &row);
    }
    assert_eq!(values(&batch, 0), values(&batch, 1));
}

#[test]
fn a_national_id_fills_birth_date_and_sex() {
    let model = LinkageModel::shipped("egypt").unwrap();
    let mut batch = Standardised::new(&model);
    batch.push(
        &model,
        "a",
        &cells(&model, &[("identifier.national_id", "29002110112357")]),
    );
    let card = batch.card(0);
    let slot = |id: &str| card[batch.slots[model.column(id).unwrap()].offset];
    assert_eq!(super::date::unpack(slot("birth.date")), (1990, 2, 11));
    assert_ne!(slot("sex"), 0);
}

#[test]
fn placeholders_are_absent_and_counted() {
    let model = LinkageModel::shipped("egypt").unwrap();
    let mut batch = Standardised::new(&model);
    let row = cells(
        &model,
        &[
            ("name.chain", "غير معروف"),
            ("identifier.national_id", "00000000000000"),
            ("birth.date", "1900-01-01"),
        ],
    );
    batch.push(&model, "a", &row);
    assert!(values(&batch, 0).iter().all(|word| *word == 0));
    assert_eq!(batch.placeholders(), 3);
}
