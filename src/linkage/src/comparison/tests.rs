mod oracle;

use super::{compare, weigh};
use crate::model::LinkageModel;
use crate::standardise::Standardised;

/// Compares two Arabic or Latin names; returns the levels of given, father and lineage.
fn levels(left: &str, right: &str) -> [&'static str; 3] {
    let model = LinkageModel::shipped("egypt").unwrap();
    let mut data = Standardised::new(&model);
    for name in [left, right] {
        let latin = name.is_ascii();
        let column = model
            .column(if latin { "name.latin" } else { "name.chain" })
            .unwrap();
        let mut cells = vec![None; model.columns.len()];
        cells[column] = Some(name);
        data.push(&model, name, &cells);
    }
    let forth = compare(&model, &data, 0, 1);
    assert_eq!(
        forth,
        compare(&model, &data, 1, 0),
        "symmetric: {left} {right}"
    );
    assert_eq!(
        weigh(&model, &forth),
        weigh(&model, &compare(&model, &data, 1, 0))
    );
    let mut found = ["absent"; 3];
    for (place, level) in found.iter_mut().enumerate() {
        *level = model.comparisons[place].kind.levels()[usize::from(forth[place].level)];
    }
    found
}

#[test]
fn spellings_of_one_chain_agree() {
    for (left, right) in [
        ("أحمد محمد على حسن", "احمد محمد علي حسن"),
        ("فاطمة حسن محمود إبراهيم", "فاطمه حسن محمود ابراهيم"),
        ("عبد الرحمن سيد أحمد علي", "عبدالرحمن سيد احمد على"),
        ("محمد حسن علي السيد", "Mohamed Hassan Aly El-Sayed"),
        (
            "جمال عبد الناصر حسين أحمد",
            "Gamal Abdel Nasser Hussein Ahmed",
        ),
    ] {
        assert_eq!(
            levels(left, right),
            ["equal", "equal", "two"],
            "{left} / {right}"
        );
    }
}

#[test]
fn different_people_differ() {
    // Known distinct names, however alike; father and son; brothers.
    assert_eq!(
        levels("أحمد محمد علي", "أحمد محمود علي"),
        ["equal", "different", "one"]
    );
    assert_eq!(
        levels("حسن علي محمد", "حسين علي محمد"),
        ["different", "equal", "one"]
    );
    assert_eq!(levels("محمد سلطان أحمد", "محمد سلمان أحمد")[1], "different");
    assert_eq!(levels("عمر خالد سعيد", "عمرو خالد سعيد")[0], "different");
    assert_eq!(
        levels("أحمد محمد علي حسن", "محمد علي حسن محمود")[0],
        "different"
    );
}

#[test]
fn slots_may_be_missing_swapped_or_shortened() {
    assert_eq!(
        levels("أحمد محمد علي حسن", "أحمد محمد حسن"),
        ["equal", "equal", "one"]
    );
    assert_eq!(
        levels("محمد أحمد سامي علي", "أحمد سامي علي"),
        ["equal", "equal", "one"]
    );
    assert_eq!(
        levels("سامي كريم حسن البدري", "كريم سامي حسن البدري"),
        ["equal", "equal", "two"]
    );
    assert_eq!(
        levels("أحمد محمد", "أحمد محمد علي"),
        ["equal", "equal", "absent"]
    );
    assert_eq!(
        levels("يوسف القاضي", "Youssef El-Kady"),
        ["equal", "equal", "absent"]
    );
    assert_eq!(
        levels("أحمد محمد البلقينى", "أحمد محمد البلقنى"),
        ["equal", "equal", "one"]
    );
}
