use proptest::prelude::*;

use super::{LineageAgreement, NameReading, SlotAgreement};
use crate::{Pack, compare_names};

fn same(left: &str, right: &str) -> bool {
    compare_names(left, right).same
}

#[test]
fn two_offices_write_one_name() {
    for (left, right) in [
        ("عبد الرؤوف حسن علي", "Abdel Raouf Hassan Aly"),
        ("رءوف حسن", "رؤوف حسن"),
        ("جاد الحق علي حسن", "جادالحق علي حسن"),
        ("نور الهدى محمد", "Nour El-Hoda Mohamed"),
        ("فاطمة الزهراء علي", "فاطمةالزهراء علي"),
        ("سيف اليزل كمال", "سيفاليزل كمال"),
        ("جورج فهمي", "چورچ فهمي"),
        ("كريم حسن", "Kerim Hassan"),
        ("Hamid Hassan", "حامد حسن"),
        ("Hamid Hassan", "حميد حسن"),
        ("هشام دنقلاوي", "Hesham Donqolawy"),
    ] {
        assert!(same(left, right), "{left} / {right}");
    }
}

#[test]
fn two_people_have_two_names() {
    for (left, right) in [
        ("حسن علي محمد", "Hussein Aly Mohamed"),
        ("كريم علي محمد", "Karam Aly Mohamed"),
        ("جلال حسن", "Galil Hassan"),
        ("شريف حسن", "شريفة حسن"),
        ("عبد الكريم حسن", "كريم حسن"),
        ("نور الدين حسن", "نور الهدى حسن"),
        // Words of no lexicon, with one skeleton.
        ("محمد الدنقلاوي", "Mohamed El-Donaqly"),
        ("Mohamed Zarfan", "Mohamed Zurfin"),
    ] {
        assert!(!same(left, right), "{left} / {right}");
    }
}

#[test]
fn slots_are_graded_one_by_one() {
    let found = compare_names("أحمد محمد علي حسن", "Ahmed Mohamed Aly Hussein");
    assert_eq!(found.given, SlotAgreement::Equal);
    assert_eq!(found.father, SlotAgreement::Equal);
    assert_eq!(found.lineage, LineageAgreement::Partial);
    assert!(!found.same);
    let found = compare_names("سامي كريم حسن البدري", "كريم سامي حسن البدري");
    assert_eq!(found.reading, NameReading::Exchanged);
    assert!(found.same);
    assert!(
        !same("سامي كريم البدري", "كريم سامي البدري"),
        "one further slot is too little"
    );
    let found = compare_names("محمد أحمد سامي علي", "أحمد سامي علي");
    assert_eq!(found.reading, NameReading::FirstLeftOut);
    assert!(!found.same, "his father's name looks the same");
    assert_eq!(compare_names("", "أحمد").given, SlotAgreement::Absent);
    assert!(!same("", ""));
}

/// Names of letters that collide, known and unknown, in both scripts.
fn name() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[اأبحدرسعفقكلمنهويىةء]{1,7}",
        "[A-Za-z]{1,9}",
        Just("محمد".to_owned()),
        Just("عبد".to_owned()),
        Just("الدين".to_owned()),
        Just("Hamid".to_owned()),
        Just("El".to_owned()),
        Just("حسن".to_owned()),
        Just("Hussein".to_owned()),
    ];
    proptest::collection::vec(word, 0..7).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(crate::soak::cases(500))]

    #[test]
    fn agreement_has_no_sides(left in name(), right in name()) {
        prop_assert_eq!(compare_names(&left, &right), compare_names(&right, &left));
    }

    #[test]
    fn a_name_is_the_same_as_itself(name in name()) {
        let found = compare_names(&name, &name);
        let pack = Pack::shipped("egypt").unwrap();
        let empty = crate::standardise::name::words(&pack, &name).is_empty();
        prop_assert_eq!(found.same, !empty, "{:?}", found);
    }

    #[test]
    fn no_text_is_too_odd(left in any::<String>(), right in any::<String>()) {
        prop_assert_eq!(compare_names(&left, &right), compare_names(&right, &left));
    }
}
