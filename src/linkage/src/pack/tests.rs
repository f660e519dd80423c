use super::Pack;

#[test]
fn the_egypt_pack_loads_and_unifies_spellings() {
    let pack = Pack::shipped("egypt").unwrap();
    let lexicon = &pack.lexicon;
    assert!(lexicon.len() > 350);
    let classes = |text: &str| {
        let words = crate::standardise::name::words(&pack, text);
        assert_eq!(words.len(), 1, "{text}");
        lexicon.classes_of(&words[0])
    };
    for (left, right) in [("محمد", "Muhammad"), ("جمال", "Gamal"), ("السيد", "سيد")]
    {
        assert_ne!(classes(left), [0; 3], "{left}");
        assert_eq!(classes(left)[0], classes(right)[0], "{left} {right}");
    }
    assert_ne!(classes("محمد")[0], classes("محمود")[0]);
    assert_ne!(classes("عمر")[0], classes("عمرو")[0]);
    assert_ne!(classes("Alaa")[1], 0, "one spelling of two names");
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    let pack = include_str!("../packs/egypt/pack.toml");
    let read = |names: &str, regions: &str| Pack::read(pack, names, regions).unwrap_err();
    assert_eq!(
        read("محمد|Mohamed|a|m\nعلي|Ali|z|m", "01|x"),
        "names.csv line 2: there is no tier 'z'"
    );
    assert_eq!(
        read("محمد علي|Mohamed|a|m", "01|x"),
        "names.csv line 1: 'محمد علي' is not one word"
    );
    assert_eq!(
        read("", "01|x\nCairo"),
        "governorates.csv line 2: no code of a region"
    );
    assert!(Pack::shipped("atlantis").unwrap_err().contains("egypt"));
}
